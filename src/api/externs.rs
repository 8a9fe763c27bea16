//! What instances import and export.

use terrace_core::runtime;

use crate::error::{Error, Result};
use crate::func::Func;
use crate::global::Global;
use crate::memory::Memory;
use crate::shared::SharedMemory;
use crate::store::{AsContext, Bound};
use crate::table::Table;
use crate::tag::Tag;
use crate::types::ExternType;

/// An object that modules can import and export.
#[derive(Clone, Debug)]
pub enum Extern {
    /// A function.
    Func(Func),
    /// A global.
    Global(Global),
    /// A table.
    Table(Table),
    /// A memory that is not shared.
    Memory(Memory),
    /// A memory that is shared, and belongs to no store.
    SharedMemory(SharedMemory),
    /// A tag.
    Tag(Tag),
}

macro_rules! variants {
    ($($name:ident $method:ident $what:literal;)*) => {
        impl Extern {
            $(
                #[doc = concat!("The ", $what, ", if this is one.")]
                pub fn $method(self) -> Option<$name> {
                    match self {
                        Extern::$name(object) => Some(object),
                        _ => None,
                    }
                }
            )*
        }

        $(
            impl From<$name> for Extern {
                fn from(object: $name) -> Extern {
                    Extern::$name(object)
                }
            }
        )*
    };
}

variants! {
    Func into_func "function";
    Global into_global "global";
    Table into_table "table";
    Memory into_memory "memory that is not shared";
    SharedMemory into_shared_memory "shared memory";
    Tag into_tag "tag";
}

impl Extern {
    /// The object's type, with its current size as the minimum.
    ///
    /// # Errors
    ///
    /// The store is another one.
    pub fn ty(&self, store: impl AsContext) -> Result<ExternType> {
        Ok(match self {
            Extern::Func(func) => ExternType::Func(func.ty(store)?),
            Extern::Global(global) => ExternType::Global(global.ty(store)?),
            Extern::Table(table) => ExternType::Table(table.ty(store)?),
            Extern::Memory(memory) => ExternType::Memory(memory.ty(store)?),
            Extern::SharedMemory(memory) => ExternType::Memory(memory.ty()),
            Extern::Tag(tag) => ExternType::Tag(tag.ty(store)?),
        })
    }

    /// An object of `store`.
    pub(crate) fn from_core(store: &runtime::Store, item: runtime::Extern) -> Extern {
        match item {
            runtime::Extern::Func(func) => Extern::Func(Func(Bound::new(store, func))),
            runtime::Extern::Memory(memory) => match store.memory(memory).shared() {
                Some(shared) => Extern::SharedMemory(SharedMemory::from_core(store.engine(), shared.clone())),
                None => Extern::Memory(Memory(Bound::new(store, memory))),
            },
            runtime::Extern::Table(table) => Extern::Table(Table(Bound::new(store, table))),
            runtime::Extern::Global(global) => Extern::Global(Global(Bound::new(store, global))),
            runtime::Extern::Tag(tag) => Extern::Tag(Tag(Bound::new(store, tag))),
        }
    }

    /// The object in `store`, to which a shared memory is brought.
    pub(crate) fn to_core(&self, store: &mut runtime::Store) -> Result<runtime::Extern> {
        Ok(match self {
            Extern::Func(func) => runtime::Extern::Func(func.0.of(store)?),
            Extern::Memory(memory) => runtime::Extern::Memory(memory.0.of(store)?),
            Extern::SharedMemory(memory) => runtime::Extern::Memory(memory.add_to(store)?),
            Extern::Table(table) => runtime::Extern::Table(table.0.of(store)?),
            Extern::Global(global) => runtime::Extern::Global(global.0.of(store)?),
            Extern::Tag(tag) => runtime::Extern::Tag(tag.0.of(store)?),
        })
    }

    /// Whether the object may be used with `store`.
    pub(crate) fn check(&self, store: &runtime::Store) -> Result<()> {
        let is_of = match self {
            Extern::Func(func) => func.0.is_of(store),
            Extern::Memory(memory) => memory.0.is_of(store),
            Extern::Table(table) => table.0.is_of(store),
            Extern::Global(global) => global.0.is_of(store),
            Extern::Tag(tag) => tag.0.is_of(store),
            Extern::SharedMemory(memory) => return memory.check(store.engine()),
        };
        if is_of { Ok(()) } else { Err(Error::OtherStore) }
    }
}
