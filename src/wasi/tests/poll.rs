//! Waiting for time and descriptors.

use crate::guest::{BAD, Guest, ROOT, STDIN, STDOUT, in_dir};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use terrace_wasi::{Errno, FdStream, InputStream, MemoryFault, OFlags, Readiness, Rights, Trap, WasiCtxBuilder};

const REALTIME: u32 = 0;
const MONOTONIC: u32 = 1;
const ABSTIME: u16 = 1;
const CLOCK: u8 = 0;
const FD_READ: u8 = 1;
const FD_WRITE: u8 = 2;

#[derive(Clone, Copy)]
enum On {
    Clock(u32, u64, u16),
    Read(u32),
    Write(u32),
}

#[derive(Debug, PartialEq, Eq)]
struct Event {
    userdata: u64,
    errno: u16,
    kind: u8,
    nbytes: u64,
    flags: u16,
}

fn event(userdata: u64, kind: u8, nbytes: u64, flags: u16) -> Event {
    Event { userdata, errno: 0, kind, nbytes, flags }
}

/// Polls with the index as user data.
fn poll(guest: &mut Guest, on: &[On]) -> Result<Vec<Event>, Errno> {
    let mut bytes = Vec::new();
    for (index, on) in (0u64..).zip(on) {
        let mut sub = [0u8; 48];
        sub[..8].copy_from_slice(&index.to_le_bytes());
        let (kind, id) = match *on {
            On::Clock(id, timeout, flags) => {
                sub[24..32].copy_from_slice(&timeout.to_le_bytes());
                sub[40..42].copy_from_slice(&flags.to_le_bytes());
                (CLOCK, id)
            }
            On::Read(fd) => (FD_READ, fd),
            On::Write(fd) => (FD_WRITE, fd),
        };
        sub[8] = kind;
        sub[16..20].copy_from_slice(&id.to_le_bytes());
        bytes.extend(sub);
    }
    let subs = guest.put(&bytes);
    let events = guest.put(&vec![0xff; on.len() * 32]);
    let count = guest.u32("poll_oneoff", &[subs, events, on.len() as u64])?;
    Ok((0..u64::from(count))
        .map(|index| {
            let bytes = guest.get(events + index * 32, 32);
            Event {
                userdata: u64::from_le_bytes(bytes[..8].try_into().unwrap()),
                errno: u16::from_le_bytes([bytes[8], bytes[9]]),
                kind: bytes[10],
                nbytes: u64::from_le_bytes(bytes[16..24].try_into().unwrap()),
                flags: u16::from_le_bytes([bytes[24], bytes[25]]),
            }
        })
        .collect())
}

#[test]
fn a_sleep_takes_its_time() {
    let mut guest = Guest::new(&mut WasiCtxBuilder::new());
    for clock in [REALTIME, MONOTONIC] {
        let start = Instant::now();
        let events = poll(&mut guest, &[On::Clock(clock, 30_000_000, 0)]).unwrap();
        assert_eq!(events, [event(0, CLOCK, 0, 0)]);
        assert!(start.elapsed() >= Duration::from_millis(30));
    }
}

#[test]
fn the_earliest_deadline_wins() {
    let mut guest = Guest::new(&mut WasiCtxBuilder::new());
    let hour = 3_600_000_000_000;
    let on = [On::Clock(MONOTONIC, hour, 0), On::Clock(MONOTONIC, 1_000_000, 0), On::Clock(REALTIME, u64::MAX, 0)];
    assert_eq!(poll(&mut guest, &on), Ok(vec![event(1, CLOCK, 0, 0)]));
    // What has passed is due at once, together with all that is due.
    let on = [On::Clock(REALTIME, 1, ABSTIME), On::Clock(MONOTONIC, 0, 0), On::Clock(MONOTONIC, hour, 0)];
    let events = vec![event(0, CLOCK, 0, 0), event(1, CLOCK, 0, 0)];
    assert_eq!(poll(&mut guest, &on), Ok(events));
}

#[test]
fn absolute_times_are_those_of_the_clock() {
    let mut guest = Guest::new(&mut WasiCtxBuilder::new());
    for clock in [REALTIME, MONOTONIC] {
        let now = guest.u64("clock_time_get", &[clock.into(), 0]).unwrap();
        let on = [On::Clock(clock, now + 20_000_000, ABSTIME)];
        assert_eq!(poll(&mut guest, &on).unwrap().len(), 1);
        let later = guest.u64("clock_time_get", &[clock.into(), 0]).unwrap();
        assert!(later >= now + 20_000_000);
    }
}

#[test]
fn virtual_sleep_moves_virtual_time_only() {
    let mut guest = Guest::new(WasiCtxBuilder::new().deterministic(0));
    let year = 365 * 86_400_000_000_000;
    let start = Instant::now();
    let on = [On::Clock(MONOTONIC, year, 0), On::Read(STDIN)];
    // Standard input is at its end, so it is ready first.
    let events = poll(&mut guest, &on).unwrap();
    assert_eq!(events, [event(1, FD_READ, 1, 0)]);
    let events = poll(&mut guest, &on[..1]).unwrap();
    assert_eq!(events, [event(0, CLOCK, 0, 0)]);
    assert!(start.elapsed() < Duration::from_secs(10));
    let now = guest.u64("clock_time_get", &[MONOTONIC.into(), 0]).unwrap();
    assert!((year..year + 1_000_000).contains(&now));
}

