//! Which register does what, on each machine.

use crate::operand::{Fpr, Gpr};

/// The registers of a machine by what tiers use them for.
///
/// Everything named here is distinct, and distinct from the implementation's scratch registers. Registers marked "kept" survive
/// calls of the C ABI; the others do not.
pub trait Roles {
    /// The instruction word that is being interpreted. Kept.
    const PC: Gpr;
    /// Slot 0 of the frame. Kept.
    const SLOTS: Gpr;
    /// The frame's record.
    const FRAME: Gpr;
    /// The store's record. Kept.
    const STORE: Gpr;
    /// The instance's record. Kept.
    const INSTANCE: Gpr;
    /// The base of memory 0, or its record where bounds are checked explicitly. Kept.
    const MEMORY: Gpr;
    /// The base that handler offsets count from.
    const HANDLERS: Gpr;
    /// The integer accumulator. Kept.
    const ACC: Gpr;
    /// Pinned integer locals.
    const LOCALS: [Gpr; 2];
    /// Free for any use within an instruction.
    const TEMPS: [Gpr; 2];
    /// Scratch of the implementation: operands of simple methods only.
    const SCRATCH: [Gpr; 3];
    /// The float and vector accumulator.
    const FLOAT_ACC: Fpr;
    /// The pinned float local.
    const FLOAT_LOCAL: Fpr;
    /// Free for any use within an instruction.
    const FLOAT_TEMPS: [Fpr; 4];
    /// The first integer arguments of a C call, in order.
    const ARGS: [Gpr; 4];
    /// The integer result of a C call.
    const RESULT: Gpr;
    /// The native stack's pointer: a base of memory operands only.
    const STACK: Gpr;
    /// What compiled code allocates: all but the stack's pointer, `SLOTS`, `INSTANCE`, `MEMORY`, scratch and what the platform keeps;
    /// at most 16.
    const POOL: &'static [Gpr];
    /// As [`Roles::POOL`], of floats and vectors.
    const FLOAT_POOL: &'static [Fpr];
}
