//! Instances.
//!
//! An instance is immutable once made, but for what is atomic: records of its functions, made when they are first asked
//! for, and which of its segments are dropped. It stays where it is until its store is gone.

use std::fmt;
use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use terrace_abi::memory::{MemoryRecord, TableRecord};
use terrace_abi::vm::{FuncRecord, GlobalRecord, InstanceRecord, StoreRecord, TagRecord};

use super::extern_::{Extern, GlobalRef, MemoryRef, TableRef, TagRef};
use super::func::{FuncRef, SlotEntry, entry_bits};
use super::memory::BoundsMode;
use super::module::{ExternIndex, Module};
use crate::bytecode::Function;
use crate::translate::TranslateError;

/// Function records are made by chunks of this many.
const CHUNK: usize = 64;

/// A module's functions and objects in a store. The globals that the module defines lie before it; see
/// `PlacedInstance`.
#[repr(C)]
pub struct Instance {
    record: InstanceRecord,
    module: Module,
    memories: Box<[MemoryRef]>,
    tables: Box<[TableRef]>,
    globals: Box<[GlobalRef]>,
    tags: Box<[TagRef]>,
    imports: Box<[FuncRef]>,
    /// Records of the defined functions.
    funcs: Box<[OnceLock<Box<[FuncRecord]>>]>,
    entry: SlotEntry,
    dropped_data: Box<[AtomicBool]>,
    dropped_elems: Box<[AtomicBool]>,
    pointers: Pointers,
}

/// What the record's arrays lie in.
struct Pointers {
    memories: Box<[*const MemoryRecord]>,
    tables: Box<[*const TableRecord]>,
    globals: Box<[*const GlobalRecord]>,
    tags: Box<[*const TagRecord]>,
    imports: Box<[*const FuncRecord]>,
}

// SAFETY: the pointers lead to objects of the same store, which are atomics or immutable; everything else is shareable.
unsafe impl Send for Instance {}
// SAFETY: as above.
unsafe impl Sync for Instance {}

/// What an instance is made of: the objects in order of the module's index spaces, imports first.
pub(super) struct Parts {
    pub(super) store: *const StoreRecord,
    pub(super) module: Module,
    pub(super) memories: Vec<(MemoryRef, *const MemoryRecord)>,
    pub(super) tables: Vec<(TableRef, *const TableRecord)>,
    pub(super) globals: Vec<(GlobalRef, *const GlobalRecord)>,
    pub(super) tags: Vec<(TagRef, *const TagRecord)>,
    pub(super) imports: Vec<FuncRef>,
}

impl Instance {
    pub(super) fn new(parts: Parts) -> Instance {
        let Parts { store, module, memories, tables, globals, tags, imports } = parts;
        let flags = |count: usize| (0..count).map(|_| AtomicBool::new(false)).collect();
        let (memories, memory_records): (Vec<_>, Vec<_>) = memories.into_iter().unzip();
        let (tables, table_records): (Vec<_>, Vec<_>) = tables.into_iter().unzip();
        let (globals, global_records): (Vec<_>, Vec<_>) = globals.into_iter().unzip();
        let (tags, tag_records): (Vec<_>, Vec<_>) = tags.into_iter().unzip();
        let pointers = Pointers {
            memories: memory_records.into(),
            tables: table_records.into(),
            globals: global_records.into(),
            tags: tag_records.into(),
            imports: imports.iter().map(|func| func.as_ptr()).collect(),
        };
        let memory0 = pointers.memories.first().copied().unwrap_or(ptr::null());
        let memory_operand = match module.memory0_bounds() {
            None => ptr::null(),
            // SAFETY: a memory's record lives as long as its store, which is alive.
            Some(BoundsMode::Guard) => unsafe { &*memory0 }.base.load(Ordering::Relaxed).cast_const(),
            Some(BoundsMode::Explicit) => memory0.cast(),
        };
        Instance {
            record: InstanceRecord {
                store,
                memory0,
                memory_operand,
                memories: pointers.memories.as_ptr(),
                tables: pointers.tables.as_ptr(),
                globals: pointers.globals.as_ptr(),
                imports: pointers.imports.as_ptr(),
                tags: pointers.tags.as_ptr(),
                types: module.type_ids().as_ptr(),
                entries: module.entries().as_ptr().wrapping_sub(module.imported_funcs() as usize),
                code_entries: match module.code_entries() {
                    [] => ptr::null(),
                    entries => entries.as_ptr(),
                },
            },
            funcs: (0..module.defined_funcs().div_ceil(CHUNK as u32)).map(|_| OnceLock::new()).collect(),
            entry: module.entry(),
            dropped_data: flags(module.data_segments().len()),
            dropped_elems: flags(module.element_segments().len()),
            module,
            memories: memories.into(),
            tables: tables.into(),
            globals: globals.into(),
            tags: tags.into(),
            imports: imports.into(),
            pointers,
        }
    }

    /// What code reads.
    pub fn record(&self) -> &InstanceRecord {
        &self.record
    }

    /// The module.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// The memory at `index`.
    pub fn memory(&self, index: u32) -> MemoryRef {
        self.memories[index as usize]
    }

    /// The table at `index`.
    pub fn table(&self, index: u32) -> TableRef {
        self.tables[index as usize]
    }

    /// The handle on the global at `index`.
    pub fn global_ref(&self, index: u32) -> GlobalRef {
        self.globals[index as usize]
    }

    /// The global at `index`.
    #[inline]
    pub fn global(&self, index: u32) -> &GlobalRecord {
        // SAFETY: the globals of an instance live as long as its store, and so as the instance.
        unsafe { &*self.pointers.globals[index as usize] }
    }