#[test]
fn virtual_time_passes_while_a_descriptor_is_not_ready() {
    let (reader, _writer) = io::pipe().unwrap();
    let mut builder = WasiCtxBuilder::new();
    builder.deterministic(0).stdin(FdStream::new(reader));
    let mut guest = Guest::new(&mut builder);
    let on = [On::Read(STDIN), On::Clock(MONOTONIC, 3_600_000_000_000, 0)];
    assert_eq!(poll(&mut guest, &on), Ok(vec![event(1, CLOCK, 0, 0)]));
}

#[test]
fn files_are_ready_and_say_what_is_left() {
    let (_dir, mut guest) = in_dir();
    let fd = guest.create("f");
    guest.write(fd, b"abcd").unwrap();
    let hangup = 1;
    let read = |guest: &mut Guest| poll(guest, &[On::Read(fd)]).unwrap();
    assert_eq!(read(&mut guest), [event(0, FD_READ, 0, hangup)]);
    guest.seek(fd, 1, 0).unwrap();
    assert_eq!(read(&mut guest), [event(0, FD_READ, 3, 0)]);
    let on = [On::Write(fd), On::Write(STDOUT), On::Read(fd)];
    let events = vec![event(0, FD_WRITE, 1, 0), event(1, FD_WRITE, 1, 0), event(2, FD_READ, 3, 0)];
    assert_eq!(poll(&mut guest, &on), Ok(events));
}

#[test]
fn a_pipe_becomes_ready() {
    let (reader, mut writer) = io::pipe().unwrap();
    let mut guest = Guest::new(WasiCtxBuilder::new().stdin(FdStream::new(reader)));
    let short = On::Clock(MONOTONIC, 10_000_000, 0);
    let events = poll(&mut guest, &[On::Read(STDIN), short]).unwrap();
    assert_eq!(events, [event(1, CLOCK, 0, 0)]);
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        writer.write_all(b"x").unwrap();
        writer
    });
    let events = poll(&mut guest, &[On::Read(STDIN)]).unwrap();
    assert_eq!(events, [event(0, FD_READ, 1, 0)]);
    assert_eq!(guest.read(STDIN, 9), Ok(b"x".to_vec()));
    drop(thread.join().unwrap());
    let events = poll(&mut guest, &[On::Read(STDIN)]).unwrap();
    assert_eq!(events, [event(0, FD_READ, 1, 1)]);
}

#[test]
fn a_stream_without_a_descriptor_is_asked_again() {
    struct Gate(Arc<AtomicBool>);
    impl InputStream for Gate {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Ok(0)
        }
        fn readiness(&self) -> Readiness<'_> {
            if self.0.load(Ordering::Relaxed) { Readiness::Ready } else { Readiness::Pending }
        }
    }
    let open = Arc::new(AtomicBool::new(false));
    let mut guest = Guest::new(WasiCtxBuilder::new().stdin(Gate(open.clone())));
    let short = On::Clock(MONOTONIC, 5_000_000, 0);
    let events = poll(&mut guest, &[On::Read(STDIN), short]).unwrap();
    assert_eq!(events, [event(1, CLOCK, 0, 0)]);
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30));
        open.store(true, Ordering::Relaxed);
    });
    let events = poll(&mut guest, &[On::Read(STDIN)]).unwrap();
    assert_eq!(events, [event(0, FD_READ, 1, 0)]);
    thread.join().unwrap();
}

#[test]
fn what_cannot_be_waited_for_is_an_error() {
    let (_dir, mut guest) = in_dir();
    let sleep = On::Clock(MONOTONIC, 0, 0);
    for on in [On::Read(BAD), On::Write(BAD), On::Read(STDOUT), On::Write(STDIN), On::Read(ROOT), On::Write(ROOT)] {
        assert_eq!(poll(&mut guest, &[sleep, on]), Err(Errno::Badf));
    }
    for clock in [2, 3, 4, u32::MAX] {
        let on = [On::Clock(clock, 0, 0)];
        assert_eq!(poll(&mut guest, &on), Err(Errno::Inval));
    }
    let unknown_flag = [On::Clock(MONOTONIC, 0, 2)];
    assert_eq!(poll(&mut guest, &unknown_flag), Err(Errno::Inval));
    assert_eq!(poll(&mut guest, &[]), Err(Errno::Inval));
    let mut sub = [0; 48];
    sub[8] = 3;
    let subs = guest.put(&sub);
    guest.fails(Errno::Inval, "poll_oneoff", &[subs, 0, 1, 0]);
}

#[test]
fn rights_are_needed() {
    let (_dir, mut guest) = in_dir();
    for right in [Rights::POLL_FD_READWRITE, Rights::FD_READ] {
        let fd = guest.open("f", OFlags::CREAT, Rights::FD_READ).unwrap();
        let (_, _, base, inheriting) = guest.fdstat(fd).unwrap();
        let rest = (base - right).bits();
        let args = [fd.into(), rest, inheriting.bits()];
        guest.ok("fd_fdstat_set_rights", &args);
        assert_eq!(poll(&mut guest, &[On::Read(fd)]), Err(Errno::Notcapable));
    }
}

#[test]
fn bad_arrays_trap() {
    let mut guest = Guest::new(&mut WasiCtxBuilder::new());
    let end = guest.memory.len() as u64;
    for args in [[end - 40, 0, 1, 0], [0, end - 24, 1, 0]] {
        let result = guest.call("poll_oneoff", &args);
        assert!(matches!(result, Err(Trap::Memory(MemoryFault::OutOfBounds { .. }))));
    }
    for args in [[4, 0, 1, 0], [0, 4, 1, 0]] {
        let result = guest.call("poll_oneoff", &args);
        assert!(matches!(result, Err(Trap::Memory(MemoryFault::Misaligned { .. }))));
    }
}
