//! Linear memories.
//!
//! A memory has one owner, or it is shared, and the two differ in what the host may do with the bytes: plain slices
//! under Rust's borrowing for the first, atomics for the second. [`Memory`] is either, as an instance sees it, and
//! checks every access it offers against the current length; operations on ranges check first and write after.
//! Addresses are effective addresses: the caller adds the offset and traps if that overflows 64 bits.

use std::ops::Range;

use terrace_abi::TrapKind;
use terrace_abi::memory::MemoryRecord;

use super::parking::WaitOutcome;

mod atomic;
mod cells;
mod linear;
mod shared;
#[cfg(test)]
mod tests;
mod types;

pub use atomic::{RmwOp, Width};
pub use linear::GUARD_RESERVATION;
pub use shared::SharedMemory;
pub use types::{BoundsMode, MemoryError, MemoryTunables, MemoryType, PAGE_SIZE_LOG2};

use linear::{Linear, Unshared};

/// A question asked during long operations: may they go on? The error is the trap to stop with.
pub type Poll<'a> = dyn FnMut() -> Result<(), TrapKind> + 'a;

/// How much a bulk operation does between polls.
const CHUNK: usize = 1 << 20;

/// The indices of `len` bytes at `addr` in a memory of `size` bytes.
#[inline]
fn range(addr: u64, len: u64, size: usize) -> Result<Range<usize>, TrapKind> {
    match addr.checked_add(len) {
        // Both ends are at most `size`, so they fit.
        Some(end) if end <= size as u64 => Ok(addr as usize..end as usize),
        _ => Err(TrapKind::MemoryOutOfBounds),
    }
}

/// Does `work` on `0..len` piece by piece, polling in between.
fn in_chunks(
    len: usize,
    backward: bool,
    poll: &mut Poll<'_>,
    mut work: impl FnMut(Range<usize>),
) -> Result<(), TrapKind> {
    let mut done = 0;
    while done < len {
        if done != 0 {
            poll()?;
        }
        let step = CHUNK.min(len - done);
        let start = if backward { len - done - step } else { done };
        work(start..start + step);
        done += step;
    }
    Ok(())
}

/// A linear memory.
#[derive(Debug)]
pub struct Memory(Kind);

#[derive(Debug)]
enum Kind {
    Unshared(Unshared),
    Shared(SharedMemory),
}

impl From<SharedMemory> for Memory {
    fn from(memory: SharedMemory) -> Memory {
        Memory(Kind::Shared(memory))
    }
}

impl Memory {
    /// A zeroed memory of type `ty`.
    pub fn new(ty: MemoryType, tunables: &MemoryTunables) -> Result<Memory, MemoryError> {
        if ty.shared {
            SharedMemory::new(ty, tunables).map(Memory::from)
        } else {
            Unshared::new(ty, tunables).map(|memory| Memory(Kind::Unshared(memory)))
        }
    }

    #[inline]
    fn linear(&self) -> &Linear {
        match &self.0 {
            Kind::Unshared(memory) => memory.linear(),
            Kind::Shared(memory) => memory.linear(),
        }
    }

    /// The handle on the memory, if it is shared.
    pub fn shared(&self) -> Option<&SharedMemory> {
        match &self.0 {
            Kind::Unshared(_) => None,
            Kind::Shared(memory) => Some(memory),
        }
    }

    /// The type as declared; the current size is [`Memory::size_pages`].
    pub fn ty(&self) -> &MemoryType {
        self.linear().ty()
    }

    /// How accesses are kept inside.
    pub fn bounds(&self) -> BoundsMode {
        self.linear().bounds()
    }

    /// What machine code reads. It stays where it is while the memory lives.
    pub fn record(&self) -> &MemoryRecord {
        self.linear().record()
    }

    /// Where unchecked accesses of machine code may fault, for a memory with guard pages.
    pub fn guarded_addresses(&self) -> Option<Range<usize>> {
        self.linear().guarded_addresses()
    }

    /// The accessible bytes.
    #[inline]
    pub fn byte_len(&self) -> usize {
        self.linear().len()
    }

    /// The size in pages.
    pub fn size_pages(&self) -> u64 {
        self.linear().size_pages()
    }

    /// Grows by `delta` pages and returns the size before; `None` if the limits or the system forbid it.
    pub fn grow(&mut self, delta: u64) -> Option<u64> {
        match &mut self.0 {
            Kind::Unshared(memory) => memory.grow(delta),
            Kind::Shared(memory) => memory.grow(delta),
        }
    }

    /// The bytes of a memory that is not shared.
    #[inline]
    pub fn data(&self) -> Option<&[u8]> {
        match &self.0 {
            Kind::Unshared(memory) => Some(memory.bytes()),
            Kind::Shared(_) => None,
        }
    }

