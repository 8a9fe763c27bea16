//! The objects of a store: making, finding and growing them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use terrace_abi::TrapKind;
use terrace_abi::vm::{FuncRecord, GlobalRecord, Status, TagRecord};

use super::super::const_expr;
use super::super::extern_::{Extern, ExternType, GlobalRef, MemoryRef, TableRef, TagRef};
use super::super::func::{FuncRef, HostFunc, entry_bits, host_entry};
use super::super::instance::{Instance, InstanceRef, Parts};
use super::super::limits::ResourceLimiter;
use super::super::memory::{BoundsMode, Memory, MemoryError, MemoryType, SharedMemory};
use super::super::module::Elements;
use super::super::pinned::Pinned;
use super::super::placed::PlacedInstance;
use super::super::table::{Table, TableError};
use super::super::trap::{BoxError, HostError};
use super::super::types::{FuncType, GlobalType, HeapType, RegisteredType, TableType, TypeError, ValType};
use super::{GlobalPlace, Store, StoreGlobal, StoreTable, StoreTag};

/// Why an object cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// The memory cannot be made.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The table cannot be made.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The type cannot be used.
    #[error(transparent)]
    Type(#[from] TypeError),
    /// The object belongs to another engine.
    #[error("object of another engine")]
    OtherEngine,
    /// The shared memory was made with other bounds checks than the engine's.
    #[error("shared memory of an engine with another bounds mode")]
    OtherBounds,
    /// The store has as many as its limiter allows.
    #[error("resource limit exceeded: {what} count too high at {limit}")]
    Count {
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// The limiter forbids the size.
    #[error("resource limit exceeded: {what} minimum size of {size} {unit} exceeds the limits of the store")]
    Size {
        /// Of what.
        what: &'static str,
        /// The size.
        size: u64,
        /// What the size counts.
        unit: &'static str,
    },
    /// The limiter failed.
    #[error("{0}")]
    Limiter(BoxError),
}

/// Why something does not grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} cannot grow by {delta} from {current}: its maximum is reached or the system has no room")]
pub struct GrowError {
    what: &'static str,
    current: u64,
    delta: u64,
}

fn clamp(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}

/// So many pages in bytes.
fn bytes(ty: &MemoryType, pages: u64) -> usize {
    clamp(pages.saturating_mul(ty.page_size()))
}

impl Store {
    fn limit<R>(&mut self, ask: impl FnOnce(&mut dyn ResourceLimiter) -> R) -> Option<R> {
        let access = self.limiter.as_ref()?;
        Some(ask(access(&mut *self.data)))
    }

    fn limit_count(
        &mut self,
        what: &'static str,
        count: usize,
        limit: impl FnOnce(&dyn ResourceLimiter) -> usize,
    ) -> Result<(), ObjectError> {
        match self.limit(|limiter| limit(limiter)) {
            Some(limit) if count >= limit => Err(ObjectError::Count { what, limit }),
            _ => Ok(()),
        }
    }

    /// Keeps what a type mentions registered.
    pub(in super::super) fn hold(&mut self, ty: ValType) -> Result<(), TypeError> {
        if let ValType::Ref(ty) = ty
            && let HeapType::Concrete(id) = ty.heap
        {
            let held = self.engine.types().hold(id)?;
            self.held_types.push(held);
        }
        Ok(())
    }

    /// Makes a memory.
    pub fn create_memory(&mut self, ty: MemoryType) -> Result<MemoryRef, ObjectError> {
        self.limit_count("memory", self.memories.len(), |limiter| limiter.memories())?;
        let size = bytes(&ty, ty.minimum);
        let maximum = ty.maximum.map(|maximum| bytes(&ty, maximum));
        match self.limit(|limiter| limiter.memory_growing(0, size, maximum)) {
            Some(Err(error)) => return Err(ObjectError::Limiter(error)),
            Some(Ok(false)) => return Err(ObjectError::Size { what: "memory", size: ty.minimum, unit: "pages" }),
            Some(Ok(true)) | None => {}
        }
        let memory = Memory::new(ty, &self.engine.config().memory)?;
        Ok(self.push_memory(memory))
    }

    /// Brings a shared memory into the store.
    pub fn add_shared_memory(&mut self, memory: SharedMemory) -> Result<MemoryRef, ObjectError> {
        let memory = Memory::from(memory);
        // Code is made for the bounds mode that the type has in this engine.
        if memory.bounds() != BoundsMode::of(memory.ty(), &self.engine.config().memory) {
            return Err(ObjectError::OtherBounds);
        }
        self.limit_count("memory", self.memories.len(), |limiter| limiter.memories())?;
        Ok(self.push_memory(memory))
    }

    fn push_memory(&mut self, memory: Memory) -> MemoryRef {
        self.memories.push(Pinned::new(memory));
        MemoryRef(self.memories.len() as u32 - 1)
    }

    /// A memory.
    ///
    /// # Panics
    ///
    /// If the handle is of another store; this holds for every accessor here.
    #[inline]
    pub fn memory(&self, memory: MemoryRef) -> &Memory {
        &self.memories[memory.index()]
    }

    /// A memory.
    #[inline]
    pub fn memory_mut(&mut self, memory: MemoryRef) -> &mut Memory {
        &mut self.memories[memory.index()]
    }

    /// A memory's address, good as long as the store; using it is like using [`Store::memory_mut`].
    pub fn memory_address(&self, memory: MemoryRef) -> NonNull<Memory> {
        self.memories[memory.index()].as_non_null()
    }

    /// A memory, beside the embedder's data.
    pub fn memory_and_data(&mut self, memory: MemoryRef) -> (&mut Memory, &mut (dyn std::any::Any + Send)) {
        (&mut self.memories[memory.index()], &mut *self.data)
    }

    /// Makes a table whose elements are all `init`, a slot of its element type.
    pub fn create_table(&mut self, ty: TableType, init: u64) -> Result<TableRef, ObjectError> {
        self.limit_count("table", self.tables.len(), |limiter| limiter.tables())?;
        let (minimum, maximum) = (ty.limits.minimum, ty.limits.maximum.map(clamp));
        match self.limit(|limiter| limiter.table_growing(0, clamp(minimum), maximum)) {
            Some(Err(error)) => return Err(ObjectError::Limiter(error)),
            Some(Ok(false)) => return Err(ObjectError::Size { what: "table", size: minimum, unit: "elements" }),
            Some(Ok(true)) | None => {}
        }
        self.hold(ValType::Ref(ty.element))?;
        self.tables.push(Pinned::new(StoreTable { table: Table::new(ty.limits, init)?, ty }));
        Ok(TableRef(self.tables.len() as u32 - 1))
    }

    /// A table.
    #[inline]
    pub fn table(&self, table: TableRef) -> &Table {
        &self.tables[table.index()].table
    }

    /// A table.
    #[inline]
    pub fn table_mut(&mut self, table: TableRef) -> &mut Table {
        &mut self.tables[table.index()].table
    }

    /// A table's type, as declared.
    pub fn table_type(&self, table: TableRef) -> TableType {
        self.tables[table.index()].ty
    }

    /// Makes a global with this value, which is of its type.
    pub fn create_global(&mut self, ty: GlobalType, value: [u64; 2]) -> Result<GlobalRef, ObjectError> {
        self.hold(ty.content)?;
        let record = Pinned::new(GlobalRecord { value: value.map(AtomicU64::new) });
        Ok(self.push_global(GlobalPlace::Alone(record), ty))
    }

    fn push_global(&mut self, record: GlobalPlace, ty: GlobalType) -> GlobalRef {
        self.globals.push(StoreGlobal { record, ty });
        GlobalRef(self.globals.len() as u32 - 1)
    }

    /// A global.
    pub fn global(&self, global: GlobalRef) -> &GlobalRecord {
        self.globals[global.index()].record()
    }

    /// A global's type.
    pub fn global_type(&self, global: GlobalRef) -> GlobalType {
        self.globals[global.index()].ty
    }

    /// Makes a tag whose payload is the parameters of a function type.
    pub fn create_tag(&mut self, ty: RegisteredType) -> Result<TagRef, ObjectError> {
        if !ty.registry().is_same(self.engine.types()) {
            return Err(ObjectError::OtherEngine);
        }
        let record = TagRecord { type_id: ty.id().bits() };
        self.tags.push(Pinned::new(StoreTag { record, ty }));
        Ok(TagRef(self.tags.len() as u32 - 1))
    }

    /// A tag; its address is its identity.
    pub fn tag(&self, tag: TagRef) -> &TagRecord {
        &self.tags[tag.index()].record
    }

    /// A tag's type.
    pub fn tag_type(&self, tag: TagRef) -> &RegisteredType {
        &self.tags[tag.index()].ty
    }

    /// The tag with this identity.
    pub fn tag_by_identity(&self, identity: u64) -> Option<TagRef> {
        let is_it = |tag: &Pinned<StoreTag>| ptr::from_ref(&tag.record).addr() as u64 == identity;
        self.tags.iter().position(is_it).map(|index| TagRef(index as u32))
    }

    /// Puts a host function into the store.
    pub fn add_host_func(&mut self, func: Arc<HostFunc>) -> Result<FuncRef, ObjectError> {
        if !func.registered().registry().is_same(self.engine.types()) {
            return Err(ObjectError::OtherEngine);
        }
        let record = Pinned::new(FuncRecord {
            slot_entry: AtomicU64::new(entry_bits(host_entry)),
            register_entry: AtomicU64::new(0),
            instance: ptr::null(),
            type_id: func.type_id().bits(),
            index: self.host_funcs.len() as u32,
            entry_cell: ptr::null(),
            code_cell: ptr::null(),
        });
        let handle = FuncRef::new(record.as_non_null());
        self.host_funcs.push((func, record));
        Ok(handle)
    }

    /// The host function behind a record's index.
    pub(in super::super) fn host_func(&self, index: u32) -> &Arc<HostFunc> {
        &self.host_funcs[index as usize].0
    }

    /// The type of a function of this store.
    pub fn func_type(&self, func: FuncRef) -> FuncType {
        self.func_type_ref(&func).clone()
    }

    /// The slots that a function's results take.
    pub fn func_result_slots(&self, func: FuncRef) -> u32 {
        self.func_type_ref(&func).result_slots() as u32
    }

    pub(super) fn func_type_ref<'a>(&'a self, func: &'a FuncRef) -> &'a FuncType {
        let index = func.index();
        let Some(instance) = func.instance_ref() else {
            return self.host_func(index).ty();
        };
        match instance.module().func_type(index) {
            Some(ty) => ty,
            None => unreachable!("functions have function types"),
        }
    }

    /// The type of an object, with its current size as the minimum.
    pub fn extern_type(&self, item: Extern) -> ExternType {
        match item {
            Extern::Func(func) => ExternType::Func(func.type_id()),
            Extern::Memory(memory) => {
                let memory = self.memory(memory);
                ExternType::Memory(MemoryType { minimum: memory.size_pages(), ..*memory.ty() })
            }
            Extern::Table(table) => {
                let mut ty = self.table_type(table);
                ty.limits.minimum = self.table(table).size();
                ExternType::Table(ty)
            }
            Extern::Global(global) => ExternType::Global(self.global_type(global)),
            Extern::Tag(tag) => ExternType::Tag(self.tag_type(tag).id()),
        }
    }

    /// The instances.
    pub fn instances(&self) -> impl Iterator<Item = InstanceRef> {
        self.instances.iter().map(|instance| InstanceRef::new(instance.as_non_null()))
    }

    pub(in super::super) fn check_instance_limit(&mut self) -> Result<(), ObjectError> {
        self.limit_count("instance", self.instances.len(), |limiter| limiter.instances())
    }

    /// Makes an instance of these parts, and the globals that its module defines, whose types are held. They hold zeros and nulls.
    pub(in super::super) fn push_instance(&mut self, mut parts: Parts) -> InstanceRef {
        let module = parts.module.clone();
        let defined = &module.globals()[module.imported().globals as usize..];
        let instance = PlacedInstance::new(defined.len(), |records| {
            for (&record, &ty) in records.iter().zip(defined) {
                let global = self.push_global(GlobalPlace::Instance(record), ty);
                parts.globals.push((global, record.as_ptr()));
            }
            Instance::new(parts)
        });
        let handle = InstanceRef::new(instance.as_non_null());
        self.instances.push(instance);
        handle
    }

    /// Runs what the host provided, where wasm may be below. A panic stops execution and goes on behind it.
    pub(super) fn guard<R>(&mut self, run: impl FnOnce(&mut Store) -> R) -> Result<R, Status> {
        match catch_unwind(AssertUnwindSafe(|| run(self))) {
            Ok(result) => Ok(result),
            Err(payload) => Err(self.raise_panic(payload)),
        }
    }

    /// Whether something may grow. `None` stands for no limiter.
    fn may_grow(
        &mut self,
        ask: impl FnOnce(&mut dyn ResourceLimiter) -> Result<bool, BoxError>,
    ) -> Result<bool, Status> {
        match self.guard(|store| store.limit(ask))? {
            Some(Err(error)) => Err(self.raise_error(HostError::Error(error))),
            Some(Ok(allowed)) => Ok(allowed),
            None => Ok(true),
        }
    }

    fn grow_failed(
        &mut self,
        tell: impl FnOnce(&mut dyn ResourceLimiter) -> Result<(), BoxError>,
    ) -> Result<u64, Status> {
        match self.guard(|store| store.limit(tell))? {
            Some(Err(error)) => Err(self.raise_error(HostError::Error(error))),
            Some(Ok(())) | None => Ok(u64::MAX),
        }
    }

    /// `memory.grow`: the size before in pages, or `u64::MAX`.
    pub fn memory_grow(&mut self, memory: MemoryRef, delta: u64) -> Result<u64, Status> {
        let object = self.memory(memory);
        let (ty, current) = (*object.ty(), object.size_pages());
        let desired = bytes(&ty, current.saturating_add(delta));
        let maximum = ty.maximum.map(|maximum| bytes(&ty, maximum));
        if !self.may_grow(|limiter| limiter.memory_growing(bytes(&ty, current), desired, maximum))? {
            return Ok(u64::MAX);
        }
        match self.memory_mut(memory).grow(delta) {
            Some(old) => Ok(old),
            None => self
                .grow_failed(|limiter| limiter.memory_grow_failed(GrowError { what: "memory", current, delta }.into())),
        }
    }

    /// `table.grow`: the size before, or `u64::MAX`.
    pub fn table_grow(&mut self, table: TableRef, delta: u64, init: u64) -> Result<u64, Status> {
        let object = self.table(table);
        let (maximum, current) = (object.limits().maximum.map(clamp), object.size());
        let desired = clamp(current.saturating_add(delta));
        if !self.may_grow(|limiter| limiter.table_growing(clamp(current), desired, maximum))? {
            return Ok(u64::MAX);
        }
        match self.table_mut(table).grow(delta, init) {
            Some(old) => Ok(old),
            None => self
                .grow_failed(|limiter| limiter.table_grow_failed(GrowError { what: "table", current, delta }.into())),
        }
    }

    /// `table.init`, with indices of the instance's module.
    pub fn table_init(
        &mut self,
        instance: InstanceRef,
        table: u32,
        segment: u32,
        dst: u64,
        src: u32,
        len: u32,
    ) -> Result<(), Status> {
        /// How many elements are written between polls.
        const PIECE: usize = 1 << 16;
        let table = instance.table(table);
        let elements = &instance.module().element_segments()[segment as usize].elements;
        let count = if instance.is_elem_dropped(segment) { 0 } else { elements.len() as u64 };
        let end = u64::from(src) + u64::from(len);
        let dst_end = dst.checked_add(len.into()).filter(|&end| end <= self.table(table).size());
        if end > count || dst_end.is_none() {
            return Err(self.raise(TrapKind::TableOutOfBounds));
        }
        let polls = self.engine.config().polls;
        let mut piece = Vec::with_capacity(PIECE.min(len as usize));
        let (mut index, mut place) = (src as usize, dst);
        while (index as u64) < end {
            let stop = index.saturating_add(PIECE).min(end as usize);
            piece.clear();
            match elements {
                Elements::Funcs(funcs) => {
                    piece.extend(funcs[index..stop].iter().map(|&func| instance.func_ref(func).to_slot()))
                }
                Elements::Exprs(exprs) => {
                    piece.extend(exprs[index..stop].iter().map(|&expr| const_expr::evaluate(&instance, expr)[0]));
                }
            }
            if let Err(kind) = self.table_mut(table).init(place, &piece, 0, piece.len() as u64) {
                return Err(self.raise(kind));
            }
            place += piece.len() as u64;
            index = stop;
            if polls && (index as u64) < end {
                self.poll()?;
            }
        }
        Ok(())
    }
}
