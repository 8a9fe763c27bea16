//! Where machine code lies.
//!
//! All machine code of the process lies in one reserved range of addresses, the arena: whatever is in it reaches everything
//! else in it by a 32-bit displacement, and one resolver covers all of its faults. Memory is given out by whole pages,
//! because no page is ever writable and executable at once: [`CodeMemory`] is written before anybody knows its address,
//! and executable and immutable from then on until its pages are given back.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, OnceLock, PoisonError};

use rustix::io::Errno;

use crate::runtime::mmap::{MapError, Reservation, page_size};
#[cfg(all(any(target_os = "linux", target_os = "macos"), any(target_arch = "x86_64", target_arch = "aarch64")))]
use crate::runtime::signals::{self, CodeRange, Resolve};

/// Why machine code cannot be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// The system refused memory, or refused to make it executable.
    #[error(transparent)]
    Map(#[from] MapError),
    /// The process has no room for more machine code.
    #[error("no room for {bytes} bytes of machine code")]
    Full {
        /// How much was asked for.
        bytes: usize,
    },
    /// The module's machine code would take more than the engine allows.
    #[error("machine code of {bytes} bytes exceeds the limit of {limit} bytes")]
    Limit {
        /// How much the module's code would take.
        bytes: usize,
        /// How much it may take.
        limit: usize,
    },
    /// New code cannot be made visible to other threads.
    #[error("this system cannot synchronize the instruction fetches of threads")]
    Synchronize(Errno),
}

/// The size of the arena: what 32-bit displacements reach. Where address space is limited, it is smaller.
const ARENA: usize = 2 << 30;

/// The least size of the arena.
const MIN_ARENA: usize = 16 << 20;

/// What fills the room that code leaves: instructions that trap.
const FILLER: u8 = if cfg!(target_arch = "x86_64") { 0xcc } else { 0 };

/// A reserved range of addresses, part of it in use.
#[derive(Debug)]
struct Arena {
    reservation: Reservation,
    free: Mutex<FreeRanges>,
}

/// The free ranges of an arena, by their starts: offsets of pages, disjoint and not adjacent.
#[derive(Debug)]
struct FreeRanges(BTreeMap<usize, usize>);

impl FreeRanges {
    /// Takes `len` bytes, as far down as they fit: reuse keeps the arena dense.
    fn take(&mut self, len: usize) -> Option<Range<usize>> {
        let (start, end) = self.0.iter().map(|(&start, &end)| (start, end)).find(|(start, end)| end - start >= len)?;
        self.0.remove(&start);
        if end - start > len {
            self.0.insert(start + len, end);
        }
        Some(start..start + len)
    }

    /// Gives back a range that was taken.
    fn give(&mut self, range: Range<usize>) {
        let Range { mut start, mut end } = range;
        if let Some(next_end) = self.0.remove(&end) {
            end = next_end;
        }
        if let Some((&before, &before_end)) = self.0.range(..start).next_back()
            && before_end == start
        {
            start = before;
        }
        self.0.insert(start, end);
    }

    fn bytes(&self) -> usize {
        self.0.iter().map(|(start, end)| end - start).sum()
    }
}

impl Arena {
    fn new(len: usize) -> Result<Arena, CodeError> {
        let reservation = Reservation::new(len)?;
        let free = FreeRanges(BTreeMap::from([(0, reservation.len())]));
        Ok(Arena { reservation, free: Mutex::new(free) })
    }

    /// The largest arena that there is address space for.
    fn largest() -> Result<Arena, CodeError> {
        synchronize::prepare().map_err(CodeError::Synchronize)?;
        let mut len = ARENA;
        loop {
            match Arena::new(len) {
                Err(_) if len > MIN_ARENA => len /= 2,
                result => return result,
            }
        }
    }

    /// The process's arena. It is never freed.
    fn get() -> Result<&'static Arena, CodeError> {
        static ARENA: OnceLock<Result<Arena, CodeError>> = OnceLock::new();
        ARENA.get_or_init(Arena::largest).as_ref().map_err(|&error| error)
    }

    fn free(&self) -> std::sync::MutexGuard<'_, FreeRanges> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes faults in the arena continue where `resolve` says; the first call in a process decides.
