//! The machine that tests run on, and what runs code there.
#![cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]

mod executable;

pub use executable::Executable;
use terrace_masm::Masm;
#[cfg(target_arch = "aarch64")]
pub use terrace_masm::a64::A64 as Native;
#[cfg(target_arch = "x86_64")]
pub use terrace_masm::x64::X64 as Native;

/// A function of the C ABI.
pub fn assemble(emit: impl FnOnce(&mut Native)) -> Executable {
    let mut m = Native::new();
    emit(&mut m);
    m.finish();
    Executable::new(m.buffer().bytes())
}
