//! Values of any type, and how they lie in the runtime's slots.

use terrace_core::runtime;
use terrace_core::runtime::heap::HeapRef;
use terrace_core::runtime::types::{HeapType, RefType, ValType};

use crate::error::{Error, Result};
use crate::func::Func;
use crate::refs::{AnyRef, ExnRef, ExternRef, Rooted};

/// A 128-bit vector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct V128(u128);

impl V128 {
    /// The vector as one number, with lane 0 in the low bits.
    pub fn as_u128(self) -> u128 {
        self.0
    }
}

impl From<u128> for V128 {
    fn from(bits: u128) -> V128 {
        V128(bits)
    }
}

impl From<V128> for u128 {
    fn from(vector: V128) -> u128 {
        vector.0
    }
}

/// A value.
#[derive(Clone, Copy, Debug)]
pub enum Val {
    /// A 32-bit integer.
    I32(i32),
    /// A 64-bit integer.
    I64(i64),
    /// The bits of a 32-bit float.
    F32(u32),
    /// The bits of a 64-bit float.
    F64(u64),
    /// A vector.
    V128(V128),
    /// A reference to a function.
    FuncRef(Option<Func>),
    /// A reference to a value of the host.
    ExternRef(Option<Rooted<ExternRef>>),
    /// A reference to a value of wasm's own.
    AnyRef(Option<Rooted<AnyRef>>),
    /// A reference to an exception.
    ExnRef(Option<Rooted<ExnRef>>),
}

/// A reference.
#[derive(Clone, Copy, Debug)]
pub enum Ref {
    /// To a function.
    Func(Option<Func>),
    /// To a value of the host.
    Extern(Option<Rooted<ExternRef>>),
    /// To a value of wasm's own.
    Any(Option<Rooted<AnyRef>>),
    /// To an exception.
    Exn(Option<Rooted<ExnRef>>),
}

impl Ref {
    /// The null reference of a type's hierarchy.
    pub fn null(heap: HeapType) -> Ref {
        match heap.top() {
            HeapType::Func => Ref::Func(None),
            HeapType::Extern => Ref::Extern(None),
            HeapType::Exn => Ref::Exn(None),
            _ => Ref::Any(None),
        }
    }

    /// Whether this is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Ref::Func(None) | Ref::Extern(None) | Ref::Any(None) | Ref::Exn(None))
    }

    /// The function reference, if this is one.
    pub fn as_func(&self) -> Option<Option<Func>> {
        match *self {
            Ref::Func(func) => Some(func),
            _ => None,
        }
    }

    /// The host reference, if this is one.
    pub fn as_extern(&self) -> Option<Option<Rooted<ExternRef>>> {
        match *self {
            Ref::Extern(reference) => Some(reference),
            _ => None,
        }
    }

    /// What a slot of this type holds.
    ///
    /// # Safety
    ///
    /// The slot holds a reference of type `ty` of `store`.
    pub(crate) unsafe fn load(store: &mut runtime::Store, ty: RefType, slot: u64) -> Ref {
        // SAFETY: the caller's promise; the type says which kind of reference it is.
        unsafe {
            match ty.heap.top() {
                HeapType::Func => Ref::Func(Func::from_slot(store, slot)),
                HeapType::Extern => Ref::Extern(Rooted::from_slot(store, slot)),
                HeapType::Exn => Ref::Exn(Rooted::from_slot(store, slot)),
                _ => Ref::Any(Rooted::from_slot(store, slot)),
            }
        }
    }

    /// The slot of this reference, if it is of type `ty` and of `store`. A heap reference is good until the next collection.
    pub(crate) fn store(self, store: &runtime::Store, ty: RefType) -> Result<u64> {
        let heap = |root: Result<HeapRef>, of: HeapType| Ok::<_, Error>((root?.to_slot(), of));
        let (slot, actual) = match self {
            Ref::Func(Some(func)) => {
                let func = func.0.of(store)?;
                (func.to_slot(), HeapType::Concrete(func.type_id()))
            }
            Ref::Extern(Some(reference)) => heap(reference.get(store), HeapType::Extern)?,
            Ref::Exn(Some(reference)) => heap(reference.get(store), HeapType::Exn)?,
            Ref::Any(Some(reference)) => {
                let reference = reference.get(store)?;
                (reference.to_slot(), any_type(store, reference))
            }
            Ref::Func(None) => (0, HeapType::NoFunc),
            Ref::Extern(None) => (0, HeapType::NoExtern),
            Ref::Exn(None) => (0, HeapType::NoExn),
            Ref::Any(None) => (0, HeapType::None),
        };
        let actual = RefType::new(self.is_null(), actual);
        match store.engine().types().ref_subtype(actual, ty) {
            true => Ok(slot),
            false => Err(Error::mismatch(ty, actual)),
        }
    }
}

