//! The types of WebAssembly values, functions and objects, as the runtime sees them.
//!
//! A defined type is named by a [`TypeId`] that is canonical within one engine: two types of two modules are equal
//! exactly when their ids are, so a link or a call through a table compares integers. [`TypeRegistry`] makes the ids,
//! and only that module knows how; nothing here depends on the parser but `convert`.

mod convert;
mod display;
mod registry;
mod subtyping;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use terrace_abi::heap::ENGINE_KIND;

use super::table::TableLimits;

pub use registry::{DefinedType, ModuleTypes, RegisteredType, TypeRegistry};

/// A type that cannot be registered or converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TypeError {
    /// A construct of a proposal that the engine does not have.
    #[error("unsupported type: {0}")]
    Unsupported(&'static str),
    /// A type index that names nothing, or a supertype that is not defined before its subtype.
    #[error("invalid type index {0}")]
    InvalidIndex(u32),
    /// A type id that the registry does not hold.
    #[error("type {0} is not registered")]
    Unregistered(TypeId),
    /// The engine holds as many types as ids can name.
    #[error("too many types in one engine")]
    TooMany,
}

/// What a defined type describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TypeKind {
    /// A function.
    Func,
    /// A structure.
    Struct,
    /// An array.
    Array,
}

/// The canonical name of a defined type within its engine.
///
/// The id carries the type's kind, so that where a reference to it is stored, and which abstract types are above and
/// below it, is known without looking it up. It leaves the values from `ENGINE_KIND` on to the heap's own objects, so
/// that it can stand in an object's header as it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(u32);

impl TypeId {
    /// Marks an index into the type's own recursive group; only the registry's keys contain such ids.
    const RELATIVE: u32 = ENGINE_KIND;
    const KIND_SHIFT: u32 = 29;
    const INDEX_MASK: u32 = (1 << Self::KIND_SHIFT) - 1;

    /// How many types ids can name.
    const LIMIT: usize = 1 << Self::KIND_SHIFT;

    /// The id of the type at `index`, which is below [`TypeId::LIMIT`].
    fn new(kind: TypeKind, index: usize) -> TypeId {
        debug_assert!(index < Self::LIMIT);
        TypeId((kind as u32) << Self::KIND_SHIFT | index as u32 & Self::INDEX_MASK)
    }

    /// The name of the type at `position` within its own group.
    fn relative(kind: TypeKind, position: usize) -> TypeId {
        TypeId(Self::new(kind, position).0 | Self::RELATIVE)
    }

    fn is_relative(self) -> bool {
        self.0 & Self::RELATIVE != 0
    }

    /// The id as machine code compares it and as object headers hold it.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The id with these bits, if there can be one. Whether a type has it is for the registry to say.
    pub const fn from_bits(bits: u32) -> Option<TypeId> {
        if bits < ENGINE_KIND && bits >> Self::KIND_SHIFT != 3 { Some(TypeId(bits)) } else { None }
    }

    /// The type's place in dense tables over all types of the engine.
    pub const fn index(self) -> usize {
        (self.0 & Self::INDEX_MASK) as usize
    }

    /// What the type describes.
    pub const fn kind(self) -> TypeKind {
        match self.0 >> Self::KIND_SHIFT & 3 {
            0 => TypeKind::Func,
            1 => TypeKind::Struct,
            _ => TypeKind::Array,
        }
    }
}

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValType {
    /// A 32-bit integer.
    I32,
    /// A 64-bit integer.
    I64,
    /// A 32-bit float.
    F32,
    /// A 64-bit float.
    F64,
    /// A 128-bit vector.
    V128,
    /// A reference.
    Ref(RefType),
}

impl ValType {
    /// `funcref`.
    pub const FUNCREF: ValType = ValType::Ref(RefType::FUNCREF);
    /// `externref`.
    pub const EXTERNREF: ValType = ValType::Ref(RefType::EXTERNREF);
    /// `exnref`.
    pub const EXNREF: ValType = ValType::Ref(RefType::EXNREF);

