//! The control stack: blocks, their labels, and branches to them.
//!
//! A label's values lie in the home slots from the block's height up, so that a merge needs no moves: whoever falls into it
//! has them there already, and whoever branches to it copies them there.

use super::emit::Fixups;
use super::stack::Kind;

/// What kind of block a frame is, with what only that kind needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockKind {
    /// The function body.
    Function,
    /// `block`
    Block,
    /// `loop`: its id in the function.
    Loop(u32),
    /// `if`, while its first arm is translated: branches to the second arm.
    If(Fixups),
    /// The second arm of an `if`.
    Else,
    /// `try_table`: first pc of its body, and its clauses' range in the list of pending clauses.
    Try { start: u32, clauses: usize },
}

/// A list of value kinds in the translator's pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Kinds {
    pub(super) start: u32,
    pub(super) len: u32,
    /// Slots that the values take together.
    pub(super) slots: u32,
}

/// One block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) block: BlockKind,
    /// Was the block entered in unreachable code? Then nothing of it is translated.
    pub(super) dead: bool,
    /// Operands below the block's parameters.
    pub(super) height: usize,
    /// Home slot of the first parameter or result.
    pub(super) slot: u32,
    pub(super) params: Kinds,
    pub(super) results: Kinds,
    /// Forward branches to the end.
    pub(super) end: Fixups,
    /// Number of the last `br_table` that made a stub for this label, and the stub's pc.
    pub(super) stub: (u32, u32),
    /// Handlers that continue at the end, as index + 1 into the list of pending targets.
    pub(super) catches: u32,
}

impl Frame {
    /// The values that a branch to this block's label takes along.
    pub(super) fn label(&self) -> Kinds {
        if matches!(self.block, BlockKind::Loop(_)) { self.params } else { self.results }
    }
}

/// Interned lists of value kinds: block types repeat, and frames must be small.
#[derive(Debug, Default)]
pub(super) struct KindPool {
    pub(super) kinds: Vec<Kind>,
    /// Params and results of type indices seen so far, by type index.
    pub(super) types: std::collections::HashMap<u32, (Kinds, Kinds)>,
}

impl KindPool {
    pub(super) fn clear(&mut self) {
        self.kinds.clear();
        self.types.clear();
    }

    pub(super) fn add(&mut self, kinds: impl Iterator<Item = Kind>) -> Kinds {
        let start = self.kinds.len() as u32;
        self.kinds.extend(kinds);
        let added = &self.kinds[start as usize..];
        Kinds { start, len: added.len() as u32, slots: added.iter().map(|kind| kind.slots()).sum() }
    }

    pub(super) fn get(&self, kinds: Kinds, i: u32) -> Kind {
        self.kinds[(kinds.start + i) as usize]
    }
}