    /// The bytes of a memory that is not shared.
    #[inline]
    pub fn data_mut(&mut self) -> Option<&mut [u8]> {
        match &mut self.0 {
            Kind::Unshared(memory) => Some(memory.bytes_mut()),
            Kind::Shared(_) => None,
        }
    }

    /// Where `width` bytes at `addr + offset` start, if all of them are inside.
    #[inline]
    pub fn effective(&self, addr: u64, offset: u64, width: u64) -> Option<usize> {
        let start = addr.checked_add(offset)?;
        range(start, width, self.byte_len()).ok().map(|range| range.start)
    }

    /// Loads `N` bytes.
    #[inline]
    pub fn load<const N: usize>(&self, addr: u64) -> Option<[u8; N]> {
        match &self.0 {
            Kind::Unshared(memory) => {
                let start = usize::try_from(addr).ok()?;
                memory.bytes().get(start..)?.first_chunk().copied()
            }
            Kind::Shared(memory) => memory.load(addr),
        }
    }

    /// Stores `N` bytes, or nothing.
    #[inline]
    pub fn store<const N: usize>(&mut self, addr: u64, value: [u8; N]) -> Option<()> {
        match &mut self.0 {
            Kind::Unshared(memory) => {
                let start = usize::try_from(addr).ok()?;
                *memory.bytes_mut().get_mut(start..)?.first_chunk_mut()? = value;
                Some(())
            }
            Kind::Shared(memory) => memory.store(addr, value),
        }
    }

    /// Reads all of `buffer` from `addr`.
    pub fn read(&self, addr: u64, buffer: &mut [u8]) -> Result<(), TrapKind> {
        match &self.0 {
            Kind::Unshared(memory) => {
                let bytes = memory.bytes();
                buffer.copy_from_slice(&bytes[range(addr, buffer.len() as u64, bytes.len())?]);
                Ok(())
            }
            Kind::Shared(memory) => memory.read(addr, buffer),
        }
    }

    /// Writes all of `data` to `addr`, or nothing.
    pub fn write(&mut self, addr: u64, data: &[u8]) -> Result<(), TrapKind> {
        match &mut self.0 {
            Kind::Unshared(memory) => {
                let bytes = memory.bytes_mut();
                let range = range(addr, data.len() as u64, bytes.len())?;
                bytes[range].copy_from_slice(data);
                Ok(())
            }
            Kind::Shared(memory) => memory.write(addr, data),
        }
    }

    /// `memory.fill`.
    pub fn fill(&mut self, addr: u64, byte: u8, len: u64, poll: &mut Poll<'_>) -> Result<(), TrapKind> {
        match &mut self.0 {
            Kind::Unshared(memory) => {
                let bytes = memory.bytes_mut();
                let range = range(addr, len, bytes.len())?;
                let bytes = &mut bytes[range];
                in_chunks(bytes.len(), false, poll, |chunk| bytes[chunk].fill(byte))
            }
            Kind::Shared(memory) => memory.fill(addr, byte, len, poll),
        }
    }

    /// `memory.copy` within one memory. The ranges may overlap.
    pub fn copy_within(&mut self, dst: u64, src: u64, len: u64, poll: &mut Poll<'_>) -> Result<(), TrapKind> {
        match &mut self.0 {
            Kind::Unshared(memory) => {
                let bytes = memory.bytes_mut();
                let dst = range(dst, len, bytes.len())?.start;
                let src = range(src, len, bytes.len())?;
                in_chunks(src.len(), dst > src.start, poll, |chunk| {
                    let to = dst + chunk.start;
                    bytes.copy_within(src.start + chunk.start..src.start + chunk.end, to);
                })
            }
            Kind::Shared(memory) => SharedMemory::copy(memory, dst, memory, src, len, poll),
        }
    }

    /// `memory.copy` between two memories, which may be handles on the same shared one.
    pub fn copy(
        dst: &mut Memory,
        dst_addr: u64,
        src: &Memory,
        src_addr: u64,
        len: u64,
        poll: &mut Poll<'_>,
    ) -> Result<(), TrapKind> {
        let dst_range = range(dst_addr, len, dst.byte_len())?;
        let src_range = range(src_addr, len, src.byte_len())?;
        let len = src_range.len();
        match (&mut dst.0, &src.0) {
            (Kind::Unshared(dst), Kind::Unshared(src)) => {
                let (dst, src) = (&mut dst.bytes_mut()[dst_range], &src.bytes()[src_range]);
                in_chunks(len, false, poll, |chunk| {
                    dst[chunk.clone()].copy_from_slice(&src[chunk]);
                })
            }
            (Kind::Unshared(dst), Kind::Shared(src)) => {
                let (dst, src) = (&mut dst.bytes_mut()[dst_range], &src.cells()[src_range]);
                in_chunks(len, false, poll, |chunk| cells::read(&src[chunk.clone()], &mut dst[chunk]))
            }
            (Kind::Shared(dst), Kind::Unshared(src)) => {
                let (dst, src) = (&dst.cells()[dst_range], &src.bytes()[src_range]);
                in_chunks(len, false, poll, |chunk| cells::write(&dst[chunk.clone()], &src[chunk]))
            }
            (Kind::Shared(dst), Kind::Shared(src)) => {
                SharedMemory::copy(dst, dst_addr, src, src_addr, len as u64, poll)
            }
        }
    }

