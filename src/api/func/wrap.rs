//! Closures as functions of the host.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use terrace_core::runtime::types::FuncType;
use terrace_core::runtime::{self, HostFunc};

use super::Caller;
use super::values::{WasmTy, WasmValues, for_each_tuple};
use crate::error::{BoxError, Result, box_into_host_error};

/// What a closure may return as a function of the host: nothing, a value, a tuple of up to 16 values, or a `Result` of such
/// with any error.
///
/// A [`Trap`](crate::Trap), a [`ThrownException`](crate::ThrownException) or an [`Error`](crate::Error) that holds either is
/// that trap or exception; any other error stops wasm and comes out of the outermost call.
pub trait WasmRet {
    /// The values.
    type Values: WasmValues;

    /// The values, or the error.
    #[doc(hidden)]
    fn into_values(self) -> Result<Self::Values, BoxError>;
}

impl<V: WasmTy> WasmRet for V {
    type Values = V;

    fn into_values(self) -> Result<V, BoxError> {
        Ok(self)
    }
}

impl<R: WasmRet, E: Into<BoxError>> WasmRet for Result<R, E> {
    type Values = R::Values;

    fn into_values(self) -> Result<R::Values, BoxError> {
        self.map_err(Into::into)?.into_values()
    }
}

/// A closure that can be a function of the host in a store with data of type `T`: of up to 16 parameters ([`WasmTy`]), with
/// or without a [`Caller`] before them, and with results by [`WasmRet`].
pub trait IntoFunc<T, Params, Results>: Send + Sync + 'static {
    /// The function.
    #[doc(hidden)]
    fn into_host_func(self, engine: &runtime::Engine) -> Result<Arc<HostFunc>>;
}

/// Runs code of the host that wasm calls, in a scope of its own for rooted references.
pub(crate) fn scoped<R>(store: &mut runtime::Store, run: impl FnOnce(&mut runtime::Store) -> R) -> R {
    let scope = store.heap().roots().enter_scope();
    let result = catch_unwind(AssertUnwindSafe(|| run(store)));
    store.heap_mut().roots_mut().exit_scope(scope);
    result.unwrap_or_else(|panic| resume_unwind(panic))
}

fn wrap<T: 'static, P: WasmValues, R: WasmRet>(
    engine: &runtime::Engine,
    call: impl Fn(Caller<'_, T>, P) -> R + Send + Sync + 'static,
) -> Result<Arc<HostFunc>> {
    let run = move |store: &mut runtime::Store, caller, slots: &mut [u64]| {
        // SAFETY: the function is of the type made below, so these are its arguments, in the store that calls it.
        let params = unsafe { P::load_all(store, slots) };
        match call(Caller::new(store, caller), params).into_values() {
            Ok(results) => results.store_all(store, slots).map_err(|error| error.into_host_error(store)),
            Err(error) => Err(box_into_host_error(error, store)),
        }
    };
    let ty = FuncType::new(P::valtypes(), R::Values::valtypes());
    Ok(HostFunc::new(engine, ty, move |store, caller, slots| scoped(store, |store| run(store, caller, slots)))?)
}

macro_rules! closures {
    ($($ty:ident)*) => {
        #[allow(non_snake_case, reason = "types and parameters have the same names")]
        impl<T: 'static, F, R: WasmRet, $($ty: WasmTy),*> IntoFunc<T, ($($ty,)*), R> for F
        where
            F: Fn($($ty),*) -> R + Send + Sync + 'static,
        {
            fn into_host_func(self, engine: &runtime::Engine) -> Result<Arc<HostFunc>> {
                wrap(engine, move |_: Caller<'_, T>, ($($ty,)*): ($($ty,)*)| self($($ty),*))
            }
        }

        #[allow(non_snake_case, reason = "types and parameters have the same names")]
        impl<T: 'static, F, R: WasmRet, $($ty: WasmTy),*> IntoFunc<T, (Caller<'_, T>, $($ty,)*), R> for F
        where
            F: Fn(Caller<'_, T>, $($ty),*) -> R + Send + Sync + 'static,
        {
            fn into_host_func(self, engine: &runtime::Engine) -> Result<Arc<HostFunc>> {
                wrap(engine, move |caller: Caller<'_, T>, ($($ty,)*): ($($ty,)*)| self(caller, $($ty),*))
            }
        }

        impl<$($ty: WasmTy),*> WasmRet for ($($ty,)*) {
            type Values = Self;

            fn into_values(self) -> Result<Self, BoxError> {
                Ok(self)
            }
        }
    };
}

for_each_tuple!(closures);
