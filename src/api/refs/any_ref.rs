//! `anyref`: references of wasm's own.

use terrace_core::runtime::heap::HeapRef;

use super::{ExternRef, Rooted};
use crate::error::Result;
use crate::store::{AsContext, AsContextMut};

/// The kind of `anyref`. Used as [`Rooted<AnyRef>`] and [`OwnedRooted<AnyRef>`](crate::OwnedRooted).
#[derive(Debug)]
pub enum AnyRef {}

impl AnyRef {
    /// The reference `i31` of the low 31 bits of `value`.
    pub fn from_i31(mut store: impl AsContextMut, value: u32) -> Rooted<AnyRef> {
        Rooted::new(store.as_context_mut().core, HeapRef::i31(value))
    }

    /// `any.convert_extern`.
    ///
    /// # Errors
    ///
    /// The store is another one, or the reference's scope has ended.
    pub fn convert_extern(store: impl AsContext, reference: Rooted<ExternRef>) -> Result<Rooted<AnyRef>> {
        reference.get(store.as_context().core)?;
        Ok(reference.cast())
    }
}

impl Rooted<AnyRef> {
    /// The value of an `i31`, sign-extended; `None` if the reference is another.
    ///
    /// # Errors
    ///
    /// The store is another one, or the reference's scope has ended.
    pub fn as_i31(&self, store: impl AsContext) -> Result<Option<i32>> {
        Ok(self.get(store.as_context().core)?.as_i31())
    }
}
