use std::sync::Arc;
use std::thread;

use super::*;

const PAGE: u64 = 1 << 16;
const OUT: TrapKind = TrapKind::MemoryOutOfBounds;
const GUARD: MemoryTunables = MemoryTunables { explicit_bounds: false };
const EXPLICIT: MemoryTunables = MemoryTunables { explicit_bounds: true };

fn memory32(minimum: u64, maximum: Option<u64>) -> MemoryType {
    MemoryType { minimum, maximum, memory64: false, shared: false, page_size_log2: PAGE_SIZE_LOG2 }
}

fn memory64(minimum: u64, maximum: Option<u64>) -> MemoryType {
    MemoryType { memory64: true, ..memory32(minimum, maximum) }
}

fn shared(ty: MemoryType) -> MemoryType {
    MemoryType { shared: true, ..ty }
}

fn bytewise(ty: MemoryType) -> MemoryType {
    MemoryType { page_size_log2: 0, ..ty }
}

fn go_on() -> Result<(), TrapKind> {
    Ok(())
}

/// One memory of two pages of each kind: guarded, explicit, 64-bit, counted in bytes; shared and not.
fn two_page_memories() -> Vec<Memory> {
    let limit = Some(3);
    let bytes = bytewise(memory32(2 * PAGE, Some(3 * PAGE)));
    [
        (memory32(2, limit), GUARD),
        (memory32(2, limit), EXPLICIT),
        (memory64(2, limit), GUARD),
        (bytes, GUARD),
        (shared(memory32(2, limit)), GUARD),
        (shared(memory32(2, limit)), EXPLICIT),
        (shared(memory64(2, limit)), GUARD),
        (shared(bytes), GUARD),
    ]
    .map(|(ty, tunables)| Memory::new(ty, &tunables).unwrap())
    .into()
}

#[test]
fn bounds_mode_follows_type_and_tunables() {
    let ty = memory32(1, None);
    assert_eq!(BoundsMode::of(&ty, &GUARD), BoundsMode::Guard);
    assert_eq!(BoundsMode::of(&ty, &EXPLICIT), BoundsMode::Explicit);
    assert_eq!(BoundsMode::of(&memory64(1, None), &GUARD), BoundsMode::Explicit);
    assert_eq!(BoundsMode::of(&bytewise(ty), &GUARD), BoundsMode::Explicit);
    let guarded = Memory::new(ty, &GUARD).unwrap();
    let addresses = guarded.guarded_addresses().unwrap();
    assert!(addresses.len() as u64 >= 2 * u64::from(u32::MAX) + 16);
    assert_eq!(addresses.start, guarded.record().base.load(std::sync::atomic::Ordering::Relaxed).addr());
    assert_eq!(Memory::new(ty, &EXPLICIT).unwrap().guarded_addresses(), None);
}

#[test]
fn accesses_stop_at_the_last_byte() {
    fn check<const N: usize>(memory: &mut Memory) {
        let last = 2 * PAGE - N as u64;
        for addr in [0, 1, 3, PAGE - 1, last - 1, last] {
            let value = [addr as u8 | 1; N];
            assert_eq!(memory.store(addr, value), Some(()));
            assert_eq!(memory.load(addr), Some(value));
        }
        for addr in [last + 1, 2 * PAGE, 2 * PAGE + 1, 1 << 32, u64::MAX - N as u64 + 1, u64::MAX] {
            assert_eq!(memory.load::<N>(addr), None);
            assert_eq!(memory.store(addr, [0; N]), None);
        }
        assert_eq!(memory.load(last), Some([last as u8 | 1; N]));
    }
    for mut memory in two_page_memories() {
        check::<1>(&mut memory);
        check::<2>(&mut memory);
        check::<4>(&mut memory);
        check::<8>(&mut memory);
        check::<16>(&mut memory);
    }
}

