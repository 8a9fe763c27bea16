//! Assembles the interpreter for the target: bytes, a listing that links them as text, and tables of where everything is.

#[allow(dead_code, reason = "shared with the library, which uses the rest")]
mod activation;
#[allow(dead_code, reason = "shared with the library, which uses the rest")]
mod classes;
mod generate;
#[allow(dead_code, reason = "shared with the library, which uses the rest")]
mod plan;

use std::path::PathBuf;
use std::{env, fs};

use terrace_masm::x64::X64;

fn main() {
    for path in ["build.rs", "activation.rs", "classes.rs", "fusions.txt", "generate", "plan.rs"] {
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
    let bytes = out.join("interp.bin");
    let write = |name: &str, contents: &[u8]| fs::write(out.join(name), contents).expect("OUT_DIR can be written to");
    write("interp.bin", &output.bytes);
    write(
        "interp.s",
        generate::listing::assembly(&output, &bytes.display().to_string(), &os, &X64::unwind(generate::STACK))
            .as_bytes(),
    );
    write("tables.rs", generate::listing::tables(&output).as_bytes());
}
