//! Objects at fixed addresses.
//!
//! Records are reached by raw pointers from machine code, frames and each other, so they stay where they are, and their
//! owners may move.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// An owned object whose address stays the same until it is dropped.
pub(crate) struct Pinned<T>(NonNull<T>);

impl<T> Pinned<T> {
    pub(crate) fn new(value: T) -> Pinned<T> {
        // A box is never null.
        Pinned(NonNull::from(Box::leak(Box::new(value))))
    }

    /// The object's address, valid as long as `self`.
    pub(crate) fn as_non_null(&self) -> NonNull<T> {
        self.0
    }
}

impl<T> Deref for Pinned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the pointer came from a box that only `drop` frees; references follow the borrow of `self`.
        unsafe { self.0.as_ref() }
    }
}

impl<T> DerefMut for Pinned<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as for `deref`, and `self` is borrowed exclusively.
        unsafe { self.0.as_mut() }
    }
}

impl<T> Drop for Pinned<T> {
    fn drop(&mut self) {
        // SAFETY: the pointer came from `Box::leak`, and nothing uses the object after its owner.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

impl<T: fmt::Debug> fmt::Debug for Pinned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

// SAFETY: a `Pinned<T>` owns its `T`, like a box.
unsafe impl<T: Send> Send for Pinned<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Pinned<T> {}
