//! Clocks, the host's and replaced ones.

use crate::guest::Guest;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use terrace_wasi::{Clock, Clocks, Errno, VirtualClocks, WasiCtxBuilder};

const REALTIME: u64 = 0;
const MONOTONIC: u64 = 1;

fn now(guest: &mut Guest, id: u64) -> Result<u64, Errno> {
    guest.u64("clock_time_get", &[id, 1])
}

#[test]
fn the_host_clocks() {
    let mut guest = Guest::new(&mut WasiCtxBuilder::new());
    let host = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let wall = Duration::from_nanos(now(&mut guest, REALTIME).unwrap());
    assert!(wall >= host && wall < host + Duration::from_secs(60));
    let first = now(&mut guest, MONOTONIC).unwrap();
    std::thread::sleep(Duration::from_millis(2));
    let second = now(&mut guest, MONOTONIC).unwrap();
    assert!(second - first >= 2_000_000, "{first} {second}");
    for id in [REALTIME, MONOTONIC] {
        let resolution = guest.u64("clock_res_get", &[id]).unwrap();
        assert!((1..1_000_000_000).contains(&resolution));
    }
}

#[test]
fn cpu_time_is_not_provided() {
    let mut guest = Guest::new(&mut WasiCtxBuilder::new());
    for id in [2, 3] {
        assert_eq!(now(&mut guest, id), Err(Errno::Badf));
        assert_eq!(guest.u64("clock_res_get", &[id]), Err(Errno::Badf));
    }
}

#[test]
fn unknown_clocks_are_invalid() {
    let mut guest = Guest::new(&mut WasiCtxBuilder::new());
    for id in [4, 1 << 31] {
        assert_eq!(now(&mut guest, id), Err(Errno::Inval));
        assert_eq!(guest.u64("clock_res_get", &[id]), Err(Errno::Inval));
    }
}

#[test]
fn virtual_time_depends_on_calls_alone() {
    let run = || {
        let mut guest = Guest::new(WasiCtxBuilder::new().deterministic(1));
        let times: Vec<u64> = [REALTIME, MONOTONIC, MONOTONIC, REALTIME].map(|id| now(&mut guest, id).unwrap()).into();
        (times, guest.u64("clock_res_get", &[MONOTONIC]).unwrap())
    };
    let start = 946_684_800_000_000_000;
    assert_eq!(run(), (vec![start, 1000, 2000, start + 3000], 1000));
    std::thread::sleep(Duration::from_millis(2));
    assert_eq!(run().0[1], 1000);
}

#[test]
fn a_host_replaces_the_clocks() {
    struct Fixed(Duration);
    impl Clocks for Fixed {
        fn resolution(&self, _: Clock) -> Duration {
            Duration::from_secs(1)
        }
        fn now(&mut self, clock: Clock) -> Duration {
            match clock {
                Clock::Realtime => self.0,
                Clock::Monotonic => Duration::ZERO,
            }
        }
    }
    let fixed = Fixed(Duration::from_secs(5));
    let mut guest = Guest::new(WasiCtxBuilder::new().clocks(fixed));
    assert_eq!(now(&mut guest, REALTIME), Ok(5_000_000_000));
    assert_eq!(now(&mut guest, MONOTONIC), Ok(0));
    // A time that 64 bits of nanoseconds cannot hold.
    let mut guest = Guest::new(WasiCtxBuilder::new().clocks(Fixed(Duration::MAX)));
    assert_eq!(now(&mut guest, REALTIME), Err(Errno::Overflow));
    let stuck = VirtualClocks::new(Duration::MAX, Duration::MAX);
    let mut guest = Guest::new(WasiCtxBuilder::new().clocks(stuck));
    assert_eq!(now(&mut guest, REALTIME), Err(Errno::Overflow));
    assert_eq!(guest.u64("clock_res_get", &[REALTIME]), Err(Errno::Overflow));
}
