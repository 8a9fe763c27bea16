//! The memory behind the heap: one reservation in two halves, and the only unsafe code of the heap.
//!
//! The first `committed` bytes of each half are readable, writable and initialized (the system hands out zeroed pages),
//! and every access here is checked against that, so that no offset, however it came about, reaches other memory. Machine
//! code that writes objects by address does so between calls, while no slice from here is borrowed.

use std::slice;

use rustix::mm::{self, Advice, MprotectFlags};
use terrace_abi::heap::ALIGN;

use super::super::mmap::{MapError, Reservation};

/// Commitment happens in units of this, a multiple of every page size in use.
pub(super) const GRANULE: u32 = 64 * 1024;

/// One of the two halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    Low,
    High,
}

impl Half {
    pub(super) fn other(self) -> Half {
        match self {
            Half::Low => Half::High,
            Half::High => Half::Low,
        }
    }
}

#[derive(Debug)]
pub(super) struct Space {
    memory: Reservation,
    /// The size of a half, a multiple of the granule below 2 GiB, so that offsets past its end are below 4 GiB.
    half: u32,
    committed: [u32; 2],
}

impl Space {
    /// Reserves two halves of `half` bytes, a multiple of the granule.
    pub(super) fn new(half: u32) -> Result<Space, MapError> {
        debug_assert!(half.is_multiple_of(GRANULE) && half < 1 << 31);
        Ok(Space { memory: Reservation::new(2 * half as usize)?, half, committed: [0; 2] })
    }

    /// The address that offsets count from.
    pub(super) fn base(&self) -> *mut u8 {
        self.memory.base()
    }

    /// The offset at which a half begins.
    pub(super) fn start(&self, half: Half) -> u32 {
        match half {
            Half::Low => 0,
            Half::High => self.half,
        }
    }

    /// How much of a half is accessible.
    pub(super) fn committed(&self, half: Half) -> u32 {
        self.committed[half as usize]
    }

    /// Makes at least the first `bytes` of a half accessible.
    pub(super) fn commit(&mut self, half: Half, bytes: u32) -> Result<(), MapError> {
        let done = self.committed[half as usize];
        let bytes = bytes.next_multiple_of(GRANULE).min(self.half);
        if bytes > done {
            let start = self.start(half) as usize;
            self.memory.commit(start + done as usize..start + bytes as usize)?;
            self.committed[half as usize] = bytes;
        }
        Ok(())
    }

    /// Gives a half's memory back, so that whatever still reaches for it faults.
    pub(super) fn seal(&mut self, half: Half) {
        let first = self.base().wrapping_add(self.start(half) as usize).cast();
        let bytes = std::mem::take(&mut self.committed[half as usize]) as usize;
        if bytes == 0 {
            return;
        }
        // SAFETY: these are pages of our own reservation, `&mut self` says that no slice of them is borrowed, and from
        // here on `committed` keeps every access away until they are committed, and then zero, again. If the system
        // refuses, they stay accessible, which breaks nothing.
        unsafe {
            let _ = mm::madvise(first, bytes, Advice::LinuxDontNeed);
            let _ = mm::mprotect(first, bytes, MprotectFlags::empty());
        }
    }

    /// The address of `bytes` accessible bytes at `offset`, if that many are there.
    fn locate(&self, offset: u32, bytes: usize) -> Option<*mut u8> {
        let half = if offset < self.half { Half::Low } else { Half::High };
        let within = (offset - self.start(half)) as usize;
        let room = (self.committed[half as usize] as usize).checked_sub(within)?;
        (bytes <= room).then(|| self.base().wrapping_add(offset as usize))
    }

    /// The 32-bit word at an offset that is a multiple of 4.
    pub(super) fn load_u32(&self, offset: u32) -> Option<u32> {
        let address = self.locate(offset, 4)?.cast::<u32>();
        // SAFETY: the four bytes are accessible and initialized; the read asks for no alignment.
        Some(unsafe { address.read_unaligned() })
    }

    /// Writes the 32-bit word at `offset`.
    pub(super) fn store_u32(&mut self, offset: u32, value: u32) -> Option<()> {
        let address = self.locate(offset, 4)?.cast::<u32>();
        // SAFETY: the four bytes are accessible and `&mut self` says that nothing borrows them.
        unsafe { address.write_unaligned(value) };
        Some(())
    }

