//! The guest's memory as this crate sees it: a range of bytes that is checked at every access.
//!
//! Copying in and out is the base, because a shared memory changes under a borrow. An unshared memory also offers
//! itself as a slice, so that large transfers move once.

/// A guest pointer that cannot be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MemoryFault {
    /// The range leaves the memory.
    #[error("guest pointer out of bounds: {len} bytes at {offset:#x}")]
    OutOfBounds {
        /// First byte of the range.
        offset: u64,
        /// Its length.
        len: u64,
    },
    /// The pointer is not aligned as its type demands.
    #[error("guest pointer {offset:#x} is not aligned to {align}")]
    Misaligned {
        /// The pointer.
        offset: u64,
        /// The alignment of the type behind it.
        align: u32,
    },
}

/// A guest's linear memory.
pub trait GuestMemory {
    /// Its size in bytes.
    fn size(&self) -> u64;

    /// Copies `buffer.len()` bytes out, or fails without touching `buffer` where the range leaves the memory.
    fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<(), MemoryFault>;

    /// Copies `bytes` in, or fails without writing any where the range leaves the memory.
    fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), MemoryFault>;

    /// All of the memory, where nothing else can change it during the call.
    fn as_slice(&self) -> Option<&[u8]> {
        None
    }

    /// All of the memory for writing, where nothing else can see it during the call.
    fn as_mut_slice(&mut self) -> Option<&mut [u8]> {
        None
    }
}

/// Byte range of an access, if it lies within `size` bytes.
fn range(size: u64, offset: u64, len: usize) -> Result<std::ops::Range<usize>, MemoryFault> {
    let fault = MemoryFault::OutOfBounds { offset, len: len as u64 };
    let end = offset.checked_add(len as u64).ok_or(fault)?;
    if end > size {
        return Err(fault);
    }
    Ok(offset as usize..end as usize)
}

impl GuestMemory for &mut [u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<(), MemoryFault> {
        buffer.copy_from_slice(&self[range(self.size(), offset, buffer.len())?]);
        Ok(())
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), MemoryFault> {
        let range = range(self.size(), offset, bytes.len())?;
        self[range].copy_from_slice(bytes);
        Ok(())
    }

    fn as_slice(&self) -> Option<&[u8]> {
        Some(self)
    }

    fn as_mut_slice(&mut self) -> Option<&mut [u8]> {
        Some(self)
    }
}

impl dyn GuestMemory + '_ {
    /// Checks that `len` bytes at `ptr` are there and that `ptr` is aligned.
    pub(crate) fn check(&self, ptr: u32, len: u64, align: u32) -> Result<(), MemoryFault> {
        let offset = u64::from(ptr);
        if !ptr.is_multiple_of(align) {
            return Err(MemoryFault::Misaligned { offset, align });
        }
        // `len` is at most a product of two u32, so the sum cannot wrap.
        if offset.saturating_add(len) > self.size() {
            return Err(MemoryFault::OutOfBounds { offset, len });
        }
        Ok(())
    }

    pub(crate) fn load<const N: usize>(&self, ptr: u32, align: u32) -> Result<[u8; N], MemoryFault> {
        self.check(ptr, N as u64, align)?;
        let mut bytes = [0; N];
        self.read(u64::from(ptr), &mut bytes)?;
        Ok(bytes)
    }

    pub(crate) fn store(&mut self, ptr: u32, align: u32, bytes: &[u8]) -> Result<(), MemoryFault> {
        self.check(ptr, bytes.len() as u64, align)?;
        self.write(u64::from(ptr), bytes)
    }
}
