//! A function's instructions as a list, decoded once, and where operands are used for the last time.

use terrace_abi::layout::{Field, Kind, Layout};
use terrace_abi::{Form, Op, Ty, Word};
use terrace_core::bytecode::{Function, Instruction};

/// No branch target, in instructions.
const NO_JOIN: u32 = u32::MAX;

/// One instruction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item {
    pub pc: u32,
    /// pc of the instruction behind it.
    pub next: u32,
    pub op: Op,
    pub form: Form,
    /// The operands of its layout whose slots nobody reads afterwards: a bit each.
    pub dies: u8,
    /// The number of the branch target that it has, if it is no `br_table`.
    join: u32,
    pub layout: &'static Layout,
}

impl Default for Item {
    fn default() -> Item {
        const NOTHING: &Layout = &Layout::new(&[], 0);
        Item { pc: 0, next: 0, op: Op::Unreachable, form: Form::SLOTS, dies: 0, join: NO_JOIN, layout: NOTHING }
    }
}

impl Item {
    /// Its words.
    #[inline]
    pub fn words(self, code: &[Word]) -> &[Word] {
        &code[self.pc as usize..self.next as usize]
    }

    /// The slot that operand `index` of its layout names.
    #[inline]
    pub fn slot(self, code: &[Word], index: usize) -> u32 {
        self.layout.operands[index].field.of(self.words(code)) as u32
    }

    /// The number of the branch target that it has, if it is no `br_table`.
    pub fn join(self) -> Option<usize> {
        (self.join != NO_JOIN).then_some(self.join as usize)
    }

    /// Whether control never goes on behind it.
    pub fn leaves(self) -> bool {
        self.op.info().traits.ends
    }
}

/// The number of the branch target at `pc`.
pub(super) fn join_at(function: &Function, pc: u32) -> Option<usize> {
    function.joins.binary_search_by_key(&pc, |join| join.pc).ok()
}

/// Reads all instructions of a function.
pub(super) fn read(function: &Function, items: &mut Vec<Item>) {
    items.clear();
    items.reserve(function.code.len());
    let mut pc = 0;
    while (pc as usize) < function.code.len() {
        let instruction = match Instruction::at(&function.code, pc) {
            Ok(instruction) => instruction,
            Err(error) => unreachable!("{error}"),
        };
        let Instruction { op, form, layout, words, .. } = instruction;
        let join = match layout.target {
            None => NO_JOIN,
            Some(field) => match join_at(function, pc.wrapping_add(field.of(words) as u32)) {
                Some(join) => join as u32,
                None => unreachable!("every branch target is a join"),
            },
        };
        let next = instruction.next_pc();
        items.push(Item { pc, next, op, form, dies: 0, join, layout });
        pc = next;
    }
}

/// Finds last uses.
///
/// Blocks are walked backwards, by a clock that goes on from block to block of a function.
#[derive(Default)]
pub(super) struct Liveness {
    /// For each slot, when it was last learnt whether it is live, twice, and one more if it is.
    known: Vec<u32>,
    clock: u32,
}

/// Slots that become live at once, and when: those below a height, and those from a base on.
struct Bulk {
    below: (u32, u32),
    from: (u32, u32),
}

impl Bulk {
    fn add_below(&mut self, time: u32, height: u32) {
        self.below = (time, self.below.1.max(height));
    }

    fn add_from(&mut self, time: u32, base: u32) {
        self.from = (time, self.from.1.min(base));
    }
}

/// The bits of a mask, as operands' places in a layout.
fn bits(mut mask: u8) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let index = mask.trailing_zeros() as usize;
        let some = mask != 0;
        mask &= mask.wrapping_sub(1);
        some.then_some(index)
    })
}

impl Liveness {
    /// Begins a function.
    pub fn reset(&mut self, slots: usize) {
        self.known.clear();
        self.known.resize(slots, 0);
        self.clock = 0;
    }

    /// Marks the operands of a block that die, where slots below `height` are live behind it.
    pub fn mark(&mut self, function: &Function, items: &mut [Item], height: u32) {
        let end = self.clock;
        let mut bulk = Bulk { below: (end, 0), from: (end, u32::MAX) };
        let catches = !function.handlers.is_empty();
        for item in items.iter_mut().rev() {
            self.clock += 1;
            let time = self.clock;
            let layout = item.layout;
            let words = item.words(&function.code);
            if let Some(join) = item.join() {
                bulk.add_below(time, function.joins[join].height);
            } else if item.op == Op::BrTable {
                for entry in &words[2..] {
                    let join = join_at(function, item.pc.wrapping_add(entry.low()));
                    bulk.add_below(time, join.map_or(u32::MAX, |join| function.joins[join].height));
                }
            }
            if catches && item.op.info().traits.calls {
                // What is thrown here may be caught where anything is read.
                bulk.add_below(time, u32::MAX);
            }
            for index in bits(layout.defs) {
                let slot = item.slot(&function.code, index);
                self.learn(slot, time, false);
                if layout.operands[index].ty(item.op.info()) == Some(Ty::V128) {
                    self.learn(slot + 1, time, false);
                }
            }
            for index in bits(layout.ranges) {
                let slot = item.slot(&function.code, index);
                let operand = layout.operands[index];
                if operand.kind == Kind::UseRange && operand.field == Field::E1L {
                    self.learn(slot, time, true);
                } else {
                    bulk.add_from(time, slot);
                }
            }
            let mut dies = 0;
            for index in bits(layout.uses) {
                if !self.is_live(item.slot(&function.code, index), end, height, &bulk) {
                    dies |= 1 << index;
                }
            }
            for index in bits(layout.uses) {
                self.learn(item.slot(&function.code, index), time, true);
            }
            item.dies = dies;
        }
    }

    #[inline]
    fn learn(&mut self, slot: u32, time: u32, live: bool) {
        if let Some(known) = self.known.get_mut(slot as usize) {
            *known = time << 1 | u32::from(live);
        }
    }

    /// `end` is the time at the block's end.
    #[inline]
    fn is_live(&self, slot: u32, end: u32, height: u32, bulk: &Bulk) -> bool {
        let known = self.known.get(slot as usize).copied().unwrap_or_default();
        let (time, live) = if known >> 1 > end { (known >> 1, known & 1 != 0) } else { (end, slot < height) };
        live || (bulk.below.0 > time && slot < bulk.below.1) || (bulk.from.0 > time && slot >= bulk.from.1)
    }
}
