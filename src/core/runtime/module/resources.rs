//! What validation of functions asks about their module, with types at hand.
//!
//! The validator keeps types in lists of lists, and searches them at every call. Here they are found by their index. Every
//! answer is the validator's own.

use wasmparser::types::CoreTypeId;
use wasmparser::{
    BinaryReaderError, FuncType, GlobalType, HeapType, MemoryType, RefType, SubType, TableType, ValType,
    ValidatorResources, WasmModuleResources,
};

/// What the validator knows once it has come to the functions.
pub(super) struct Resources<'a> {
    all: &'a ValidatorResources,
    types: Vec<&'a SubType>,
}

impl<'a> Resources<'a> {
    pub(super) fn new(all: &'a ValidatorResources) -> Resources<'a> {
        Resources { all, types: (0..).map_while(|index| all.sub_type_at(index)).collect() }
    }
}

impl WasmModuleResources for Resources<'_> {
    #[inline]
    fn sub_type_at(&self, at: u32) -> Option<&SubType> {
        self.types.get(at as usize).copied()
    }

    fn sub_type_at_id(&self, id: CoreTypeId) -> &SubType {
        self.all.sub_type_at_id(id)
    }

    #[inline]
    fn table_at(&self, at: u32) -> Option<TableType> {
        self.all.table_at(at)
    }

    #[inline]
    fn memory_at(&self, at: u32) -> Option<MemoryType> {
        self.all.memory_at(at)
    }

    fn tag_at(&self, at: u32) -> Option<&FuncType> {
        self.all.tag_at(at)
    }

    #[inline]
    fn global_at(&self, at: u32) -> Option<GlobalType> {
        self.all.global_at(at)
    }

    fn type_id_of_function(&self, at: u32) -> Option<CoreTypeId> {
        self.all.type_id_of_function(at)
    }

    #[inline]
    fn type_index_of_function(&self, at: u32) -> Option<u32> {
        self.all.type_index_of_function(at)
    }

    fn element_type_at(&self, at: u32) -> Option<RefType> {
        self.all.element_type_at(at)
    }

    fn is_subtype(&self, a: ValType, b: ValType) -> bool {
        self.all.is_subtype(a, b)
    }

    fn is_shared(&self, ty: RefType) -> bool {
        self.all.is_shared(ty)
    }

    fn check_heap_type(&self, ty: &mut HeapType, offset: u64) -> Result<(), BinaryReaderError> {
        self.all.check_heap_type(ty, offset)
    }

    fn top_type(&self, ty: &HeapType) -> HeapType {
        self.all.top_type(ty)
    }

    fn element_count(&self) -> u32 {
        self.all.element_count()
    }

    fn data_count(&self) -> Option<u32> {
        self.all.data_count()
    }

    fn is_function_referenced(&self, at: u32) -> bool {
        self.all.is_function_referenced(at)
    }

    fn has_function_exact_type(&self, at: u32) -> bool {
        self.all.has_function_exact_type(at)
    }
}