#[test]
fn accesses_are_little_endian_bytes_in_order() {
    for mut memory in two_page_memories() {
        memory.write(5, &[1, 2, 3, 4, 5, 6, 7, 8, 9]).unwrap();
        assert_eq!(memory.load(5), Some([1, 2, 3, 4]));
        assert_eq!(memory.load(8), Some([4, 5, 6, 7]));
        assert_eq!(memory.load(6), Some([2, 3, 4, 5, 6, 7, 8, 9]));
        memory.store(8, 0x0102_0304_u32.to_le_bytes()).unwrap();
        let mut buffer = [0; 4];
        memory.read(8, &mut buffer).unwrap();
        assert_eq!(buffer, [4, 3, 2, 1]);
        assert_eq!(memory.atomic_load(8, Width::W32), Ok(0x0102_0304));
    }
}

#[test]
fn effective_addresses_do_not_wrap() {
    for memory in two_page_memories() {
        let max = u64::from(u32::MAX);
        assert_eq!(memory.effective(2 * PAGE - 8, 4, 4), Some(2 * PAGE as usize - 4));
        assert_eq!(memory.effective(2 * PAGE, 0, 0), Some(2 * PAGE as usize));
        assert_eq!(memory.effective(2 * PAGE - 8, 5, 4), None);
        assert_eq!(memory.effective(max, 1, 1), None);
        assert_eq!(memory.effective(max, max, 16), None);
        assert_eq!(memory.effective(u64::MAX, 1, 1), None);
        assert_eq!(memory.effective(u64::MAX, 0, 1), None);
        assert_eq!(memory.effective(0, u64::MAX, u64::MAX), None);
    }
}

#[test]
fn growth_respects_limits() {
    for mut memory in two_page_memories() {
        let record: *const MemoryRecord = memory.record();
        let base = || memory.record().base.load(std::sync::atomic::Ordering::Relaxed);
        let before = base();
        let unit = PAGE / memory.ty().page_size();
        memory.store(2 * PAGE - 1, [7]).unwrap();
        assert_eq!(memory.grow(0), Some(2 * unit));
        for delta in [2 * unit, 1 << 32, u64::MAX, u64::MAX - 2 * unit + 1, 1 << 48] {
            assert_eq!(memory.grow(delta), None);
        }
        assert_eq!(memory.load(2 * PAGE), None::<[u8; 1]>);
        assert_eq!(memory.grow(unit), Some(2 * unit));
        assert_eq!(memory.grow(1), None);
        assert_eq!((memory.size_pages(), memory.byte_len() as u64), (3 * unit, 3 * PAGE));
        assert_eq!(memory.load(2 * PAGE - 1), Some([7, 0]));
        memory.store(3 * PAGE - 1, [8]).unwrap();
        assert_eq!(memory.load(3 * PAGE - 1), Some([8]));
        assert!(std::ptr::eq(record, memory.record()));
        if memory.bounds() == BoundsMode::Guard || memory.shared().is_some() {
            assert_eq!(memory.record().base.load(std::sync::atomic::Ordering::Relaxed), before);
        }
    }
}

#[test]
fn explicit_memories_keep_their_bytes_when_they_move() {
    let mut memory = Memory::new(memory32(0, None), &EXPLICIT).unwrap();
    for page in 0..300 {
        assert_eq!(memory.grow(1), Some(page));
        memory.store(page * PAGE, page.to_le_bytes()).unwrap();
    }
    for page in 0..300 {
        assert_eq!(memory.load(page * PAGE), Some(page.to_le_bytes()));
    }
}

#[test]
fn memories_counted_in_bytes_grow_by_bytes() {
    let mut memory = Memory::new(bytewise(memory32(0, None)), &GUARD).unwrap();
    assert_eq!(memory.load::<1>(0), None);
    for size in 0..5000 {
        assert_eq!(memory.grow(1), Some(size));
        assert_eq!(memory.load(size), Some([0]));
        assert_eq!(memory.store(size + 1, [1]), None);
    }
    // 2^32 bytes are addressable, but a size of 2^32 - 1 already reads as failure.
    assert_eq!(memory.grow(u64::from(u32::MAX) - 4999), None);
}

