//! AArch64, version 8.0 with Advanced SIMD: nothing optional is taken for granted.
//!
//! Immediates and displacements are looked at before an instruction is chosen for them: what does not fit is made in a register.
//! Three registers that no role names (`x15` to `x17`) are for that, so that simple methods clobber nothing that callers can name.
//! The platform's register (`x18`) is nobody's.

#![allow(
    clippy::useless_conversion,
    clippy::unnecessary_cast,
    reason = "what dynasm generates converts register numbers"
)]

mod atomic;
mod branch;
mod encode;
mod float;
mod int;
mod memory;
mod simd;

use crate::buffer::{Buffer, Fixup};
use crate::operand::{Fpr, Gpr};
use crate::roles::Roles;

/// For addresses and results on their way.
const T0: Gpr = Gpr(16);
/// For displacements, and operands that are no registers.
const T1: Gpr = Gpr(17);
/// For a second operand.
const T2: Gpr = Gpr(15);
/// Zero, and nowhere; as the base of an address, the stack pointer.
const ZR: Gpr = Gpr(31);

/// Float scratch, distinct from every role. The last two are a table of two vectors.
const S0: Fpr = Fpr(29);
const S1: Fpr = Fpr(30);
const S2: Fpr = Fpr(31);

/// The AArch64 assembler.
#[derive(Debug)]
pub struct A64 {
    buffer: Buffer,
    /// Fields that reach 1 MiB and whose label was not bound when they were emitted, in order.
    short: Vec<Fixup>,
    /// Where the oldest of them has to be served.
    island_at: usize,
}

impl Roles for A64 {
    const PC: Gpr = Gpr(19);
    const SLOTS: Gpr = Gpr(20);
    const FRAME: Gpr = Gpr(25);
    const STORE: Gpr = Gpr(21);
    const INSTANCE: Gpr = Gpr(22);
    const MEMORY: Gpr = Gpr(23);
    const HANDLERS: Gpr = Gpr(26);
    const ACC: Gpr = Gpr(24);
    const LOCALS: [Gpr; 2] = [Gpr(27), Gpr(28)];
    const TEMPS: [Gpr; 2] = [Gpr(13), Gpr(14)];
    const SCRATCH: [Gpr; 3] = [Gpr(9), Gpr(10), Gpr(11)];
    const FLOAT_ACC: Fpr = Fpr(16);
    const FLOAT_LOCAL: Fpr = Fpr(17);
    const FLOAT_TEMPS: [Fpr; 4] = [Fpr(18), Fpr(19), Fpr(20), Fpr(21)];
    const ARGS: [Gpr; 4] = [Gpr(0), Gpr(1), Gpr(2), Gpr(3)];
    const RESULT: Gpr = Gpr(0);
    const STACK: Gpr = Gpr(31);
    const POOL: &'static [Gpr] = &[
        Gpr(0),
        Gpr(1),
        Gpr(2),
        Gpr(3),
        Gpr(4),
        Gpr(5),
        Gpr(6),
        Gpr(7),
        Gpr(13),
        Gpr(14),
        Gpr(19),
        Gpr(21),
        Gpr(24),
        Gpr(25),
        Gpr(26),
        Gpr(27),
    ];
    const FLOAT_POOL: &'static [Fpr] = &[
        Fpr(0),
        Fpr(1),
        Fpr(2),
        Fpr(3),
        Fpr(4),
        Fpr(5),
        Fpr(6),
        Fpr(7),
        Fpr(16),
        Fpr(17),
        Fpr(18),
        Fpr(19),
        Fpr(20),
        Fpr(21),
        Fpr(22),
        Fpr(23),
    ];
}
