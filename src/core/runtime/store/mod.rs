//! Stores: everything that lives at run time, and is dropped together.
//!
//! A store is boxed and machine code holds its address and those of its objects, so objects are never freed before it. One
//! thread at a time uses a store: entries get it as `*mut Store` and nothing else borrows it while they run.

mod call;
mod gc;
mod objects;
mod poll;
mod unwind;

use std::any::Any;
use std::fmt;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicPtr, AtomicU64, Ordering};

use terrace_abi::vm::{FuncRecord, GlobalRecord, StoreRecord, TagRecord};

use super::config::TierDown;
use super::engine::Engine;
use super::func::{FuncRef, HostFunc};
use super::heap::Heap;
use super::limits::ResourceLimiter;
use super::memory::Memory;
use super::mmap::MapError;
use super::pinned::Pinned;
use super::placed::PlacedInstance;
use super::stack::VmStack;
use super::table::Table;
use super::trap::Stop;
use super::types::{GlobalType, RegisteredType, TableType};
use crate::tier::reclaim::Registration;

pub use objects::{GrowError, ObjectError};
pub use poll::{EpochCallback, FuelError, InterruptHandle};

/// Finds the limiter in the store's data.
pub type LimiterAccess = Box<dyn Fn(&mut (dyn Any + Send)) -> &mut (dyn ResourceLimiter + 'static) + Send + Sync>;

/// Why execution stops, until the host's call returns.
enum Pending {
    Stop(Stop),
    Panic(Box<dyn Any + Send>),
}

struct StoreTable {
    table: Table,
    ty: TableType,
}

struct StoreGlobal {
    record: GlobalPlace,
    ty: GlobalType,
}

/// Where a global is.
enum GlobalPlace {
    /// The host's, by itself.
    Alone(Pinned<GlobalRecord>),
    /// With the instance whose module defines it, which is the store's.
    Instance(NonNull<GlobalRecord>),
}

impl StoreGlobal {
    fn record(&self) -> &GlobalRecord {
        match &self.record {
            GlobalPlace::Alone(record) => record,
            // SAFETY: a store frees its instances at its end, and globals are atomics.
            GlobalPlace::Instance(record) => unsafe { record.as_ref() },
        }
    }
}

struct StoreTag {
    record: TagRecord,
    ty: RegisteredType,
}

/// A world of instances.
pub struct Store {
    id: u64,
    interrupt: Arc<AtomicU64>,
    stack: VmStack,
    heap: Heap,
    instances: Vec<PlacedInstance>,
    memories: Vec<Pinned<Memory>>,
    tables: Vec<Pinned<StoreTable>>,
    globals: Vec<StoreGlobal>,
    tags: Vec<Pinned<StoreTag>>,
    host_funcs: Vec<(Arc<HostFunc>, Pinned<FuncRecord>)>,
    /// The types that objects of the host mention.
    held_types: Vec<RegisteredType>,
    pending: Option<Pending>,
    /// The exception that propagates; null if there is none.
    exception: u64,
    tail_call: Option<FuncRef>,
    /// The number of frames at the host's last entry.
    entry_depth: usize,
    epoch_callback: Option<EpochCallback>,
    /// Polls of compiled code, as far as [`TierDown`] counts them.
    compiled_polls: u64,
    limiter: Option<LimiterAccess>,
    data: Box<dyn Any + Send>,
    /// When machine code may be in use.
    activity: Registration,
    engine: Engine,
}

// SAFETY: raw pointers in a store lead to what it owns, or to atomics that its engine and its interrupt handles share; the
// handles that they come from are shareable. Everything of the host in it is `Send`.
unsafe impl Send for Store {}

impl Store {
    /// An empty store.
    pub fn new(engine: &Engine) -> Result<Box<Store>, MapError> {
        static NEXT_ID: AtomicU64 = AtomicU64::new(1);
        let config = engine.config();
        static ALWAYS: AtomicU64 = AtomicU64::new(1);
        let interrupt = Arc::new(AtomicU64::new(0));
        // Polls ask if somebody interrupts, or if they are where compiled code may be left.
        let asks = if config.tier_down == TierDown::Never { Arc::as_ptr(&interrupt) } else { &raw const ALWAYS };
        let record = Pinned::new(StoreRecord {
            stack_left: AtomicI64::new(0),
            fuel: AtomicI64::new(0),
            epoch: engine.epoch(),
            epoch_deadline: AtomicU64::new(u64::MAX),
            interrupt: asks,
            frame: AtomicPtr::new(ptr::null_mut()),
            probe: AtomicU64::new(0),
            native_stack: AtomicU64::new(0),
            stubs: AtomicU64::new(0),
            fault_pc: AtomicU64::new(0),
        });
        Ok(Box::new(Store {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            interrupt,
            stack: VmStack::new(config.max_stack, record)?,
            heap: Heap::new(config.heap),
            instances: Vec::new(),
            memories: Vec::new(),
            tables: Vec::new(),
            globals: Vec::new(),
            tags: Vec::new(),
            host_funcs: Vec::new(),
            held_types: Vec::new(),
            pending: None,
            exception: 0,
            tail_call: None,
            entry_depth: 0,
            compiled_polls: 0,
            epoch_callback: None,
            limiter: None,
            data: Box::new(()),
            activity: Registration::new(engine.reclaimer()),
            engine: engine.clone(),
        }))
    }

    /// A number that no other store of this process has.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What code reads.
    #[inline]
    pub fn record(&self) -> &StoreRecord {
        self.stack.record()
    }

    /// The stack.
    #[inline]
    pub fn stack(&self) -> &VmStack {
        &self.stack
    }

    /// The stack.
    #[inline]
    pub fn stack_mut(&mut self) -> &mut VmStack {
        &mut self.stack
    }

    /// The heap of references.
    pub fn heap(&self) -> &Heap {
        &self.heap
    }

    /// The heap of references. What it allocates directly may fail where [`Store::new_extern`] would collect first.
    pub fn heap_mut(&mut self) -> &mut Heap {
        &mut self.heap
    }

    /// The embedder's data.
    pub fn data(&self) -> &(dyn Any + Send) {
        &*self.data
    }

    /// The embedder's data.
    pub fn data_mut(&mut self) -> &mut (dyn Any + Send) {
        &mut *self.data
    }

    /// Replaces the embedder's data; returns what was there, `()` at first.
    pub fn set_data(&mut self, data: Box<dyn Any + Send>) -> Box<dyn Any + Send> {
        std::mem::replace(&mut self.data, data)
    }

    /// Sets who decides about resources. `access` finds it in the embedder's data.
    pub fn set_limiter(&mut self, access: Option<LimiterAccess>) {
        self.limiter = access;
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("id", &self.id).field("instances", &self.instances.len()).finish_non_exhaustive()
    }
}
