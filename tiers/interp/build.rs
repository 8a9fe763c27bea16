//! Assembles the interpreter for the target: bytes, a listing that links them as text, and tables of where everything is.

mod activation;
mod classes;
mod generate;

use std::path::PathBuf;
use std::{env, fs};

use terrace_masm::x64::X64;

fn main() {
    for path in ["build.rs", "activation.rs", "classes.rs", "fusions.txt", "generate"] {
        println!("cargo:rerun-if-changed={path}");
    }
    let variable = |name| env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"));
    let out = PathBuf::from(variable("OUT_DIR"));
    // The target's, not the build machine's.
    let (arch, os) = (variable("CARGO_CFG_TARGET_ARCH"), variable("CARGO_CFG_TARGET_OS"));
    println!("cargo:rustc-check-cfg=cfg(terrace_assembled)");
    if arch != "x86_64" {
        return;
    }
    println!("cargo:rustc-cfg=terrace_assembled");
    let output = generate::generate::<X64>();
    sizes(&output);
    let bytes = out.join("interp.bin");
    let write = |name: &str, contents: &[u8]| fs::write(out.join(name), contents).expect("OUT_DIR can be written to");
    write("interp.bin", &output.bytes);
    write("interp.s", generate::listing::assembly(&output, &bytes.display().to_string(), &arch, &os).as_bytes());
    write("tables.rs", generate::listing::tables(&output).as_bytes());
}
#[allow(dead_code)]
fn sizes(output: &generate::Output) {
    let mut by: std::collections::BTreeMap<String, (usize, usize)> = Default::default();
    for s in &output.symbols { let mut it = s.name.rsplitn(2, '_'); let _=it.next(); let key = s.name.split("_loop").next().unwrap().trim_end_matches("_explicit"); let key = &key[..key.len().saturating_sub(4)]; let e = by.entry(key.to_string()).or_default(); e.0 += 1; e.1 += s.end - s.at; }
    let mut v: Vec<_> = by.into_iter().collect(); v.sort_by_key(|x| std::cmp::Reverse(x.1.1));
    let mut text=String::new(); for (k, (n, b)) in v { text += &format!("{k} {n} {b}\n"); } std::fs::write("/tmp/sizes.txt", text).unwrap();
}