/// The exact type of a reference below `any`.
fn any_type(store: &runtime::Store, reference: HeapRef) -> HeapType {
    match store.heap().object_type(reference) {
        Some(id) => HeapType::Concrete(id),
        None if reference.is_i31() => HeapType::I31,
        None => HeapType::Any,
    }
}

impl Val {
    /// Zero or null, if the type has a default value.
    pub fn default_for_ty(ty: ValType) -> Option<Val> {
        ty.is_defaultable().then(|| Val::placeholder(ty))
    }

    /// Zero or null, even for a type that has no such value: what is not written yet.
    pub(crate) fn placeholder(ty: ValType) -> Val {
        match ty {
            ValType::I32 => Val::I32(0),
            ValType::I64 => Val::I64(0),
            ValType::F32 => Val::F32(0),
            ValType::F64 => Val::F64(0),
            ValType::V128 => Val::V128(V128(0)),
            ValType::Ref(ty) => Ref::null(ty.heap).into(),
        }
    }

    /// The most general type of values like this one.
    pub fn ty(&self) -> ValType {
        match self {
            Val::I32(_) => ValType::I32,
            Val::I64(_) => ValType::I64,
            Val::F32(_) => ValType::F32,
            Val::F64(_) => ValType::F64,
            Val::V128(_) => ValType::V128,
            Val::FuncRef(_) => ValType::FUNCREF,
            Val::ExternRef(_) => ValType::EXTERNREF,
            Val::AnyRef(_) => ValType::Ref(RefType::new(true, HeapType::Any)),
            Val::ExnRef(_) => ValType::EXNREF,
        }
    }

    /// The reference, if this is one.
    pub fn ref_(&self) -> Option<Ref> {
        Some(match *self {
            Val::FuncRef(func) => Ref::Func(func),
            Val::ExternRef(reference) => Ref::Extern(reference),
            Val::AnyRef(reference) => Ref::Any(reference),
            Val::ExnRef(reference) => Ref::Exn(reference),
            _ => return None,
        })
    }

    /// The value of type `ty` in `slots`, at least as many as it takes.
    ///
    /// # Safety
    ///
    /// The slots hold a value of type `ty` of `store`.
    pub(crate) unsafe fn load(store: &mut runtime::Store, ty: ValType, slots: &[u64]) -> Val {
        match ty {
            ValType::I32 => Val::I32(slots[0] as i32),
            ValType::I64 => Val::I64(slots[0] as i64),
            ValType::F32 => Val::F32(slots[0] as u32),
            ValType::F64 => Val::F64(slots[0]),
            ValType::V128 => Val::V128(V128(u128::from(slots[0]) | u128::from(slots[1]) << 64)),
            // SAFETY: the caller's promise.
            ValType::Ref(ty) => unsafe { Ref::load(store, ty, slots[0]) }.into(),
        }
    }

