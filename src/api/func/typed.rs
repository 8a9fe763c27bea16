//! Functions whose types Rust knows.

use std::fmt;
use std::marker::PhantomData;

use terrace_core::runtime::types::{FuncType, TypeRegistry};

use super::{Func, WasmParams, WasmResults};
use crate::error::{Error, Result};
use crate::store::AsContextMut;

/// A [`Func`] whose types have been checked, so that calls take values of Rust's types and put them where wasm finds them.
///
/// `Params` and `Results` are tuples of [`WasmTy`](crate::WasmTy), or one such type.
///
/// ```
/// use terrace::{Engine, Instance, Module, Store};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"
///     (module (func (export "swap") (param i32 f64) (result f64 i32) (local.get 1) (local.get 0)))
/// "#)?;
/// let mut store = Store::new(&engine, ());
/// let instance = Instance::new(&mut store, &module, &[])?;
/// let swap = instance.get_typed_func::<(i32, f64), (f64, i32)>(&mut store, "swap")?;
/// assert_eq!(swap.call(&mut store, (1, 2.5))?, (2.5, 1));
/// assert!(instance.get_typed_func::<i32, ()>(&mut store, "swap").is_err());
/// # Ok::<(), terrace::Error>(())
/// ```
pub struct TypedFunc<Params, Results> {
    func: Func,
    types: PhantomData<fn(Params) -> Results>,
}

/// The most slots that 16 values take.
const MAX_SLOTS: usize = 32;

impl<Params: WasmParams, Results: WasmResults> TypedFunc<Params, Results> {
    /// `func` has these types.
    pub(super) fn new(func: Func) -> TypedFunc<Params, Results> {
        TypedFunc { func, types: PhantomData }
    }

    /// Whether a function of type `ty` takes and gives these types.
    pub(super) fn check(types: &TypeRegistry, ty: &FuncType) -> Result<()> {
        let typed = FuncType::new(Params::valtypes(), Results::valtypes());
        match types.func_subtype(ty, &typed) {
            true => Ok(()),
            false => Err(Error::mismatch(typed, ty)),
        }
    }

    /// Calls the function.
    ///
    /// # Errors
    ///
    /// Execution stops, or an argument or the store is of another store: see [`Func::call`].
    ///
    /// # Panics
    ///
    /// If a host function panics.
    #[inline]
    pub fn call(&self, mut store: impl AsContextMut, params: Params) -> Result<Results> {
        let store = store.as_context_mut().into_core();
        let func = self.func.0.of(store)?;
        let mut slots = [0; MAX_SLOTS];
        params.store_all(store, &mut slots)?;
        let used = &mut slots[..Params::SLOTS.max(Results::SLOTS)];
        match store.call(func, used) {
            // SAFETY: the function's results are subtypes of these, and the store is its own.
            Ok(()) => Ok(unsafe { Results::load_all(store, used) }),
            Err(stop) => Err(Error::from_stop(stop, store)),
        }
    }

    /// The function without its types.
    pub fn func(&self) -> &Func {
        &self.func
    }
}

impl<Params, Results> Clone for TypedFunc<Params, Results> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Params, Results> Copy for TypedFunc<Params, Results> {}

impl<Params, Results> fmt::Debug for TypedFunc<Params, Results> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TypedFunc").field(&self.func).finish()
    }
}
