//! Handles know their store.

use terrace_core::runtime;

use crate::error::{Error, Result};

/// An object of the runtime with the store that it belongs to. The object is used only through [`Bound::of`], with that
/// store at hand: so it is alive, and the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Bound<H> {
    store: u64,
    object: H,
}

impl<H> Bound<H> {
    /// An object of `store`.
    pub(crate) fn new(store: &runtime::Store, object: H) -> Bound<H> {
        Bound { store: store.id(), object }
    }

    /// The object, to be used with its store.
    #[inline]
    pub(crate) fn of(&self, store: &runtime::Store) -> Result<H>
    where
        H: Copy,
    {
        Ok(*self.of_ref(store)?)
    }

    /// The object, to be used with its store.
    #[inline]
    pub(crate) fn of_ref(&self, store: &runtime::Store) -> Result<&H> {
        if self.store == store.id() { Ok(&self.object) } else { Err(Error::OtherStore) }
    }

    /// The object, for whoever checks it in another way.
    pub(crate) fn into_unchecked(self) -> H {
        self.object
    }

    /// Whether the object is of `store`.
    pub(crate) fn is_of(&self, store: &runtime::Store) -> bool {
        self.store == store.id()
    }
}
