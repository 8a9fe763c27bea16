//! The bytes behind a memory, and the only place that turns its base pointer into references.
//!
//! `base` and `len` in the record always describe accessible, initialized bytes: growth makes pages accessible first
//! and publishes the length last; nothing shrinks. Machine code reads and writes the same bytes through the record; it
//! runs only while the host holds no reference made here, except on shared memories, whose bytes the host sees as
//! atomics alone.

use core::ops::Range;
use std::slice;
use std::sync::atomic::{AtomicPtr, AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use terrace_abi::memory::MemoryRecord;

use super::super::mmap::{Growable, Reservation};
use super::types::{BoundsMode, MemoryError, MemoryTunables, MemoryType};

/// What a guarded memory reserves: a 32-bit address plus a 32-bit offset plus the widest access ends within.
pub const GUARD_RESERVATION: usize = (8 << 30) + (64 << 10);

/// What a shared memory with explicit bounds reserves at most beyond its minimum. Growth past it fails.
const SHARED_RESERVATION: usize = 64 << 30;

#[derive(Debug)]
enum Backing {
    /// The base stays. Accessible up to the length, in host pages.
    Fixed(Reservation),
    /// The base may move; accessible beyond the length too, which only the explicit checks hide.
    Movable(Growable),
}

/// A linear memory whose owner decides how its bytes may be seen.
#[derive(Debug)]
pub(super) struct Linear {
    record: MemoryRecord,
    ty: MemoryType,
    bounds: BoundsMode,
    backing: Mutex<Backing>,
}

impl Linear {
    fn new(ty: MemoryType, tunables: &MemoryTunables) -> Result<Linear, MemoryError> {
        ty.check()?;
        let bounds = BoundsMode::of(&ty, tunables);
        // The limits checked above keep the minimum within `isize`; a maximum may be beyond.
        let bytes = |pages: u64| usize::try_from(pages << ty.page_size_log2).unwrap_or(usize::MAX);
        let len = bytes(ty.minimum);
        let (base, backing) = match bounds {
            BoundsMode::Guard => {
                let reservation = Reservation::new(GUARD_RESERVATION).map_err(MemoryError::GuardSpace)?;
                reservation.commit(0..len)?;
                (reservation.base(), Backing::Fixed(reservation))
            }
            BoundsMode::Explicit if ty.shared => {
                let reserved = bytes(ty.growth_limit()).min(SHARED_RESERVATION).max(len);
                let reservation = Reservation::new(reserved)?;
                reservation.commit(0..len)?;
                (reservation.base(), Backing::Fixed(reservation))
            }
            BoundsMode::Explicit => {
                let growable = Growable::new(len)?;
                (growable.base(), Backing::Movable(growable))
            }
        };
        Ok(Linear {
            record: MemoryRecord { base: AtomicPtr::new(base), len: AtomicU64::new(len as u64) },
            ty,
            bounds,
            backing: Mutex::new(backing),
        })
    }

    pub(super) fn ty(&self) -> &MemoryType {
        &self.ty
    }

    pub(super) fn bounds(&self) -> BoundsMode {
        self.bounds
    }

    pub(super) fn record(&self) -> &MemoryRecord {
        &self.record
    }

    #[inline]
    fn base(&self) -> *mut u8 {
        self.record.base.load(Ordering::Relaxed)
    }

    /// The accessible bytes. Acquires what growth published.
    #[inline]
    pub(super) fn len(&self) -> usize {
        // A length is the length of a mapping, which fits.
        self.record.len.load(Ordering::Acquire) as usize
    }

    pub(super) fn size_pages(&self) -> u64 {
        self.len() as u64 >> self.ty.page_size_log2
    }

    /// Where an access may fault instead of being checked.
    pub(super) fn guarded_addresses(&self) -> Option<Range<usize>> {
        match &*self.backing.lock().unwrap_or_else(PoisonError::into_inner) {
            Backing::Fixed(reservation) if self.bounds == BoundsMode::Guard => Some(reservation.addresses()),
            _ => None,
        }
    }

    /// Grows by `delta` pages and returns the size before, or changes nothing. The base moves only if the memory is
    /// not shared, so the caller must hold such a memory exclusively.
    fn grow(&self, delta: u64) -> Option<u64> {
        let mut backing = self.backing.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.size_pages();
        let new = old.checked_add(delta).filter(|&new| new <= self.ty.growth_limit())?;
        let log2 = self.ty.page_size_log2;
        let len = usize::try_from(new << log2).ok()?;
        match &mut *backing {
            Backing::Fixed(reservation) => reservation.commit(self.len()..len).ok()?,
            Backing::Movable(growable) => {
                let limit = usize::try_from(self.ty.growth_limit() << log2).unwrap_or(usize::MAX);
                growable.reserve(len, limit).ok()?;
                self.record.base.store(growable.base(), Ordering::Relaxed);
            }
        }
        self.record.len.store(len as u64, Ordering::Release);
        Some(old)
    }
}

/// A memory that one owner at a time uses: its bytes are plain bytes, borrowed as Rust borrows.
#[derive(Debug)]
pub(super) struct Unshared(Box<Linear>);

impl Unshared {
    pub(super) fn new(ty: MemoryType, tunables: &MemoryTunables) -> Result<Unshared, MemoryError> {
        debug_assert!(!ty.shared);
        Linear::new(ty, tunables).map(|linear| Unshared(Box::new(linear)))
    }

    #[inline]
    pub(super) fn linear(&self) -> &Linear {
        &self.0
    }

    pub(super) fn grow(&mut self, delta: u64) -> Option<u64> {
        self.0.grow(delta)
    }

    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: the record describes accessible bytes, zeroed by the system; base and bytes change only through
        // `&mut self`, and machine code does not run while the slice is borrowed.
        unsafe { slice::from_raw_parts(self.0.base(), self.0.len()) }
    }

    #[inline]
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as for `bytes`, and `&mut self` makes this the only reference.
        unsafe { slice::from_raw_parts_mut(self.0.base(), self.0.len()) }
    }
}

/// A memory that threads share: its base never moves, and its bytes are atomics.
#[derive(Debug)]
pub(super) struct Shared(Linear);

impl Shared {
    pub(super) fn new(ty: MemoryType, tunables: &MemoryTunables) -> Result<Shared, MemoryError> {
        debug_assert!(ty.shared);
        Linear::new(ty, tunables).map(Shared)
    }

    #[inline]
    pub(super) fn linear(&self) -> &Linear {
        &self.0
    }

    pub(super) fn grow(&self, delta: u64) -> Option<u64> {
        self.0.grow(delta)
    }

    #[inline]
    pub(super) fn cells(&self) -> &[AtomicU8] {
        // SAFETY: the record describes accessible bytes that neither move nor go away while `self` lives, and every
        // host access to them is atomic.
        unsafe { slice::from_raw_parts(self.0.base().cast_const().cast::<AtomicU8>(), self.0.len()) }
    }
}
