//! A translated function.

use std::sync::OnceLock;

use terrace_abi::{Ty, Word};

use super::{Positions, References};
use crate::tier::code::{Compiled, CompiledCell};

/// How much the translator folds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Level {
    /// One op per wasm operator: the oracle that folding is held against.
    Plain,
    /// Operands, immediates, addresses, compares and destinations are folded.
    #[default]
    Folded,
}

/// The part of a configuration that changes bytecode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct CodeConfig {
    /// How much is folded.
    pub level: Level,
    /// Blocks charge fuel.
    pub fuel: bool,
    /// Function entries and loop heads poll for epochs and interruption.
    pub polls: bool,
    /// Function entries and loop bodies are counted.
    pub profile: bool,
    /// Results that may be NaN are made canonical.
    pub canonicalize_nans: bool,
}

/// One region of code whose exceptions a `try_table` clause catches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handler {
    /// First pc that is covered.
    pub start: u32,
    /// First pc that is not.
    pub end: u32,
    /// Index of the tag in the module; `None` catches everything.
    pub tag: Option<u32>,
    /// The exception reference is passed on, behind the payload.
    pub reference: bool,
    /// Where execution continues.
    pub target: u32,
    /// The slot of the first payload value.
    pub slot: u32,
}

/// One loop of a function. Its id is its index, which is the order of the loops' heads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loop {
    /// pc of its `loop_head`.
    pub head: u32,
    /// First pc behind its body.
    pub end: u32,
    /// The enclosing loop.
    pub parent: Option<u32>,
    /// Nest depth; 1 is outermost.
    pub depth: u16,
}

/// A place that control reaches by a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Join {
    /// The branch target.
    pub pc: u32,
    /// The first slot that holds no operand there: values in slots from here on are dead.
    pub height: u32,
}

/// How much a local is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalUse {
    /// Its slot.
    pub slot: u32,
    /// Its uses, weighted by loop depth.
    pub uses: u32,
    /// Its type.
    pub ty: Ty,
}

/// A function's bytecode and what tiers need to know about it.
#[derive(Debug, Default)]
pub struct Function {
    /// The function's index in its module.
    pub index: u32,
    /// Instruction and extension words.
    pub code: Box<[Word]>,
    /// Slots of the parameters.
    pub param_slots: u32,
    /// Slots of the results, which are written from slot 0 up.
    pub result_slots: u32,
    /// Slots of parameters and locals; those behind the parameters are zero at entry.
    pub local_slots: u32,
    /// Slots that the code touches, its callees' arguments and results included.
    pub frame_slots: u32,
    /// Bytes charged against the stack limit while the function runs.
    pub charge: u32,
    /// Exception handlers, inner ones first.
    pub handlers: Box<[Handler]>,
    /// Loops, in order of their heads.
    pub loops: Box<[Loop]>,
    /// Branch targets, in order.
    pub joins: Box<[Join]>,
    /// wasm offsets of instructions that can stop.
    pub positions: Positions,
    /// Slots that hold heap references.
    pub references: References,
    /// The locals that are used: what pinning and register assignment start from.
    pub local_uses: Box<[LocalUse]>,
    /// The form that an interpreter runs; owned here, made by the tier on the first call.
    pub running: OnceLock<Box<[Word]>>,
    pub(crate) compiled: CompiledCell,
}

impl Function {
    /// Offset in the module of the wasm operator that the instruction at `pc` stands for, if it can stop there.
    pub fn wasm_offset(&self, pc: u32) -> Option<u32> {
        self.positions.get(pc)
    }

    /// Whether calls run machine code. Another thread may change it.
    pub fn is_compiled(&self) -> bool {
        self.compiled.is_set()
    }

    /// The machine code that calls run, if any is installed.
    ///
    /// # Safety
    ///
    /// As long as the result is used, either nobody takes the function's code out, or a store of the module's engine is in wasm that was
    /// so before, and passes no [safepoint](crate::runtime::Store::safepoint).
    #[inline]
    pub unsafe fn compiled(&self) -> Option<&Compiled> {
        // SAFETY: the caller's promise.
        unsafe { self.compiled.get() }
    }

    /// Visits the slots that hold heap references while the instruction at `pc`, a safepoint, runs.
    pub fn reference_slots(&self, pc: u32, visit: &mut dyn FnMut(u32)) {
        self.references.visit(pc, visit);
    }
}
