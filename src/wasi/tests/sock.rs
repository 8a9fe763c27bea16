//! Sockets.

use crate::guest::{BAD, Guest, ROOT, STDIN, in_dir};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use terrace_wasi::{Errno, FdFlags, Rights, WasiCtxBuilder};

const LISTENER: u32 = 3;
const NONBLOCK: u64 = FdFlags::NONBLOCK.bits() as u64;
const SOCKET_STREAM: u8 = 6;

fn listening() -> (Guest, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut builder = WasiCtxBuilder::new();
    builder.preopened_listener(listener).unwrap();
    (Guest::new(&mut builder), address)
}

/// A guest, its end of a connection and ours.
fn connected() -> (Guest, u32, TcpStream) {
    let (mut guest, address) = listening();
    let stream = TcpStream::connect(address).unwrap();
    let fd = guest.u32("sock_accept", &[LISTENER.into(), 0]).unwrap();
    (guest, fd, stream)
}

fn recv(guest: &mut Guest, fd: u32, lens: &[usize], flags: u64) -> Result<Vec<u8>, Errno> {
    let total: usize = lens.iter().sum();
    let at = guest.put(&vec![0; total]);
    let mut next = at as u32;
    let mut buffers = Vec::new();
    for len in lens {
        buffers.push((next, *len as u32));
        next += *len as u32;
    }
    let iovs = guest.iovecs(&buffers);
    let out = guest.put(&[0xff; 8]);
    let args = [fd.into(), iovs, lens.len() as u64, flags, out, out + 4];
    match guest.errno("sock_recv", &args) {
        Errno::Success => {
            assert_eq!(guest.get(out + 4, 4), [0, 0, 0xff, 0xff]);
            let count = guest.get_u32(out) as usize;
            Ok(guest.get(at, count))
        }
        errno => Err(errno),
    }
}

fn send(guest: &mut Guest, fd: u32, bytes: &[u8]) -> Result<u32, Errno> {
    let ([iovs, count], _) = guest.buffer(bytes);
    guest.u32("sock_send", &[fd.into(), iovs, count, 0])
}

#[test]
fn a_connection_carries_bytes_both_ways() {
    let (mut guest, fd, mut stream) = connected();
    stream.write_all(b"request").unwrap();
    assert_eq!(recv(&mut guest, fd, &[0, 3, 9], 0), Ok(b"req".to_vec()));
    assert_eq!(guest.read(fd, 99), Ok(b"uest".to_vec()));
    assert_eq!(send(&mut guest, fd, b"res"), Ok(3));
    assert_eq!(guest.write(fd, b"ponse"), Ok(5));
    let mut bytes = [0; 8];
    stream.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"response");
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(recv(&mut guest, fd, &[9], 0), Ok(vec![]));
}

#[test]
fn receiving_can_look_and_can_wait() {
    let (mut guest, fd, mut stream) = connected();
    stream.write_all(b"abc").unwrap();
    let (peek, wait_all) = (1, 2);
    assert_eq!(recv(&mut guest, fd, &[9], peek), Ok(b"abc".to_vec()));
    let thread = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(20));
        stream.write_all(b"defg").unwrap();
        stream
    });
    assert_eq!(recv(&mut guest, fd, &[2, 4], wait_all), Ok(b"abcdef".to_vec()));
    let stream = thread.join().unwrap();
    drop(stream);
    assert_eq!(recv(&mut guest, fd, &[9], wait_all), Ok(b"g".to_vec()));
}

#[test]
fn nonblocking_sockets_do_not_wait() {
    let (mut guest, address) = listening();
    guest.ok("fd_fdstat_set_flags", &[LISTENER.into(), NONBLOCK]);
    let accept = |guest: &mut Guest| guest.u32("sock_accept", &[LISTENER.into(), NONBLOCK]);
    assert_eq!(accept(&mut guest), Err(Errno::Again));
    let _stream = TcpStream::connect(address).unwrap();
    let fd = accept(&mut guest).unwrap();
    assert_eq!(guest.fdstat(fd).unwrap().1, FdFlags::NONBLOCK);
    assert_eq!(recv(&mut guest, fd, &[9], 0), Err(Errno::Again));
    assert_eq!(guest.read(fd, 9), Err(Errno::Again));
    // As much as fits, then nothing.
    let full = (0..10_000).find_map(|_| send(&mut guest, fd, &[0; 65536]).err());
    assert_eq!(full, Some(Errno::Again));
    guest.ok("fd_fdstat_set_flags", &[fd.into(), 0]);
    assert_eq!(guest.fdstat(fd).unwrap().1, FdFlags::empty());
    let append = FdFlags::APPEND.bits().into();
    guest.fails(Errno::Inval, "fd_fdstat_set_flags", &[fd.into(), append]);
    let bad_flags = [LISTENER.into(), append];
    assert_eq!(guest.u32("sock_accept", &bad_flags), Err(Errno::Inval));
}

