//! Address space from the operating system.
//!
//! Both kinds of mapping are private, anonymous and unaccounted: pages cost memory when they are first touched, and
//! read as zero until then. A [`Reservation`] never moves and is inaccessible until committed; a [`Growable`] is
//! accessible throughout and may move when it grows. Neither hands out references: what may be read or written through
//! its base is for the owner to know.

use core::ffi::c_void;
use core::ops::Range;
use core::ptr;

use rustix::io::Errno;
use rustix::mm::{self, MapFlags, MprotectFlags, MremapFlags, ProtFlags};

/// The operating system refused address space or memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// There is no room for the mapping.
    #[error("cannot map {bytes} bytes of address space")]
    Map {
        /// How much was asked for.
        bytes: usize,
        /// The system's answer.
        source: Errno,
    },
    /// Reserved pages cannot be made accessible.
    #[error("cannot commit {bytes} bytes of reserved memory")]
    Commit {
        /// How much was asked for.
        bytes: usize,
        /// The system's answer.
        source: Errno,
    },
}

/// The bytes of one host page.
pub fn page_size() -> usize {
    rustix::param::page_size()
}

/// `bytes` rounded up to host pages.
fn round_up(bytes: usize) -> Result<usize, MapError> {
    bytes
        .checked_next_multiple_of(page_size())
        .filter(|&rounded| isize::try_from(rounded).is_ok())
        .ok_or(MapError::Map { bytes, source: Errno::NOMEM })
}

/// A base for mappings of no bytes: aligned for everything kept in mappings, never dereferenced.
const NOWHERE: *mut u8 = ptr::without_provenance_mut(align_of::<u128>());

/// A live mapping of whole pages at `base`, or nothing when `len` is 0. Dropping it unmaps.
#[derive(Debug)]
struct Mapping {
    base: *mut u8,
    len: usize,
}

// SAFETY: a mapping owns its pages and gives access to them by raw pointer alone.
unsafe impl Send for Mapping {}
// SAFETY: as above; no method touches the pages' contents.
unsafe impl Sync for Mapping {}

impl Mapping {
    const EMPTY: Mapping = Mapping { base: NOWHERE, len: 0 };

    /// Maps `bytes`, rounded up to pages.
    fn new(bytes: usize, protection: ProtFlags) -> Result<Mapping, MapError> {
        let len = round_up(bytes)?;
        if len == 0 {
            return Ok(Mapping::EMPTY);
        }
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: without an address hint the kernel picks unused address space.
        let base = unsafe { mm::mmap_anonymous(ptr::null_mut(), len, protection, flags) }
            .map_err(|source| MapError::Map { bytes, source })?;
        Ok(Mapping { base: base.cast(), len })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        if self.len != 0 {
            // SAFETY: the pages are this mapping's own, and pointers derived from it are dead once it is dropped.
            // Unmapping a whole live mapping does not fail.
            let _ = unsafe { mm::munmap(self.base.cast::<c_void>(), self.len) };
        }
    }
}

/// A range of address space that stays where it is: inaccessible at first, committed piece by piece.
#[derive(Debug)]
pub struct Reservation(Mapping);

impl Reservation {
    /// Reserves `bytes`, rounded up to pages. None of it is accessible.
    pub fn new(bytes: usize) -> Result<Reservation, MapError> {
        Mapping::new(bytes, ProtFlags::empty()).map(Reservation)
    }

    /// The first reserved address.
    pub fn base(&self) -> *mut u8 {
        self.0.base
    }

    /// The reserved bytes, a multiple of the page size.
    pub fn len(&self) -> usize {
        self.0.len
    }

    /// Whether nothing is reserved.
    pub fn is_empty(&self) -> bool {
        self.0.len == 0
    }

    /// The reserved addresses.
    pub fn addresses(&self) -> Range<usize> {
        let start = self.base().addr();
        start..start + self.len()
    }

    /// Makes every page that `range` touches readable and writable. Pages committed before keep their contents.
    pub fn commit(&self, range: Range<usize>) -> Result<(), MapError> {
        if range.is_empty() {
            return Ok(());
        }
        let bytes = range.end - range.start;
        let error = |source| MapError::Commit { bytes, source };
        if range.end > self.len() {
            return Err(error(Errno::INVAL));
        }
        let start = range.start - range.start % page_size();
        let end = round_up(range.end)?;
        let first = self.base().wrapping_add(start).cast::<c_void>();
        // SAFETY: `start..end` lies within the reservation, and more access never breaks a reference.
        unsafe { mm::mprotect(first, end - start, MprotectFlags::READ | MprotectFlags::WRITE) }.map_err(error)
    }

    /// Makes committed pages executable and no longer writable.
    ///
    /// # Safety
    ///
    /// `range` consists of whole committed pages, and nothing borrows them mutably.
    pub unsafe fn make_executable(&self, range: Range<usize>) -> Result<(), MapError> {
        let first = self.base().wrapping_add(range.start).cast::<c_void>();
        // SAFETY: the pages are this mapping's own, and by the caller's promise nobody relies on writing to them.
        unsafe { mm::mprotect(first, range.len(), MprotectFlags::READ | MprotectFlags::EXEC) }
            .map_err(|source| MapError::Commit { bytes: range.len(), source })
    }

