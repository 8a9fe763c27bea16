//! The types of objects that modules import and export.
//!
//! Value, reference and function types are the runtime's own: plain values, in which a defined type appears by its id. An id
//! belongs to one engine and is good as long as a module, store or linker holds its type.

use terrace_core::runtime;
use terrace_core::runtime::memory::{self, PAGE_SIZE_LOG2};
use terrace_core::runtime::table::TableLimits;
use terrace_core::runtime::types::{self, TypeId, TypeRegistry};

pub use terrace_core::runtime::types::{FuncType, HeapType, RefType, ValType};

/// Whether a global can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutability {
    /// It keeps its first value.
    Const,
    /// It can be written.
    Var,
}

/// The type of a global.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GlobalType(pub(crate) types::GlobalType);

impl GlobalType {
    /// A global with values of type `content`.
    pub fn new(content: ValType, mutability: Mutability) -> GlobalType {
        GlobalType(types::GlobalType { content, mutable: mutability == Mutability::Var })
    }

    /// The type of its value.
    pub fn content(&self) -> ValType {
        self.0.content
    }

    /// Whether it can be written.
    pub fn mutability(&self) -> Mutability {
        if self.0.mutable { Mutability::Var } else { Mutability::Const }
    }
}

/// The type of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TableType(pub(crate) types::TableType);

impl TableType {
    /// A table of so many elements at first and at most, with 32-bit indices.
    pub fn new(element: RefType, minimum: u32, maximum: Option<u32>) -> TableType {
        let limits = TableLimits { minimum: minimum.into(), maximum: maximum.map(u64::from), table64: false };
        TableType(types::TableType { element, limits })
    }

    /// A table with 64-bit indices.
    pub fn new64(element: RefType, minimum: u64, maximum: Option<u64>) -> TableType {
        TableType(types::TableType { element, limits: TableLimits { minimum, maximum, table64: true } })
    }

    /// The type of its elements.
    pub fn element(&self) -> RefType {
        self.0.element
    }

    /// How many elements there are at first.
    pub fn minimum(&self) -> u64 {
        self.0.limits.minimum
    }

    /// How many elements there can be.
    pub fn maximum(&self) -> Option<u64> {
        self.0.limits.maximum
    }

    /// Whether indices are 64-bit.
    pub fn is_64(&self) -> bool {
        self.0.limits.table64
    }
}

/// The type of a memory. Sizes are in pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MemoryType(pub(crate) memory::MemoryType);

impl MemoryType {
    fn make(minimum: u64, maximum: Option<u64>, memory64: bool, shared: bool) -> MemoryType {
        MemoryType(memory::MemoryType { minimum, maximum, memory64, shared, page_size_log2: PAGE_SIZE_LOG2 })
    }

    /// A memory with 32-bit addresses.
    pub fn new(minimum: u32, maximum: Option<u32>) -> MemoryType {
        MemoryType::make(minimum.into(), maximum.map(u64::from), false, false)
    }

    /// A memory with 64-bit addresses.
    pub fn new64(minimum: u64, maximum: Option<u64>) -> MemoryType {
        MemoryType::make(minimum, maximum, true, false)
    }

    /// A memory that threads can share.
    pub fn shared(minimum: u32, maximum: u32) -> MemoryType {
        MemoryType::make(minimum.into(), Some(maximum.into()), false, true)
    }

    /// The same type with pages of `1 << log2` bytes: 1 or 65536.
    pub fn with_page_size_log2(self, log2: u8) -> MemoryType {
        MemoryType(memory::MemoryType { page_size_log2: log2, ..self.0 })
    }

    /// How large it is at first.
    pub fn minimum(&self) -> u64 {
        self.0.minimum
    }

    /// How large it can grow.
    pub fn maximum(&self) -> Option<u64> {
        self.0.maximum
    }

    /// Whether addresses are 64-bit.
    pub fn is_64(&self) -> bool {
        self.0.memory64
    }

    /// Whether threads can share it.
    pub fn is_shared(&self) -> bool {
        self.0.shared
    }

    /// The bytes of a page.
    pub fn page_size(&self) -> u64 {
        self.0.page_size()
    }
}

/// The type of a tag: its payload is a function type's parameters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TagType(pub(crate) FuncType);

impl TagType {
    /// A tag with the parameters of `ty` as its payload.
    pub fn new(ty: FuncType) -> TagType {
        TagType(ty)
    }

    /// The function type.
    pub fn ty(&self) -> &FuncType {
        &self.0
    }
}

/// The type of an [`Extern`](crate::Extern).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ExternType {
    /// Of a function.
    Func(FuncType),
    /// Of a global.
    Global(GlobalType),
    /// Of a table.
    Table(TableType),
    /// Of a memory.
    Memory(MemoryType),
    /// Of a tag.
    Tag(TagType),
}

impl ExternType {
    /// The type behind what the registry, which holds it, knows.
    pub(crate) fn from_core(ty: runtime::ExternType, types: &TypeRegistry) -> ExternType {
        let func = |id: TypeId| match types.func_type(id) {
            Some(ty) => ty,
            None => unreachable!("the type of an object is registered and a function's"),
        };
        match ty {
            runtime::ExternType::Func(id) => ExternType::Func(func(id)),
            runtime::ExternType::Memory(ty) => ExternType::Memory(MemoryType(ty)),
            runtime::ExternType::Table(ty) => ExternType::Table(TableType(ty)),
            runtime::ExternType::Global(ty) => ExternType::Global(GlobalType(ty)),
            runtime::ExternType::Tag(id) => ExternType::Tag(TagType(func(id))),
        }
    }

    /// The function type, if this is one.
    pub fn func(&self) -> Option<&FuncType> {
        match self {
            ExternType::Func(ty) => Some(ty),
            _ => None,
        }
    }

    /// The global type, if this is one.
    pub fn global(&self) -> Option<&GlobalType> {
        match self {
            ExternType::Global(ty) => Some(ty),
            _ => None,
        }
    }

    /// The table type, if this is one.
    pub fn table(&self) -> Option<&TableType> {
        match self {
            ExternType::Table(ty) => Some(ty),
            _ => None,
        }
    }

    /// The memory type, if this is one.
    pub fn memory(&self) -> Option<&MemoryType> {
        match self {
            ExternType::Memory(ty) => Some(ty),
            _ => None,
        }
    }

    /// The tag type, if this is one.
    pub fn tag(&self) -> Option<&TagType> {
        match self {
            ExternType::Tag(ty) => Some(ty),
            _ => None,
        }
    }
}