#[test]
fn shutdown_closes_halves() {
    let (mut guest, fd, mut stream) = connected();
    guest.fails(Errno::Inval, "sock_shutdown", &[fd.into(), 0]);
    guest.fails(Errno::Inval, "sock_shutdown", &[fd.into(), 4]);
    guest.ok("sock_shutdown", &[fd.into(), 2]);
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"");
    assert_eq!(send(&mut guest, fd, b"x"), Err(Errno::Pipe));
    stream.write_all(b"still").unwrap();
    assert_eq!(recv(&mut guest, fd, &[9], 0), Ok(b"still".to_vec()));
    guest.ok("sock_shutdown", &[fd.into(), 1]);
    assert_eq!(recv(&mut guest, fd, &[9], 0), Ok(vec![]));
}

#[test]
fn attributes_of_sockets() {
    let (mut guest, fd, _stream) = connected();
    let (filetype, flags, base, inheriting) = guest.fdstat(LISTENER).unwrap();
    assert_eq!((filetype, flags), (SOCKET_STREAM, FdFlags::empty()));
    assert!(base.contains(Rights::SOCK_ACCEPT) && !base.contains(Rights::FD_READ));
    let (filetype, _, base, _) = guest.fdstat(fd).unwrap();
    assert_eq!((filetype, base), (SOCKET_STREAM, inheriting));
    assert_eq!(guest.fd_stat(fd).unwrap().filetype, SOCKET_STREAM);
    assert_eq!(guest.seek(fd, 0, 0), Err(Errno::Spipe));
    assert_eq!(guest.read(LISTENER, 1), Err(Errno::Badf));
    assert_eq!(guest.write(LISTENER, b"x"), Err(Errno::Badf));
}

#[test]
fn rights_are_needed() {
    let (mut guest, fd, stream) = connected();
    let (_, _, base, inheriting) = guest.fdstat(fd).unwrap();
    let rest = base - Rights::FD_READ - Rights::FD_WRITE - Rights::SOCK_SHUTDOWN;
    let args = [fd.into(), rest.bits(), inheriting.bits()];
    guest.ok("fd_fdstat_set_rights", &args);
    assert_eq!(recv(&mut guest, fd, &[1], 0), Err(Errno::Notcapable));
    assert_eq!(send(&mut guest, fd, b"x"), Err(Errno::Notcapable));
    guest.fails(Errno::Notcapable, "sock_shutdown", &[fd.into(), 1]);
    // Through the listener: first what is accepted, then accepting.
    let (_, _, base, inheriting) = guest.fdstat(LISTENER).unwrap();
    let rest = inheriting - Rights::FD_WRITE;
    guest.ok("fd_fdstat_set_rights", &[LISTENER.into(), base.bits(), rest.bits()]);
    let _other = TcpStream::connect(stream.peer_addr().unwrap()).unwrap();
    let accepted = guest.u32("sock_accept", &[LISTENER.into(), 0]).unwrap();
    assert_eq!(send(&mut guest, accepted, b"x"), Err(Errno::Notcapable));
    guest.ok("fd_fdstat_set_rights", &[LISTENER.into(), 0, 0]);
    let accept = [LISTENER.into(), 0];
    assert_eq!(guest.u32("sock_accept", &accept), Err(Errno::Notcapable));
}

#[test]
fn other_descriptors_are_no_sockets() {
    let (_dir, mut guest) = in_dir();
    let file = guest.create("f");
    for (fd, errno) in [(file, Errno::Notsock), (ROOT, Errno::Notsock), (STDIN, Errno::Notsock), (BAD, Errno::Badf)] {
        assert_eq!(guest.u32("sock_accept", &[fd.into(), 0]), Err(errno));
        assert_eq!(recv(&mut guest, fd, &[1], 0), Err(errno));
        assert_eq!(send(&mut guest, fd, b"x"), Err(errno));
        guest.fails(errno, "sock_shutdown", &[fd.into(), 1]);
    }
    let (mut guest, fd, _stream) = connected();
    assert_eq!(guest.u32("sock_accept", &[fd.into(), 0]), Err(Errno::Inval));
    assert_eq!(recv(&mut guest, LISTENER, &[1], 0), Err(Errno::Notsock));
    assert_eq!(recv(&mut guest, fd, &[1], 4), Err(Errno::Inval));
    let ([iovs, count], _) = guest.buffer(b"x");
    let args = [fd.into(), iovs, count, 1];
    assert_eq!(guest.u32("sock_send", &args), Err(Errno::Inval));
}

#[test]
fn listeners_follow_directories() {
    let dir = tempfile::tempdir().unwrap();
    let mut builder = WasiCtxBuilder::new();
    builder
        .preopened_listener(TcpListener::bind("127.0.0.1:0").unwrap())
        .unwrap()
        .preopened_dir(dir.path(), "/", terrace_wasi::FsPerms::ReadOnly)
        .unwrap();
    let mut guest = Guest::new(&mut builder);
    assert_eq!(guest.fdstat(3).unwrap().0, 3);
    assert_eq!(guest.fdstat(4).unwrap().0, SOCKET_STREAM);
}