    /// The global at this displacement, as [`InstanceRecord::own_global`] gives it for those that the module defines.
    #[inline]
    pub fn own_global(&self, displacement: i32) -> &GlobalRecord {
        match InstanceRecord::own_global_number(displacement) {
            Some(number) => self.global(self.module.imported().globals + number),
            None => unreachable!("bytecode names globals by their displacements"),
        }
    }

    /// The handle on the tag at `index`.
    pub fn tag_ref(&self, index: u32) -> TagRef {
        self.tags[index as usize]
    }

    /// The tag at `index`; its address is its identity.
    #[inline]
    pub fn tag(&self, index: u32) -> &TagRecord {
        // SAFETY: as for `global`.
        unsafe { &*self.pointers.tags[index as usize] }
    }

    /// The imported function at `index`.
    #[inline]
    pub fn import(&self, index: u32) -> FuncRef {
        self.imports[index as usize]
    }

    /// The canonical id of the type at `index`, as records hold it.
    #[inline]
    pub fn type_id(&self, index: u32) -> u32 {
        self.module.type_ids()[index as usize]
    }

    /// The function at `index` of the module's function space.
    pub fn func_ref(&self, index: u32) -> FuncRef {
        let Some(defined) = index.checked_sub(self.imports.len() as u32) else {
            return self.imports[index as usize];
        };
        let (chunk, place) = (defined as usize / CHUNK, defined as usize % CHUNK);
        let records = self.funcs[chunk].get_or_init(|| {
            let first = (chunk * CHUNK) as u32;
            let count = (self.module.defined_funcs() - first).min(CHUNK as u32);
            (first..first + count).map(|defined| self.make_record(defined)).collect()
        });
        FuncRef::new(NonNull::from(&records[place]))
    }

    fn make_record(&self, defined: u32) -> FuncRecord {
        let index = self.imports.len() as u32 + defined;
        FuncRecord {
            slot_entry: AtomicU64::new(entry_bits(self.entry)),
            register_entry: AtomicU64::new(0),
            instance: ptr::from_ref(self).cast(),
            type_id: self.type_id(self.module.func_type_index(index)),
            index,
            entry_cell: &self.module.entries()[defined as usize],
            code_cell: self.module.code_entries().get(defined as usize).map_or(ptr::null(), ptr::from_ref),
        }
    }

    /// The bytecode of the defined function at `index` of the module's function space.
    #[inline]
    pub fn code(&self, index: u32) -> Result<&Function, &TranslateError> {
        self.module.code(index - self.imports.len() as u32)
    }

    /// The bytes of a data segment; none once it is dropped.
    pub fn data(&self, index: u32) -> &[u8] {
        match self.dropped_data[index as usize].load(Ordering::Relaxed) {
            true => &[],
            false => self.module.data_segments()[index as usize].bytes(&self.module),
        }
    }

    /// `data.drop`.
    pub fn data_drop(&self, index: u32) {
        self.dropped_data[index as usize].store(true, Ordering::Relaxed);
    }

    /// Whether an element segment is dropped.
    pub fn is_elem_dropped(&self, index: u32) -> bool {
        self.dropped_elems[index as usize].load(Ordering::Relaxed)
    }

    /// `elem.drop`.
    pub fn elem_drop(&self, index: u32) {
        self.dropped_elems[index as usize].store(true, Ordering::Relaxed);
    }

    /// The object that is exported by this name.
    pub fn export(&self, name: &str) -> Option<Extern> {
        self.module.export(name).map(|index| self.item(index))
    }

    /// The exports in order.
    pub fn exports(&self) -> impl Iterator<Item = (&str, Extern)> {
        self.module.exports().map(|export| (export.name, self.item(export.index)))
    }

    /// The object at an index of one of the module's index spaces.
    pub fn item(&self, index: ExternIndex) -> Extern {
        match index {
            ExternIndex::Func(index) => Extern::Func(self.func_ref(index)),
            ExternIndex::Memory(index) => Extern::Memory(self.memory(index)),
            ExternIndex::Table(index) => Extern::Table(self.table(index)),
            ExternIndex::Global(index) => Extern::Global(self.global_ref(index)),
            ExternIndex::Tag(index) => Extern::Tag(self.tag_ref(index)),
        }
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance").field("module", &self.module).finish_non_exhaustive()
    }
}

/// An instance of a store. It must not be used after its store is gone.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct InstanceRef(NonNull<Instance>);

// SAFETY: instances may be shared between threads.
unsafe impl Send for InstanceRef {}
// SAFETY: as above.
unsafe impl Sync for InstanceRef {}

impl InstanceRef {
    pub(super) fn new(instance: NonNull<Instance>) -> InstanceRef {
        InstanceRef(instance)
    }

    /// # Safety
    ///
    /// `instance` must be an instance of a live store.
    pub(super) unsafe fn from_raw(instance: *const Instance) -> InstanceRef {
        // SAFETY: instances have addresses, which are not null.
        InstanceRef(unsafe { NonNull::new_unchecked(instance.cast_mut()) })
    }

    /// The instance that a record belongs to, if it is not null.
    ///
    /// # Safety
    ///
    /// `record` must be null or of an instance of a live store.
    #[inline]
    pub unsafe fn from_record(record: *const InstanceRecord) -> Option<InstanceRef> {
        // An instance begins with its record.
        NonNull::new(record.cast_mut().cast()).map(InstanceRef)
    }

    /// The instance's address, as frames hold it.
    pub fn as_ptr(self) -> *const Instance {
        self.0.as_ptr()
    }
}

impl Deref for InstanceRef {
    type Target = Instance;

    #[inline]
    fn deref(&self) -> &Instance {
        // SAFETY: instances live as long as their store, and the type says that it is alive.
        unsafe { self.0.as_ref() }
    }
}

impl fmt::Debug for InstanceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InstanceRef({:p})", self.0)
    }
}