    /// Puts the value into `slots`, at least as many as it takes, if it is of type `ty` and of `store`. A heap reference is
    /// good until the next collection.
    pub(crate) fn store(&self, store: &runtime::Store, ty: ValType, slots: &mut [u64]) -> Result<()> {
        slots[0] = match (*self, ty) {
            (Val::I32(value), ValType::I32) => u64::from(value as u32),
            (Val::I64(value), ValType::I64) => value as u64,
            (Val::F32(value), ValType::F32) => value.into(),
            (Val::F64(value), ValType::F64) => value,
            (Val::V128(V128(value)), ValType::V128) => {
                slots[1] = (value >> 64) as u64;
                value as u64
            }
            (value, ty) => match (value.ref_(), ty) {
                (Some(reference), ValType::Ref(ty)) => reference.store(store, ty)?,
                _ => return Err(Error::mismatch(ty, value.ty())),
            },
        };
        Ok(())
    }
}

/// Puts values of these types into `slots`, which are as many as they take. `what` names them.
pub(crate) fn store_all(
    values: &[Val],
    store: &runtime::Store,
    types: &[ValType],
    slots: &mut [u64],
    what: &'static str,
) -> Result<()> {
    if values.len() != types.len() {
        return Err(Error::Count { what, expected: types.len(), actual: values.len() });
    }
    let mut at = 0;
    for (value, &ty) in values.iter().zip(types) {
        value.store(store, ty, &mut slots[at..])?;
        at += ty.slots();
    }
    Ok(())
}

/// The values of these types in `slots`. What they refer to is rooted.
///
/// # Safety
///
/// The slots hold values of these types of `store`.
pub(crate) unsafe fn load_all(store: &mut runtime::Store, types: &[ValType], slots: &[u64]) -> Vec<Val> {
    let mut at = 0;
    let load = |&ty: &ValType| {
        // SAFETY: the caller's promise.
        let value = unsafe { Val::load(store, ty, &slots[at..]) };
        at += ty.slots();
        value
    };
    types.iter().map(load).collect()
}

impl From<Ref> for Val {
    fn from(reference: Ref) -> Val {
        match reference {
            Ref::Func(func) => Val::FuncRef(func),
            Ref::Extern(reference) => Val::ExternRef(reference),
            Ref::Any(reference) => Val::AnyRef(reference),
            Ref::Exn(reference) => Val::ExnRef(reference),
        }
    }
}

macro_rules! accessors {
    ($($method:ident $ty:ty, $variant:ident, $value:ident => $get:expr, $set:expr;)*) => {
        /// The value as a type of Rust's, if it is of that type.
        impl Val {
            $(
                #[doc = concat!("The value, if it is a `", stringify!($method), "`.")]
                pub fn $method(&self) -> Option<$ty> {
                    match *self {
                        Val::$variant($value) => Some($get),
                        _ => None,
                    }
                }
            )*
        }

        $(
            impl From<$ty> for Val {
                fn from($value: $ty) -> Val {
                    Val::$variant($set)
                }
            }
        )*
    };
}

accessors! {
    i32 i32, I32, value => value, value;
    i64 i64, I64, value => value, value;
    f32 f32, F32, value => f32::from_bits(value), value.to_bits();
    f64 f64, F64, value => f64::from_bits(value), value.to_bits();
    v128 V128, V128, value => value, value;
    func_ref Option<Func>, FuncRef, value => value, value;
    extern_ref Option<Rooted<ExternRef>>, ExternRef, value => value, value;
    any_ref Option<Rooted<AnyRef>>, AnyRef, value => value, value;
    exn_ref Option<Rooted<ExnRef>>, ExnRef, value => value, value;
}

macro_rules! non_null {
    ($($ty:ty => $val:ident, $ref:ident;)*) => {$(
        impl From<$ty> for Val {
            fn from(value: $ty) -> Val {
                Val::$val(Some(value))
            }
        }

        impl From<$ty> for Ref {
            fn from(value: $ty) -> Ref {
                Ref::$ref(Some(value))
            }
        }
    )*};
}

non_null! {
    Func => FuncRef, Func;
    Rooted<ExternRef> => ExternRef, Extern;
    Rooted<AnyRef> => AnyRef, Any;
    Rooted<ExnRef> => ExnRef, Exn;
}
