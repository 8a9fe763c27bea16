//! Register bytecode: immutable functions, and reading, printing and checking them.
//!
//! A [`Function`] is made once per (wasm function, [`CodeConfig`]) and shared between instances and threads. Every position
//! that anything else refers to (traps, safepoints, handlers, loops) is a pc: the index of an instruction's first word.

mod decode;
mod disasm;
mod function;
mod imports;
mod positions;
mod references;
pub mod verify;

pub use decode::{DecodeError, Instruction, Instructions, OperandValue, Target};
pub use disasm::{disassemble, slot_name};
pub use function::{CodeConfig, Function, Handler, Join, Level, LocalUse, Loop};
pub use imports::ImportCounts;
pub use positions::{Positions, PositionsBuilder};
pub use references::{References, ReferencesBuilder};
pub use verify::{Verified, VerifyError, verify};
