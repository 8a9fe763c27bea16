//! Types of Rust that are wasm's, and how their values lie in the runtime's slots.

use terrace_core::runtime;
use terrace_core::runtime::types::{HeapType, RefType, ValType};

use crate::error::Result;
use crate::func::Func;
use crate::refs::{AnyRef, ExnRef, ExternRef, Rooted};
use crate::val::{Ref, V128};

pub(super) mod sealed {
    pub trait Sealed {}
}

/// A type of Rust that stands for one of wasm's: integers of 32 and 64 bits, floats, [`V128`], [`Func`] and
/// [`Rooted`] references, and `Option`s of those two. Rust's types are not nullable where they are no `Option`.
pub trait WasmTy: sealed::Sealed + Send + 'static {
    /// How many slots a value takes.
    #[doc(hidden)]
    const SLOTS: usize;

    /// wasm's type.
    fn valtype() -> ValType;

    /// The value in these slots. References are rooted.
    ///
    /// # Safety
    ///
    /// The slots hold a value of [`WasmTy::valtype`] of this store.
    #[doc(hidden)]
    unsafe fn load(store: &mut runtime::Store, slots: &[u64]) -> Self;

    /// Puts the value into these slots, if it is of this store. References are good until the next collection.
    #[doc(hidden)]
    fn store(self, store: &runtime::Store, slots: &mut [u64]) -> Result<()>;
}

macro_rules! numbers {
    ($($ty:ty, $valtype:ident, $slot:ident => $load:expr, $value:ident => $store:expr;)*) => {$(
        impl sealed::Sealed for $ty {}

        impl WasmTy for $ty {
            const SLOTS: usize = 1;

            fn valtype() -> ValType {
                ValType::$valtype
            }

            #[inline]
            unsafe fn load(_: &mut runtime::Store, slots: &[u64]) -> $ty {
                let $slot = slots[0];
                $load
            }

            #[inline]
            fn store(self, _: &runtime::Store, slots: &mut [u64]) -> Result<()> {
                let $value = self;
                slots[0] = $store;
                Ok(())
            }
        }
    )*};
}

numbers! {
    i32, I32, slot => slot as i32, value => u64::from(value as u32);
    u32, I32, slot => slot as u32, value => u64::from(value);
    i64, I64, slot => slot as i64, value => value as u64;
    u64, I64, slot => slot, value => value;
    f32, F32, slot => f32::from_bits(slot as u32), value => u64::from(value.to_bits());
    f64, F64, slot => f64::from_bits(slot), value => value.to_bits();
}

impl sealed::Sealed for V128 {}

impl WasmTy for V128 {
    const SLOTS: usize = 2;

    fn valtype() -> ValType {
        ValType::V128
    }

    #[inline]
    unsafe fn load(_: &mut runtime::Store, slots: &[u64]) -> V128 {
        V128::from(u128::from(slots[0]) | u128::from(slots[1]) << 64)
    }

    #[inline]
    fn store(self, _: &runtime::Store, slots: &mut [u64]) -> Result<()> {
        let bits = self.as_u128();
        slots[0] = bits as u64;
        slots[1] = (bits >> 64) as u64;
        Ok(())
    }
}

macro_rules! references {
    ($($ty:ty, $heap:ident, $variant:ident;)*) => {$(
        impl sealed::Sealed for Option<$ty> {}
        impl sealed::Sealed for $ty {}

        impl WasmTy for Option<$ty> {
            const SLOTS: usize = 1;

            fn valtype() -> ValType {
                ValType::Ref(RefType::new(true, HeapType::$heap))
            }

            unsafe fn load(store: &mut runtime::Store, slots: &[u64]) -> Option<$ty> {
                // SAFETY: the caller's promise.
                unsafe { <$ty>::from_slot(store, slots[0]) }
            }

            fn store(self, store: &runtime::Store, slots: &mut [u64]) -> Result<()> {
                slots[0] = Ref::$variant(self).store(store, RefType::new(true, HeapType::$heap))?;
                Ok(())
            }
        }

        impl WasmTy for $ty {
            const SLOTS: usize = 1;

            fn valtype() -> ValType {
                ValType::Ref(RefType::new(false, HeapType::$heap))
            }

            unsafe fn load(store: &mut runtime::Store, slots: &[u64]) -> $ty {
                // SAFETY: the caller's promise.
                match unsafe { <$ty>::from_slot(store, slots[0]) } {
                    Some(value) => value,
                    None => unreachable!("the value is of a type without null"),
                }
            }

            fn store(self, store: &runtime::Store, slots: &mut [u64]) -> Result<()> {
                Some(self).store(store, slots)
            }
        }
    )*};
}

