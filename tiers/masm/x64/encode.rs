//! Bytes into the buffer: dynasm's interface over it, memory operands, branches and constants.
//!
//! dynasm encodes instructions; the buffer is ours, and so are labels, since dynasm's need one of its own assemblers.

use dynasmrt::{AssemblyOffset, DynasmApi};

use super::X64;
use crate::buffer::{Buffer, Label};
use crate::operand::{Cond, Mem};

/// A 32-bit distance from the end of the field.
pub(super) const REL32: u8 = 0;
/// An 8-bit distance from the end of the field.
pub(super) const REL8: u8 = 1;

impl Extend<u8> for Buffer {
    #[inline]
    fn extend<I: IntoIterator<Item = u8>>(&mut self, bytes: I) {
        self.bytes.extend(bytes);
    }
}

impl<'a> Extend<&'a u8> for Buffer {
    #[inline]
    fn extend<I: IntoIterator<Item = &'a u8>>(&mut self, bytes: I) {
        self.bytes.extend(bytes);
    }
}

impl DynasmApi for Buffer {
    #[inline]
    fn offset(&self) -> AssemblyOffset {
        AssemblyOffset(self.bytes.len())
    }

    #[inline]
    fn push(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    fn align(&mut self, alignment: usize, with: u8) {
        let len = self.bytes.len().next_multiple_of(alignment);
        self.bytes.resize(len, with);
    }

    #[inline]
    fn push_i32(&mut self, value: i32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    #[inline]
    fn push_i64(&mut self, value: i64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }
}

/// Emits an instruction with a memory operand: `mem!(self.buffer, mem, (add), (Rd(d),), ())` is `add Rd(d), [mem]`; what goes
/// before and behind the operand is in the last two lists.
macro_rules! mem {
    ($buffer:expr, $mem:expr, ($($op:tt)*), ($($before:tt)*), ($($after:tt)*)) => {{
        let m: $crate::operand::Mem = $mem;
        let (base, disp) = (m.base.0, m.disp);
        let start = $buffer.len();
        match m.index {
            None if disp == 0 && base & 7 != 5 => {
                dynasmrt::dynasm!($buffer; .arch x64; $($op)* $($before)* [Rq(base)] $($after)*)
            }
            None => match i8::try_from(disp) {
                Ok(disp) => dynasmrt::dynasm!($buffer; .arch x64; $($op)* $($before)* [BYTE Rq(base) + disp] $($after)*),
                Err(_) => dynasmrt::dynasm!($buffer; .arch x64; $($op)* $($before)* [DWORD Rq(base) + disp] $($after)*),
            },
            Some((index, 0)) => match i8::try_from(disp) {
                Ok(disp) => dynasmrt::dynasm!($buffer; .arch x64; $($op)* $($before)* [BYTE Rq(base) + 1 * Rq(index.0) + disp] $($after)*),
                Err(_) => dynasmrt::dynasm!($buffer; .arch x64; $($op)* $($before)* [DWORD Rq(base) + 1 * Rq(index.0) + disp] $($after)*),
            },
            Some((index, 1)) => match i8::try_from(disp) {
                Ok(disp) => dynasmrt::dynasm!($buffer; .arch x64; $($op)* $($before)* [BYTE Rq(base) + 2 * Rq(index.0) + disp] $($after)*),
                Err(_) => dynasmrt::dynasm!($buffer; .arch x64; $($op)* $($before)* [DWORD Rq(base) + 2 * Rq(index.0) + disp] $($after)*),
            },
            Some((index, 2)) => match i8::try_from(disp) {
                Ok(disp) => dynasmrt::dynasm!($buffer; .arch x64; $($op)* $($before)* [BYTE Rq(base) + 4 * Rq(index.0) + disp] $($after)*),
                Err(_) => dynasmrt::dynasm!($buffer; .arch x64; $($op)* $($before)* [DWORD Rq(base) + 4 * Rq(index.0) + disp] $($after)*),
            },
            Some((index, _)) => match i8::try_from(disp) {
                Ok(disp) => dynasmrt::dynasm!($buffer; .arch x64; $($op)* $($before)* [BYTE Rq(base) + 8 * Rq(index.0) + disp] $($after)*),
                Err(_) => dynasmrt::dynasm!($buffer; .arch x64; $($op)* $($before)* [DWORD Rq(base) + 8 * Rq(index.0) + disp] $($after)*),
            },
        }
        $buffer.shorten(start);
    }};
}

/// Emits one instruction with a ModRM byte, as short as it can be.
macro_rules! emit {
    ($buffer:expr; $($instruction:tt)*) => {{
        let start = $buffer.len();
        dynasmrt::dynasm!($buffer; .arch x64; $($instruction)*);
        $buffer.shorten(start);
    }};
}
pub(super) use emit;
pub(super) use mem;

/// The machine's number of a condition that is one flag test.
pub(super) const fn code(cond: Cond) -> u8 {
    match cond {
        Cond::Eq | Cond::FloatEq => 4,
        Cond::Ne | Cond::FloatNe => 5,
        Cond::LtS => 12,
        Cond::LtU => 2,
        Cond::GtS => 15,
        Cond::GtU => 7,
        Cond::LeS => 14,
        Cond::LeU => 6,
        Cond::GeS => 13,
        Cond::GeU => 3,
        Cond::Negative => 8,
        Cond::NotNegative => 9,
    }
}

/// The numbers of "parity" (a NaN was compared) and of its absence.
pub(super) const PARITY: u8 = 10;
/// See [`PARITY`].
pub(super) const NO_PARITY: u8 = 11;

impl X64 {
    /// `jcc label` with a machine condition.
    pub(super) fn jcc(&mut self, code: u8, label: Label) {
        self.buffer.bytes.extend_from_slice(&[0x0f, 0x80 | code, 0, 0, 0, 0]);
        self.buffer.fixup(self.buffer.len() - 4, label, REL32);
    }

    /// `jcc label`, two bytes long.
    pub(super) fn jcc_near(&mut self, code: u8, label: Label) {
        self.buffer.bytes.extend_from_slice(&[0x70 | code, 0]);
        self.buffer.fixup(self.buffer.len() - 1, label, REL8);
    }

    /// `jmp label`
    pub(super) fn jmp(&mut self, label: Label) {
        self.buffer.bytes.extend_from_slice(&[0xe9, 0, 0, 0, 0]);
        self.buffer.fixup(self.buffer.len() - 4, label, REL32);
    }

    /// `jmp label`, two bytes long.
    pub(super) fn jmp_near(&mut self, label: Label) {
        self.buffer.bytes.extend_from_slice(&[0xeb, 0]);
        self.buffer.fixup(self.buffer.len() - 1, label, REL8);
    }

    /// Says that the 4 bytes which end `trailing` bytes before here are the distance to a constant, in an instruction whose memory
    /// operand is `[rip + 0]`.
    pub(super) fn constant_field(&mut self, bits: u128, trailing: usize) {
        let label = self.buffer.constant(bits);
        let at = self.buffer.len() - 4 - trailing;
        // The distance counts from the instruction's end.
        self.buffer.fixup(at, label, REL32 + 2 + trailing as u8);
    }

    /// Writes the distances of all fixups.
    pub(super) fn resolve(&mut self) {
        let buffer = &mut self.buffer;
        for index in 0..buffer.fixups.len() {
            let fixup = buffer.fixups[index];
            let target = buffer.position(fixup.label).unwrap_or_else(|| unreachable!("every label is bound"));
            let at = fixup.at as usize;
            let width = if fixup.kind == REL8 { 1 } else { 4 };
            let trailing = usize::from(fixup.kind.saturating_sub(2));
            let distance = target as i64 - (at + width + trailing) as i64;
            match fixup.kind {
                REL8 => {
                    assert!(i8::try_from(distance).is_ok(), "a near branch goes far");
                    buffer.bytes[at] = distance as u8;
                }
                _ => buffer.bytes[at..at + 4].copy_from_slice(&(distance as i32).to_le_bytes()),
            }
        }
    }

    /// Emits the constants that were asked for.
    pub(super) fn emit_constants(&mut self) {
        let constants = std::mem::take(&mut self.buffer.constants);
        if !constants.is_empty() {
            DynasmApi::align(&mut self.buffer, 16, 0xcc);
        }
        for (bits, label) in constants {
            self.buffer.bind(label);
            self.buffer.bytes.extend_from_slice(&bits.to_le_bytes());
        }
    }
}

/// Whether a place mentions a register.
pub(super) fn mentions(mem: Mem, reg: crate::operand::Gpr) -> bool {
    mem.base == reg || mem.index.is_some_and(|(index, _)| index == reg)
}
