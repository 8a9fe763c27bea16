//! Straight-line code as a list, and where operands are used for the last time.

use terrace_abi::layout::{Field, Kind};
use terrace_abi::{Form, Op, Ty};
use terrace_core::bytecode::{Function, Instruction};

/// One instruction of a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub pc: u32,
    /// pc of the instruction behind it.
    pub next: u32,
    pub op: Op,
    pub form: Form,
    /// The operands of its layout whose slots nobody reads afterwards: a bit each.
    pub dies: u16,
}

impl Default for Item {
    fn default() -> Item {
        Item { pc: 0, next: 0, op: Op::Unreachable, form: Form::SLOTS, dies: 0 }
    }
}

/// Whether control never goes on behind an op.
pub(super) fn leaves(op: Op) -> bool {
    op.info().traits.ends
}

/// Reads the block at `pc` into `items`; the result is the pc behind it.
pub(super) fn read(function: &Function, pc: u32, items: &mut Vec<Item>) -> u32 {
    items.clear();
    let next_join = function.joins.partition_point(|join| join.pc <= pc);
    let limit = function.joins.get(next_join).map_or(function.code.len() as u32, |join| join.pc);
    let mut pc = pc;
    while pc < limit {
        let instruction = match Instruction::at(&function.code, pc) {
            Ok(instruction) => instruction,
            Err(error) => unreachable!("{error}"),
        };
        let next = instruction.next_pc();
        items.push(Item { pc, next, op: instruction.op, form: instruction.form, dies: 0 });
        pc = next;
        if leaves(instruction.op) {
            break;
        }
    }
    pc
}

/// What is known of a slot, walking a block backwards.
#[derive(Clone, Copy, Default)]
struct Known {
    block: u32,
    /// When it was learnt; later is nearer to the block's start.
    time: u32,
    live: bool,
}

/// Finds last uses.
pub(super) struct Liveness {
    known: Vec<Known>,
    block: u32,
}

/// Slots that become live at once: those below a height, and those from a base on.
#[derive(Default)]
struct Bulk {
    below: (u32, u32),
    from: (u32, u32),
}

impl Liveness {
    pub fn new(slots: usize) -> Liveness {
        Liveness { known: vec![Known::default(); slots], block: 0 }
    }

    /// Marks the operands that die, where slots below `height` are live behind the block.
    pub fn mark(&mut self, function: &Function, items: &mut [Item], height: u32) {
        self.block += 1;
        // Times start at 1, so that 0 is before everything.
        let mut bulk = Bulk { below: (0, 0), from: (0, u32::MAX) };
        for (index, item) in items.iter_mut().rev().enumerate() {
            let time = index as u32 + 1;
            let instruction = match Instruction::at(&function.code, item.pc) {
                Ok(instruction) => instruction,
                Err(error) => unreachable!("{error}"),
            };
            for target in instruction.targets() {
                let join = function.joins.binary_search_by_key(&target.pc, |join| join.pc);
                let height = join.map_or(u32::MAX, |join| function.joins[join].height);
                bulk.below = (time, bulk.below.1.max(height));
            }
            let info = item.op.info();
            if info.traits.calls && !function.handlers.is_empty() {
                // What is thrown here may be caught where anything is read.
                bulk.below = (time, u32::MAX);
            }
            for operand in instruction.layout.operands {
                if operand.kind == Kind::Def {
                    let slot = instruction.field(operand.field) as u32;
                    self.learn(slot, time, false);
                    if operand.ty(info) == Some(Ty::V128) {
                        self.learn(slot + 1, time, false);
                    }
                }
            }
            for operand in instruction.layout.operands {
                let slot = instruction.field(operand.field) as u32;
                match operand.kind {
                    Kind::Base => bulk.from = (time, bulk.from.1.min(slot)),
                    Kind::UseRange if operand.field != Field::E1L => bulk.from = (time, bulk.from.1.min(slot)),
                    Kind::UseRange => self.learn(slot, time, true),
                    _ => {}
                }
            }
            let mut dies = 0;
            for (i, operand) in instruction.layout.operands.iter().enumerate() {
                if operand.kind == Kind::Use {
                    let slot = instruction.field(operand.field) as u32;
                    if !self.is_live(slot, height, &bulk) {
                        dies |= 1 << i;
                    }
                }
            }
            for operand in instruction.layout.operands {
                if operand.kind == Kind::Use {
                    self.learn(instruction.field(operand.field) as u32, time, true);
                }
            }
            item.dies = dies;
        }
    }

    fn learn(&mut self, slot: u32, time: u32, live: bool) {
        if let Some(known) = self.known.get_mut(slot as usize) {
            *known = Known { block: self.block, time, live };
        }
    }

    fn is_live(&self, slot: u32, height: u32, bulk: &Bulk) -> bool {
        let known = self.known.get(slot as usize).filter(|known| known.block == self.block);
        let (time, live) = known.map_or((0, slot < height), |known| (known.time, known.live));
        live || (bulk.below.0 > time && slot < bulk.below.1) || (bulk.from.0 > time && slot >= bulk.from.1)
    }
}
