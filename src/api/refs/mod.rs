//! References into a store's heap, as the host holds them.
//!
//! A reference is an index that collections change, so the host holds a handle on a root instead: [`Rooted`] until the scope
//! that it was made in ends, [`OwnedRooted`] as long as it lives. Neither can dangle: one that is used too late, or with
//! another store, is an error.

mod any_ref;
mod exn_ref;
mod extern_ref;
mod scope;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use terrace_core::runtime;
use terrace_core::runtime::heap::{self, HeapRef};

pub use any_ref::AnyRef;
pub use exn_ref::{ExnRef, ThrownException};
pub use extern_ref::ExternRef;
pub use scope::RootScope;

use crate::error::{Error, Result};
use crate::store::{AsContext, AsContextMut, Bound};

/// The kinds of references that can be rooted: [`ExternRef`], [`AnyRef`] and [`ExnRef`].
pub trait RootedKind: sealed::Sealed + 'static {}

mod sealed {
    pub trait Sealed {}
}

macro_rules! kinds {
    ($($kind:ident)*) => {$(
        impl sealed::Sealed for $kind {}
        impl RootedKind for $kind {}
    )*};
}

kinds!(ExternRef AnyRef ExnRef);

/// A reference that is good until the scope that it was made in ends: the innermost [`RootScope`], call of a host function or of
/// a deadline's callback, or else the store's life.
pub struct Rooted<K> {
    handle: Bound<heap::Rooted>,
    kind: PhantomData<fn() -> K>,
}

/// A reference that is good as long as this handle or a clone of it lives. It may outlive its store, and is then of no use.
pub struct OwnedRooted<K> {
    handle: Bound<heap::OwnedRooted>,
    kind: PhantomData<fn() -> K>,
}

impl<K: RootedKind> Rooted<K> {
    /// Roots a reference of this kind, which is not null.
    pub(crate) fn new(store: &mut runtime::Store, reference: HeapRef) -> Rooted<K> {
        let handle = store.heap_mut().roots_mut().root(reference);
        Rooted { handle: Bound::new(store, handle), kind: PhantomData }
    }

    /// What a slot holds: a reference of this kind, or null.
    ///
    /// # Safety
    ///
    /// The slot is null or holds a reference of this kind of `store`.
    pub(crate) unsafe fn from_slot(store: &mut runtime::Store, slot: u64) -> Option<Rooted<K>> {
        let reference = HeapRef::from_slot(slot);
        (!reference.is_null()).then(|| Rooted::new(store, reference))
    }

    /// The reference, good until the next collection.
    pub(crate) fn get(&self, store: &runtime::Store) -> Result<HeapRef> {
        store.heap().roots().get(self.handle.of(store)?).ok_or(Error::Unrooted)
    }

    /// The same reference as another kind, which the caller vouches for.
    pub(crate) fn cast<L: RootedKind>(self) -> Rooted<L> {
        Rooted { handle: self.handle, kind: PhantomData }
    }

    /// The same reference, good as long as the result lives.
    ///
    /// # Errors
    ///
    /// The store is another one, or the scope has ended.
    pub fn to_owned_rooted(&self, mut store: impl AsContextMut) -> Result<OwnedRooted<K>> {
        let store = store.as_context_mut().into_core();
        let reference = self.get(store)?;
        let handle = store.heap_mut().roots_mut().root_owned(reference);
        Ok(OwnedRooted::new(store, handle))
    }

    /// Whether both are the same reference.
    ///
    /// # Errors
    ///
    /// The store is another one, or a scope has ended.
    pub fn ref_eq(store: impl AsContext, a: &Rooted<K>, b: &Rooted<K>) -> Result<bool> {
        let store = store.as_context().core;
        Ok(a.get(store)? == b.get(store)?)
    }
}

impl<K: RootedKind> OwnedRooted<K> {
    pub(crate) fn new(store: &runtime::Store, handle: heap::OwnedRooted) -> OwnedRooted<K> {
        OwnedRooted { handle: Bound::new(store, handle), kind: PhantomData }
    }

    pub(crate) fn handle(&self, store: &runtime::Store) -> Result<&heap::OwnedRooted> {
        self.handle.of_ref(store)
    }

    /// The runtime's handle, which is checked.
    pub(crate) fn into_handle(self) -> heap::OwnedRooted {
        self.handle.into_unchecked()
    }

    /// The reference, rooted in the innermost scope.
    ///
    /// # Errors
    ///
    /// The store is another one.
    pub fn to_rooted(&self, mut store: impl AsContextMut) -> Result<Rooted<K>> {
        let store = store.as_context_mut().into_core();
        let reference = store.heap().roots().get_owned(self.handle(store)?).ok_or(Error::Unrooted)?;
        Ok(Rooted::new(store, reference))
    }
}

impl<K> Clone for Rooted<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Rooted<K> {}

/// Handles are equal if they are the same root; for references see [`Rooted::ref_eq`].
impl<K> PartialEq for Rooted<K> {
    fn eq(&self, other: &Self) -> bool {
        self.handle == other.handle
    }
}

impl<K> Eq for Rooted<K> {}

impl<K> Hash for Rooted<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.handle.hash(state);
    }
}

impl<K> fmt::Debug for Rooted<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rooted").field(&self.handle).finish()
    }
}

impl<K> Clone for OwnedRooted<K> {
    fn clone(&self) -> Self {
        OwnedRooted { handle: self.handle.clone(), kind: PhantomData }
    }
}

impl<K> fmt::Debug for OwnedRooted<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnedRooted").field(&self.handle).finish()
    }
}
