//! What every function's bytecode must fulfil, checked without trust in the translator.
//!
//! Interpreters, compilers and the collector rely on these properties and do not check them again. The structural part is
//! linear in the code. The dataflow part follows the kind of every slot along every path, derives from it which slots hold
//! references at each safepoint, and compares that with what the translator recorded. Its cost may grow with slots times
//! blocks, so it runs on a budget; wasm can make functions that exceed it.

mod effects;
mod liveness;
mod slots;
mod structure;
#[cfg(test)]
mod tests;
mod types;

use terrace_abi::layout::Kind;

use super::Function;
use super::decode::DecodeError;
pub use types::{CodeTypes, Signature, SlotKind, WasmTypes};

/// Steps that the dataflow part may take; a step is about one slot of one block.
const BUDGET: u64 = 1 << 26;

/// How much of a function was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
    /// Everything.
    Fully,
    /// The structure; the function is too large for the dataflow part.
    Skipped,
}

/// Why a function is not valid bytecode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem} (at pc {pc})")]
pub struct VerifyError {
    /// The instruction; 0 for the function as a whole.
    pub pc: u32,
    /// What is wrong there.
    pub problem: Problem,
}

/// A property that bytecode lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// No instruction can be decoded.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// Branch displacements cannot span the code.
    #[error("the code is too long")]
    TooLong,
    /// Control can leave the code at its end.
    #[error("the code's last instruction does not end it")]
    NoEnd,
    /// The frame's slot counts contradict each other or the function's type.
    #[error("the frame's slot counts are inconsistent")]
    Frame,
    /// The stack charge is below the frame's size.
    #[error("the stack charge does not cover the frame")]
    Charge,
    /// An operand's slots lie outside the frame.
    #[error("slot {0} is outside the frame")]
    OutsideFrame(u32),
    /// An index that the module does not have.
    #[error("no {0:?} {1}")]
    Index(Kind, u64),
    /// A lane, shift or count that its operation does not have.
    #[error("{0:?} {1} is out of range")]
    Range(Kind, u64),
    /// A form that only an ordinary 32-bit memory 0 allows.
    #[error("memory 0 does not allow this form")]
    MemoryForm,
    /// A branch or handler target that is no instruction.
    #[error("target {0} is not an instruction")]
    Target(u32),
    /// A forward branch that enters a loop behind its head.
    #[error("target {0} lies inside a loop")]
    IntoLoop(u32),
    /// A backward branch that is no back edge: those go from a loop's body to the instruction behind its head.
    #[error("the branch back to {0} is not a back edge")]
    NotBackEdge(u32),
    /// A branch or loop head with another loop depth than its loop's.
    #[error("loop depth {found} instead of {expected}")]
    LoopDepth {
        /// What the instruction says.
        found: u16,
        /// What the table of loops says.
        expected: u16,
    },
    /// A loop head that the table of loops does not have.
    #[error("loop head without loop")]
    LoopHead,
    /// A counted place that is neither the function's entry nor a loop's.
    #[error("nothing is to be counted here")]
    Profile,
    /// An entry of the table of loops that is not sorted, nested or at a loop head.
    #[error("loop {0} is malformed")]
    Loop(u32),
    /// A handler whose range is no sequence of instructions.
    #[error("handler {0} covers no instructions")]
    HandlerRange(u32),
    /// Handlers that overlap, or an outer one before an inner one.
    #[error("handler {0} is not properly nested")]
    HandlerOrder(u32),
    /// An instruction that can stop, without a wasm offset.
    #[error("no wasm offset")]
    NoPosition,
    /// A wasm offset at a place that is no instruction.
    #[error("wasm offset without instruction")]
    StrayPosition,
    /// A return that does not fit the function's results.
    #[error("the return does not fit the function's results")]
    Results,
    /// A value of another kind than the operation takes.
    #[error("slot {slot} does not hold {expected}")]
    Kind {
        /// The slot.
        slot: u32,
        /// What it should hold.
        expected: Expected,
    },
    /// An operation whose width is not that of the global it names.
    #[error("operation and global differ in width")]
    GlobalWidth,
    /// A slot that is recorded as a heap reference at a safepoint, but may hold something else.
    #[error("slot {0} is recorded as a reference, but may not hold one")]
    StrayReference(u32),
    /// A slot with a heap reference that is still read behind a safepoint, where it is not recorded.
    #[error("slot {0} holds a live reference that is not recorded")]
    MissingReference(u32),
}

/// What an operation expects in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Any value of one slot.
    Value,
    /// A reference.
    Reference,
    /// A value of this kind.
    Is(SlotKind),
    /// Anything that was written, be it half of a vector.
    Anything,
}

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Expected::Value => "a value of one slot",
            Expected::Reference => "a reference",
            Expected::Is(SlotKind::Word) => "a number",
            Expected::Is(SlotKind::V128) => "a vector",
            Expected::Is(SlotKind::HeapRef) => "a heap reference",
            Expected::Is(SlotKind::FuncRef) => "a function reference",
            Expected::Anything => "any value",
        })
    }
}

impl Problem {
    fn at(self, pc: u32) -> VerifyError {
        VerifyError { pc, problem: self }
    }
}

/// Verifies a function. `types` says what its module declares.
pub fn verify(function: &Function, types: &dyn CodeTypes) -> Result<Verified, VerifyError> {
    verify_within(function, types, BUDGET)
}

fn verify_within(function: &Function, types: &dyn CodeTypes, budget: u64) -> Result<Verified, VerifyError> {
    let signature = types.signature();
    structure::check(function, types, &signature)?;
    let mut budget = Budget(budget);
    let checked = slots::Flow::new(function, types, &signature, &mut budget).and_then(|flow| flow.check());
    match checked {
        Ok(()) => Ok(Verified::Fully),
        Err(Stop::Exhausted) => Ok(Verified::Skipped),
        Err(Stop::Error(error)) => Err(error),
    }
}

/// Why the dataflow part stopped.
#[derive(Debug)]
enum Stop {
    Exhausted,
    Error(VerifyError),
}

impl From<VerifyError> for Stop {
    fn from(error: VerifyError) -> Stop {
        Stop::Error(error)
    }
}

/// Steps that are left.
#[derive(Debug)]
struct Budget(u64);

impl Budget {
    fn spend(&mut self, steps: u64) -> Result<(), Stop> {
        self.0 = self.0.checked_sub(steps).ok_or(Stop::Exhausted)?;
        Ok(())
    }
}
