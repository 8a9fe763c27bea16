//! Stores and the ways to reach one.
//!
//! The runtime's store does not know the type of its data, and no other crate sees it: the data is put in as [`Data<T>`] when
//! a `Store<T>` is made, and every [`StoreContext`] of that store has the same `T`.

mod bound;
mod context;
mod methods;
mod time;

use std::fmt;
use std::marker::PhantomData;

use terrace_core::runtime;

pub(crate) use bound::Bound;
pub use context::{AsContext, AsContextMut, StoreContext, StoreContextMut};
pub(crate) use methods::store_methods;
pub use time::UpdateDeadline;

use crate::ResourceLimiter;
use crate::engine::Engine;
use crate::error::{Error, Result};

/// What a store of this crate keeps in the runtime's.
pub(crate) struct Data<T> {
    pub(crate) value: T,
    pub(crate) engine: Engine,
}

// SAFETY: the runtime's store is reachable through types with the parameter `T` alone, which are `Send` only if `T` is, so
// the value changes threads only if it may.
unsafe impl<T> Send for Data<T> {}

/// A world of instances, with everything that they own and the embedder's data.
///
/// Objects in a store ([`Instance`](crate::Instance), [`Func`](crate::Func), [`Memory`](crate::Memory), ...) are handles:
/// plain values that are used together with their store, and refused with [`Error::OtherStore`] by any other. Nothing in a
/// store is freed before the store itself, but for references, which are collected.
///
/// # Threads
///
/// A store is used by one thread at a time: `Store<T>` is `Send` if `T` is, and never `Sync`. Engines, modules, linkers,
/// shared memories and interrupt handles are shared between threads freely.
///
/// # Reentrancy
///
/// A host function that wasm calls gets the store as a [`Caller`](crate::Caller) and may do anything with it: call wasm,
/// instantiate modules, grow memories. How deep that goes is bounded by [`Config::max_stack`](crate::Config::max_stack):
/// one call too many is a [`Trap::StackOverflow`](crate::Trap::StackOverflow).
///
/// # Panics of host functions
///
/// A panic goes through the wasm frames below and comes out of the host's outermost call. The store stays as the panic left
/// it, and can be used again.
///
/// ```
/// use terrace::{Engine, Store};
///
/// let mut store = Store::new(&Engine::default(), vec!["data of the host"]);
/// store.data_mut().push("more");
/// assert_eq!(store.into_data().len(), 2);
/// ```
pub struct Store<T: 'static> {
    pub(crate) core: Box<runtime::Store>,
    data: PhantomData<T>,
}

impl<T> Store<T> {
    /// An empty store.
    ///
    /// # Panics
    ///
    /// If the system has no address space for its stack. [`Store::try_new`] returns an error then.
    pub fn new(engine: &Engine, data: T) -> Store<T> {
        match Store::try_new(engine, data) {
            Ok(store) => store,
            Err(error) => panic!("{error}"),
        }
    }

    /// An empty store.
    ///
    /// # Errors
    ///
    /// The system has no address space for its stack.
    pub fn try_new(engine: &Engine, data: T) -> Result<Store<T>> {
        let mut core = runtime::Store::new(&engine.core).map_err(Error::Store)?;
        core.set_data(Box::new(Data { value: data, engine: engine.clone() }));
        Ok(Store { core, data: PhantomData })
    }

    /// Frees the store and returns its data.
    pub fn into_data(mut self) -> T {
        let data: Box<dyn std::any::Any> = self.core.set_data(Box::new(()));
        match data.downcast::<Data<T>>() {
            Ok(data) => data.value,
            Err(_) => unreachable!("a store has the data that it was made with"),
        }
    }

    /// Sets who decides how much the store may grow. The limiter is part of the store's data.
    ///
    /// ```
    /// use terrace::{Engine, Memory, MemoryType, Store, StoreLimits, StoreLimitsBuilder};
    ///
    /// struct State {
    ///     limits: StoreLimits,
    /// }
    ///
    /// let limits = StoreLimitsBuilder::new().memory_size(1 << 20).build();
    /// let mut store = Store::new(&Engine::default(), State { limits });
    /// store.limiter(|state| &mut state.limits);
    ///
    /// let memory = Memory::new(&mut store, MemoryType::new(1, None))?;
    /// assert!(memory.grow(&mut store, 15).is_ok());
    /// assert!(memory.grow(&mut store, 1).is_err());
    /// # Ok::<(), terrace::Error>(())
    /// ```
    pub fn limiter(
        &mut self,
        limiter: impl Fn(&mut T) -> &mut (dyn ResourceLimiter + 'static) + Send + Sync + 'static,
    ) {
        self.core.set_limiter(Some(Box::new(move |data| limiter(&mut context::data_of::<T>(data).value))));
    }

    store_methods!();
}

impl<T: fmt::Debug> fmt::Debug for Store<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("data", self.data()).field("store", &self.core).finish()
    }
}