    /// Gives the memory of pages back: they are as they were before they were committed.
    ///
    /// # Safety
    ///
    /// `range` consists of whole pages of the reservation, and nothing borrows or executes them.
    pub unsafe fn decommit(&self, range: Range<usize>) -> Result<(), MapError> {
        let first = self.base().wrapping_add(range.start).cast::<c_void>();
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE | MapFlags::FIXED;
        // SAFETY: the new mapping replaces pages of this one, which the caller promises are not used.
        unsafe { mm::mmap_anonymous(first, range.len(), ProtFlags::empty(), flags) }
            .map_err(|source| MapError::Map { bytes: range.len(), source })?;
        Ok(())
    }
}

/// Readable and writable memory that grows, and moves when it must.
#[derive(Debug)]
pub struct Growable(Mapping);

impl Growable {
    /// A mapping of at least `bytes`.
    pub fn new(bytes: usize) -> Result<Growable, MapError> {
        Mapping::new(bytes, ProtFlags::READ | ProtFlags::WRITE).map(Growable)
    }

    /// The first address, aligned to 16 even while nothing is mapped. It changes when [`Growable::reserve`] moves it.
    pub fn base(&self) -> *mut u8 {
        self.0.base
    }

    /// The accessible bytes.
    pub fn capacity(&self) -> usize {
        self.0.len
    }

    /// Grows to at least `bytes`, contents kept and the rest zero. The size doubles up to `limit` while there is room,
    /// because moving costs time by the touched page.
    pub fn reserve(&mut self, bytes: usize, limit: usize) -> Result<(), MapError> {
        if bytes <= self.capacity() {
            return Ok(());
        }
        let generous = self.capacity().saturating_mul(2).min(limit).max(bytes);
        self.resize(generous).or_else(|_| self.resize(bytes))
    }

    fn resize(&mut self, bytes: usize) -> Result<(), MapError> {
        let mapping = &mut self.0;
        if mapping.len == 0 {
            *self = Growable::new(bytes)?;
            return Ok(());
        }
        let len = round_up(bytes)?;
        // SAFETY: the pages are this mapping's own, and `&mut self` says that nothing borrows them.
        let base = unsafe { mm::mremap(mapping.base.cast(), mapping.len, len, MremapFlags::MAYMOVE) }
            .map_err(|source| MapError::Map { bytes, source })?;
        mapping.base = base.cast();
        mapping.len = len;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reservation_commits_zeroed_pages() {
        let reservation = Reservation::new(10 * page_size() + 1).unwrap();
        assert_eq!(reservation.len(), 11 * page_size());
        reservation.commit(page_size()..page_size() + 1).unwrap();
        let byte = reservation.base().wrapping_add(2 * page_size() - 1);
        // SAFETY: the byte is the last of the committed page.
        unsafe {
            assert_eq!(*byte, 0);
            *byte = 7;
        }
        reservation.commit(0..11 * page_size()).unwrap();
        // SAFETY: the whole reservation is committed now.
        unsafe { assert_eq!(*byte, 7) };
        let outside = reservation.commit(0..11 * page_size() + 1);
        assert!(matches!(outside, Err(MapError::Commit { .. })));
        assert_eq!(reservation.addresses().len(), reservation.len());
    }

    #[test]
    fn impossible_sizes_are_errors() {
        for bytes in [usize::MAX, isize::MAX as usize, 1 << 60] {
            assert!(matches!(Reservation::new(bytes), Err(MapError::Map { .. })));
            assert!(matches!(Growable::new(bytes), Err(MapError::Map { .. })));
        }
    }

    #[test]
    fn nothing_can_be_mapped() {
        let reservation = Reservation::new(0).unwrap();
        assert!(reservation.is_empty());
        reservation.commit(0..0).unwrap();
        let growable = Growable::new(0).unwrap();
        assert_eq!((growable.capacity(), growable.base().addr() % 16), (0, 0));
    }

    #[test]
    fn growth_keeps_contents_and_doubles() {
        let mut growable = Growable::new(0).unwrap();
        growable.reserve(1, usize::MAX).unwrap();
        let page = page_size();
        for round in 1..200 {
            growable.reserve(round * page, usize::MAX).unwrap();
            let at = growable.base().wrapping_add((round - 1) * page);
            // SAFETY: `at` is the first byte of the last page asked for; only this test touches the mapping.
            unsafe {
                assert_eq!(*at, 0);
                *at = round as u8;
            }
        }
        assert_eq!(growable.capacity(), 256 * page);
        for round in 1..200 {
            // SAFETY: as above.
            let byte = unsafe { *growable.base().wrapping_add((round - 1) * page) };
            assert_eq!(byte, round as u8);
        }
        growable.reserve(257 * page, 300 * page).unwrap();
        assert_eq!(growable.capacity(), 300 * page);
        assert!(growable.reserve(usize::MAX, usize::MAX).is_err());
        assert_eq!(growable.capacity(), 300 * page);
    }
}
