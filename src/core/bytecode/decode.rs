//! Instructions as data: a view over bytecode that knows where every operand lies.
//!
//! All that a reader of bytecode has to know about encoding is here and in [`terrace_abi::layout`]. Decoding checks only what
//! it needs to stay inside the code; everything else about an instruction is the verifier's to check.

use std::iter::FusedIterator;

use terrace_abi::layout::{Field, Kind, Layout};
use terrace_abi::{Form, Op, OpInfo, Ty, Word};

/// Why there is no instruction at a pc.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The pc lies behind the code.
    #[error("pc {0} is outside the code")]
    Outside(u32),
    /// The op field holds no op of the table.
    #[error("no op has the number {number} (at {pc})")]
    UnknownOp {
        /// Where.
        pc: u32,
        /// The op field without the form.
        number: u16,
    },
    /// The op has no such form.
    #[error("{op:?} has no form {} (at {pc})", form.0)]
    UnknownForm {
        /// Where.
        pc: u32,
        /// The op.
        op: Op,
        /// The form.
        form: Form,
    },
    /// Extension words are missing at the end of the code.
    #[error("the instruction at {0} is cut off")]
    Truncated(u32),
}

/// One instruction.
#[derive(Clone, Copy, Debug)]
pub struct Instruction<'a> {
    /// Index of its first word.
    pub pc: u32,
    /// Its op.
    pub op: Op,
    /// Its form.
    pub form: Form,
    /// Where its operands lie.
    pub layout: &'static Layout,
    /// Its words: the first one, its extensions, and a `br_table`'s entries.
    pub words: &'a [Word],
}

/// One operand of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperandValue {
    /// What it is.
    pub kind: Kind,
    /// Its value's type, if it is a value.
    pub ty: Option<Ty>,
    /// The field's contents; signed kinds are sign-extended to 64 bits.
    pub value: u64,
}

/// Where a branch goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// pc of the target. In broken code, it may lie outside the code.
    pub pc: u32,
    /// Nest depth of the loop whose back edge this is; 0 for a forward branch.
    pub loop_depth: u16,
}

impl<'a> Instruction<'a> {
    /// The instruction whose first word is at `pc`.
    #[inline]
    pub fn at(code: &'a [Word], pc: u32) -> Result<Instruction<'a>, DecodeError> {
        let rest = code.get(pc as usize..).unwrap_or_default();
        let first = *rest.first().ok_or(DecodeError::Outside(pc))?;
        let number = first.number() >> Form::BITS;
        let op = first.op().ok_or(DecodeError::UnknownOp { pc, number })?;
        let form = first.form();
        let layout = op.layout(form).ok_or(DecodeError::UnknownForm { pc, op, form })?;
        let mut len = 1 + usize::from(layout.extensions);
        if op == Op::BrTable {
            len += rest.get(1).ok_or(DecodeError::Truncated(pc))?.low() as usize;
        }
        let words = rest.get(..len).ok_or(DecodeError::Truncated(pc))?;
        Ok(Instruction { pc, op, form, layout, words })
    }

    /// The number of its words.
    #[allow(clippy::len_without_is_empty, reason = "no instruction is empty")]
    pub fn len(&self) -> u32 {
        self.words.len() as u32
    }

    /// pc of the instruction behind it.
    pub fn next_pc(&self) -> u32 {
        self.pc + self.len()
    }

    /// Its op's row.
    pub fn info(&self) -> &'static OpInfo {
        self.op.info()
    }

    /// The contents of a field of its layout, zero-extended.
    #[inline]
    pub fn field(&self, field: Field) -> u64 {
        field.of(self.words)
    }

    /// Operand `i` of its layout.
    pub fn operand(&self, i: usize) -> Option<OperandValue> {
        let operand = self.layout.operands.get(i)?;
        let raw = self.field(operand.field);
        let value = match operand.kind {
            Kind::Imm16 => raw as i16 as u64,
            Kind::Imm32 if self.op != Op::Const32 => raw as i32 as u64,
            Kind::Target | Kind::OwnGlobal => raw as i32 as u64,
            _ => raw,
        };
        Some(OperandValue { kind: operand.kind, ty: operand.ty(self.info()), value })
    }

