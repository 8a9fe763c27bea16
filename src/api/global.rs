//! Globals of a store.

use std::sync::atomic::Ordering;

use terrace_core::runtime::GlobalRef;

use crate::error::{Error, Result};
use crate::store::{AsContext, AsContextMut, Bound};
use crate::types::GlobalType;
use crate::val::Val;

/// A global of a store.
///
/// ```
/// use terrace::{Engine, Error, Global, GlobalType, Mutability, Store, Val, ValType};
///
/// let mut store = Store::new(&Engine::default(), ());
/// let counter = Global::new(&mut store, GlobalType::new(ValType::I64, Mutability::Var), Val::I64(1))?;
/// counter.set(&mut store, Val::I64(2))?;
/// assert_eq!(counter.get(&mut store)?.i64(), Some(2));
/// assert!(matches!(counter.set(&mut store, Val::I32(3)), Err(Error::TypeMismatch { .. })));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Global(pub(crate) Bound<GlobalRef>);

impl Global {
    /// A global of type `ty`.
    ///
    /// # Errors
    ///
    /// The value is of another type or store.
    pub fn new(mut store: impl AsContextMut, ty: GlobalType, value: Val) -> Result<Global> {
        let store = store.as_context_mut().into_core();
        let mut slots = [0; 2];
        value.store(store, ty.0.content, &mut slots)?;
        let global = store.create_global(ty.0, slots)?;
        Ok(Global(Bound::new(store, global)))
    }

    /// The type.
    ///
    /// # Errors
    ///
    /// The store is another one.
    pub fn ty(&self, store: impl AsContext) -> Result<GlobalType> {
        let store = store.as_context().core;
        Ok(GlobalType(store.global_type(self.0.of(store)?)))
    }

    /// The value.
    ///
    /// # Errors
    ///
    /// The store is another one.
    pub fn get(&self, mut store: impl AsContextMut) -> Result<Val> {
        let store = store.as_context_mut().into_core();
        let global = self.0.of(store)?;
        let slots = store.global(global).value.each_ref().map(|slot| slot.load(Ordering::Relaxed));
        let ty = store.global_type(global).content;
        // SAFETY: the value is of the global's type, in the global's store.
        Ok(unsafe { Val::load(store, ty, &slots) })
    }

    /// Writes the value.
    ///
    /// # Errors
    ///
    /// The global is immutable, the value is of another type, or something is of another store.
    pub fn set(&self, mut store: impl AsContextMut, value: Val) -> Result<()> {
        let store = store.as_context_mut().into_core();
        let global = self.0.of(store)?;
        let ty = store.global_type(global);
        if !ty.mutable {
            return Err(Error::ImmutableGlobal);
        }
        let mut slots = [0; 2];
        value.store(store, ty.content, &mut slots)?;
        for (half, value) in store.global(global).value.iter().zip(slots) {
            half.store(value, Ordering::Relaxed);
        }
        Ok(())
    }
}
