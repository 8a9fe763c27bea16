//! From the parser's types to the runtime's.
//!
//! `resolve` says which id an index has. The parser has been told which proposals are on, yet what the engine does not
//! have is an error here too, so that a proposal switched on by mistake cannot turn into another type.

use wasmparser::{AbstractHeapType, CompositeInnerType, UnpackedIndex};

use super::super::memory::{MemoryType, PAGE_SIZE_LOG2};
use super::super::table::TableLimits;
use super::{
    ArrayType, CompositeType, FieldType, FuncType, GlobalType, HeapType, RefType, StorageType, StructType, SubType,
    TableType, TypeError, TypeId, TypeKind, ValType,
};

/// Finds the id of a parser's index.
type Resolve<'a> = &'a dyn Fn(UnpackedIndex) -> Result<TypeId, TypeError>;

fn refuse<T>(what: &'static str) -> Result<T, TypeError> {
    Err(TypeError::Unsupported(what))
}

impl ValType {
    /// Converts a value type.
    pub fn from_parser(ty: wasmparser::ValType, resolve: Resolve<'_>) -> Result<ValType, TypeError> {
        Ok(match ty {
            wasmparser::ValType::I32 => ValType::I32,
            wasmparser::ValType::I64 => ValType::I64,
            wasmparser::ValType::F32 => ValType::F32,
            wasmparser::ValType::F64 => ValType::F64,
            wasmparser::ValType::V128 => ValType::V128,
            wasmparser::ValType::Ref(ty) => ValType::Ref(RefType::from_parser(ty, resolve)?),
        })
    }
}

impl RefType {
    /// Converts a reference type.
    pub fn from_parser(ty: wasmparser::RefType, resolve: Resolve<'_>) -> Result<RefType, TypeError> {
        let heap = HeapType::from_parser(ty.heap_type(), resolve)?;
        Ok(RefType::new(ty.is_nullable(), heap))
    }
}

impl HeapType {
    /// Converts a heap type.
    pub fn from_parser(ty: wasmparser::HeapType, resolve: Resolve<'_>) -> Result<HeapType, TypeError> {
        let ty = match ty {
            wasmparser::HeapType::Abstract { shared: false, ty } => ty,
            wasmparser::HeapType::Concrete(index) => return resolve(index).map(HeapType::Concrete),
            wasmparser::HeapType::Abstract { shared: true, .. } => {
                return refuse("shared reference");
            }
            wasmparser::HeapType::Exact(_) => return refuse("exact reference"),
        };
        Ok(match ty {
            AbstractHeapType::Func => HeapType::Func,
            AbstractHeapType::NoFunc => HeapType::NoFunc,
            AbstractHeapType::Extern => HeapType::Extern,
            AbstractHeapType::NoExtern => HeapType::NoExtern,
            AbstractHeapType::Any => HeapType::Any,
            AbstractHeapType::None => HeapType::None,
            AbstractHeapType::Eq => HeapType::Eq,
            AbstractHeapType::I31 => HeapType::I31,
            AbstractHeapType::Struct => HeapType::Struct,
            AbstractHeapType::Array => HeapType::Array,
            AbstractHeapType::Exn => HeapType::Exn,
            AbstractHeapType::NoExn => HeapType::NoExn,
            AbstractHeapType::Cont | AbstractHeapType::NoCont => return refuse("continuation"),
        })
    }
}

impl FuncType {
    fn from_parser(ty: &wasmparser::FuncType, resolve: Resolve<'_>) -> Result<FuncType, TypeError> {
        let values = ty.params().iter().chain(ty.results());
        Ok(FuncType {
            values: values.map(|&ty| ValType::from_parser(ty, resolve)).collect::<Result<_, _>>()?,
            param_count: ty.params().len(),
        })
    }
}

impl FieldType {
    fn from_parser(ty: wasmparser::FieldType, resolve: Resolve<'_>) -> Result<FieldType, TypeError> {
        Ok(FieldType {
            storage: match ty.element_type {
                wasmparser::StorageType::I8 => StorageType::I8,
                wasmparser::StorageType::I16 => StorageType::I16,
                wasmparser::StorageType::Val(ty) => StorageType::Val(ValType::from_parser(ty, resolve)?),
            },
            mutable: ty.mutable,
        })
    }
}

impl TypeKind {
    pub(super) fn from_parser(ty: &wasmparser::CompositeType) -> Result<TypeKind, TypeError> {
        match ty.inner {
            CompositeInnerType::Func(_) => Ok(TypeKind::Func),
            CompositeInnerType::Struct(_) => Ok(TypeKind::Struct),
            CompositeInnerType::Array(_) => Ok(TypeKind::Array),
            CompositeInnerType::Cont(_) => refuse("continuation"),
        }
    }
}

impl SubType {
    pub(super) fn from_parser(ty: &wasmparser::SubType, resolve: Resolve<'_>) -> Result<SubType, TypeError> {
        let composite = &ty.composite_type;
        if composite.shared {
            return refuse("shared type");
        }
        if composite.descriptor_idx.is_some() || composite.describes_idx.is_some() {
            return refuse("type with descriptor");
        }
        let supertype = match ty.supertype_idxs.as_slice() {
            [] => None,
            [index] => Some(resolve(index.unpack())?),
            _ => return refuse("multiple supertypes"),
        };
        Ok(SubType {
            final_: ty.is_final,
            supertype,
            composite: match &composite.inner {
                CompositeInnerType::Func(ty) => CompositeType::Func(FuncType::from_parser(ty, resolve)?),
                CompositeInnerType::Struct(ty) => CompositeType::Struct(StructType {
                    fields: ty
                        .fields
                        .iter()
                        .map(|&field| FieldType::from_parser(field, resolve))
                        .collect::<Result<_, _>>()?,
                }),
                CompositeInnerType::Array(ty) => {
                    CompositeType::Array(ArrayType { element: FieldType::from_parser(ty.0, resolve)? })
                }
                CompositeInnerType::Cont(_) => return refuse("continuation"),
            },
        })
    }
}

impl GlobalType {
    /// Converts the type of a global.
    pub fn from_parser(ty: wasmparser::GlobalType, resolve: Resolve<'_>) -> Result<GlobalType, TypeError> {
        if ty.shared {
            return refuse("shared global");
        }
        Ok(GlobalType { content: ValType::from_parser(ty.content_type, resolve)?, mutable: ty.mutable })
    }
}

impl TableType {
    /// Converts the type of a table.
    pub fn from_parser(ty: wasmparser::TableType, resolve: Resolve<'_>) -> Result<TableType, TypeError> {
        if ty.shared {
            return refuse("shared table");
        }
        Ok(TableType {
            element: RefType::from_parser(ty.element_type, resolve)?,
            limits: TableLimits { minimum: ty.initial, maximum: ty.maximum, table64: ty.table64 },
        })
    }
}

impl TryFrom<wasmparser::MemoryType> for MemoryType {
    type Error = TypeError;

    fn try_from(ty: wasmparser::MemoryType) -> Result<MemoryType, TypeError> {
        let page_size_log2 = ty.page_size_log2.map_or(Ok(PAGE_SIZE_LOG2), u8::try_from);
        Ok(MemoryType {
            minimum: ty.initial,
            maximum: ty.maximum,
            memory64: ty.memory64,
            shared: ty.shared,
            page_size_log2: page_size_log2.or(refuse("page size"))?,
        })
    }
}