    /// The bytes at `offset`.
    pub(super) fn bytes(&self, offset: u32, count: usize) -> Option<&[u8]> {
        let address = self.locate(offset, count)?;
        // SAFETY: the bytes are accessible and initialized, and nothing writes them while `self` is borrowed.
        Some(unsafe { slice::from_raw_parts(address, count) })
    }

    /// The bytes at `offset`, to be written.
    pub(super) fn bytes_mut(&mut self, offset: u32, count: usize) -> Option<&mut [u8]> {
        let address = self.locate(offset, count)?;
        // SAFETY: as in `bytes`; `&mut self` makes the slice the only one.
        Some(unsafe { slice::from_raw_parts_mut(address, count) })
    }

    /// The 64-bit words at an offset that is a multiple of 8.
    pub(super) fn words(&self, offset: u32, count: usize) -> Option<&[u64]> {
        let address = self.locate(offset, count.checked_mul(8)?)?.cast::<u64>();
        // SAFETY: as in `bytes`; the base is the start of a page, and the offset is checked to be aligned.
        offset.is_multiple_of(ALIGN).then(|| unsafe { slice::from_raw_parts(address, count) })
    }

    /// The 64-bit words at an offset that is a multiple of 8, to be written.
    pub(super) fn words_mut(&mut self, offset: u32, count: usize) -> Option<&mut [u64]> {
        let address = self.locate(offset, count.checked_mul(8)?)?.cast::<u64>();
        // SAFETY: as in `words`; `&mut self` makes the slice the only one.
        offset.is_multiple_of(ALIGN).then(|| unsafe { slice::from_raw_parts_mut(address, count) })
    }

    /// Copies an object into the other half.
    pub(super) fn copy(&mut self, from: u32, to: u32, bytes: u32) -> Option<()> {
        let apart = from.abs_diff(to) >= bytes;
        let source = self.locate(from, bytes as usize)?;
        let target = self.locate(to, bytes as usize)?;
        // SAFETY: both ranges are accessible, checked not to overlap, and not borrowed, by `&mut self`.
        apart.then(|| unsafe { source.copy_to_nonoverlapping(target, bytes as usize) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_stops_at_what_is_committed() {
        let mut space = Space::new(4 * GRANULE).unwrap();
        assert_eq!(space.load_u32(0), None);
        space.commit(Half::Low, 1).unwrap();
        space.commit(Half::High, GRANULE + 1).unwrap();
        assert_eq!(space.words(0, GRANULE as usize / 8).unwrap()[0], 0);
        assert_eq!(space.words(0, GRANULE as usize / 8 + 1), None);
        assert_eq!(space.words(4, 1), None);
        assert_eq!(space.load_u32(GRANULE - 4), Some(0));
        for offset in [GRANULE - 3, GRANULE, 6 * GRANULE, 8 * GRANULE, u32::MAX] {
            assert_eq!(space.load_u32(offset), None);
            assert_eq!(space.store_u32(offset, 1), None);
            assert_eq!(space.bytes(offset, 4), None);
            assert_eq!(space.bytes_mut(offset, 4), None);
        }
        assert_eq!(space.words(0, usize::MAX), None);
        assert_eq!(space.words_mut(8, usize::MAX / 8), None);
    }

    #[test]
    fn sealed_memory_is_gone_and_comes_back_zero() {
        let mut space = Space::new(GRANULE).unwrap();
        space.commit(Half::Low, GRANULE).unwrap();
        space.commit(Half::High, GRANULE).unwrap();
        space.store_u32(16, 7).unwrap();
        space.copy(16, GRANULE + 8, 8).unwrap();
        assert_eq!(space.copy(16, 20, 8), None);
        space.seal(Half::Low);
        assert_eq!(space.load_u32(16), None);
        assert_eq!(space.words(GRANULE + 8, 1), Some(&[7][..]));
        space.commit(Half::Low, GRANULE).unwrap();
        assert_eq!(space.load_u32(16), Some(0));
    }
}
