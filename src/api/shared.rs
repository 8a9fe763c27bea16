//! Memories that stores and threads share.

use std::fmt;
use std::sync::atomic::AtomicU8;

use terrace_core::runtime::memory::{self, MemoryType as CoreMemoryType};
use terrace_core::runtime::{self, MemoryRef, ObjectError};

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::types::MemoryType;

/// A linear memory that any number of stores use at once, on any threads. Clones are the same memory.
///
/// Other threads may change its bytes at any time, so they are atomics, or copied in and out.
///
/// ```
/// use terrace::{Engine, MemoryType, SharedMemory};
///
/// let memory = SharedMemory::new(&Engine::default(), MemoryType::shared(1, 2))?;
/// let clone = memory.clone();
/// std::thread::spawn(move || clone.write(8, b"from another thread")).join().unwrap()?;
/// let mut bytes = [0; 4];
/// memory.read(8, &mut bytes)?;
/// assert_eq!(&bytes, b"from");
/// # Ok::<(), terrace::Error>(())
/// ```
#[derive(Clone)]
pub struct SharedMemory {
    core: memory::SharedMemory,
    engine: runtime::Engine,
}

impl SharedMemory {
    /// A memory of the shared type `ty`, all zero.
    ///
    /// # Errors
    ///
    /// The type is not valid or not shared, or the system has no room.
    pub fn new(engine: &Engine, ty: MemoryType) -> Result<SharedMemory> {
        let core = memory::SharedMemory::new(ty.0, &engine.core.config().memory).map_err(ObjectError::Memory)?;
        Ok(SharedMemory::from_core(&engine.core, core))
    }

    pub(crate) fn from_core(engine: &runtime::Engine, core: memory::SharedMemory) -> SharedMemory {
        SharedMemory { core, engine: engine.clone() }
    }

    /// Brings the memory into a store.
    pub(crate) fn add_to(&self, store: &mut runtime::Store) -> Result<MemoryRef> {
        self.check(store.engine())?;
        Ok(store.add_shared_memory(self.core.clone())?)
    }

    pub(crate) fn check(&self, engine: &runtime::Engine) -> Result<()> {
        if self.engine.is_same(engine) { Ok(()) } else { Err(Error::OtherEngine) }
    }

    /// The type, with the current size as the minimum.
    pub fn ty(&self) -> MemoryType {
        MemoryType(CoreMemoryType { minimum: self.core.size_pages(), ..*self.core.ty() })
    }

    /// The size in pages, at least.
    pub fn size(&self) -> u64 {
        self.core.size_pages()
    }

    /// The size in bytes, at least.
    pub fn data_size(&self) -> usize {
        self.core.byte_len()
    }

    /// The bytes.
    pub fn data(&self) -> &[AtomicU8] {
        self.core.cells()
    }

    /// Reads all of `buffer` from `offset`. Bytes that are written meanwhile are read old or new.
    ///
    /// # Errors
    ///
    /// The range is outside of the memory.
    pub fn read(&self, offset: usize, buffer: &mut [u8]) -> Result<()> {
        self.core.read(offset as u64, buffer).map_err(|_| Error::MemoryAccess)
    }

    /// Writes all of `data` to `offset`, or nothing.
    ///
    /// # Errors
    ///
    /// The range is outside of the memory.
    pub fn write(&self, offset: usize, data: &[u8]) -> Result<()> {
        self.core.write(offset as u64, data).map_err(|_| Error::MemoryAccess)
    }

    /// Grows by so many pages and returns the size before.
    ///
    /// # Errors
    ///
    /// The memory's maximum or the system forbid it.
    pub fn grow(&self, pages: u64) -> Result<u64> {
        self.core.grow(pages).ok_or(Error::MemoryGrow(pages))
    }

    /// Wakes at most `count` threads that wait at `address`, and returns how many: `memory.atomic.notify`.
    ///
    /// # Errors
    ///
    /// A trap: the address is outside of the memory, or not a multiple of 4.
    pub fn atomic_notify(&self, address: u64, count: u32) -> Result<u32> {
        Ok(self.core.notify(address, count)?)
    }

    /// Whether both are the same memory.
    pub fn same(&self, other: &SharedMemory) -> bool {
        self.core.same(&other.core)
    }
}

impl fmt::Debug for SharedMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.core.fmt(f)
    }
}
