//! `exnref`: exceptions.

use std::error::Error as StdError;
use std::fmt;

use terrace_core::runtime::heap::{self, HeapRef};
use terrace_core::runtime::{self, HostError, Stop};

use super::{OwnedRooted, Rooted};
use crate::Trap;
use crate::error::Result;
use crate::store::{AsContextMut, Bound};
use crate::tag::Tag;
use crate::val::{self, Val};

/// The kind of `exnref`. Used as [`Rooted<ExnRef>`] and [`OwnedRooted<ExnRef>`](crate::OwnedRooted).
///
/// ```
/// use terrace::{Engine, ExnRef, Func, FuncType, Store, Tag, TagType, Val, ValType};
///
/// let mut store = Store::new(&Engine::default(), ());
/// let tag = Tag::new(&mut store, &TagType::new(FuncType::new([ValType::I32], [])))?;
/// let exception = ExnRef::new(&mut store, &tag, &[Val::I32(7)])?;
/// assert_eq!(exception.tag(&mut store)?, tag);
/// assert_eq!(exception.fields(&mut store)?[0].i32(), Some(7));
/// # Ok::<(), terrace::Error>(())
/// ```
#[derive(Debug)]
pub enum ExnRef {}

impl ExnRef {
    /// An exception with this tag and payload.
    ///
    /// # Errors
    ///
    /// The store is another one, the payload is not of the tag's type, or the heap of references is full.
    pub fn new(mut store: impl AsContextMut, tag: &Tag, payload: &[Val]) -> Result<Rooted<ExnRef>> {
        let store = store.as_context_mut().into_core();
        let ty = tag.func_type(store)?;
        let mut slots = vec![0; ty.param_slots()];
        val::store_all(payload, store, ty.params(), &mut slots, "payload values")?;
        let exception = store.new_exception_of(tag.0.of(store)?, &slots)?;
        Ok(Rooted::new(store, HeapRef::from_slot(exception)))
    }
}

impl Rooted<ExnRef> {
    /// The tag.
    ///
    /// # Errors
    ///
    /// The store is another one, or the reference's scope has ended.
    pub fn tag(&self, mut store: impl AsContextMut) -> Result<Tag> {
        let store = store.as_context_mut().into_core();
        let identity = store.heap().exn_tag(self.get(store)?);
        match identity.and_then(|identity| store.tag_by_identity(identity)) {
            Some(tag) => Ok(Tag(Bound::new(store, tag))),
            None => unreachable!("an exception has a tag of its store"),
        }
    }

    /// The payload.
    ///
    /// # Errors
    ///
    /// The store is another one, or the reference's scope has ended.
    pub fn fields(&self, mut store: impl AsContextMut) -> Result<Vec<Val>> {
        let tag = self.tag(&mut store)?;
        let store = store.as_context_mut().into_core();
        let ty = tag.func_type(store)?;
        let payload = store.heap().exn_payload(self.get(store)?).unwrap_or_default().to_vec();
        // SAFETY: the payload is of the tag's type, in the exception's store.
        Ok(unsafe { val::load_all(store, ty.params(), &payload) })
    }
}

/// An exception that is thrown: the error of a host function that throws, and of a call that nothing caught it in.
///
/// ```
/// use terrace::{Engine, ExnRef, Func, Linker, Module, Store, Tag, TagType, FuncType, ValType, Val, Caller, Instance};
///
/// let engine = Engine::default();
/// let mut store = Store::new(&engine, ());
/// let module = Module::new(&engine, r#"
///     (module
///         (tag $t (export "t") (param i32))
///         (func (export "f") (throw $t (i32.const 42))))
/// "#)?;
/// let instance = Instance::new(&mut store, &module, &[])?;
/// let error = instance.get_typed_func::<(), ()>(&mut store, "f")?.call(&mut store, ()).unwrap_err();
///
/// let exception = error.exception().unwrap().rooted(&mut store)?;
/// assert_eq!(exception.tag(&mut store)?, instance.get_tag(&mut store, "t").unwrap());
/// assert_eq!(exception.fields(&mut store)?[0].i32(), Some(42));
/// # Ok::<(), terrace::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ThrownException(OwnedRooted<ExnRef>);

impl ThrownException {
    pub(crate) fn new(store: &runtime::Store, handle: heap::OwnedRooted) -> ThrownException {
        ThrownException(OwnedRooted::new(store, handle))
    }

    /// The exception.
    pub fn exception(&self) -> &OwnedRooted<ExnRef> {
        &self.0
    }

    /// The exception, rooted in the innermost scope.
    ///
    /// # Errors
    ///
    /// The store is another one.
    pub fn rooted(&self, store: impl AsContextMut) -> Result<Rooted<ExnRef>> {
        self.0.to_rooted(store)
    }

    /// How a host function throws it. An exception of another store is refused by the store that it is thrown in.
    pub(crate) fn into_host_error(self, store: &runtime::Store) -> HostError {
        match self.0.handle(store) {
            Ok(_) => HostError::Stop(Stop::Exception(self.0.into_handle())),
            Err(error) => HostError::Error(Box::new(error)),
        }
    }
}

impl From<OwnedRooted<ExnRef>> for ThrownException {
    fn from(exception: OwnedRooted<ExnRef>) -> ThrownException {
        ThrownException(exception)
    }
}

impl fmt::Display for ThrownException {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Trap::UncaughtException.fmt(f)
    }
}

impl StdError for ThrownException {}
