//! The op table, instruction words and shared memory layouts of the Terrace engine.
//!
//! Light and free of unsafe code, so that build scripts can use it. The target architecture is a value here, never a `cfg`.
#![forbid(unsafe_code)]

pub mod heap;
pub mod layout;
pub mod meaning;
pub mod memory;
pub mod op;
mod table;
pub mod trap;
pub mod ty;
pub mod vm;
pub mod word;

pub use op::{Form, Op, OpInfo, Shape, Traits};
pub use trap::TrapKind;
pub use ty::Ty;
pub use word::Word;
