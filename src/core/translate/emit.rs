//! The code buffer: instructions, what may still be changed about the latest ones, and branch fixups.
//!
//! `recent` lists the instructions since the last point that control can enter, so that folding never looks across a label.

use terrace_abi::{Form, Op, Word};

use crate::bytecode::PositionsBuilder;

/// A forward branch whose target is not known yet.
#[derive(Clone, Copy, Debug)]
struct Fixup {
    /// Index of the word that holds the displacement.
    word: u32,
    /// pc that the displacement counts from.
    base: u32,
    /// Does the displacement lie in the word's high half?
    high: bool,
    next: u32,
}

/// The forward branches to one label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fixups(u32);

impl Fixups {
    pub(super) const NONE: Fixups = Fixups(u32::MAX);
}

/// The word of a branch that holds its displacement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Displacement {
    pub(super) word: u32,
    pub(super) base: u32,
    pub(super) high: bool,
}

#[derive(Debug, Default)]
pub(super) struct Emitter {
    pub(super) code: Vec<Word>,
    pub(super) positions: PositionsBuilder,
    recent: Vec<u32>,
    /// pc + 1 of the last instruction if it defines the slot in its field `d`; else 0.
    defines: u32,
    fixups: Vec<Fixup>,
}

impl Emitter {
    pub(super) fn clear(&mut self) {
        self.code.clear();
        self.positions.clear();
        self.recent.clear();
        self.fixups.clear();
        self.defines = 0;
    }

    pub(super) fn pc(&self) -> u32 {
        self.code.len() as u32
    }

    /// Appends an instruction.
    pub(super) fn emit(&mut self, first: Word, extensions: &[Word]) -> u32 {
        let pc = self.pc();
        self.recent.push(pc);
        self.defines = 0;
        self.code.push(first);
        self.code.extend_from_slice(extensions);
        pc
    }

    /// Appends an instruction that defines the slot in its field `d`.
    pub(super) fn emit_def(&mut self, first: Word, extensions: &[Word]) -> u32 {
        let pc = self.emit(first, extensions);
        self.defines = pc + 1;
        pc
    }

    /// Control may enter here: nothing emitted so far may be changed any more.
    pub(super) fn barrier(&mut self) {
        self.recent.clear();
        self.defines = 0;
    }

    /// The last instruction's pc, if it defines `slot` through its field `d` and nothing was emitted since.
    pub(super) fn last_def(&self, slot: u32) -> Option<u32> {
        let pc = self.defines.checked_sub(1)?;
        (u32::from(self.code[pc as usize].d()) == slot).then_some(pc)
    }

    /// Like [`last_def`](Self::last_def), with the decoded first word.
    pub(super) fn last_def_op(&self, slot: u32) -> Option<(u32, Op, Form, Word)> {
        let pc = self.last_def(slot)?;
        let word = self.code[pc as usize];
        Some((pc, word.op()?, word.form(), word))
    }

    /// Removes the last instruction, which starts at `pc`. The one before becomes the last; the caller knows that it defines
    /// its field `d` where it asks for it.
    pub(super) fn remove_last(&mut self, pc: u32) {
        self.code.truncate(pc as usize);
        self.recent.pop();
        self.defines = match self.recent.last() {
            Some(&last) if self.code[last as usize].op().is_some_and(defines_d) => last + 1,
            _ => 0,
        };
    }

    /// Adds a forward branch to a label.
    pub(super) fn add_fixup(&mut self, label: &mut Fixups, at: Displacement) {
        self.fixups.push(Fixup { word: at.word, base: at.base, high: at.high, next: label.0 });
        label.0 = self.fixups.len() as u32 - 1;
    }

    /// Binds a label to the current pc; control enters here if anything branches to it.
    pub(super) fn bind(&mut self, label: Fixups) -> bool {
        let target = self.pc();
        let mut next = label.0;
        while let Some(&Fixup { word, base, high, next: after }) = self.fixups.get(next as usize) {
            self.patch(Displacement { word, base, high }, target);
            next = after;
        }
        self.barrier();
        label != Fixups::NONE
    }

    /// Writes a branch's displacement.
    pub(super) fn patch(&mut self, at: Displacement, target: u32) {
        let relative = target.wrapping_sub(at.base);
        let word = &mut self.code[at.word as usize];
        *word = if at.high { word.with_high(relative) } else { Word::pair(relative, word.high()) };
    }
}

/// Does this op's value form define the slot in field `d`?
fn defines_d(op: Op) -> bool {
    use terrace_abi::layout::{Field, Kind};
    op.layout(Form::SLOTS)
        .and_then(|layout| layout.operands.first())
        .is_some_and(|first| first.kind == Kind::Def && first.field == Field::D)
}
