//! Linear memories of a store.

use terrace_core::runtime::memory::{self, MemoryType as CoreMemoryType};
use terrace_core::runtime::{self, MemoryRef};

use crate::error::{Error, Result};
use crate::shared::SharedMemory;
use crate::store::{AsContext, AsContextMut, Bound, StoreContext, StoreContextMut};
use crate::types::MemoryType;

/// A linear memory of a store.
///
/// Its bytes are borrowed from the store, so wasm does not run and the memory does not move in the meantime. The bytes of
/// a memory that is shared with threads cannot be borrowed, but read and written: see [`SharedMemory`].
///
/// ```
/// use terrace::{Engine, Error, Memory, MemoryType, Store};
///
/// let mut store = Store::new(&Engine::default(), ());
/// let memory = Memory::new(&mut store, MemoryType::new(1, Some(2)))?;
/// memory.write(&mut store, 0xfffe, b"hi")?;
/// assert_eq!(&memory.data(&store)?[0xfffe..], b"hi");
/// assert!(matches!(memory.write(&mut store, 0xffff, b"hi"), Err(Error::MemoryAccess)));
///
/// assert_eq!(memory.grow(&mut store, 1)?, 1);
/// assert_eq!(memory.data_size(&store)?, 2 << 16);
/// assert!(memory.grow(&mut store, 1).is_err());
///
/// let mut other = Store::new(&Engine::default(), ());
/// assert!(matches!(memory.size(&other), Err(Error::OtherStore)));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Memory(pub(crate) Bound<MemoryRef>);

impl Memory {
    /// A memory of type `ty`, all zero.
    ///
    /// # Errors
    ///
    /// The type is not valid, the store's limiter forbids it, or the system has no room.
    pub fn new(mut store: impl AsContextMut, ty: MemoryType) -> Result<Memory> {
        let store = store.as_context_mut().into_core();
        let memory = store.create_memory(ty.0)?;
        Ok(Memory(Bound::new(store, memory)))
    }

    fn get<'a>(&self, store: &'a runtime::Store) -> Result<&'a memory::Memory> {
        Ok(store.memory(self.0.of(store)?))
    }

    /// The type, with the current size as the minimum.
    ///
    /// # Errors
    ///
    /// The store is another one.
    pub fn ty(&self, store: impl AsContext) -> Result<MemoryType> {
        let memory = self.get(store.as_context().core)?;
        Ok(MemoryType(CoreMemoryType { minimum: memory.size_pages(), ..*memory.ty() }))
    }

    /// The bytes.
    ///
    /// # Errors
    ///
    /// The store is another one, or the memory is shared.
    pub fn data<'a, T: 'static>(&self, store: impl Into<StoreContext<'a, T>>) -> Result<&'a [u8]> {
        self.get(store.into().core)?.data().ok_or(Error::SharedMemory)
    }

    /// The bytes, to be changed.
    ///
    /// # Errors
    ///
    /// The store is another one, or the memory is shared.
    pub fn data_mut<'a, T: 'static>(&self, store: impl Into<StoreContextMut<'a, T>>) -> Result<&'a mut [u8]> {
        Ok(self.data_and_store_mut(store)?.0)
    }

    /// The bytes and the store's data, both to be changed.
    ///
    /// # Errors
    ///
    /// The store is another one, or the memory is shared.
    pub fn data_and_store_mut<'a, T: 'static>(
        &self,
        store: impl Into<StoreContextMut<'a, T>>,
    ) -> Result<(&'a mut [u8], &'a mut T)> {
        let store = store.into();
        let memory = self.0.of(store.core)?;
        let (memory, data) = store.memory_and_data(memory);
        Ok((memory.data_mut().ok_or(Error::SharedMemory)?, data))
    }

    /// Reads all of `buffer` from `offset`.
    ///
    /// # Errors
    ///
    /// The range is outside of the memory, or the store another one.
    pub fn read(&self, store: impl AsContext, offset: usize, buffer: &mut [u8]) -> Result<()> {
        self.get(store.as_context().core)?.read(offset as u64, buffer).map_err(|_| Error::MemoryAccess)
    }

    /// Writes all of `data` to `offset`, or nothing.
    ///
    /// # Errors
    ///
    /// The range is outside of the memory, or the store another one.
    pub fn write(&self, mut store: impl AsContextMut, offset: usize, data: &[u8]) -> Result<()> {
        let store = store.as_context_mut().into_core();
        let memory = self.0.of(store)?;
        store.memory_mut(memory).write(offset as u64, data).map_err(|_| Error::MemoryAccess)
    }

    /// The size in pages.
    ///
    /// # Errors
    ///
    /// The store is another one.
    pub fn size(&self, store: impl AsContext) -> Result<u64> {
        Ok(self.get(store.as_context().core)?.size_pages())
    }

    /// The size in bytes.
    ///
    /// # Errors
    ///
    /// The store is another one.
    pub fn data_size(&self, store: impl AsContext) -> Result<usize> {
        Ok(self.get(store.as_context().core)?.byte_len())
    }

    /// Grows by so many pages and returns the size before.
    ///
    /// # Errors
    ///
    /// The memory's maximum, the store's limiter or the system forbid it, or the store is another one.
    pub fn grow(&self, mut store: impl AsContextMut, pages: u64) -> Result<u64> {
        let store = store.as_context_mut().into_core();
        match store.memory_grow(self.0.of(store)?, pages) {
            Ok(u64::MAX) => Err(Error::MemoryGrow(pages)),
            Ok(size) => Ok(size),
            Err(_) => Err(Error::from_stop(store.take_stop(), store)),
        }
    }

    /// The memory as a handle for other threads, if it is shared.
    ///
    /// # Errors
    ///
    /// The store is another one.
    pub fn as_shared(&self, store: impl AsContext) -> Result<Option<SharedMemory>> {
        let store = store.as_context();
        let shared = self.get(store.core)?.shared().cloned();
        Ok(shared.map(|shared| SharedMemory::from_core(store.core.engine(), shared)))
    }
}