///
/// # Safety
///
/// As for [`signals::register`]. The resolver is asked about every pc of the arena, whether there is code or not.
#[cfg(all(any(target_os = "linux", target_os = "macos"), any(target_arch = "x86_64", target_arch = "aarch64")))]
pub unsafe fn init(resolve: Resolve) -> Result<(), CodeError> {
    static REGISTERED: std::sync::Once = std::sync::Once::new();
    let Range { start, end } = Arena::get()?.reservation.addresses();
    REGISTERED.call_once(|| {
        let range = Box::leak(Box::new(CodeRange { start, end, resolve }));
        // SAFETY: the caller's promise.
        unsafe { signals::register(range) };
    });
    Ok(())
}

/// The bytes of memory that machine code takes in this process.
pub fn memory_bytes() -> usize {
    Arena::get().map_or(0, |arena| arena.reservation.len() - arena.free().bytes())
}

/// Pages of machine code, executable and immutable. Dropping them gives their memory and their addresses back.
#[derive(Debug)]
pub struct CodeMemory {
    arena: &'static Arena,
    range: Range<usize>,
}

impl CodeMemory {
    /// How much memory `len` bytes of code take.
    pub fn size_of(len: usize) -> usize {
        len.max(1).checked_next_multiple_of(page_size()).unwrap_or(usize::MAX)
    }

    /// Memory of at least `len` bytes with the code that `write` puts there: it gets the bytes, and the address where they are
    /// and stay.
    pub fn new(len: usize, write: impl FnOnce(&mut [u8], *const u8)) -> Result<CodeMemory, CodeError> {
        CodeMemory::new_in(Arena::get()?, len, write)
    }

    fn new_in(
        arena: &'static Arena,
        len: usize,
        write: impl FnOnce(&mut [u8], *const u8),
    ) -> Result<CodeMemory, CodeError> {
        let size = CodeMemory::size_of(len);
        let range = arena.free().take(size).ok_or(CodeError::Full { bytes: len })?;
        // From here on, dropping it gives the range back.
        let memory = CodeMemory { arena, range: range.clone() };
        arena.reservation.commit(range.clone())?;
        let base = memory.base().cast_mut();
        // SAFETY: the pages are committed, and free ranges are referred to by nobody.
        let bytes = unsafe { std::slice::from_raw_parts_mut(base, size) };
        bytes.fill(FILLER);
        write(&mut bytes[..len], base);
        // SAFETY: the pages are committed, and the borrow of them is over.
        unsafe { arena.reservation.make_executable(range) }?;
        synchronize::code(memory.bytes()).map_err(CodeError::Synchronize)?;
        Ok(memory)
    }

    /// The address of the first byte.
    pub fn base(&self) -> *const u8 {
        self.arena.reservation.base().wrapping_add(self.range.start)
    }

    /// The contents.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the pages are readable and do not change while `self` is alive.
        unsafe { std::slice::from_raw_parts(self.base(), self.range.len()) }
    }

    /// The addresses.
    pub fn addresses(&self) -> Range<usize> {
        let start = self.base().addr();
        start..start + self.range.len()
    }
}

impl Drop for CodeMemory {
    fn drop(&mut self) {
        // SAFETY: whoever runs code keeps its memory alive, and references into it have ended.
        let freed = unsafe { self.arena.reservation.decommit(self.range.clone()) };
        // Where the system refuses, the addresses are not used again.
        if freed.is_ok() {
            self.arena.free().give(self.range.clone());
        }
    }
}

/// Fetches of instructions see what was written as data.
#[cfg(target_arch = "x86_64")]
mod synchronize {
    use rustix::io::Errno;

    pub(super) fn prepare() -> Result<(), Errno> {
        Ok(())
    }

    /// Fetches are coherent, and the change of protection has interrupted the processors that may have fetched ahead.
    pub(super) fn code(_: &[u8]) -> Result<(), Errno> {
        Ok(())
    }
}

/// Fetches of instructions see what was written as data.
#[cfg(target_arch = "aarch64")]
mod synchronize {
    use core::arch::asm;
    use core::ops::Range;

    use rustix::io::Errno;
    #[cfg(target_os = "linux")]
    use rustix::thread::{MembarrierCommand, membarrier};

