//! Borrowed stores, and whatever can be borrowed as one.

use std::any::Any;
use std::marker::PhantomData;

use terrace_core::runtime::memory::Memory;
use terrace_core::runtime::{self, MemoryRef};

use super::{Data, Store, store_methods};

/// A store that is borrowed to be read.
pub struct StoreContext<'a, T: 'static> {
    pub(crate) core: &'a runtime::Store,
    data: PhantomData<&'a T>,
}

/// A store that is borrowed to be used.
pub struct StoreContextMut<'a, T: 'static> {
    pub(crate) core: &'a mut runtime::Store,
    data: PhantomData<&'a mut T>,
}

impl<T> Clone for StoreContext<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for StoreContext<'_, T> {}

/// What can be borrowed as a store to be read: a [`Store`], a [`Caller`](crate::Caller), a context, and references to them.
pub trait AsContext {
    /// The type of the store's data.
    type Data: 'static;

    /// Borrows the store.
    fn as_context(&self) -> StoreContext<'_, Self::Data>;
}

/// What can be borrowed as a store to be used.
pub trait AsContextMut: AsContext {
    /// Borrows the store.
    fn as_context_mut(&mut self) -> StoreContextMut<'_, Self::Data>;
}

/// The data of a store with data of type `T`.
pub(super) fn data_of<T: 'static>(data: &mut (dyn Any + Send)) -> &mut Data<T> {
    match data.downcast_mut() {
        Some(data) => data,
        None => unreachable!("a context has the data type of its store"),
    }
}

impl<'a, T> StoreContext<'a, T> {
    /// `core` is the inside of a `Store<T>`.
    fn new(core: &'a runtime::Store) -> StoreContext<'a, T> {
        StoreContext { core, data: PhantomData }
    }

    pub(crate) fn inner(self) -> &'a Data<T> {
        match self.core.data().downcast_ref() {
            Some(data) => data,
            None => unreachable!("a context has the data type of its store"),
        }
    }

    /// The store's data.
    pub fn data(self) -> &'a T {
        &self.inner().value
    }

    /// The store's engine.
    pub fn engine(self) -> &'a crate::Engine {
        &self.inner().engine
    }
}

impl<'a, T> StoreContextMut<'a, T> {
    /// `core` is the inside of a `Store<T>`.
    pub(crate) fn new(core: &'a mut runtime::Store) -> StoreContextMut<'a, T> {
        StoreContextMut { core, data: PhantomData }
    }

    pub(crate) fn inner_mut(self) -> &'a mut Data<T> {
        data_of(self.core.data_mut())
    }

    /// A memory of the store beside the store's data.
    pub(crate) fn memory_and_data(self, memory: MemoryRef) -> (&'a mut Memory, &'a mut T) {
        let (memory, data) = self.core.memory_and_data(memory);
        (memory, &mut data_of::<T>(data).value)
    }

    /// The borrow, with its whole life.
    pub(crate) fn into_core(self) -> &'a mut runtime::Store {
        self.core
    }

    store_methods!();
}

impl<T> AsContext for StoreContext<'_, T> {
    type Data = T;

    fn as_context(&self) -> StoreContext<'_, T> {
        *self
    }
}

impl<T> AsContext for StoreContextMut<'_, T> {
    type Data = T;

    fn as_context(&self) -> StoreContext<'_, T> {
        StoreContext::new(self.core)
    }
}

impl<T> AsContextMut for StoreContextMut<'_, T> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        StoreContextMut::new(self.core)
    }
}

impl<T> AsContext for Store<T> {
    type Data = T;

    fn as_context(&self) -> StoreContext<'_, T> {
        StoreContext::new(&self.core)
    }
}

impl<T> AsContextMut for Store<T> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        StoreContextMut::new(&mut self.core)
    }
}

impl<C: AsContext> AsContext for &C {
    type Data = C::Data;

    fn as_context(&self) -> StoreContext<'_, C::Data> {
        C::as_context(self)
    }
}

impl<C: AsContext> AsContext for &mut C {
    type Data = C::Data;

    fn as_context(&self) -> StoreContext<'_, C::Data> {
        C::as_context(self)
    }
}

impl<C: AsContextMut> AsContextMut for &mut C {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, C::Data> {
        C::as_context_mut(self)
    }
}

impl<'a, C: AsContext> From<&'a C> for StoreContext<'a, C::Data> {
    fn from(store: &'a C) -> Self {
        store.as_context()
    }
}

impl<'a, C: AsContext> From<&'a mut C> for StoreContext<'a, C::Data> {
    fn from(store: &'a mut C) -> Self {
        C::as_context(store)
    }
}

impl<'a, C: AsContextMut> From<&'a mut C> for StoreContextMut<'a, C::Data> {
    fn from(store: &'a mut C) -> Self {
        store.as_context_mut()
    }
}