#[test]
fn memories_of_no_pages_work() {
    for (ty, tunables) in [
        (memory32(0, None), GUARD),
        (memory32(0, Some(0)), EXPLICIT),
        (memory64(0, None), GUARD),
        (shared(memory32(0, Some(1))), GUARD),
        (shared(memory64(0, Some(0))), GUARD),
    ] {
        let mut memory = Memory::new(ty, &tunables).unwrap();
        assert_eq!(memory.load::<1>(0), None);
        assert_eq!(memory.store(0, [1]), None);
        assert_eq!(memory.fill(0, 1, 0, &mut go_on), Ok(()));
        assert_eq!(memory.fill(1, 1, 0, &mut go_on), Err(OUT));
        assert_eq!(memory.fill(0, 1, 1, &mut go_on), Err(OUT));
        assert_eq!(memory.copy_within(0, 0, 0, &mut go_on), Ok(()));
        assert_eq!(memory.read(0, &mut []), Ok(()));
        assert_eq!(memory.atomic_load(0, Width::W8), Err(OUT));
        assert_eq!(memory.grow(0), Some(0));
    }
}

#[test]
fn invalid_and_oversized_types_are_errors() {
    let error = |ty| Memory::new(ty, &GUARD).unwrap_err();
    let too_large = |ty| matches!(error(ty), MemoryError::TooLarge { .. });
    let invalid = |ty| matches!(error(ty), MemoryError::InvalidType(_));
    assert!(too_large(memory32(65_537, None)));
    assert!(too_large(memory64(1 << 48, None)));
    assert!(too_large(memory64(u64::MAX, None)));
    assert!(too_large(bytewise(memory32(1 << 32, None))));
    assert!(matches!(error(memory64((1 << 47) - 1, None)), MemoryError::Map(_)));
    assert!(matches!(error(shared(memory64(1 << 46, Some(1 << 48)))), MemoryError::Map(_)));
    assert!(invalid(memory32(2, Some(1))));
    assert!(invalid(shared(memory32(1, None))));
    assert!(invalid(MemoryType { page_size_log2: 12, ..memory32(1, None) }));
}

#[test]
fn huge_maxima_cost_nothing_until_used() {
    for ty in [memory64(1, Some(1 << 48)), shared(memory64(1, Some(1 << 48))), memory64(1, None)] {
        let mut memory = Memory::new(ty, &GUARD).unwrap();
        assert_eq!(memory.grow(1), Some(1));
        assert_eq!(memory.grow(1 << 47), None);
        assert_eq!(memory.grow((1 << 46) - 2), None);
        memory.store(2 * PAGE - 8, [1; 8]).unwrap();
        assert_eq!(memory.size_pages(), 2);
    }
}

/// Compares every copy with one made on a plain vector.
#[test]
fn copies_overlap_safely() {
    let pattern: Vec<u8> = (0..200_u32).map(|i| (i * 7 + 1) as u8).collect();
    for mut memory in two_page_memories() {
        for dst in 0..20 {
            for src in 0..20 {
                for len in [0, 1, 7, 8, 9, 31, 64, 100] {
                    memory.write(0, &pattern).unwrap();
                    memory.copy_within(dst, src, len, &mut go_on).unwrap();
                    let mut expected = pattern.clone();
                    expected.copy_within(src as usize..(src + len) as usize, dst as usize);
                    let mut actual = vec![0; 200];
                    memory.read(0, &mut actual).unwrap();
                    assert_eq!(actual, expected, "dst {dst}, src {src}, len {len}");
                }
            }
        }
    }
}

