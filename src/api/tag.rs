//! Tags of a store.

use terrace_core::runtime::types::FuncType;
use terrace_core::runtime::{self, TagRef};

use crate::error::Result;
use crate::store::{AsContext, AsContextMut, Bound};
use crate::types::TagType;

/// A tag of a store: what tells exceptions apart, and the type of their payload. Each tag is another one, whatever its type.
///
/// ```
/// use terrace::{Caller, Engine, Error, ExnRef, FuncType, Linker, Module, Store, Tag, TagType, Val, ValType};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"
///     (module
///         (import "host" "tag" (tag $tag (param i32)))
///         (import "host" "fail" (func $fail))
///         (func (export "run") (result i32)
///             (block $caught (result i32)
///                 (try_table (catch $tag $caught) (call $fail))
///                 (i32.const 0))))
/// "#)?;
/// let mut store = Store::new(&engine, ());
/// let tag = Tag::new(&mut store, &TagType::new(FuncType::new([ValType::I32], [])))?;
/// let mut linker = Linker::new(&engine);
/// linker.define(&store, "host", "tag", tag)?;
/// linker.func_wrap("host", "fail", move |mut caller: Caller<'_, ()>| -> Result<(), Error> {
///     let exception = ExnRef::new(&mut caller, &tag, &[Val::I32(42)])?;
///     caller.throw(exception)
/// })?;
/// let instance = linker.instantiate(&mut store, &module)?;
/// assert_eq!(instance.get_typed_func::<(), i32>(&mut store, "run")?.call(&mut store, ())?, 42);
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tag(pub(crate) Bound<TagRef>);

impl Tag {
    /// A tag of type `ty`.
    ///
    /// # Errors
    ///
    /// The type mentions types that nobody holds.
    pub fn new(mut store: impl AsContextMut, ty: &TagType) -> Result<Tag> {
        let store = store.as_context_mut().into_core();
        let ty = store.engine().types().register_func_type(ty.0.clone())?;
        let tag = store.create_tag(ty)?;
        Ok(Tag(Bound::new(store, tag)))
    }

    /// The type.
    ///
    /// # Errors
    ///
    /// The store is another one.
    pub fn ty(&self, store: impl AsContext) -> Result<TagType> {
        Ok(TagType(self.func_type(store.as_context().core)?))
    }

    pub(crate) fn func_type(&self, store: &runtime::Store) -> Result<FuncType> {
        match store.tag_type(self.0.of(store)?).as_func() {
            Some(ty) => Ok(ty.clone()),
            None => unreachable!("a tag has a function type"),
        }
    }
}