references! {
    Func, Func, Func;
    Rooted<ExternRef>, Extern, Extern;
    Rooted<AnyRef>, Any, Any;
    Rooted<ExnRef>, Exn, Exn;
}

/// The values of a function's parameters or results: `()`, one [`WasmTy`], or a tuple of up to 16.
pub trait WasmValues: Send + 'static {
    /// How many slots the values take.
    #[doc(hidden)]
    const SLOTS: usize;

    /// wasm's types.
    fn valtypes() -> Vec<ValType>;

    /// The values in these slots. References are rooted.
    ///
    /// # Safety
    ///
    /// The slots hold values of [`WasmValues::valtypes`] of this store.
    #[doc(hidden)]
    unsafe fn load_all(store: &mut runtime::Store, slots: &[u64]) -> Self;

    /// Puts the values into these slots, if they are of this store. References are good until the next collection.
    #[doc(hidden)]
    fn store_all(self, store: &runtime::Store, slots: &mut [u64]) -> Result<()>;
}

/// The values of a function's parameters.
pub trait WasmParams: WasmValues {}

/// The values of a function's results.
pub trait WasmResults: WasmValues {}

impl<V: WasmValues> WasmParams for V {}
impl<V: WasmValues> WasmResults for V {}

impl<V: WasmTy> WasmValues for V {
    const SLOTS: usize = V::SLOTS;

    fn valtypes() -> Vec<ValType> {
        vec![V::valtype()]
    }

    #[inline]
    unsafe fn load_all(store: &mut runtime::Store, slots: &[u64]) -> V {
        // SAFETY: the caller's promise.
        unsafe { V::load(store, slots) }
    }

    #[inline]
    fn store_all(self, store: &runtime::Store, slots: &mut [u64]) -> Result<()> {
        self.store(store, slots)
    }
}

/// Calls a macro for each tuple of types.
macro_rules! for_each_tuple {
    ($macro:ident) => {
        for_each_tuple!(@ $macro A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14 A15 A16);
    };
    (@ $macro:ident $($rest:ident)*) => {
        for_each_tuple!(@ $macro [] $($rest)*);
    };
    (@ $macro:ident [$($done:ident)*] $next:ident $($rest:ident)*) => {
        $macro!($($done)*);
        for_each_tuple!(@ $macro [$($done)* $next] $($rest)*);
    };
    (@ $macro:ident [$($done:ident)*]) => {
        $macro!($($done)*);
    };
}

pub(super) use for_each_tuple;

macro_rules! tuple {
    ($($ty:ident)*) => {
        #[allow(non_snake_case, unused, clippy::unused_unit, reason = "of the tuple without elements")]
        impl<$($ty: WasmTy),*> WasmValues for ($($ty,)*) {
            const SLOTS: usize = 0 $(+ $ty::SLOTS)*;

            fn valtypes() -> Vec<ValType> {
                vec![$($ty::valtype()),*]
            }

            #[inline]
            unsafe fn load_all(store: &mut runtime::Store, slots: &[u64]) -> Self {
                $(
                    // SAFETY: the caller's promise.
                    let $ty = unsafe { $ty::load(store, slots) };
                    let slots = &slots[<$ty as WasmTy>::SLOTS..];
                )*
                ($($ty,)*)
            }

            #[inline]
            fn store_all(self, store: &runtime::Store, slots: &mut [u64]) -> Result<()> {
                let ($($ty,)*) = self;
                $(
                    $ty.store(store, slots)?;
                    let slots = &mut slots[<$ty as WasmTy>::SLOTS..];
                )*
                Ok(())
            }
        }
    };
}

for_each_tuple!(tuple);