#[test]
fn long_copies_overlap_across_chunks() {
    let len = 5 * CHUNK / 2;
    let pattern: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
    for ty in [memory32(64, Some(64)), shared(memory32(64, Some(64)))] {
        for (dst, src) in [(0, 13), (13, 0), (8, 0), (0, 8), (CHUNK as u64, 3), (3, CHUNK as u64)] {
            let mut memory = Memory::new(ty, &GUARD).unwrap();
            memory.init(src, &pattern, 0, len as u64, &mut go_on).unwrap();
            let mut polls = 0;
            let poll: &mut Poll<'_> = &mut || {
                polls += 1;
                Ok(())
            };
            memory.copy_within(dst, src, len as u64, poll).unwrap();
            let mut actual = vec![0; len];
            memory.read(dst, &mut actual).unwrap();
            assert!(actual == pattern, "dst {dst}, src {src}");
            assert_eq!(polls, 2);
        }
    }
}

#[test]
fn copies_between_memories_of_any_kind() {
    let pattern: Vec<u8> = (1..=100).collect();
    for mut dst in two_page_memories() {
        for mut src in two_page_memories() {
            for (to, from) in [(0, 0), (3, 3), (3, 8), (2 * PAGE - 100, 1)] {
                src.write(from, &pattern).unwrap();
                Memory::copy(&mut dst, to, &src, from, 100, &mut go_on).unwrap();
                let mut actual = vec![0; 100];
                dst.read(to, &mut actual).unwrap();
                assert_eq!(actual, pattern);
            }
            assert_eq!(Memory::copy(&mut dst, 2 * PAGE - 99, &src, 0, 100, &mut go_on), Err(OUT));
            assert_eq!(Memory::copy(&mut dst, 0, &src, 2 * PAGE - 99, 100, &mut go_on), Err(OUT));
            assert_eq!(Memory::copy(&mut dst, 0, &src, u64::MAX, 2, &mut go_on), Err(OUT));
        }
    }
    let one = SharedMemory::new(shared(memory32(1, Some(1))), &GUARD).unwrap();
    let (mut dst, src) = (Memory::from(one.clone()), Memory::from(one.clone()));
    one.write(0, &pattern).unwrap();
    Memory::copy(&mut dst, 1, &src, 0, 100, &mut go_on).unwrap();
    let mut actual = vec![0; 100];
    one.read(1, &mut actual).unwrap();
    assert_eq!(actual, pattern);
    assert!(one.same(src.shared().unwrap()));
}

#[test]
fn ranges_are_checked_before_anything_is_written() {
    for mut memory in two_page_memories() {
        let end = 2 * PAGE;
        assert_eq!(memory.fill(end - 1, 1, 2, &mut go_on), Err(OUT));
        assert_eq!(memory.fill(u64::MAX, 1, 2, &mut go_on), Err(OUT));
        assert_eq!(memory.fill(1, 1, u64::MAX, &mut go_on), Err(OUT));
        assert_eq!(memory.write(end - 1, &[1, 1]), Err(OUT));
        assert_eq!(memory.read(end - 1, &mut [1, 1]), Err(OUT));
        assert_eq!(memory.copy_within(end - 1, 0, 2, &mut go_on), Err(OUT));
        assert_eq!(memory.copy_within(0, end - 1, 2, &mut go_on), Err(OUT));
        assert_eq!(memory.init(end - 1, &[1, 1], 0, 2, &mut go_on), Err(OUT));
        assert_eq!(memory.init(0, &[1, 1], 1, 2, &mut go_on), Err(OUT));
        assert_eq!(memory.init(0, &[], u64::MAX, 1, &mut go_on), Err(OUT));
        assert_eq!(memory.init(end + 1, &[], 0, 0, &mut go_on), Err(OUT));
        assert_eq!(memory.init(end, &[], 0, 0, &mut go_on), Ok(()));
        assert_eq!(memory.load(end - 2), Some([0, 0]));
        for (addr, len) in [(0, 3), (5, 8), (9, 30), (end - 17, 17)] {
            memory.fill(addr, 0xa5, len, &mut go_on).unwrap();
            let mut actual = vec![0; len as usize];
            memory.read(addr, &mut actual).unwrap();
            assert!(actual.iter().all(|&byte| byte == 0xa5));
        }
        assert_eq!(memory.load(39), Some([0]));
        assert_eq!(memory.load(end - 18), Some([0]));
    }
}

