//! Has the linker put the functions that every run goes through side by side.
//!
//! The system maps a program in blocks around the places that are touched. Where these are strewn over the whole program, most of
//! it becomes resident and each block costs a page fault; the time of a small guest is made of such costs.
//!
//! `startup.txt` names the functions, and `startup.py` writes it. A name that is no longer true does no harm: the function is
//! where it would be without it.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=startup.txt");
    if !applies() {
        return;
    }
    let patterns = fs::read_to_string("startup.txt").expect("part of the package");
    // `.text.unlikely` has what is marked as cold.
    let sections: String =
        patterns.lines().map(|pattern| format!("*(.text.{pattern} .text.unlikely.{pattern})\n")).collect();
    // Augments the linker's own layout.
    let script = format!("SECTIONS {{ .text.startup : {{\n{sections}}} }}\nINSERT BEFORE .text;\n");
    let path = PathBuf::from(variable("OUT_DIR")).join("startup.ld");
    fs::write(&path, script).expect("OUT_DIR can be written to");
    println!("cargo:rustc-link-arg-bins=-T{}", path.display());
}

/// Whether the program is optimized, and the linker one that is known to take such scripts: the compiler's choice for the
/// target, which is LLD or GNU ld.
fn applies() -> bool {
    let chosen = env::var_os("RUSTC_LINKER").is_some() || variable("CARGO_ENCODED_RUSTFLAGS").contains("link");
    let target = ["ARCH", "OS", "ENV"].map(|part| variable(&format!("CARGO_CFG_TARGET_{part}")));
    variable("PROFILE") == "release" && target == ["x86_64", "linux", "gnu"] && !chosen
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"))
}