    pub(super) fn prepare() -> Result<(), Errno> {
        #[cfg(target_os = "linux")]
        membarrier(MembarrierCommand::RegisterPrivateExpeditedSyncCore)?;
        Ok(())
    }

    /// Cleans the data caches and invalidates the instruction caches down to where they meet; then every thread drops what
    /// it has fetched ahead.
    pub(super) fn code(code: &[u8]) -> Result<(), Errno> {
        let cache_types: usize;
        // SAFETY: the register only says how long cache lines are.
        unsafe { asm!("mrs {}, ctr_el0", out(reg) cache_types, options(nomem, nostack, preserves_flags)) };
        let (data, fetch) = (4usize << (cache_types >> 16 & 15), 4usize << (cache_types & 15));
        let Range { start, end } = code.as_ptr_range();
        let (start, end) = (start.addr(), end.addr());
        for line in (start & !(data - 1)..end).step_by(data) {
            // SAFETY: cleaning a line of readable memory changes nothing that is observable.
            unsafe { asm!("dc cvau, {}", in(reg) line, options(nostack, preserves_flags)) };
        }
        // SAFETY: a barrier.
        unsafe { asm!("dsb ish", options(nostack, preserves_flags)) };
        for line in (start & !(fetch - 1)..end).step_by(fetch) {
            // SAFETY: as above.
            unsafe { asm!("ic ivau, {}", in(reg) line, options(nostack, preserves_flags)) };
        }
        // SAFETY: barriers.
        unsafe { asm!("dsb ish", "isb", options(nostack, preserves_flags)) };
        #[cfg(target_os = "linux")]
        membarrier(MembarrierCommand::PrivateExpeditedSyncCore)?;
        Ok(())
    }
}

/// On other machines, no tier makes code.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod synchronize {
    use rustix::io::Errno;

    pub(super) fn prepare() -> Result<(), Errno> {
        Err(Errno::NOSYS)
    }

    pub(super) fn code(_: &[u8]) -> Result<(), Errno> {
        Err(Errno::NOSYS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arena(pages: usize) -> &'static Arena {
        Box::leak(Box::new(Arena::new(pages * page_size()).unwrap()))
    }

    fn memory(arena: &'static Arena, pages: usize, byte: u8) -> CodeMemory {
        CodeMemory::new_in(arena, pages * page_size() - 1, |bytes, _| bytes.fill(byte)).unwrap()
    }

    #[test]
    fn pages_are_used_again() {
        let arena = arena(8);
        let [a, b, c] = [1, 2, 3].map(|pages| memory(arena, pages, pages as u8));
        assert_eq!((a.addresses().end, b.addresses().end), (b.addresses().start, c.addresses().start));
        assert_eq!((a.bytes()[0], c.bytes()[3 * page_size() - 2], c.bytes()[3 * page_size() - 1]), (1, 3, FILLER));
        let full = CodeMemory::new_in(arena, 2 * page_size() + 1, |_, _| unreachable!("there is no room"));
        assert_eq!(full.unwrap_err(), CodeError::Full { bytes: 2 * page_size() + 1 });
        let hole = b.addresses();
        drop(b);
        let d = memory(arena, 1, 4);
        assert_eq!(d.addresses().start, hole.start);
        assert_eq!((a.bytes()[0], c.bytes()[0], d.bytes()[0]), (1, 3, 4));
        assert_eq!(arena.free().bytes(), 3 * page_size());
        drop((a, c, d));
        assert_eq!(arena.free().0, BTreeMap::from([(0, 8 * page_size())]));
        assert_eq!(memory(arena, 8, 5).bytes()[0], 5);
    }

    #[test]
    fn free_ranges_join_in_every_order() {
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let mut free = FreeRanges(BTreeMap::from([(0, 60)]));
            let taken = [10, 20, 30].map(|len| free.take(len).unwrap());
            assert!(free.take(1).is_none());
            for index in order {
                free.give(taken[index].clone());
            }
            assert_eq!(free.0, BTreeMap::from([(0, 60)]));
        }
    }

    #[test]
    fn no_bytes_take_a_page() {
        let memory = CodeMemory::new_in(arena(1), 0, |bytes, _| assert!(bytes.is_empty())).unwrap();
        assert_eq!((memory.addresses().len(), CodeMemory::size_of(0)), (page_size(), page_size()));
    }
}
