//! One instruction as its arm sees it: its words, and the slots that it works on.

use terrace_abi::{Form, Word};
use terrace_core::runtime::Slots;

use crate::value::Value;

/// An instruction in its function and frame.
#[derive(Clone, Copy)]
pub(crate) struct Site<'a> {
    /// The function's code.
    pub code: &'a [Word],
    /// Index of the first word.
    pub pc: usize,
    /// The first word.
    pub word: Word,
    /// The frame's slots.
    pub slots: Slots,
}

impl Site<'_> {
    /// Which of the op's encodings this is.
    #[inline(always)]
    pub fn form(self) -> Form {
        self.word.form()
    }

    /// Extension word `index`.
    #[inline(always)]
    pub fn extension(self, index: usize) -> Word {
        self.code[self.pc + 1 + index]
    }

    /// The pc behind this instruction.
    #[inline(always)]
    pub fn next(self, extensions: usize) -> usize {
        self.pc + 1 + extensions
    }

    /// The pc that a relative target names.
    #[inline(always)]
    pub fn target(self, relative: u32) -> usize {
        self.pc.wrapping_add_signed(relative.cast_signed() as isize)
    }

    /// The value in a slot.
    #[inline(always)]
    pub fn read<V: Value>(self, slot: u32) -> V {
        V::read(self.slots, slot)
    }

    /// The operand in field `a`.
    #[inline(always)]
    pub fn a<V: Value>(self) -> V {
        self.read(self.word.a().into())
    }

    /// The operand in field `b`.
    #[inline(always)]
    pub fn b<V: Value>(self) -> V {
        self.read(self.word.b().into())
    }

    /// The operand in field `d`, of instructions without a result.
    #[inline(always)]
    pub fn d<V: Value>(self) -> V {
        self.read(self.word.d().into())
    }

    /// The operand in a quarter of the first extension word.
    #[inline(always)]
    pub fn quarter<V: Value>(self, index: u32) -> V {
        self.read(self.extension(0).quarter(index).into())
    }

    /// Writes the result.
    #[inline(always)]
    pub fn define(self, value: impl Value) {
        value.write(self.slots, self.word.d().into());
    }

    /// The translator emits only forms that have a layout, and the verifier checks it.
    #[cold]
    #[inline(never)]
    pub fn no_such_form(self) -> ! {
        panic!("internal error: op {:#06x} at pc {} is not in the table", self.word.number(), self.pc)
    }
}

/// A 16-bit immediate, sign-extended to the operand's type.
#[inline(always)]
pub(crate) fn imm16<V: Value>(field: u16) -> V {
    V::from_bits(i64::from(field.cast_signed()).cast_unsigned())
}

/// A 32-bit immediate, sign-extended to the operand's type.
#[inline(always)]
pub(crate) fn imm32<V: Value>(half: u32) -> V {
    V::from_bits(i64::from(half.cast_signed()).cast_unsigned())
}
