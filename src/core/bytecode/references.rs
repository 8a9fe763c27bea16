//! Which slots hold heap references at a safepoint.
//!
//! A local has one type for good, so reference locals are one list for the whole function: ranges, as many as groups of
//! locals are declared. Temporaries follow the operand
//! stack: each reference on it is a node that links to the next one below, so that a safepoint is one node number and the
//! whole record is linear in the size of the code, however deep the stack is.

use std::ops::Range;

/// No reference temporaries.
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Node {
    slot: u32,
    below: u32,
}

/// The reference slots of a function.
#[derive(Debug, Default)]
pub struct References {
    locals: Box<[Range<u32>]>,
    nodes: Box<[Node]>,
    /// (pc, top node), in order of pc; only safepoints with reference temporaries.
    safepoints: Box<[(u32, u32)]>,
}

/// Collects reference slots while a function is translated.
#[derive(Debug, Default)]
pub struct ReferencesBuilder {
    locals: Vec<Range<u32>>,
    nodes: Vec<Node>,
    safepoints: Vec<(u32, u32)>,
}

impl ReferencesBuilder {
    /// The empty operand stack.
    pub const EMPTY: u32 = NONE;

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.locals.clear();
        self.nodes.clear();
        self.safepoints.clear();
    }

    /// Locals' slots hold references.
    pub fn locals(&mut self, slots: Range<u32>) {
        if !slots.is_empty() {
            self.locals.push(slots);
        }
    }

    /// A temporary above the node `below` holds a reference; returns its node.
    pub fn push(&mut self, slot: u32, below: u32) -> u32 {
        self.nodes.push(Node { slot, below });
        self.nodes.len() as u32 - 1
    }

    /// `pc` is a safepoint with the reference temporaries from node `top` down.
    pub fn safepoint(&mut self, pc: u32, top: u32) {
        if top != NONE {
            self.safepoints.push((pc, top));
        }
    }

    /// The finished record; the builder can be used again.
    pub fn finish(&mut self) -> References {
        let references = References {
            locals: self.locals.as_slice().into(),
            nodes: self.nodes.as_slice().into(),
            safepoints: self.safepoints.as_slice().into(),
        };
        self.clear();
        references
    }
}

impl References {
    /// Slots of reference locals.
    pub fn locals(&self) -> impl Iterator<Item = u32> {
        self.locals.iter().cloned().flatten()
    }

    /// Visits the reference slots at the safepoint `pc`.
    pub fn visit(&self, pc: u32, visit: &mut dyn FnMut(u32)) {
        self.locals().for_each(&mut *visit);
        let Ok(found) = self.safepoints.binary_search_by_key(&pc, |&(pc, _)| pc) else { return };
        let mut node = self.safepoints[found].1;
        while let Some(&Node { slot, below }) = self.nodes.get(node as usize) {
            visit(slot);
            node = below;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_safepoint_sees_locals_and_its_own_stack() {
        let mut builder = ReferencesBuilder::default();
        builder.locals(1..2);
        let a = builder.push(5, ReferencesBuilder::EMPTY);
        builder.safepoint(10, a);
        let b = builder.push(7, a);
        builder.safepoint(20, b);
        builder.safepoint(30, ReferencesBuilder::EMPTY);
        let references = builder.finish();
        let at = |pc| {
            let mut slots = vec![];
            references.visit(pc, &mut |slot| slots.push(slot));
            slots
        };
        assert_eq!(at(10), [1, 5]);
        assert_eq!(at(20), [1, 7, 5]);
        assert_eq!(at(30), [1]);
    }
}
