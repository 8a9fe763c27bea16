//! Every call that waits ends when the host says so.

use crate::guest::{FOLLOW, Guest, ROOT, STDIN, STDOUT, preopen};
use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use terrace_wasi::{FdFlags, FdStream, FsPerms, InputStream, OFlags, Readiness, Rights, Trap, WasiCtxBuilder};

/// Calls a function that would wait forever, and interrupts it after a while.
#[track_caller]
fn ends(guest: &mut Guest, name: &str, args: &[u64]) {
    let stop = Arc::new(AtomicBool::new(false));
    let later = stop.clone();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        later.store(true, Ordering::Relaxed);
    });
    let check = move || stop.load(Ordering::Relaxed);
    guest.ctx.set_interruption_check(Some(Arc::new(check)));
    let start = Instant::now();
    let result = guest.call(name, args);
    assert!(matches!(result, Err(Trap::Interrupted)), "{name}: {result:?}");
    assert!(start.elapsed() >= Duration::from_millis(40), "{name} did not wait");
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn reading_a_pipe() {
    let (reader, _writer) = io::pipe().unwrap();
    let mut guest = Guest::new(WasiCtxBuilder::new().stdin(FdStream::new(reader)));
    let ([iovs, count], _) = guest.buffer(&[0; 8]);
    ends(&mut guest, "fd_read", &[STDIN.into(), iovs, count, 0]);
}

#[test]
fn reading_a_stream_without_a_descriptor() {
    struct Never;
    impl InputStream for Never {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            unreachable!("it is never ready");
        }
        fn readiness(&self) -> Readiness<'_> {
            Readiness::Pending
        }
    }
    let mut guest = Guest::new(WasiCtxBuilder::new().stdin(Never));
    let ([iovs, count], _) = guest.buffer(&[0; 8]);
    ends(&mut guest, "fd_read", &[STDIN.into(), iovs, count, 0]);
}

#[test]
fn writing_to_a_full_pipe() {
    let (_reader, writer) = io::pipe().unwrap();
    let mut guest = Guest::new(WasiCtxBuilder::new().stdout(FdStream::new(writer)));
    let ([iovs, count], _) = guest.buffer(&[0; 300_000]);
    ends(&mut guest, "fd_write", &[STDOUT.into(), iovs, count, 0]);
}

#[test]
fn sleeping() {
    let mut guest = Guest::new(&mut WasiCtxBuilder::new());
    let mut sub = [0; 48];
    sub[24..32].copy_from_slice(&u64::MAX.to_le_bytes());
    let sub = guest.put(&sub);
    ends(&mut guest, "poll_oneoff", &[sub, 64, 1, 0]);
}

#[test]
fn polling_a_descriptor() {
    let (reader, _writer) = io::pipe().unwrap();
    let mut guest = Guest::new(WasiCtxBuilder::new().stdin(FdStream::new(reader)));
    let mut sub = [0; 48];
    sub[8] = 1;
    let sub = guest.put(&sub);
    ends(&mut guest, "poll_oneoff", &[sub, 64, 1, 0]);
}

#[test]
fn accepting_and_receiving() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut builder = WasiCtxBuilder::new();
    let mut guest = Guest::new(builder.preopened_listener(listener).unwrap());
    ends(&mut guest, "sock_accept", &[3, 0, 0]);
    guest.ctx.set_interruption_check(None);
    let _stream = TcpStream::connect(address).unwrap();
    let fd = guest.u32("sock_accept", &[3, 0]).unwrap();
    let ([iovs, count], _) = guest.buffer(&[0; 8]);
    ends(&mut guest, "sock_recv", &[fd.into(), iovs, count, 0, 64, 72]);
}

#[test]
fn sending_to_nobody() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut builder = WasiCtxBuilder::new();
    let mut guest = Guest::new(builder.preopened_listener(listener).unwrap());
    let _stream = TcpStream::connect(address).unwrap();
    let fd = guest.u32("sock_accept", &[3, 0]).unwrap();
    guest.memory.resize(64 << 20, 0);
    let ([iovs, count], _) = guest.buffer(&vec![0; 60 << 20]);
    ends(&mut guest, "sock_send", &[fd.into(), iovs, count, 0, 0]);
}

#[test]
fn pipes_in_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, mode).unwrap();
    let mut builder = WasiCtxBuilder::new();
    let mut guest = Guest::new(preopen(&mut builder, dir.path(), FsPerms::ReadWrite));
    let open = |guest: &mut Guest, rights| {
        guest.open_with(ROOT, FOLLOW, "fifo", OFlags::empty(), rights, FdFlags::empty()).unwrap()
    };
    let reader = open(&mut guest, Rights::FD_READ);
    let writer = open(&mut guest, Rights::FD_WRITE);
    let ([iovs, count], _) = guest.buffer(&[0; 8]);
    ends(&mut guest, "fd_read", &[reader.into(), iovs, count, 0]);
    guest.ctx.set_interruption_check(None);
    assert_eq!(guest.write(writer, b"x"), Ok(1));
    assert_eq!(guest.read(reader, 9), Ok(b"x".to_vec()));
}

#[test]
fn long_work_and_yielding() {
    let mut builder = WasiCtxBuilder::new();
    builder.interruption_check(Arc::new(|| true));
    let mut guest = Guest::new(&mut builder);
    let ([iovs, count], _) = guest.buffer(b"x");
    for (name, args) in
        [("random_get", &[0, 1 << 20][..]), ("sched_yield", &[]), ("fd_write", &[STDOUT.into(), iovs, count, 0])]
    {
        let result = guest.call(name, args);
        assert!(matches!(result, Err(Trap::Interrupted)), "{name}: {result:?}");
    }
}

#[test]
fn a_check_that_stays_quiet_changes_nothing() {
    let (reader, writer) = io::pipe().unwrap();
    let mut builder = WasiCtxBuilder::new();
    builder.interruption_check(Arc::new(|| false)).stdin(FdStream::new(reader)).stdout(FdStream::new(writer));
    let mut guest = Guest::new(&mut builder);
    let data: Vec<u8> = (0..40_000u32).map(|index| index as u8).collect();
    assert_eq!(guest.write(STDOUT, &data), Ok(40_000));
    let mut read = Vec::new();
    while read.len() < data.len() {
        read.extend(guest.read(STDIN, 9_999).unwrap());
    }
    assert_eq!(read, data);
    guest.close(STDOUT);
    assert_eq!(guest.read(STDIN, 1), Ok(vec![]));
}