#[test]
fn bulk_operations_can_be_interrupted() {
    let len = 4 * CHUNK as u64;
    for ty in [memory32(64, Some(64)), shared(memory32(64, Some(64)))] {
        let mut memory = Memory::new(ty, &GUARD).unwrap();
        let mut stop = || Err(TrapKind::Interrupt);
        assert_eq!(memory.fill(0, 1, len, &mut stop), Err(TrapKind::Interrupt));
        assert_eq!(memory.load(CHUNK as u64 - 1), Some([1, 0]));
        assert_eq!(memory.copy_within(1, 0, len - 1, &mut stop), Err(TrapKind::Interrupt));
        let data = vec![2; len as usize];
        assert_eq!(memory.init(0, &data, 0, len, &mut stop), Err(TrapKind::Interrupt));
        assert_eq!(memory.load(CHUNK as u64 - 1), Some([2, 0]));
        // A single chunk has nothing to interrupt.
        assert_eq!(memory.fill(0, 3, CHUNK as u64, &mut stop), Ok(()));
    }
}

#[test]
fn atomics_of_every_width() {
    let widths = [Width::W8, Width::W16, Width::W32, Width::W64];
    for mut memory in two_page_memories() {
        for width in widths {
            let (bytes, mask) = (width.bytes() as u64, width.mask());
            let at = 2 * PAGE - bytes;
            let (a, b) = (0x1122_3344_5566_7788_u64, 0xfedc_ba98_7654_3210_u64);
            for (op, meaning) in [
                (RmwOp::Add, a.wrapping_add(b)),
                (RmwOp::Sub, a.wrapping_sub(b)),
                (RmwOp::And, a & b),
                (RmwOp::Or, a | b),
                (RmwOp::Xor, a ^ b),
                (RmwOp::Xchg, b),
            ] {
                memory.store(at - 8, [0xee; 8]).unwrap();
                memory.atomic_store(at, width, a).unwrap();
                assert_eq!(memory.atomic_rmw(at, width, op, b), Ok(a & mask));
                assert_eq!(memory.atomic_load(at, width), Ok(meaning & mask));
                assert_eq!(memory.load(at - 8), Some([0xee; 8]));
            }
            memory.atomic_store(at, width, a).unwrap();
            assert_eq!(memory.atomic_cmpxchg(at, width, !a, b), Ok(a & mask));
            assert_eq!(memory.atomic_load(at, width), Ok(a & mask));
            assert_eq!(memory.atomic_cmpxchg(at, width, a, b), Ok(a & mask));
            assert_eq!(memory.atomic_load(at, width), Ok(b & mask));

            for addr in [2 * PAGE, 1 << 32, 0_u64.wrapping_sub(bytes)] {
                assert_eq!(memory.atomic_load(addr, width), Err(OUT));
                assert_eq!(memory.atomic_store(addr, width, 0), Err(OUT));
                assert_eq!(memory.atomic_rmw(addr, width, RmwOp::Add, 0), Err(OUT));
                assert_eq!(memory.atomic_cmpxchg(addr, width, 0, 0), Err(OUT));
            }
            for addr in [1, at + 1, u64::MAX].into_iter().filter(|_| bytes > 1) {
                let unaligned = TrapKind::UnalignedAtomic;
                assert_eq!(memory.atomic_load(addr, width), Err(unaligned));
                assert_eq!(memory.atomic_store(addr, width, 0), Err(unaligned));
                assert_eq!(memory.atomic_rmw(addr, width, RmwOp::Add, 0), Err(unaligned));
                assert_eq!(memory.atomic_cmpxchg(addr, width, 0, 0), Err(unaligned));
            }
        }
    }
}

