//! Functions, called with values of any type.

mod caller;
mod typed;
mod values;
mod wrap;

use std::sync::Arc;

use terrace_core::runtime::types::FuncType;
use terrace_core::runtime::{self, FuncRef, HostFunc};

pub use caller::Caller;
pub use typed::TypedFunc;
pub use values::{WasmParams, WasmResults, WasmTy, WasmValues};
pub(crate) use wrap::scoped;
pub use wrap::{IntoFunc, WasmRet};

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::store::{AsContext, AsContextMut, Bound};
use crate::val::{self, Val};

/// A function of a store: one of wasm's, or of the host's.
///
/// ```
/// use terrace::{Engine, Func, FuncType, Store, Val, ValType};
///
/// let mut store = Store::new(&Engine::default(), ());
///
/// // From a closure whose types say it all ...
/// let add = Func::wrap(&mut store, |a: i32, b: i32| a + b);
/// assert_eq!(add.typed::<(i32, i32), i32>(&store)?.call(&mut store, (1, 2))?, 3);
///
/// // ... or with types that are made at run time.
/// let ty = FuncType::new([ValType::I64], [ValType::I64, ValType::I64]);
/// let twice = Func::new(&mut store, ty, |_, params, results| {
///     results.fill(params[0]);
///     Ok(())
/// })?;
/// let mut results = [Val::I32(0); 2];
/// twice.call(&mut store, &[Val::I64(7)], &mut results)?;
/// assert_eq!(results[1].i64(), Some(7));
/// # Ok::<(), terrace::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Func(pub(crate) Bound<FuncRef>);

impl Func {
    /// A function of type `ty` that runs `call` with its arguments and room for its results. What it leaves there is
    /// checked against the type.
    ///
    /// # Errors
    ///
    /// The type mentions types that nobody holds.
    pub fn new<T: 'static>(
        mut store: impl AsContextMut<Data = T>,
        ty: FuncType,
        call: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
    ) -> Result<Func> {
        let store = store.as_context_mut();
        let func = dynamic(store.engine(), ty, call)?;
        Func::from_host(store.core, func)
    }

    /// A function that runs a closure of up to 16 parameters, with or without a [`Caller`] before them. It returns a value,
    /// a tuple of values or nothing, or a `Result` of such with any error.
    ///
    /// # Panics
    ///
    /// If the engine has no room for one more type, after half a billion.
    pub fn wrap<T: 'static, Params, Results>(
        mut store: impl AsContextMut<Data = T>,
        func: impl IntoFunc<T, Params, Results>,
    ) -> Func {
        let store = store.as_context_mut();
        let wrapped = func.into_host_func(&store.engine().core).and_then(|func| Func::from_host(store.core, func));
        match wrapped {
            Ok(func) => func,
            Err(error) => panic!("{error}"),
        }
    }

    /// Puts a host function into a store with its type of data.
    pub(crate) fn from_host(store: &mut runtime::Store, func: Arc<HostFunc>) -> Result<Func> {
        let func = store.add_host_func(func)?;
        Ok(Func(Bound::new(store, func)))
    }

    /// What the slot of a function reference holds.
    ///
    /// # Safety
    ///
    /// The slot is null or holds a function reference of `store`.
    pub(crate) unsafe fn from_slot(store: &runtime::Store, slot: u64) -> Option<Func> {
        // SAFETY: the caller's promise, and the store is alive.
        let func = unsafe { FuncRef::from_slot(slot) }?;
        Some(Func(Bound::new(store, func)))
    }

    /// The type.
    ///
    /// # Errors
    ///
    /// The store is another one.
    pub fn ty(&self, store: impl AsContext) -> Result<FuncType> {
        let store = store.as_context().core;
        Ok(store.func_type(self.0.of(store)?))
    }

    /// Calls the function.
    ///
    /// # Errors
    ///
    /// Execution stops: a trap, an exception that nothing catches, or an error of a host function. Or the call is refused:
    /// arguments are too few, too many or of other types, `results` is too short or too long, something is of another
    /// store.
    ///
    /// # Panics
    ///
    /// If a host function panics.
    pub fn call(&self, mut store: impl AsContextMut, params: &[Val], results: &mut [Val]) -> Result<()> {
        /// Slots that need no allocation.
        const INLINE: usize = 16;
        let store = store.as_context_mut().into_core();
        let func = self.0.of(store)?;
        let ty = store.func_type(func);
        if results.len() != ty.results().len() {
            return Err(Error::Count { what: "results", expected: ty.results().len(), actual: results.len() });
        }
        let mut inline = [0; INLINE];
        let mut spilled = Vec::new();
        let slots = match ty.param_slots().max(ty.result_slots()) {
            count @ ..=INLINE => &mut inline[..count],
            count => {
                spilled.resize(count, 0);
                &mut spilled[..]
            }
        };
        val::store_all(params, store, ty.params(), slots, "arguments")?;
        store.call(func, slots).map_err(|stop| Error::from_stop(stop, store))?;
        let mut at = 0;
        for (result, &ty) in results.iter_mut().zip(ty.results()) {
            // SAFETY: the results are of these types, in the function's store.
            *result = unsafe { Val::load(store, ty, &slots[at..]) };
            at += ty.slots();
        }
        Ok(())
    }

    /// The function as one with types known to Rust, which is faster to call. `Params` and `Results` are tuples, or single
    /// values.
    ///
    /// # Errors
    ///
    /// The function has other types, or the store is another one.
    pub fn typed<Params: WasmParams, Results: WasmResults>(
        &self,
        store: impl AsContext,
    ) -> Result<TypedFunc<Params, Results>> {
        let store = store.as_context().core;
        let ty = store.func_type(self.0.of(store)?);
        TypedFunc::<Params, Results>::check(store.engine().types(), &ty)?;
        Ok(TypedFunc::new(*self))
    }
}

/// A host function that takes and returns values of any type.
pub(crate) fn dynamic<T: 'static>(
    engine: &Engine,
    ty: FuncType,
    call: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
) -> Result<Arc<HostFunc>> {
    let signature = ty.clone();
    let run = move |store: &mut runtime::Store, caller, slots: &mut [u64]| {
        // SAFETY: the function is of this type, so these are its arguments, in the store that calls it.
        let params = unsafe { val::load_all(store, signature.params(), slots) };
        let mut results: Vec<Val> = signature.results().iter().map(|&ty| Val::placeholder(ty)).collect();
        call(Caller::new(store, caller), &params, &mut results)
            .and_then(|()| val::store_all(&results, store, signature.results(), slots, "results"))
            .map_err(|error| error.into_host_error(store))
    };
    Ok(HostFunc::new(&engine.core, ty, move |store, caller, slots| scoped(store, |store| run(store, caller, slots)))?)
}
