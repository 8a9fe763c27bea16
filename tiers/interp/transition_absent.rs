//! Where the interpreter is not available, compilers have no modules to prepare: their tiers ask it first.

use terrace_core::runtime::Module;
use terrace_core::tier::code::{CodeError, MachineCode};

/// Makes room for compiled code beside a module's functions.
pub fn prepare(_: &Module) -> Result<(), CodeError> {
    unreachable!("without handlers the tier is not available")
}

/// Installs machine code of functions that a prepared module defines.
///
/// # Safety
///
/// The code must do what the functions do, and keep to the rules of frames and stubs.
pub unsafe fn install(_: &Module, _: Vec<(u32, MachineCode)>) -> Result<(), CodeError> {
    unreachable!("without handlers no module is prepared")
}
