//! What the compiler takes in: an assembly listing that includes the bytes with a symbol for every piece, and tables for the linker.

use std::fmt::Write;

use super::{Output, UNIT};

/// The assembly listing for bytes in the file at `path`.
///
/// All code behind `start` has one native frame, that of the function which started the activation, so that unwinders can walk
/// through with a single description.
pub fn assembly(output: &Output, path: &str, os: &str, unwind: &str) -> String {
    let macos = os == "macos";
    let prefix = if macos { "_" } else { "" };
    let path = path.replace('\\', "\\\\").replace('"', "\\\"");
    let mut text = String::new();
    let mut line = |line: &str| writeln!(text, "{line}").expect("strings can be written to");
    match macos {
        true => line(".section __TEXT,__text,regular,pure_instructions"),
        false => line(".section .text.terrace_interp,\"ax\",@progbits"),
    }
    line(&format!(".p2align 6\n.globl {prefix}terrace_interp\n{prefix}terrace_interp:"));
    if !macos {
        line(".hidden terrace_interp");
    }
    let mut at = 0;
    for symbol in &output.symbols {
        if symbol.at > at {
            line(&format!(".incbin \"{path}\", {at}, {}", symbol.at - at));
        }
        let name = format!("{prefix}terrace_interp_{}", symbol.name);
        line(&format!("{name}:"));
        if !macos {
            line(&format!(".type {name}, @function"));
        }
        line(&format!(".incbin \"{path}\", {}, {}", symbol.at, symbol.end - symbol.at));
        if !macos {
            line(&format!(".size {name}, {}", symbol.end - symbol.at));
        }
        at = symbol.end;
        // Nothing is above the function that starts an activation, which sets the frame up.
        if symbol.name == "start" {
            line(".cfi_startproc");
            line(unwind);
        }
    }
    if output.bytes.len() > at {
        line(&format!(".incbin \"{path}\", {at}, {}", output.bytes.len() - at));
    }
    line(".cfi_endproc");
    line(".text");
    text
}

/// Rust source of the tables.
pub fn tables(output: &Output) -> String {
    let mut text = String::new();
    let numbers = output.plans.iter().map(|&(number, _)| usize::from(number) + 1).max().unwrap_or(0);
    let mut places = vec![u16::MAX; numbers];
    for (place, &(number, _)) in (0..).zip(&output.plans) {
        places[usize::from(number)] = place;
    }
    let plans: Vec<_> = output.plans.iter().map(|(_, plan)| plan).collect();
    let mut item = |name: &str, ty: &str, value: String| {
        writeln!(text, "pub(crate) static {name}: {ty} = {value};").expect("strings can be written to");
    };
    item("OFFSETS", &format!("[u16; {}]", output.offsets.len()), format!("{:?}", output.offsets));
    item("PLANS", &format!("[Plan; {}]", plans.len()), format!("{plans:?}"));
    item("PLAN_PLACES", &format!("[u16; {}]", places.len()), format!("{places:?}"));
    let fused: Vec<(u16, u16)> = output.fused.iter().map(|&(_, second, at)| (second, at)).collect();
    let from = |index: usize| output.fused.partition_point(|&(first, ..)| usize::from(first) < index) as u16;
    let froms: Vec<u16> = (0..=output.offsets.len()).map(from).collect();
    item("FUSED", &format!("[(u16, u16); {}]", fused.len()), format!("{fused:?}"));
    item("FUSED_FROM", &format!("[u16; {}]", froms.len()), format!("{froms:?}"));
    item("ENTERS", &format!("[u16; {}]", output.enters.len()), format!("{:?}", output.enters));
    item("LINKS", &format!("[u16; {}]", output.links.len()), format!("{:?}", output.links));
    item("STUBS", &format!("[usize; {}]", output.stubs.len()), format!("{:?}", output.stubs));
    let mut constant = |name: &str, value: usize| {
        writeln!(text, "pub(crate) const {name}: usize = {value};").expect("strings can be written to");
    };
    constant("LENGTH", output.bytes.len());
    constant("START", output.start);
    constant("COMPILED", output.compiled.into());
    constant("RETURNED", output.returned);
    constant("OUT_OF_BOUNDS", output.out_of_bounds);
    constant("PROBED", output.probed);
    constant("MEMORY_REGISTER", output.memory_register.into());
    constant("INSTANCE_REGISTER", output.instance_register.into());
    constant("UNIT_BYTES", UNIT);
    constant("SITE", output.site.into());
    text
}