#[test]
fn threads_share_a_memory() {
    const ROUNDS: u64 = 5000;
    let memory = SharedMemory::new(shared(memory32(1, Some(64))), &GUARD).unwrap();
    thread::scope(|scope| {
        for id in 0..4_u64 {
            let memory = memory.clone();
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    memory.atomic_rmw(8, Width::W64, RmwOp::Add, 1).unwrap();
                    memory.atomic_rmw(16, Width::W8, RmwOp::Add, 1).unwrap();
                    // Aligned plain accesses do not tear.
                    memory.store(32, (id << 32 | id).to_le_bytes()).unwrap();
                    let seen = u64::from_le_bytes(memory.load(32).unwrap());
                    assert_eq!(seen >> 32, seen & 0xffff_ffff);
                    memory.fill(64, id as u8, 100, &mut go_on).unwrap();
                    SharedMemory::copy(&memory, 61, &memory, 64, 100, &mut go_on).unwrap();
                    if round % 500 == 0 {
                        let old = memory.grow(1).unwrap();
                        memory.store(old * PAGE, [1; 8]).unwrap();
                    }
                }
            });
        }
    });
    assert_eq!(memory.atomic_load(8, Width::W64), Ok(4 * ROUNDS));
    assert_eq!(memory.atomic_load(16, Width::W8), Ok(4 * ROUNDS % 256));
    assert_eq!(memory.size_pages(), 41);
}

#[test]
fn waits_check_address_value_and_sharing() {
    use WaitOutcome::{NotEqual, TimedOut};
    for mut memory in two_page_memories() {
        let is_shared = memory.shared().is_some();
        memory.atomic_store(8, Width::W64, 0xffff_ffff_0000_0007).unwrap();
        let wait = |addr, width, expected| memory.wait(addr, width, expected, 0, None);
        let end = 2 * PAGE;
        assert_eq!(wait(end, Width::W32, 0), Err(OUT));
        assert_eq!(wait(end, Width::W64, 0), Err(OUT));
        assert_eq!(wait(2, Width::W32, 0), Err(TrapKind::UnalignedAtomic));
        assert_eq!(wait(4, Width::W64, 0), Err(TrapKind::UnalignedAtomic));
        assert_eq!(memory.notify(end, 1), Err(OUT));
        assert_eq!(memory.notify(1, 1), Err(TrapKind::UnalignedAtomic));
        assert_eq!(memory.notify(end - 4, 1), Ok(0));
        let expect = |outcome| {
            if is_shared { Ok(outcome) } else { Err(TrapKind::ExpectedSharedMemory) }
        };
        assert_eq!(wait(8, Width::W32, 8), expect(NotEqual));
        assert_eq!(wait(8, Width::W32, 7), expect(TimedOut));
        assert_eq!(wait(8, Width::W64, 7), expect(NotEqual));
        assert_eq!(wait(8, Width::W64, 0xffff_ffff_0000_0007), expect(TimedOut));
    }
}

#[test]
fn notify_wakes_waiters_of_the_same_address() {
    let memory = SharedMemory::new(shared(memory32(1, Some(1))), &GUARD).unwrap();
    thread::scope(|scope| {
        let waiters: Vec<_> =
            (0..3).map(|_| scope.spawn(|| memory.wait(64, Width::W32, 0, -1, Some(&mut go_on)))).collect();
        let mut woken = 0;
        while woken < 3 {
            assert_eq!(memory.notify(68, u32::MAX), Ok(0));
            woken += memory.notify(64, 1).unwrap();
        }
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap(), Ok(WaitOutcome::Woken));
        }
    });
    let mut stop = || Err(TrapKind::Interrupt);
    assert_eq!(memory.wait(64, Width::W32, 0, -1, Some(&mut stop)), Err(TrapKind::Interrupt));
    assert_eq!(memory.wait(64, Width::W32, 0, i64::MAX, Some(&mut stop)), Err(TrapKind::Interrupt));
    assert_eq!(memory.wait(64, Width::W64, 0, 1_000_000, None), Ok(WaitOutcome::TimedOut));
}

#[test]
fn memories_and_handles_cross_threads() {
    fn check<T: Send + Sync>() {}
    check::<Memory>();
    check::<Arc<SharedMemory>>();
    check::<super::super::table::Table>();
}
