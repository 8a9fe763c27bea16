//! The host's values behind `externref` objects: each object holds an index here, and a value lives as long as its object.

use std::any::Any;

use slab::Slab;

/// A value of the host that wasm can hold but not look into.
pub type HostValue = Box<dyn Any + Send + Sync>;

struct Entry {
    value: HostValue,
    /// Whether the object has been reached in the collection under way.
    reached: bool,
}

#[derive(Default)]
pub(super) struct HostValues(Slab<Entry>);

impl HostValues {
    pub(super) fn insert(&mut self, value: HostValue) -> usize {
        let reached = false;
        self.0.insert(Entry { value, reached })
    }

    pub(super) fn remove(&mut self, index: usize) {
        self.0.try_remove(index);
    }

    pub(super) fn get(&self, index: u32) -> Option<&(dyn Any + Send + Sync)> {
        Some(&*self.0.get(index as usize)?.value)
    }

    pub(super) fn get_mut(&mut self, index: u32) -> Option<&mut (dyn Any + Send + Sync)> {
        Some(&mut *self.0.get_mut(index as usize)?.value)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn reach(&mut self, index: u32) {
        if let Some(entry) = self.0.get_mut(index as usize) {
            entry.reached = true;
        }
    }

    /// Takes out the values that have not been reached. Dropping them runs the host's code, which may panic: that is for
    /// the caller to do last.
    pub(super) fn sweep(&mut self) -> Vec<HostValue> {
        let mut dead = Vec::new();
        for (index, entry) in &mut self.0 {
            if !std::mem::take(&mut entry.reached) {
                dead.push(index);
            }
        }
        dead.into_iter().map(|index| self.0.remove(index).value).collect()
    }
}