    /// `memory.init`: copies `len` bytes at `src` of a data segment, which is empty once dropped.
    pub fn init(&mut self, addr: u64, data: &[u8], src: u64, len: u64, poll: &mut Poll<'_>) -> Result<(), TrapKind> {
        let data = &data[range(src, len, data.len())?];
        range(addr, len, self.byte_len())?;
        in_chunks(data.len(), false, poll, |chunk| {
            // Inside, because memories do not shrink.
            let _ = self.write(addr + chunk.start as u64, &data[chunk]);
        })
    }

    /// The bytes of an atomic access to a memory that is not shared.
    fn plain_unit(memory: &mut Unshared, addr: u64, width: Width) -> Result<&mut [u8], TrapKind> {
        let bytes = memory.bytes_mut();
        let range = width.locate(addr, bytes.len())?;
        Ok(&mut bytes[range])
    }

    /// An atomic load, zero-extended.
    pub fn atomic_load(&self, addr: u64, width: Width) -> Result<u64, TrapKind> {
        match &self.0 {
            Kind::Unshared(memory) => {
                let bytes = memory.bytes();
                Ok(atomic::get(&bytes[width.locate(addr, bytes.len())?]))
            }
            Kind::Shared(memory) => memory.atomic_load(addr, width),
        }
    }

    /// An atomic store of the low bits of `value`.
    pub fn atomic_store(&mut self, addr: u64, width: Width, value: u64) -> Result<(), TrapKind> {
        match &mut self.0 {
            Kind::Unshared(memory) => {
                atomic::put(Memory::plain_unit(memory, addr, width)?, value);
                Ok(())
            }
            Kind::Shared(memory) => memory.atomic_store(addr, width, value),
        }
    }

    /// An atomic read-modify-write. Returns the old value, zero-extended.
    pub fn atomic_rmw(&mut self, addr: u64, width: Width, op: RmwOp, operand: u64) -> Result<u64, TrapKind> {
        match &mut self.0 {
            Kind::Unshared(memory) => {
                let unit = Memory::plain_unit(memory, addr, width)?;
                let old = atomic::get(unit);
                atomic::put(unit, op.apply(old, operand));
                Ok(old)
            }
            Kind::Shared(memory) => memory.atomic_rmw(addr, width, op, operand),
        }
    }

    /// An atomic compare-exchange. Only the width's bits of `expected` count. Returns the old value, zero-extended.
    pub fn atomic_cmpxchg(
        &mut self,
        addr: u64,
        width: Width,
        expected: u64,
        replacement: u64,
    ) -> Result<u64, TrapKind> {
        match &mut self.0 {
            Kind::Unshared(memory) => {
                let unit = Memory::plain_unit(memory, addr, width)?;
                let old = atomic::get(unit);
                atomic::put(unit, atomic::exchange(width, old, expected, replacement));
                Ok(old)
            }
            Kind::Shared(memory) => memory.atomic_cmpxchg(addr, width, expected, replacement),
        }
    }

    /// `memory.atomic.wait32` or `wait64`, by `width`. A negative timeout, in nanoseconds, never passes; a `poll` can
    /// end the wait with its trap.
    pub fn wait(
        &self,
        addr: u64,
        width: Width,
        expected: u64,
        timeout: i64,
        poll: Option<&mut Poll<'_>>,
    ) -> Result<WaitOutcome, TrapKind> {
        match &self.0 {
            Kind::Unshared(memory) => {
                width.locate(addr, memory.bytes().len())?;
                Err(TrapKind::ExpectedSharedMemory)
            }
            Kind::Shared(memory) => memory.wait(addr, width, expected, timeout, poll),
        }
    }

    /// `memory.atomic.notify`: wakes at most `count` waiters and returns how many; nobody waits on a memory that is
    /// not shared.
    pub fn notify(&self, addr: u64, count: u32) -> Result<u32, TrapKind> {
        match &self.0 {
            Kind::Unshared(memory) => {
                Width::W32.locate(addr, memory.bytes().len())?;
                Ok(0)
            }
            Kind::Shared(memory) => memory.notify(addr, count),
        }
    }
}
