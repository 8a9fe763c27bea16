//! The process as such.

use crate::guest::Guest;
use terrace_wasi::{Errno, Trap, WasiCtxBuilder};

#[test]
fn exit_ends_the_guest_with_its_status() {
    let mut guest = Guest::new(&mut WasiCtxBuilder::new());
    for (argument, status) in [(0, 0), (1, 1), (200, 200), (0xffff_ffff, -1)] {
        let result = guest.call("proc_exit", &[argument]);
        assert!(matches!(result, Err(Trap::Exit(s)) if s == status), "{result:?}");
    }
}

#[test]
fn signals_are_not_supported() {
    let mut guest = Guest::new(&mut WasiCtxBuilder::new());
    guest.fails(Errno::Notsup, "proc_raise", &[6]);
}

#[test]
fn yield_returns() {
    Guest::new(&mut WasiCtxBuilder::new()).ok("sched_yield", &[]);
}
