//! Atomic accesses. All are sequentially consistent; addresses are aligned and inside, which the caller has checked.

use crate::Masm;
use crate::operand::{Gpr, Mem, Store};

/// What an atomic read-modify-write does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rmw {
    /// Addition
    Add,
    /// Subtraction
    Sub,
    /// Bitwise and
    And,
    /// Bitwise or
    Or,
    /// Bitwise exclusive or
    Xor,
    /// Exchange
    Xchg,
}

/// Atomic accesses of a machine. What is read is zero-extended to 64 bits.
pub trait Atomic: Masm {
    /// `d = [mem]`
    fn atomic_load(&mut self, width: Store, d: Gpr, mem: Mem);
    /// `[mem] = a`
    fn atomic_store(&mut self, width: Store, mem: Mem, a: Gpr);
    /// `d = [mem]; [mem] = d op a`
    fn atomic_rmw(&mut self, op: Rmw, width: Store, d: Gpr, mem: Mem, a: Gpr);
    /// `d = [mem]; if d == expected { [mem] = a }`. Bits of `expected` above the width make it unequal.
    fn atomic_cmpxchg(&mut self, width: Store, d: Gpr, mem: Mem, expected: Gpr, a: Gpr);
    /// Orders everything before with everything after.
    fn fence(&mut self);
}
