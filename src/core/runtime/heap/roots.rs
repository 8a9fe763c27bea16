//! References that the host holds.
//!
//! A host handle is a stable name for a cell here, which the collector updates. [`Rooted`] handles end with the scope
//! that they were made in: a cell's generation, never used twice, tells a handle from a later one in the same place.
//! [`OwnedRooted`] handles live as long as a clone does; dropping one, on whatever thread, only gives up a share of its
//! liveness flag, and the cell is freed at the next sweep.

use std::sync::Arc;

use slab::Slab;

use super::{HeapRef, RootVisitor};

/// A handle that is valid until the scope in which it was made ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rooted {
    index: usize,
    generation: u64,
}

/// A scope of [`Rooted`] handles, to be given back to [`RootTable::exit_scope`].
#[derive(Debug)]
#[must_use = "a scope ends when it is given back"]
pub struct RootScope(usize);

/// A handle that is valid as long as it or a clone exists. Handles are equal if they are clones of one another.
#[derive(Clone, Debug)]
pub struct OwnedRooted {
    index: usize,
    alive: Arc<()>,
}

impl PartialEq for OwnedRooted {
    fn eq(&self, other: &OwnedRooted) -> bool {
        Arc::ptr_eq(&self.alive, &other.alive)
    }
}

impl Eq for OwnedRooted {}

/// The host's roots in one store.
#[derive(Debug, Default)]
pub struct RootTable {
    scoped: Vec<ScopedCell>,
    /// Counts scopes that ended with handles in them.
    generation: u64,
    owned: Slab<OwnedCell>,
    /// The number of owned cells at which the next one sweeps first.
    sweep_at: usize,
}

#[derive(Debug)]
struct ScopedCell {
    value: u64,
    generation: u64,
}

#[derive(Debug)]
struct OwnedCell {
    value: u64,
    alive: Arc<()>,
}

impl RootTable {
    /// Roots a reference in the innermost scope.
    pub fn root(&mut self, reference: HeapRef) -> Rooted {
        let generation = self.generation;
        self.scoped.push(ScopedCell { value: reference.to_slot(), generation });
        Rooted { index: self.scoped.len() - 1, generation }
    }

    /// The reference behind a handle, unless its scope has ended.
    pub fn get(&self, handle: Rooted) -> Option<HeapRef> {
        let cell = self.scoped.get(handle.index)?;
        (cell.generation == handle.generation).then(|| HeapRef::from_slot(cell.value))
    }

    /// Begins a scope.
    pub fn enter_scope(&self) -> RootScope {
        RootScope(self.scoped.len())
    }

    /// Ends a scope and those inside it.
    pub fn exit_scope(&mut self, scope: RootScope) {
        if scope.0 < self.scoped.len() {
            self.scoped.truncate(scope.0);
            self.generation += 1;
        }
    }

    /// Roots a reference until every clone of the handle is gone.
    pub fn root_owned(&mut self, reference: HeapRef) -> OwnedRooted {
        if self.owned.len() >= self.sweep_at {
            self.sweep();
            self.sweep_at = (2 * self.owned.len()).max(64);
        }
        let alive = Arc::new(());
        let index = self.owned.insert(OwnedCell { value: reference.to_slot(), alive: Arc::clone(&alive) });
        OwnedRooted { index, alive }
    }

    /// The reference behind a handle, unless it belongs to another table.
    pub fn get_owned(&self, handle: &OwnedRooted) -> Option<HeapRef> {
        let cell = self.owned.get(handle.index)?;
        Arc::ptr_eq(&cell.alive, &handle.alive).then(|| HeapRef::from_slot(cell.value))
    }

    /// Frees the cells whose handles are all gone.
    fn sweep(&mut self) {
        self.owned.retain(|_, cell| Arc::strong_count(&cell.alive) > 1);
    }

    /// Visits every root that is still held.
    pub(super) fn trace(&mut self, visit: &mut RootVisitor<'_>) {
        self.sweep();
        for cell in &mut self.scoped {
            visit(&mut cell.value);
        }
        for (_, cell) in &mut self.owned {
            visit(&mut cell.value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(n: u32) -> HeapRef {
        HeapRef::i31(n)
    }

    #[test]
    fn scopes_nest() {
        let mut roots = RootTable::default();
        let outside = roots.root(reference(1));
        let outer = roots.enter_scope();
        let a = roots.root(reference(2));
        let inner = roots.enter_scope();
        let b = roots.root(reference(3));
        assert_eq!(roots.get(b), Some(reference(3)));
        roots.exit_scope(inner);
        assert_eq!(roots.get(b), None);
        let c = roots.root(reference(4));
        assert_eq!((roots.get(b), roots.get(c)), (None, Some(reference(4))));
        assert_eq!(roots.get(a), Some(reference(2)));
        roots.exit_scope(outer);
        assert_eq!((roots.get(a), roots.get(c)), (None, None));
        assert_eq!(roots.get(outside), Some(reference(1)));
    }

    #[test]
    fn an_outer_scope_ends_inner_ones() {
        let mut roots = RootTable::default();
        let outer = roots.enter_scope();
        let _forgotten = roots.root(reference(1));
        let inner = roots.enter_scope();
        let a = roots.root(reference(2));
        roots.exit_scope(outer);
        roots.exit_scope(inner);
        assert_eq!(roots.get(a), None);
        assert!(roots.scoped.is_empty());
    }

    #[test]
    fn owned_handles_end_with_the_last_clone() {
        let mut roots = RootTable::default();
        let a = roots.root_owned(reference(1));
        let b = a.clone();
        drop(a);
        roots.trace(&mut |_| {});
        assert_eq!(roots.get_owned(&b), Some(reference(1)));
        std::thread::spawn(move || drop(b)).join().unwrap();
        let mut seen = 0;
        roots.trace(&mut |_| seen += 1);
        assert_eq!((seen, roots.owned.len()), (0, 0));
    }

    #[test]
    fn another_tables_handle_is_refused() {
        let (mut one, mut other) = (RootTable::default(), RootTable::default());
        let handle = one.root_owned(reference(1));
        let _same_place = other.root_owned(reference(2));
        assert_eq!(other.get_owned(&handle), None);
    }

    #[test]
    fn dropped_handles_do_not_pile_up_without_collections() {
        let mut roots = RootTable::default();
        let kept: Vec<_> = (0..100).map(|n| roots.root_owned(reference(n))).collect();
        for n in 0..10_000 {
            drop(roots.root_owned(reference(n)));
        }
        assert!(roots.owned.capacity() < 1000);
        for (n, handle) in kept.iter().enumerate() {
            assert_eq!(roots.get_owned(handle), Some(reference(n as u32)));
        }
    }
}
