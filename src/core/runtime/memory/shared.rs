//! A memory that several threads, and so several stores, use at once.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicU8;
use std::time::Duration;

use terrace_abi::TrapKind;
use terrace_abi::memory::MemoryRecord;

use super::super::parking::{ParkingLot, WaitOutcome};
use super::atomic::{self, RmwOp, Width};
use super::cells::{self, Unit};
use super::linear::{Linear, Shared};
use super::types::{BoundsMode, MemoryError, MemoryTunables, MemoryType};
use super::{Poll, in_chunks, range};

/// A handle on a shared linear memory. Clones are the same memory.
#[derive(Clone, Debug)]
pub struct SharedMemory(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    memory: Shared,
    waiters: ParkingLot,
}

impl SharedMemory {
    /// A zeroed memory of the shared type `ty`.
    pub fn new(ty: MemoryType, tunables: &MemoryTunables) -> Result<SharedMemory, MemoryError> {
        if !ty.shared {
            return Err(MemoryError::InvalidType("the memory is not declared as shared"));
        }
        let memory = Shared::new(ty, tunables)?;
        Ok(SharedMemory(Arc::new(Inner { memory, waiters: ParkingLot::default() })))
    }

    #[inline]
    pub(super) fn linear(&self) -> &Linear {
        self.0.memory.linear()
    }

    /// The type as declared; the current size is [`SharedMemory::size_pages`].
    pub fn ty(&self) -> &MemoryType {
        self.linear().ty()
    }

    /// How accesses are kept inside.
    pub fn bounds(&self) -> BoundsMode {
        self.linear().bounds()
    }

    /// What machine code reads. It stays where it is while any handle lives.
    pub fn record(&self) -> &MemoryRecord {
        self.linear().record()
    }

    /// The accessible bytes at this moment.
    #[inline]
    pub fn byte_len(&self) -> usize {
        self.linear().len()
    }

    /// The size in pages at this moment.
    pub fn size_pages(&self) -> u64 {
        self.linear().size_pages()
    }

    /// Grows by `delta` pages and returns the size before; `None` if the limits or the system forbid it.
    pub fn grow(&self, delta: u64) -> Option<u64> {
        self.0.memory.grow(delta)
    }

    /// Whether both are handles on the same memory.
    pub fn same(&self, other: &SharedMemory) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The bytes, as the atomics that other threads may be changing.
    #[inline]
    pub fn cells(&self) -> &[AtomicU8] {
        self.0.memory.cells()
    }

    fn range(&self, addr: u64, len: u64) -> Result<Range<usize>, TrapKind> {
        range(addr, len, self.byte_len())
    }

    /// Loads `N` bytes at an effective address.
    pub fn load<const N: usize>(&self, addr: u64) -> Option<[u8; N]> {
        let range = self.range(addr, N as u64).ok()?;
        Some(cells::load(&self.cells()[range]))
    }

    /// Stores `N` bytes at an effective address.
    pub fn store<const N: usize>(&self, addr: u64, value: [u8; N]) -> Option<()> {
        let range = self.range(addr, N as u64).ok()?;
        cells::store(&self.cells()[range], value);
        Some(())
    }

    /// Reads all of `buffer` from `addr`.
    pub fn read(&self, addr: u64, buffer: &mut [u8]) -> Result<(), TrapKind> {
        let range = self.range(addr, buffer.len() as u64)?;
        cells::read(&self.cells()[range], buffer);
        Ok(())
    }

    /// Writes all of `data` to `addr`, or nothing.
    pub fn write(&self, addr: u64, data: &[u8]) -> Result<(), TrapKind> {
        let range = self.range(addr, data.len() as u64)?;
        cells::write(&self.cells()[range], data);
        Ok(())
    }

    /// `memory.fill`.
    pub fn fill(&self, addr: u64, byte: u8, len: u64, poll: &mut Poll<'_>) -> Result<(), TrapKind> {
        let cells = &self.cells()[self.range(addr, len)?];
        in_chunks(cells.len(), false, poll, |chunk| cells::fill(&cells[chunk], byte))
    }

    /// `memory.copy` between memories that may be one.
    pub fn copy(
        dst: &SharedMemory,
        dst_addr: u64,
        src: &SharedMemory,
        src_addr: u64,
        len: u64,
        poll: &mut Poll<'_>,
    ) -> Result<(), TrapKind> {
        let dst = &dst.cells()[dst.range(dst_addr, len)?];
        let src = &src.cells()[src.range(src_addr, len)?];
        let backward = dst.as_ptr() > src.as_ptr();
        in_chunks(dst.len(), backward, poll, |chunk| {
            cells::copy(&dst[chunk.clone()], &src[chunk]);
        })
    }

    /// The unit that an atomic operation works on.
    fn unit(&self, addr: u64, width: Width) -> Result<&dyn Unit, TrapKind> {
        let cells = &self.cells()[width.locate(addr, self.byte_len())?];
        cells::unit(cells, width).ok_or(TrapKind::UnalignedAtomic)
    }

    /// An atomic load, zero-extended.
    pub fn atomic_load(&self, addr: u64, width: Width) -> Result<u64, TrapKind> {
        Ok(self.unit(addr, width)?.load())
    }

    /// An atomic store of the low bits of `value`.
    pub fn atomic_store(&self, addr: u64, width: Width, value: u64) -> Result<(), TrapKind> {
        self.unit(addr, width)?.store(value);
        Ok(())
    }

    /// An atomic read-modify-write. Returns the old value, zero-extended.
    pub fn atomic_rmw(&self, addr: u64, width: Width, op: RmwOp, operand: u64) -> Result<u64, TrapKind> {
        Ok(self.unit(addr, width)?.update(&|old| op.apply(old, operand)))
    }

    /// An atomic compare-exchange. Returns the old value, zero-extended.
    pub fn atomic_cmpxchg(&self, addr: u64, width: Width, expected: u64, replacement: u64) -> Result<u64, TrapKind> {
        let update = |old| atomic::exchange(width, old, expected, replacement);
        Ok(self.unit(addr, width)?.update(&update))
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
        let unit = self.unit(addr, width)?;
        let timeout = u64::try_from(timeout).ok().map(Duration::from_nanos);
        let still_equal = || unit.load() == expected & width.mask();
        self.0.waiters.wait(addr, still_equal, timeout, poll)
    }

    /// `memory.atomic.notify`: wakes at most `count` waiters and returns how many.
    pub fn notify(&self, addr: u64, count: u32) -> Result<u32, TrapKind> {
        Width::W32.locate(addr, self.byte_len())?;
        Ok(self.0.waiters.notify(addr, count))
    }
}
