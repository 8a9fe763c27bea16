//! What verification has to know of a module: its types, as far as slots see them.

use wasmparser::{
    AbstractHeapType, CompositeInnerType, FuncType, HeapType, UnpackedIndex, ValType, WasmModuleResources,
};

use crate::bytecode::ImportCounts;

/// What a value is to the collector and to frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SlotKind {
    /// A number, in one slot.
    Word,
    /// A vector, in two slots.
    V128,
    /// A reference into the store's heap.
    HeapRef,
    /// The address of a function record.
    FuncRef,
}

impl SlotKind {
    /// Slots that a value takes.
    pub fn slots(self) -> u32 {
        match self {
            SlotKind::V128 => 2,
            SlotKind::Word | SlotKind::HeapRef | SlotKind::FuncRef => 1,
        }
    }
}

/// Parameters and results of a function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signature {
    /// Parameters.
    pub params: Vec<SlotKind>,
    /// Results.
    pub results: Vec<SlotKind>,
}

/// What a function's code may refer to.
pub trait CodeTypes {
    /// The function's own type.
    fn signature(&self) -> Signature;
    /// Its declared locals, without parameters.
    fn locals(&self) -> Vec<SlotKind>;
    /// How many functions and globals are imported; they are the first in their index spaces.
    fn imports(&self) -> ImportCounts;
    /// A function's type.
    fn function(&self, index: u32) -> Option<Signature>;
    /// A function type by type index.
    fn function_type(&self, index: u32) -> Option<Signature>;
    /// A tag's payload.
    fn tag(&self, index: u32) -> Option<Vec<SlotKind>>;
    /// A global's type.
    fn global(&self, index: u32) -> Option<SlotKind>;
    /// A table's element type.
    fn table(&self, index: u32) -> Option<SlotKind>;
    /// Does this memory exist?
    fn has_memory(&self, index: u32) -> bool;
    /// Is memory 0 one that the short forms of loads and stores may name?
    fn short_memory(&self) -> bool;
    /// Does this element segment exist?
    fn has_element(&self, index: u32) -> bool;
    /// Does this data segment exist?
    fn has_data(&self, index: u32) -> bool;
}

/// [`CodeTypes`] as the validator knows them.
#[derive(Debug)]
pub struct WasmTypes<'a, R> {
    resources: &'a R,
    imports: ImportCounts,
    function: u32,
    locals: Vec<SlotKind>,
}

impl<'a, R: WasmModuleResources> WasmTypes<'a, R> {
    /// The types for the code of the function with this index, which declares these locals.
    pub fn new(
        resources: &'a R,
        imports: ImportCounts,
        function: u32,
        locals: impl IntoIterator<Item = (u32, ValType)>,
    ) -> WasmTypes<'a, R> {
        let locals = locals.into_iter().flat_map(|(count, ty)| (0..count).map(move |_| ty));
        let locals = locals.map(|ty| kind(resources, ty)).collect();
        WasmTypes { resources, imports, function, locals }
    }

    fn list(&self, types: &[ValType]) -> Vec<SlotKind> {
        types.iter().map(|&ty| kind(self.resources, ty)).collect()
    }

    fn of_type(&self, ty: &FuncType) -> Signature {
        Signature { params: self.list(ty.params()), results: self.list(ty.results()) }
    }
}

/// The kind of a type, whether its type index is still the module's or already the validator's.
fn kind(resources: &impl WasmModuleResources, ty: ValType) -> SlotKind {
    let reference = match ty {
        ValType::V128 => return SlotKind::V128,
        ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64 => return SlotKind::Word,
        ValType::Ref(reference) => reference.heap_type(),
    };
    let function = match reference {
        HeapType::Abstract { ty, .. } => matches!(ty, AbstractHeapType::Func | AbstractHeapType::NoFunc),
        HeapType::Concrete(index) | HeapType::Exact(index) => {
            let defined = match index {
                UnpackedIndex::Module(index) => resources.sub_type_at(index),
                _ => index.as_core_type_id().map(|id| resources.sub_type_at_id(id)),
            };
            defined.is_some_and(|ty| matches!(ty.composite_type.inner, CompositeInnerType::Func(_)))
        }
    };
    if function { SlotKind::FuncRef } else { SlotKind::HeapRef }
}

impl<R: WasmModuleResources> CodeTypes for WasmTypes<'_, R> {
    fn signature(&self) -> Signature {
        self.function(self.function).unwrap_or_default()
    }

    fn locals(&self) -> Vec<SlotKind> {
        self.locals.clone()
    }

    fn imports(&self) -> ImportCounts {
        self.imports
    }

    fn function(&self, index: u32) -> Option<Signature> {
        self.function_type(self.resources.type_index_of_function(index)?)
    }

    fn function_type(&self, index: u32) -> Option<Signature> {
        match &self.resources.sub_type_at(index)?.composite_type.inner {
            CompositeInnerType::Func(ty) => Some(self.of_type(ty)),
            _ => None,
        }
    }

    fn tag(&self, index: u32) -> Option<Vec<SlotKind>> {
        Some(self.list(self.resources.tag_at(index)?.params()))
    }

    fn global(&self, index: u32) -> Option<SlotKind> {
        Some(kind(self.resources, self.resources.global_at(index)?.content_type))
    }

    fn table(&self, index: u32) -> Option<SlotKind> {
        Some(kind(self.resources, ValType::Ref(self.resources.table_at(index)?.element_type)))
    }

    fn has_memory(&self, index: u32) -> bool {
        self.resources.memory_at(index).is_some()
    }

    fn short_memory(&self) -> bool {
        let memory = self.resources.memory_at(0);
        memory.is_some_and(|memory| !memory.memory64 && memory.page_size_log2.is_none_or(|log2| log2 == 16))
    }

    fn has_element(&self, index: u32) -> bool {
        self.resources.element_type_at(index).is_some()
    }

    fn has_data(&self, index: u32) -> bool {
        self.resources.data_count().is_some_and(|count| index < count)
    }
}
