//! What memories cost the process: resident bytes and address space. One test alone in its process, because both are
//! counted, and limited, for the whole of it.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use terrace_core::runtime::memory::{BoundsMode, Memory, MemoryError, MemoryTunables, MemoryType};
use terrace_core::runtime::mmap::page_size;

const GIB: usize = 1 << 30;

/// The mapped and the resident bytes of this process.
fn usage() -> (usize, usize) {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let mut bytes = statm.split(' ').map(|pages| pages.trim().parse::<usize>().unwrap() * page_size());
    (bytes.next().unwrap(), bytes.next().unwrap())
}

fn memory32(minimum: u64) -> MemoryType {
    MemoryType { minimum, maximum: None, memory64: false, shared: false, page_size_log2: 16 }
}

fn four_gigabytes_are_not_resident() {
    let (_, before) = usage();
    let guard = MemoryTunables::default();
    let explicit = MemoryTunables { explicit_bounds: true };
    let full = memory32(65_536);
    let shared = MemoryType { shared: true, maximum: Some(65_536), ..full };
    let memory64 = MemoryType { memory64: true, ..full };
    for (ty, tunables) in [(full, guard), (full, explicit), (shared, guard), (memory64, guard)] {
        let mut memory = Memory::new(ty, &tunables).unwrap();
        let last = (1 << 32) - 1;
        assert_eq!(memory.load(last), Some([0]));
        memory.store(last, [9]).unwrap();
        assert_eq!(memory.load(last), Some([9]));
        assert_eq!(memory.store(last, [9, 9]), None);
        assert_eq!(memory.store(last + 1, [9]), None);
        assert_eq!(memory.grow(1).is_some(), ty.memory64);
        let resident = usage().1.saturating_sub(before);
        assert!(resident < 64 << 20, "{resident} bytes resident");
    }
}

fn guard_pages_that_do_not_fit_name_the_alternative() {
    let before = getrlimit(Resource::As);
    let limit = Rlimit { current: Some((usage().0 + 2 * GIB) as u64), ..before };
    setrlimit(Resource::As, limit).unwrap();
    let guarded = Memory::new(memory32(1), &MemoryTunables::default()).unwrap_err();
    assert!(matches!(guarded, MemoryError::GuardSpace(_)), "{guarded:?}");
    assert!(guarded.to_string().contains("explicit bounds"));

    let explicit = MemoryTunables { explicit_bounds: true };
    let mut memory = Memory::new(memory32(1), &explicit).unwrap();
    assert_eq!(memory.bounds(), BoundsMode::Explicit);
    memory.store(65_535, [1]).unwrap();
    assert_eq!(memory.grow(65_535), None, "growth beyond the address space fails");
    assert_eq!(memory.grow(1), Some(1));
    assert_eq!(memory.load(65_535), Some([1, 0]));
    setrlimit(Resource::As, before).unwrap();
    assert_eq!(memory.grow(65_534), Some(2));
}

#[test]
fn memories_cost_what_they_use() {
    four_gigabytes_are_not_resident();
    guard_pages_that_do_not_fit_name_the_alternative();
}