    /// All operands, results first.
    pub fn operands(&self) -> impl Iterator<Item = OperandValue> + use<'a> {
        let this = *self;
        (0..this.layout.operands.len()).filter_map(move |i| this.operand(i))
    }

    /// The value of the first operand of this kind.
    pub fn find(&self, kind: Kind) -> Option<u64> {
        self.operands().find(|operand| operand.kind == kind).map(|operand| operand.value)
    }

    /// A `br_table`'s entries, the default last.
    pub fn entries(&self) -> &'a [Word] {
        if self.op == Op::BrTable { &self.words[1 + usize::from(self.layout.extensions)..] } else { &[] }
    }

    /// Where it may branch to, in order of its entries.
    pub fn targets(&self) -> impl Iterator<Item = Target> + use<'a> {
        let pc = self.pc;
        let absolute = move |relative: u32| pc.wrapping_add(relative);
        let own = self.find(Kind::Target).map(|relative| Target {
            pc: absolute(relative as u32),
            loop_depth: self.find(Kind::Loop).unwrap_or_default() as u16,
        });
        let entries = self.entries().iter();
        own.into_iter()
            .chain(entries.map(move |entry| Target { pc: absolute(entry.low()), loop_depth: entry.quarter(2) }))
    }
}

/// The instructions of a function, in order. It ends behind the first error.
#[derive(Clone, Debug)]
pub struct Instructions<'a> {
    code: &'a [Word],
    pc: u32,
}

impl<'a> Instructions<'a> {
    /// The instructions of this code, from its start.
    pub fn new(code: &'a [Word]) -> Instructions<'a> {
        Instructions { code, pc: 0 }
    }
}

impl<'a> Iterator for Instructions<'a> {
    type Item = Result<Instruction<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.pc as usize >= self.code.len() {
            return None;
        }
        let instruction = Instruction::at(self.code, self.pc);
        self.pc = instruction.as_ref().map_or(u32::MAX, Instruction::next_pc);
        Some(instruction)
    }
}

impl FusedIterator for Instructions<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(words: &[Word]) -> Instruction<'_> {
        Instruction::at(words, 0).expect("an instruction")
    }

    #[test]
    fn signed_kinds_are_sign_extended() {
        let words = [Word::new(Op::I64Add, Form::IMM16, 1, 2, (-3i16) as u16)];
        assert_eq!(one(&words).operand(2).map(|o| o.value as i64), Some(-3));
        let words = [Word::wide(Op::Const32, 1, u32::MAX)];
        assert_eq!(one(&words).operand(1).map(|o| o.value), Some(0xffff_ffff));
        let words = [Word::new(Op::I32LtS, Form::BRANCH_IMM, 0, 1, 0), Word::pair(-5i32 as u32, 7)];
        assert_eq!(one(&words).find(Kind::Imm32).map(|value| value as i64), Some(-5));
        assert_eq!(one(&words).targets().collect::<Vec<_>>(), [Target { pc: 7, loop_depth: 0 }]);
    }

    #[test]
    fn a_table_owns_its_entries() {
        let entry = |relative: i32, depth: u16| Word::pair(relative as u32, depth.into());
        let code = [
            Word::wide(Op::LoopHead, 1, 0),
            Word::new(Op::BrTable, Form::SLOTS, 0, 4, 0),
            Word::pair(2, 0),
            entry(0, 1),
            entry(4, 0),
            Word::new(Op::Return, Form::SLOTS, 0, 0, 0),
        ];
        let all: Vec<_> = Instructions::new(&code).map(|i| i.expect("an instruction")).collect();
        assert_eq!(
            all.iter().map(|i| (i.pc, i.op)).collect::<Vec<_>>(),
            [(0, Op::LoopHead), (1, Op::BrTable), (5, Op::Return)]
        );
        assert_eq!(all[1].targets().map(|t| (t.pc, t.loop_depth)).collect::<Vec<_>>(), [(1, 1), (5, 0)]);
    }

    #[test]
    fn broken_code_is_an_error() {
        let unknown = [Word(0xffff)];
        assert!(matches!(Instruction::at(&unknown, 0), Err(DecodeError::UnknownOp { .. })));
        let form = [Word::new(Op::Jump, Form(3), 0, 0, 0)];
        assert_eq!(
            Instruction::at(&form, 0).err(),
            Some(DecodeError::UnknownForm { pc: 0, op: Op::Jump, form: Form(3) })
        );
        let cut = [Word::new(Op::Const, Form::SLOTS, 0, 0, 0)];
        assert_eq!(Instruction::at(&cut, 0).err(), Some(DecodeError::Truncated(0)));
        let table = [Word::new(Op::BrTable, Form::SLOTS, 0, 0, 0), Word::pair(u32::MAX, 0)];
        assert_eq!(Instruction::at(&table, 0).err(), Some(DecodeError::Truncated(0)));
        assert_eq!(Instruction::at(&cut, 1).err(), Some(DecodeError::Outside(1)));
        assert_eq!(Instructions::new(&cut).count(), 1);
    }
}
