//! What modules import and export: handles on a store's objects, and their types.

use std::fmt;

use super::func::FuncRef;
use super::memory::MemoryType;
use super::types::{GlobalType, TableType, TypeId, TypeRegistry};

macro_rules! handles {
    ($($(#[$doc:meta])* $name:ident)*) => {
        $(
            $(#[$doc])*
            ///
            /// The number is the object's in its own store; in another one it names another object, or none.
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
            pub struct $name(pub(super) u32);

            impl $name {
                pub(super) fn index(self) -> usize {
                    self.0 as usize
                }
            }
        )*
    };
}

handles! {
    /// A memory of a store.
    MemoryRef
    /// A table of a store.
    TableRef
    /// A global of a store.
    GlobalRef
    /// A tag of a store.
    TagRef
}

/// An object that can be imported or exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Extern {
    /// A function.
    Func(FuncRef),
    /// A memory.
    Memory(MemoryRef),
    /// A table.
    Table(TableRef),
    /// A global.
    Global(GlobalRef),
    /// A tag.
    Tag(TagRef),
}

/// The type of an [`Extern`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExternType {
    /// A function of this type.
    Func(TypeId),
    /// A memory.
    Memory(MemoryType),
    /// A table.
    Table(TableType),
    /// A global.
    Global(GlobalType),
    /// A tag whose payload is this function type's parameters.
    Tag(TypeId),
}

/// Whether an object of so many units, with this limit to its growth, may stand where the other limits are expected.
fn limits_match(actual: (u64, Option<u64>), expected: (u64, Option<u64>)) -> bool {
    let maximum = match (actual.1, expected.1) {
        (_, None) => true,
        (Some(actual), Some(expected)) => actual <= expected,
        (None, Some(_)) => false,
    };
    actual.0 >= expected.0 && maximum
}

impl ExternType {
    /// Whether an object of this type may be imported as `expected`. Minimums are current sizes.
    pub fn matches(&self, expected: &ExternType, types: &TypeRegistry) -> bool {
        match (self, expected) {
            (ExternType::Func(actual), ExternType::Func(expected)) => types.is_subtype(*actual, *expected),
            (ExternType::Tag(actual), ExternType::Tag(expected)) => actual == expected,
            (ExternType::Global(actual), ExternType::Global(expected)) => {
                actual.mutable == expected.mutable
                    && match actual.mutable {
                        true => actual.content == expected.content,
                        false => types.val_subtype(actual.content, expected.content),
                    }
            }
            (ExternType::Memory(actual), ExternType::Memory(expected)) => {
                let limits = |ty: &MemoryType| (ty.minimum, ty.maximum);
                actual.memory64 == expected.memory64
                    && actual.shared == expected.shared
                    && actual.page_size_log2 == expected.page_size_log2
                    && limits_match(limits(actual), limits(expected))
            }
            (ExternType::Table(actual), ExternType::Table(expected)) => {
                let limits = |ty: &TableType| (ty.limits.minimum, ty.limits.maximum);
                actual.element == expected.element
                    && actual.limits.table64 == expected.limits.table64
                    && limits_match(limits(actual), limits(expected))
            }
            _ => false,
        }
    }

    /// The type in the syntax of the text format.
    pub fn display(self, types: &TypeRegistry) -> impl fmt::Display {
        Displayed(self, types.clone())
    }
}

struct Displayed(ExternType, TypeRegistry);

impl fmt::Display for Displayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let func = |id, f: &mut fmt::Formatter<'_>| match self.1.func_type(id) {
            Some(ty) => write!(f, "{ty}"),
            None => write!(f, "(type {id})"),
        };
        match &self.0 {
            ExternType::Func(id) => func(*id, f),
            ExternType::Tag(id) => {
                f.write_str("(tag ")?;
                func(*id, f)?;
                f.write_str(")")
            }
            ExternType::Global(ty) => write!(f, "(global {ty})"),
            ExternType::Table(ty) => write!(f, "(table {ty})"),
            ExternType::Memory(ty) => {
                write!(f, "(memory {}{}", if ty.memory64 { "i64 " } else { "" }, ty.minimum)?;
                if let Some(maximum) = ty.maximum {
                    write!(f, " {maximum}")?;
                }
                if ty.shared {
                    f.write_str(" shared")?;
                }
                if ty.page_size_log2 != super::memory::PAGE_SIZE_LOG2 {
                    write!(f, " (pagesize {})", ty.page_size())?;
                }
                f.write_str(")")
            }
        }
    }
}
