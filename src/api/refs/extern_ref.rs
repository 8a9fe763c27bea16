//! `externref`: values of the host that wasm can hold but not look into.

use std::any::Any;

use super::{AnyRef, Rooted};
use crate::error::Result;
use crate::store::{AsContext, AsContextMut};

/// The kind of `externref`. Used as [`Rooted<ExternRef>`] and [`OwnedRooted<ExternRef>`](crate::OwnedRooted).
///
/// ```
/// use terrace::{Engine, ExternRef, Store};
///
/// let mut store = Store::new(&Engine::default(), ());
/// let reference = ExternRef::new(&mut store, String::from("a value of the host"))?;
/// let data = reference.data(&store)?.and_then(|data| data.downcast_ref::<String>());
/// assert_eq!(data.unwrap(), "a value of the host");
/// # Ok::<(), terrace::Error>(())
/// ```
#[derive(Debug)]
pub enum ExternRef {}

impl ExternRef {
    /// Puts a value of the host into the store. It is dropped when no reference to it is left.
    ///
    /// # Errors
    ///
    /// The heap of references is full.
    pub fn new(mut store: impl AsContextMut, value: impl Any + Send + Sync) -> Result<Rooted<ExternRef>> {
        let store = store.as_context_mut().into_core();
        let reference = store.new_extern(Box::new(value))?;
        Ok(Rooted::new(store, reference))
    }

    /// `extern.convert_any`.
    ///
    /// # Errors
    ///
    /// The store is another one, or the reference's scope has ended.
    pub fn convert_any(store: impl AsContext, reference: Rooted<AnyRef>) -> Result<Rooted<ExternRef>> {
        reference.get(store.as_context().core)?;
        Ok(reference.cast())
    }
}

impl Rooted<ExternRef> {
    /// The host's value; `None` if the reference is one of wasm's own that was converted.
    ///
    /// # Errors
    ///
    /// The store is another one, or the reference's scope has ended.
    pub fn data<'a, T: 'static>(
        &self,
        store: impl Into<crate::StoreContext<'a, T>>,
    ) -> Result<Option<&'a (dyn Any + Send + Sync)>> {
        let store = store.into().core;
        Ok(store.heap().extern_data(self.get(store)?))
    }

    /// The host's value, to be changed.
    ///
    /// # Errors
    ///
    /// As for [`data`](Rooted::data).
    pub fn data_mut<'a, T: 'static>(
        &self,
        store: impl Into<crate::StoreContextMut<'a, T>>,
    ) -> Result<Option<&'a mut (dyn Any + Send + Sync)>> {
        let store = store.into().into_core();
        let reference = self.get(store)?;
        Ok(store.heap_mut().extern_data_mut(reference))
    }
}
