//! Code under construction: bytes, labels, relocations and constants.

use std::collections::HashMap;

use terrace_abi::TrapKind;

/// A place in the code that branches and addresses can name before it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Label(pub(crate) u32);

/// A trap that code jumps to, and that somebody has to emit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrapSite {
    /// The label that the code jumps to.
    pub label: Label,
    /// The kind of the trap.
    pub kind: TrapKind,
}

/// A field that holds the distance to a label.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fixup {
    /// Where the field, or the instruction that contains it, begins.
    pub at: u32,
    pub label: Label,
    /// How it is encoded; the implementation's to interpret.
    pub kind: u8,
}

const UNBOUND: u32 = u32::MAX;

/// Bytes, labels, fixups, constants, and where traps go.
#[derive(Debug, Default)]
pub struct Buffer {
    pub(crate) bytes: Vec<u8>,
    labels: Vec<u32>,
    pub(crate) fixups: Vec<Fixup>,
    pub(crate) constants: Vec<(u128, Label)>,
    known_constants: HashMap<u128, Label>,
    fixed_traps: Vec<(TrapKind, Label)>,
    trap_sites: Vec<TrapSite>,
}

impl Buffer {
    /// Forgets everything, but keeps the memory for other code.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.labels.clear();
        self.fixups.clear();
        self.constants.clear();
        self.known_constants.clear();
        self.fixed_traps.clear();
        self.trap_sites.clear();
    }

    /// Appends bytes that are no instruction.
    pub fn data(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The number of bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The bytes; final after [`Masm::finish`](crate::Masm::finish).
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A label that is not bound yet.
    pub fn label(&mut self) -> Label {
        self.labels.push(UNBOUND);
        Label(self.labels.len() as u32 - 1)
    }

    /// Binds a label here.
    pub fn bind(&mut self, label: Label) {
        self.labels[label.0 as usize] = self.bytes.len() as u32;
    }

    /// Where a label is bound.
    pub fn position(&self, label: Label) -> Option<usize> {
        let position = self.labels[label.0 as usize];
        (position != UNBOUND).then_some(position as usize)
    }

    /// Sends every trap of a kind to one label from now on.
    pub fn set_trap(&mut self, kind: TrapKind, label: Label) {
        self.fixed_traps.push((kind, label));
    }

    /// The label of a trap: the fixed one of its kind, or a new site.
    pub fn trap(&mut self, kind: TrapKind) -> Label {
        if let Some(&(_, label)) = self.fixed_traps.iter().find(|&&(fixed, _)| fixed == kind) {
            return label;
        }
        let label = self.label();
        self.trap_sites.push(TrapSite { label, kind });
        label
    }

    /// Takes the sites that have not been emitted.
    pub fn take_trap_sites(&mut self) -> Vec<TrapSite> {
        std::mem::take(&mut self.trap_sites)
    }

    /// As [`Buffer::take_trap_sites`], where the code does not go on before they are seen.
    pub fn drain_trap_sites(&mut self) -> std::vec::Drain<'_, TrapSite> {
        self.trap_sites.drain(..)
    }

    /// Whether there are sites that have not been emitted.
    #[inline]
    pub fn has_trap_sites(&self) -> bool {
        !self.trap_sites.is_empty()
    }

    /// The label of a 16-byte constant, which is emitted at the end. Equal constants share one place.
    pub fn constant(&mut self, bits: u128) -> Label {
        if let Some(&label) = self.known_constants.get(&bits) {
            return label;
        }
        let label = self.label();
        self.constants.push((bits, label));
        self.known_constants.insert(bits, label);
        label
    }

    /// Records that a field names a label.
    pub(crate) fn fixup(&mut self, at: usize, label: Label, kind: u8) {
        self.fixups.push(Fixup { at: at as u32, label, kind });
    }
}
