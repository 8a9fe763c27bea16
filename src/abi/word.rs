//! Instruction words: `{op: u16, d: u16, a: u16, b: u16}`, low half first, followed by 8-byte extension words.

use crate::op::{Form, Op};

/// One 8-byte word of bytecode: an instruction's first word, or one of its extension words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(transparent)]
pub struct Word(pub u64);

impl Word {
    /// An instruction's first word.
    pub const fn new(op: Op, form: Form, d: u16, a: u16, b: u16) -> Word {
        let number = ((op as u16) << Form::BITS) | form.0 as u16;
        Word(number as u64 | (d as u64) << 16 | (a as u64) << 32 | (b as u64) << 48)
    }

    /// An instruction's first word whose fields `a` and `b` hold one 32-bit value.
    pub const fn wide(op: Op, d: u16, w: u32) -> Word {
        Word::new(op, Form(0), d, w as u16, (w >> 16) as u16)
    }

    /// An extension word of two 32-bit halves.
    pub const fn pair(low: u32, high: u32) -> Word {
        Word(low as u64 | (high as u64) << 32)
    }

    /// An extension word of four 16-bit quarters.
    pub const fn quad(q: [u16; 4]) -> Word {
        Word(q[0] as u64 | (q[1] as u64) << 16 | (q[2] as u64) << 32 | (q[3] as u64) << 48)
    }

    /// The op field: op and form together.
    pub const fn number(self) -> u16 {
        self.0 as u16
    }

    /// The op, if the op field holds one.
    #[inline]
    pub const fn op(self) -> Option<Op> {
        Op::from_index(self.0 as u16 >> Form::BITS)
    }

    /// The form bits of the op field.
    #[inline]
    pub const fn form(self) -> Form {
        Form(self.0 as u8 & Form::MASK)
    }

    /// Field `d`.
    #[inline]
    pub const fn d(self) -> u16 {
        (self.0 >> 16) as u16
    }

    /// Field `a`.
    #[inline]
    pub const fn a(self) -> u16 {
        (self.0 >> 32) as u16
    }

    /// Field `b`.
    #[inline]
    pub const fn b(self) -> u16 {
        (self.0 >> 48) as u16
    }

    /// The low 32 bits.
    #[inline]
    pub const fn low(self) -> u32 {
        self.0 as u32
    }

    /// The high 32 bits: fields `a` and `b` together in a first word.
    #[inline]
    pub const fn high(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// Quarter `i` (0 to 3) of an extension word.
    #[inline]
    pub const fn quarter(self, i: u32) -> u16 {
        (self.0 >> (16 * i)) as u16
    }

    /// This first word with another `d`.
    pub const fn with_d(self, d: u16) -> Word {
        Word(self.0 & !0xffff_0000 | (d as u64) << 16)
    }

    /// This word with another high half.
    pub const fn with_high(self, high: u32) -> Word {
        Word(self.0 & 0xffff_ffff | (high as u64) << 32)
    }

    /// This first word with another op and form.
    pub const fn with_op(self, op: Op, form: Form) -> Word {
        let number = ((op as u16) << Form::BITS) | form.0 as u16;
        Word(self.0 & !0xffff | number as u64)
    }
}
