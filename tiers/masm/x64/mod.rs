//! x86-64, level v3: AVX2, BMI, FMA, LZCNT and POPCNT are taken for granted.
//!
//! Vector instructions are VEX-encoded throughout: three operands, no alignment, and no transitions between encodings.

#![allow(clippy::useless_conversion, reason = "what dynasm generates converts register numbers")]

mod atomic;
mod direct;
mod encode;
mod float;
mod int;
mod shorten;
mod simd;

use crate::buffer::Buffer;
use crate::operand::{Fpr, Gpr};
use crate::roles::Roles;

pub(crate) const RAX: Gpr = Gpr(0);
pub(crate) const RCX: Gpr = Gpr(1);
pub(crate) const RDX: Gpr = Gpr(2);
const RBX: Gpr = Gpr(3);
const RSP: Gpr = Gpr(4);
const RBP: Gpr = Gpr(5);
const RSI: Gpr = Gpr(6);
const RDI: Gpr = Gpr(7);

/// Float scratch, distinct from every role.
pub(crate) const X0: Fpr = Fpr(0);
pub(crate) const X1: Fpr = Fpr(1);
pub(crate) const X2: Fpr = Fpr(2);
pub(crate) const X3: Fpr = Fpr(3);

/// The x86-64 assembler.
#[derive(Debug, Default)]
pub struct X64 {
    buffer: Buffer,
}

impl Roles for X64 {
    const PC: Gpr = RBX;
    const SLOTS: Gpr = RBP;
    const FRAME: Gpr = Gpr(8);
    const STORE: Gpr = Gpr(15);
    const INSTANCE: Gpr = Gpr(13);
    const MEMORY: Gpr = Gpr(14);
    const HANDLERS: Gpr = Gpr(11);
    const ACC: Gpr = Gpr(12);
    const LOCALS: [Gpr; 2] = [Gpr(10), Gpr(9)];
    const TEMPS: [Gpr; 2] = [RSI, RDI];
    const SCRATCH: [Gpr; 3] = [RAX, RCX, RDX];
    const FLOAT_ACC: Fpr = Fpr(15);
    const FLOAT_LOCAL: Fpr = Fpr(14);
    const FLOAT_TEMPS: [Fpr; 4] = [Fpr(4), Fpr(5), Fpr(6), Fpr(7)];
    const ARGS: [Gpr; 4] = [RDI, RSI, RDX, RCX];
    const RESULT: Gpr = RAX;
    const STACK: Gpr = RSP;
    const POOL: &'static [Gpr] = &[RBX, RSI, RDI, Gpr(8), Gpr(9), Gpr(10), Gpr(11), Gpr(12), Gpr(15)];
    const FLOAT_POOL: &'static [Fpr] =
        &[Fpr(4), Fpr(5), Fpr(6), Fpr(7), Fpr(8), Fpr(9), Fpr(10), Fpr(11), Fpr(12), Fpr(13), Fpr(14), Fpr(15)];
}