    /// The number of 8-byte slots that a value takes.
    pub const fn slots(self) -> usize {
        match self {
            ValType::V128 => 2,
            _ => 1,
        }
    }

    /// The reference type, if this is one.
    pub const fn as_ref(self) -> Option<RefType> {
        match self {
            ValType::Ref(ty) => Some(ty),
            _ => None,
        }
    }

    /// Whether values are references into the heap, which the collector traces.
    pub const fn is_heap_ref(self) -> bool {
        matches!(self, ValType::Ref(ty) if ty.is_heap_ref())
    }

    /// Whether there is a default value: zero or null.
    pub const fn is_defaultable(self) -> bool {
        !matches!(self, ValType::Ref(RefType { nullable: false, .. }))
    }
}

/// The type of a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RefType {
    /// Whether null is among the values.
    pub nullable: bool,
    /// What the references that are not null refer to.
    pub heap: HeapType,
}

impl RefType {
    /// `funcref`.
    pub const FUNCREF: RefType = RefType::new(true, HeapType::Func);
    /// `externref`.
    pub const EXTERNREF: RefType = RefType::new(true, HeapType::Extern);
    /// `exnref`.
    pub const EXNREF: RefType = RefType::new(true, HeapType::Exn);

    /// A reference type.
    pub const fn new(nullable: bool, heap: HeapType) -> RefType {
        RefType { nullable, heap }
    }

    /// Whether values are references into the heap, rather than addresses of function records.
    pub const fn is_heap_ref(self) -> bool {
        !matches!(self.heap.top(), HeapType::Func)
    }
}

/// What a reference refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HeapType {
    /// Any function.
    Func,
    /// No function: below every function type.
    NoFunc,
    /// Anything, seen from outside.
    Extern,
    /// Nothing: below `Extern`.
    NoExtern,
    /// Any object, number or host value, seen from inside.
    Any,
    /// Nothing: below everything that is below `Any`.
    None,
    /// Anything that can be compared for identity.
    Eq,
    /// A 31-bit integer.
    I31,
    /// Any structure.
    Struct,
    /// Any array.
    Array,
    /// Any exception.
    Exn,
    /// No exception: below `Exn`.
    NoExn,
    /// A defined type.
    Concrete(TypeId),
}

/// The type of a function. Clones share storage.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FuncType {
    values: Arc<[ValType]>,
    param_count: usize,
}

impl FuncType {
    /// A function type.
    pub fn new(params: impl IntoIterator<Item = ValType>, results: impl IntoIterator<Item = ValType>) -> FuncType {
        let mut values: Vec<ValType> = params.into_iter().collect();
        let param_count = values.len();
        values.extend(results);
        FuncType { values: values.into(), param_count }
    }

    /// The types of the parameters.
    pub fn params(&self) -> &[ValType] {
        &self.values[..self.param_count]
    }

    /// The types of the results.
    pub fn results(&self) -> &[ValType] {
        &self.values[self.param_count..]
    }

    /// The number of slots that the parameters take.
    pub fn param_slots(&self) -> usize {
        self.params().iter().map(|ty| ty.slots()).sum()
    }

    /// The number of slots that the results take.
    pub fn result_slots(&self) -> usize {
        self.results().iter().map(|ty| ty.slots()).sum()
    }
}

/// How a field is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StorageType {
    /// As one byte, an `i32` when read.
    I8,
    /// As two bytes, an `i32` when read.
    I16,
    /// As a value.
    Val(ValType),
}

impl StorageType {
    /// The type of the field's value on the operand stack.
    pub const fn unpacked(self) -> ValType {
        match self {
            StorageType::I8 | StorageType::I16 => ValType::I32,
            StorageType::Val(ty) => ty,
        }
    }
}

/// A field of a structure, or every element of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FieldType {
    /// How it is stored.
    pub storage: StorageType,
    /// Whether it can be written after creation.
    pub mutable: bool,
}

