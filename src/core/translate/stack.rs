//! The symbolic operand stack.
//!
//! Every entry has a home slot, fixed by its height. A `Temp` lives there; a `Local` or `Const` lives nowhere yet, and is
//! materialised into its home only where somebody needs it in a slot. Locals on the stack are linked per local, so that an
//! assignment finds the entries that still mean the old value without a search.

use terrace_abi::Ty;

use crate::bytecode::ReferencesBuilder;

/// What translation has to know of a value's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One slot without heap references: numbers and funcrefs.
    Word,
    /// Two slots.
    V128,
    /// One slot with a heap reference.
    HeapRef,
}

impl Kind {
    pub(super) fn slots(self) -> u32 {
        match self {
            Kind::V128 => 2,
            Kind::Word | Kind::HeapRef => 1,
        }
    }
}

/// Where an operand's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// In its home slot.
    Temp,
    /// In this local, which has not been assigned since.
    Local(u32),
    /// Known; the bits of its slot.
    Const(u64),
}

/// One operand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) value: Value,
    pub(super) kind: Kind,
    /// Home slot.
    pub(super) slot: u32,
    /// For `Local`: the next lower entry of the same local, as index + 1; 0 ends the list.
    pub(super) link: u32,
    /// Topmost reference temporary at or below this entry.
    pub(super) refs: u32,
}

/// A parameter or local.
#[derive(Clone, Copy, Debug)]
pub(super) struct Local {
    pub(super) slot: u32,
    pub(super) kind: Kind,
    pub(super) ty: Ty,
    /// Topmost entry that means this local, as index + 1; 0 for none.
    pub(super) pending: u32,
    /// Uses, weighted by loop depth.
    pub(super) uses: u32,
}

/// The operand stack and the locals that its entries may mean.
#[derive(Debug, Default)]
pub(super) struct Operands {
    pub(super) entries: Vec<Entry>,
    pub(super) locals: Vec<Local>,
    /// Home slot of the lowest entry.
    pub(super) base: u32,
    /// Entries below this index are not `Local`.
    pub(super) settled: usize,
    /// Slots touched so far.
    pub(super) high_water: u32,
}

impl Operands {
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.locals.clear();
        (self.base, self.settled, self.high_water) = (0, 0, 0);
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The home slot of the next entry.
    pub(super) fn next_slot(&self) -> u32 {
        self.entries.last().map_or(self.base, |top| top.slot + top.kind.slots())
    }

    /// The topmost reference temporary.
    pub(super) fn top_refs(&self) -> u32 {
        self.entries.last().map_or(ReferencesBuilder::EMPTY, |top| top.refs)
    }

    /// Pushes a value; returns its home slot. Reference temporaries get their node from the caller.
    pub(super) fn push(&mut self, value: Value, kind: Kind, refs: u32) -> u32 {
        let slot = self.next_slot();
        let mut link = 0;
        if let Value::Local(local) = value {
            let local = &mut self.locals[local as usize];
            link = local.pending;
            local.pending = self.entries.len() as u32 + 1;
        }
        self.high_water = self.high_water.max(slot + kind.slots());
        self.entries.push(Entry { value, kind, slot, link, refs });
        slot
    }

    /// Pops the top entry. The validator has made sure that there is one.
    pub(super) fn pop(&mut self) -> Entry {
        let Some(entry) = self.entries.pop() else { unreachable!("validated code never pops an empty stack") };
        if let Value::Local(local) = entry.value {
            self.locals[local as usize].pending = entry.link;
        }
        self.settled = self.settled.min(self.entries.len());
        entry
    }

    /// Pops entries until `height` are left.
    pub(super) fn truncate(&mut self, height: usize) {
        while self.entries.len() > height {
            self.pop();
        }
    }
}
