//! Arguments and environment.

use crate::guest::Guest;
use terrace_wasi::{MemoryFault, Trap, WasiCtxBuilder};

fn guest() -> Guest {
    Guest::new(
        WasiCtxBuilder::new()
            .args(["prog", "", "-x"])
            .arg(b"\xff\xfe")
            .env("HOME", "/")
            .envs([("EMPTY", ""), ("EQUALS", "a=b")]),
    )
}

/// Calls the pair of functions for sizes and contents, and gives the strings.
fn strings(guest: &mut Guest, sizes: &str, get: &str) -> Vec<Vec<u8>> {
    let count_at = guest.put(&[0; 8]);
    guest.ok(sizes, &[count_at, count_at + 4]);
    let count = guest.get_u32(count_at) as usize;
    let size = guest.get_u32(count_at + 4) as usize;
    let pointers = guest.put(&vec![0; count * 4]);
    let buffer = guest.put(&vec![0; size]);
    guest.ok(get, &[pointers, buffer]);
    let starts: Vec<u32> = (0..count).map(|index| guest.get_u32(pointers + index as u64 * 4)).collect();
    let ends = starts.iter().skip(1).copied();
    let ends = ends.chain([buffer as u32 + size as u32]);
    starts.iter().zip(ends).map(|(start, end)| guest.get(u64::from(*start), (end - start) as usize)).collect()
}

#[test]
fn args_are_terminated_strings() {
    let args = strings(&mut guest(), "args_sizes_get", "args_get");
    assert_eq!(args, [&b"prog\0"[..], b"\0", b"-x\0", b"\xff\xfe\0"]);
}

#[test]
fn environ_is_pairs_in_order() {
    let environ = strings(&mut guest(), "environ_sizes_get", "environ_get");
    assert_eq!(environ, [&b"HOME=/\0"[..], b"EMPTY=\0", b"EQUALS=a=b\0"]);
}

#[test]
fn nothing_is_given_by_default() {
    let mut guest = Guest::new(&mut WasiCtxBuilder::new());
    assert!(strings(&mut guest, "args_sizes_get", "args_get").is_empty());
    assert!(strings(&mut guest, "environ_sizes_get", "environ_get").is_empty());
}

#[test]
fn bad_pointers_trap() {
    let mut guest = guest();
    let end = guest.memory.len() as u64;
    for (name, args) in [
        ("args_get", [end - 4, 0]),
        ("args_get", [0, end - 4]),
        ("environ_get", [end, 0]),
        ("environ_get", [0, u64::from(u32::MAX)]),
        ("args_sizes_get", [end, 0]),
        ("environ_sizes_get", [0, end]),
    ] {
        let result = guest.call(name, &args);
        assert!(matches!(result, Err(Trap::Memory(MemoryFault::OutOfBounds { .. }))), "{name} {args:?}: {result:?}");
    }
    let misaligned = guest.call("args_get", &[2, 0]);
    assert!(matches!(misaligned, Err(Trap::Memory(MemoryFault::Misaligned { offset: 2, align: 4 }))));
}
