//! Dataflow, backward: which slots are read later.

use super::Stop;
use super::effects::{Effects, width};
use super::slots::Flow;
use crate::bytecode::Instruction;

/// A set of slots.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Set(Box<[u64]>);

impl Set {
    fn empty(slots: u32) -> Set {
        Set(vec![0; slots.div_ceil(64) as usize].into())
    }

    fn insert(&mut self, slot: u32) {
        self.0[slot as usize / 64] |= 1 << (slot % 64);
    }

    fn remove(&mut self, slot: u32) {
        self.0[slot as usize / 64] &= !(1 << (slot % 64));
    }

    /// Removes this slot and all above.
    fn truncate(&mut self, slot: u32) {
        let word = slot as usize / 64;
        if let Some(first) = self.0.get_mut(word) {
            *first &= (1 << (slot % 64)) - 1;
            self.0[word + 1..].fill(0);
        }
    }

    fn union(&mut self, other: &Set) {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a |= b);
    }

    fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0..)
            .zip(&self.0)
            .flat_map(|(word, &bits)| (0..64).filter(move |bit| bits >> bit & 1 != 0).map(move |bit| word * 64 + bit))
    }
}

/// The slots that are live at the start of each block.
pub(super) struct Liveness(Vec<Set>);

impl Liveness {
    pub(super) fn new(flow: &mut Flow<'_>) -> Result<Liveness, Stop> {
        let slots = flow.function.frame_slots;
        let words = u64::from(slots.div_ceil(64));
        flow.budget.spend(words * flow.blocks.len() as u64)?;
        let mut liveness = Liveness(vec![Set::empty(slots); flow.blocks.len()]);
        // Few rounds suffice: information flows backward through a whole round, and against it only along back edges.
        loop {
            let mut changed = false;
            for block in (0..flow.blocks.len()).rev() {
                let live = liveness.walk(flow, block, |_, _| ())?;
                changed |= live != liveness.0[block];
                liveness.0[block] = live;
            }
            if !changed {
                return Ok(liveness);
            }
        }
    }

    /// For each safepoint of a block, in order: the slots that are read behind it, its own results apart.
    pub(super) fn safepoints(&self, flow: &mut Flow<'_>, block: usize) -> Result<Vec<Vec<u32>>, Stop> {
        let mut safepoints = vec![];
        let mut visited = 0;
        self.walk(flow, block, |instruction, live| {
            if instruction.info().traits.calls {
                let needed: Vec<u32> = live.iter().collect();
                visited += live.0.len() + needed.len();
                safepoints.push(needed);
            }
        })?;
        flow.budget.spend(visited as u64)?;
        safepoints.reverse();
        Ok(safepoints)
    }

    /// Walks a block backward. The visitor sees what is live while an instruction runs: read behind it, and not written by it.
    fn walk(
        &self,
        flow: &mut Flow<'_>,
        block: usize,
        mut visit: impl FnMut(&Instruction<'_>, &Set),
    ) -> Result<Set, Stop> {
        let mut live = Set::empty(flow.function.frame_slots);
        let words = live.0.len() as u64;
        let mut effects = Effects::default();
        let instructions: Vec<_> = flow.instructions(block).collect();
        for instruction in instructions.iter().rev() {
            flow.effects(instruction, &mut effects)?;
            flow.budget.spend(words)?;
            flow.successors(instruction).for_each(|successor| live.union(&self.0[successor]));
            for &(slot, written) in &effects.writes {
                (slot..slot + written.slots()).for_each(|slot| live.remove(slot));
            }
            if let Some((to, _, count)) = effects.moves {
                (to..to + count).for_each(|slot| live.remove(slot));
            }
            if effects.throws {
                for handler in flow.handlers(instruction.pc) {
                    let Some(target) = flow.block(handler.target) else { continue };
                    let mut caught = self.0[target].clone();
                    let mut slot = handler.slot;
                    for kind in flow.payload(handler) {
                        (slot..slot + kind.slots()).for_each(|slot| caught.remove(slot));
                        slot += kind.slots();
                    }
                    live.union(&caught);
                    flow.budget.spend(words)?;
                }
            }
            // What lies above is the callee's; nothing of it is there afterwards.
            if let Some(base) = effects.callee {
                live.truncate(base);
            }
            visit(instruction, &live);
            for &(slot, expected) in &effects.reads {
                (slot..slot + width(expected)).for_each(|slot| live.insert(slot));
            }
            if let Some((_, from, count)) = effects.moves {
                (from..from + count).for_each(|slot| live.insert(slot));
            }
        }
        Ok(live)
    }
}
