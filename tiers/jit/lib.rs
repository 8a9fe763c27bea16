//! Terrace's template JIT: bytecode to machine code in two linear passes.
//!
//! The first pass chooses which locals each loop keeps in registers (`analyze`), the second emits (`emit`): the templates of the
//! interpreter's handlers, with operands burned in. Code is position-independent data until it is installed.
//!
//! Compiled code and the interpreter are one machine. They share frames, the entry from the host, helpers for whatever is rare, and
//! unwinding, so this crate stands on the interpreter's, and an activation can change sides at any loop.

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod analyze;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod emit;
mod tiers;

pub use tiers::{Jit, Tiered, compile_mapped};
