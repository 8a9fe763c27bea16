//! Random bytes.

use crate::guest::{Guest, SharedMemory};
use std::io;
use std::sync::atomic::{AtomicU8, Ordering};
use terrace_wasi::{Errno, Random, Trap, WasiCtxBuilder};

fn bytes(guest: &mut Guest, len: usize) -> Vec<u8> {
    let at = guest.put(&vec![0; len]);
    guest.ok("random_get", &[at, len as u64]);
    guest.get(at, len)
}

#[test]
fn the_host_source_does_not_repeat() {
    let mut guest = Guest::new(&mut WasiCtxBuilder::new());
    let (first, second) = (bytes(&mut guest, 32), bytes(&mut guest, 32));
    assert_ne!(first, second);
    assert_ne!(first, [0; 32]);
    assert!(bytes(&mut guest, 0).is_empty());
}

#[test]
fn a_seed_decides_all_bytes() {
    let run = |seed| bytes(&mut Guest::new(WasiCtxBuilder::new().deterministic(seed)), 999);
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}

#[test]
fn shared_and_unshared_memories_get_the_same() {
    const LEN: usize = 200_000;
    let unshared = bytes(&mut Guest::new(WasiCtxBuilder::new().deterministic(3)), LEN);
    let mut ctx = WasiCtxBuilder::new().deterministic(3).build().unwrap();
    let mut shared = SharedMemory((0..LEN).map(|_| AtomicU8::new(0)).collect());
    ctx.random_get(&mut shared, 0, LEN as u32).unwrap();
    let shared: Vec<u8> = shared.0.iter().map(|b| b.load(Ordering::Relaxed)).collect();
    assert_eq!(shared, unshared);
}

#[test]
fn out_of_bounds_traps_before_anything_is_written() {
    let mut guest = Guest::new(&mut WasiCtxBuilder::new());
    let end = guest.memory.len() as u64;
    let result = guest.call("random_get", &[end - 8, 9]);
    assert!(matches!(result, Err(Trap::Memory(_))));
    assert_eq!(guest.get(end - 8, 8), [0; 8]);
}

#[test]
fn a_source_that_fails_is_an_error_even_in_the_middle() {
    struct Dry(u32);
    impl Random for Dry {
        fn fill(&mut self, _: &mut [u8]) -> io::Result<()> {
            self.0 = self.0.checked_sub(1).ok_or(io::ErrorKind::Other)?;
            Ok(())
        }
    }
    let mut ctx = WasiCtxBuilder::new().random(Dry(1)).build().unwrap();
    // Two pieces through a copy.
    let mut memory = SharedMemory((0..100_000).map(|_| AtomicU8::new(0)).collect());
    let result = ctx.random_get(&mut memory, 0, 100_000);
    assert!(matches!(result, Err(terrace_wasi::Error::Errno(Errno::Io))));
}
