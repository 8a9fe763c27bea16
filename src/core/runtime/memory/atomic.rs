//! The vocabulary of atomic operations, and their plain meaning where no other thread can look.

use std::ops::Range;

use terrace_abi::TrapKind;

/// The width of an atomic access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Width {
    /// One byte.
    W8,
    /// Two bytes.
    W16,
    /// Four bytes.
    W32,
    /// Eight bytes.
    W64,
}

impl Width {
    /// The width in bytes.
    pub fn bytes(self) -> usize {
        match self {
            Width::W8 => 1,
            Width::W16 => 2,
            Width::W32 => 4,
            Width::W64 => 8,
        }
    }

    /// The low bits that a value of this width has.
    pub fn mask(self) -> u64 {
        u64::MAX >> (64 - 8 * self.bytes())
    }

    /// Where an atomic access at `addr` lies in a memory of `len` bytes. Alignment is checked first.
    pub(super) fn locate(self, addr: u64, len: usize) -> Result<Range<usize>, TrapKind> {
        if !addr.is_multiple_of(self.bytes() as u64) {
            return Err(TrapKind::UnalignedAtomic);
        }
        super::range(addr, self.bytes() as u64, len)
    }
}

/// What an atomic read-modify-write makes of the old value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RmwOp {
    /// Wrapping addition.
    Add,
    /// Wrapping subtraction of the operand.
    Sub,
    /// Bitwise and.
    And,
    /// Bitwise or.
    Or,
    /// Bitwise exclusive or.
    Xor,
    /// The operand alone.
    Xchg,
}

impl RmwOp {
    /// The new value. Bits above the operation's width mean nothing.
    pub fn apply(self, old: u64, operand: u64) -> u64 {
        match self {
            RmwOp::Add => old.wrapping_add(operand),
            RmwOp::Sub => old.wrapping_sub(operand),
            RmwOp::And => old & operand,
            RmwOp::Or => old | operand,
            RmwOp::Xor => old ^ operand,
            RmwOp::Xchg => operand,
        }
    }
}

/// The new value of a compare-exchange. Only the width's bits of `expected` count.
pub(super) fn exchange(width: Width, old: u64, expected: u64, replacement: u64) -> u64 {
    if old == expected & width.mask() { replacement } else { old }
}

/// The little-endian value of at most eight bytes, zero-extended.
pub(super) fn get(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte))
}

/// Stores the low bits of `value` in at most eight bytes.
pub(super) fn put(bytes: &mut [u8], value: u64) {
    for (byte, value) in bytes.iter_mut().zip(value.to_le_bytes()) {
        *byte = value;
    }
}