/// The type of a structure. Clones share storage.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StructType {
    /// The fields in order.
    pub fields: Arc<[FieldType]>,
}

/// The type of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ArrayType {
    /// The elements.
    pub element: FieldType,
}

/// A type without its place among subtypes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CompositeType {
    /// A function.
    Func(FuncType),
    /// A structure.
    Struct(StructType),
    /// An array.
    Array(ArrayType),
}

impl CompositeType {
    /// What the type describes.
    pub const fn kind(&self) -> TypeKind {
        match self {
            CompositeType::Func(_) => TypeKind::Func,
            CompositeType::Struct(_) => TypeKind::Struct,
            CompositeType::Array(_) => TypeKind::Array,
        }
    }
}

/// A defined type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SubType {
    /// Whether it can have no subtypes.
    pub final_: bool,
    /// The type that it declares to refine.
    pub supertype: Option<TypeId>,
    /// What it describes.
    pub composite: CompositeType,
}

impl SubType {
    /// A final function type without supertype, which is what `(func ...)` abbreviates.
    pub fn func(ty: FuncType) -> SubType {
        SubType { final_: true, supertype: None, composite: CompositeType::Func(ty) }
    }

    /// The function type, if this is one.
    pub const fn as_func(&self) -> Option<&FuncType> {
        match &self.composite {
            CompositeType::Func(ty) => Some(ty),
            _ => None,
        }
    }

    /// The structure type, if this is one.
    pub const fn as_struct(&self) -> Option<&StructType> {
        match &self.composite {
            CompositeType::Struct(ty) => Some(ty),
            _ => None,
        }
    }

    /// The array type, if this is one.
    pub const fn as_array(&self) -> Option<&ArrayType> {
        match &self.composite {
            CompositeType::Array(ty) => Some(ty),
            _ => None,
        }
    }

    /// Every id that the type mentions, with repetitions.
    fn ids(&self) -> impl Iterator<Item = TypeId> {
        let (values, fields): (&[ValType], &[FieldType]) = match &self.composite {
            CompositeType::Func(ty) => (&ty.values, &[]),
            CompositeType::Struct(ty) => (&[], &ty.fields),
            CompositeType::Array(ty) => (&[], std::slice::from_ref(&ty.element)),
        };
        let fields = fields.iter().map(|field| field.storage.unpacked());
        let mentioned = values.iter().copied().chain(fields).filter_map(|ty| match ty.as_ref()?.heap {
            HeapType::Concrete(id) => Some(id),
            _ => None,
        });
        self.supertype.into_iter().chain(mentioned)
    }

    /// The same type with other ids.
    fn map_ids(&self, map: impl Fn(TypeId) -> TypeId) -> SubType {
        let value = |ty: &ValType| match *ty {
            ValType::Ref(RefType { nullable, heap: HeapType::Concrete(id) }) => {
                ValType::Ref(RefType::new(nullable, HeapType::Concrete(map(id))))
            }
            other => other,
        };
        let field = |field: &FieldType| FieldType {
            storage: match &field.storage {
                StorageType::Val(ty) => StorageType::Val(value(ty)),
                packed => *packed,
            },
            mutable: field.mutable,
        };
        SubType {
            final_: self.final_,
            supertype: self.supertype.map(&map),
            composite: match &self.composite {
                CompositeType::Func(ty) => CompositeType::Func(FuncType {
                    values: ty.values.iter().map(value).collect(),
                    param_count: ty.param_count,
                }),
                CompositeType::Struct(ty) => {
                    CompositeType::Struct(StructType { fields: ty.fields.iter().map(field).collect() })
                }
                CompositeType::Array(ty) => CompositeType::Array(ArrayType { element: field(&ty.element) }),
            },
        }
    }
}

/// The type of a global.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GlobalType {
    /// The type of its value.
    pub content: ValType,
    /// Whether it can be written.
    pub mutable: bool,
}

/// The type of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TableType {
    /// The type of its elements.
    pub element: RefType,
    /// How many there are and can be, and how they are indexed.
    pub limits: TableLimits,
}
