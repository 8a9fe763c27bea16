//! Open files: contents, position, size, times.

use crate::guest::{BAD, FOLLOW, Guest, ROOT, RW, STDIN, STDOUT, SharedMemory, in_dir};
use std::fs;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use terrace_wasi::{Errno, FdFlags, GuestBuffers, MemoryFault, OFlags, Rights, Trap};

const SET: u64 = 0;
const CUR: u64 = 1;
const END: u64 = 2;

fn read_only(guest: &mut Guest, path: &str) -> u32 {
    guest.open(path, OFlags::empty(), Rights::FD_READ).unwrap()
}

fn write_only(guest: &mut Guest, path: &str) -> u32 {
    guest.open(path, OFlags::empty(), Rights::FD_WRITE).unwrap()
}

#[test]
fn what_is_written_is_read_and_on_the_host() {
    let (dir, mut guest) = in_dir();
    let fd = guest.create("f");
    assert_eq!(guest.write(fd, b"hello"), Ok(5));
    assert_eq!(guest.read(fd, 9), Ok(vec![]));
    assert_eq!(guest.seek(fd, 1, SET), Ok(1));
    assert_eq!(guest.read(fd, 3), Ok(b"ell".to_vec()));
    assert_eq!(guest.tell(fd), Ok(4));
    assert_eq!(guest.read(fd, 9), Ok(b"o".to_vec()));
    assert_eq!(fs::read(dir.path().join("f")).unwrap(), b"hello");
}

#[test]
fn positioned_access_leaves_the_position() {
    let (_dir, mut guest) = in_dir();
    let fd = guest.create("f");
    assert_eq!(guest.pwrite(fd, b"abc", 3), Ok(3));
    assert_eq!(guest.tell(fd), Ok(0));
    assert_eq!(guest.pread(fd, 9, 2), Ok(b"\0abc".to_vec()));
    assert_eq!(guest.pread(fd, 9, 6), Ok(vec![]));
    assert_eq!(guest.tell(fd), Ok(0));
    assert_eq!(guest.pread(fd, 1, u64::MAX), Err(Errno::Inval));
    assert_eq!(guest.pwrite(fd, b"x", u64::MAX), Err(Errno::Inval));
}

#[test]
fn vectors_are_moved_as_a_whole() {
    let (_dir, mut guest) = in_dir();
    let fd = guest.create("f");
    let data = guest.put(b"abcdef") as u32;
    let iovs = guest.iovecs(&[(data, 2), (0, 0), (data + 4, 2), (data + 2, 2)]);
    assert_eq!(guest.u32("fd_write", &[fd.into(), iovs, 4]), Ok(6));
    let into = guest.put(&[0; 8]) as u32;
    let iovs = guest.iovecs(&[(into, 1), (into + 4, 4), (into + 1, 3)]);
    assert_eq!(guest.u32("fd_pread", &[fd.into(), iovs, 3, 0]), Ok(6));
    assert_eq!(guest.get(into.into(), 8), b"ad\0\0befc");
    assert_eq!(guest.u32("fd_read", &[fd.into(), iovs, 0]), Ok(0));
}

#[test]
fn shared_memory_works_the_same() {
    let (dir, mut guest) = in_dir();
    let fd = guest.create("f");
    const LEN: u32 = 150_000;
    let byte = |index: u32| (index * 7 % 251) as u8;
    let mut memory = SharedMemory((0..LEN * 2 + 8).map(|_| AtomicU8::new(0)).collect());
    for index in 0..LEN {
        memory.0[index as usize].store(byte(index), Ordering::Relaxed);
    }
    let describe = |memory: &SharedMemory, ptr: u32| {
        let bytes = [ptr.to_le_bytes(), LEN.to_le_bytes()].concat();
        for (cell, byte) in memory.0[LEN as usize * 2..].iter().zip(bytes) {
            cell.store(byte, Ordering::Relaxed);
        }
        GuestBuffers { ptr: LEN * 2, len: 1 }
    };
    let buffers = describe(&memory, 0);
    assert_eq!(guest.ctx.fd_write(&mut memory, fd, buffers).unwrap(), LEN);
    let expected: Vec<u8> = (0..LEN).map(byte).collect();
    assert_eq!(fs::read(dir.path().join("f")).unwrap(), expected);
    let buffers = describe(&memory, LEN);
    assert_eq!(guest.ctx.fd_pread(&mut memory, fd, buffers, 1).unwrap(), LEN - 1);
    let read: Vec<u8> =
        memory.0[LEN as usize..][..LEN as usize - 1].iter().map(|cell| cell.load(Ordering::Relaxed)).collect();
    assert_eq!(read, expected[1..]);
}

#[test]
fn a_bad_buffer_traps_before_anything_moves() {
    let (dir, mut guest) = in_dir();
    let fd = guest.create("f");
    let end = guest.memory.len() as u32;
    let iovs = guest.iovecs(&[(0, 4), (end - 1, 2)]);
    for name in ["fd_write", "fd_read"] {
        let result = guest.call(name, &[fd.into(), iovs, 2, 0]);
        assert!(matches!(result, Err(Trap::Memory(MemoryFault::OutOfBounds { .. }))), "{name}: {result:?}");
    }
    assert_eq!(fs::read(dir.path().join("f")).unwrap(), b"");
    let misaligned = guest.call("fd_write", &[fd.into(), iovs + 1, 1, 0]);
    assert!(matches!(misaligned, Err(Trap::Memory(MemoryFault::Misaligned { .. }))));
    let outside = guest.call("fd_pread", &[fd.into(), u64::from(end), 1, 0, 0]);
    assert!(matches!(outside, Err(Trap::Memory(_))));
}

#[test]
fn append_writes_at_the_end_whatever_the_position() {
    let (dir, mut guest) = in_dir();
    fs::write(dir.path().join("f"), "ab").unwrap();
    let fd = guest.open_with(ROOT, FOLLOW, "f", OFlags::empty(), RW, FdFlags::APPEND).unwrap();
    assert_eq!(guest.tell(fd), Ok(0));
    assert_eq!(guest.write(fd, b"cd"), Ok(2));
    assert_eq!(guest.tell(fd), Ok(4));
    assert_eq!(guest.seek(fd, 1, SET), Ok(1));
    assert_eq!(guest.pwrite(fd, b"e", 0), Ok(1));
    assert_eq!(guest.tell(fd), Ok(1));
    assert_eq!(guest.read(fd, 9), Ok(b"bcde".to_vec()));
    // Even an offset beyond all files does not matter.
    assert_eq!(guest.pwrite(fd, b"", u64::MAX), Ok(0));
    assert_eq!(guest.pwrite(fd, b"f", u64::MAX), Ok(1));
    assert_eq!(guest.seek(fd, i64::MAX, SET), Ok(i64::MAX as u64));
    assert_eq!(guest.seek(fd, i64::MAX, CUR), Ok(u64::MAX - 1));
    assert_eq!(guest.write(fd, b"ghi"), Ok(3));
    assert_eq!(guest.tell(fd), Ok(9));
    // And back to normal.
    guest.ok("fd_fdstat_set_flags", &[fd.into(), 0]);
    assert_eq!(guest.pwrite(fd, b"X", 0), Ok(1));
    assert_eq!(fs::read(dir.path().join("f")).unwrap(), b"Xbcdefghi");
}

#[test]
fn seek_moves_from_each_origin() {
    let (_dir, mut guest) = in_dir();
    let fd = guest.create("f");
    guest.write(fd, b"0123456789").unwrap();
    assert_eq!(guest.seek(fd, -4, END), Ok(6));
    assert_eq!(guest.seek(fd, -2, CUR), Ok(4));
    assert_eq!(guest.seek(fd, 100, SET), Ok(100));
    assert_eq!(guest.read(fd, 1), Ok(vec![]));
    assert_eq!(guest.seek(fd, 0, CUR), Ok(100));
    assert_eq!(guest.seek(fd, -1, SET), Err(Errno::Inval));
    assert_eq!(guest.seek(fd, -101, CUR), Err(Errno::Inval));
    assert_eq!(guest.seek(fd, -11, END), Err(Errno::Inval));
    assert_eq!(guest.seek(fd, 0, 3), Err(Errno::Inval));
    assert_eq!(guest.tell(fd), Ok(100));
    assert_eq!(guest.seek(fd, i64::MAX, SET), Ok(i64::MAX as u64));
    assert_eq!(guest.seek(fd, i64::MAX, CUR), Ok(u64::MAX - 1));
    assert_eq!(guest.seek(fd, 2, CUR), Err(Errno::Inval));
    assert_eq!(guest.read(fd, 1), Err(Errno::Inval));
    assert_eq!(guest.write(fd, b"x"), Err(Errno::Inval));
}

#[test]
fn streams_and_directories_have_no_position() {
    let (_dir, mut guest) = in_dir();
    for (fd, errno) in [(STDIN, Errno::Spipe), (STDOUT, Errno::Spipe), (ROOT, Errno::Badf), (BAD, Errno::Badf)] {
        assert_eq!(guest.seek(fd, 0, SET), Err(errno), "{fd}");
        assert_eq!(guest.tell(fd), Err(errno), "{fd}");
    }
    assert_eq!(guest.pread(STDIN, 1, 0), Err(Errno::Spipe));
    assert_eq!(guest.pread(STDOUT, 1, 0), Err(Errno::Badf));
    assert_eq!(guest.pread(ROOT, 1, 0), Err(Errno::Badf));
    assert_eq!(guest.pwrite(STDOUT, b"x", 0), Err(Errno::Spipe));
    assert_eq!(guest.pwrite(STDIN, b"x", 0), Err(Errno::Badf));
    assert_eq!(guest.pwrite(ROOT, b"x", 0), Err(Errno::Badf));
}

#[test]
fn the_way_of_opening_decides_what_works() {
    let (_dir, mut guest) = in_dir();
    guest.create("f");
    let reader = read_only(&mut guest, "f");
    assert_eq!(guest.write(reader, b"x"), Err(Errno::Badf));
    assert_eq!(guest.pwrite(reader, b"x", 0), Err(Errno::Badf));
    assert_eq!(guest.errno("fd_allocate", &[reader.into(), 0, 1]), Errno::Badf);
    assert_eq!(guest.errno("fd_filestat_set_size", &[reader.into(), 1]), Errno::Inval);
    let writer = write_only(&mut guest, "f");
    assert_eq!(guest.read(writer, 1), Err(Errno::Badf));
    assert_eq!(guest.pread(writer, 1, 0), Err(Errno::Badf));
    assert_eq!(guest.write(writer, b"x"), Ok(1));
}

#[test]
fn bad_descriptors_are_refused_everywhere() {
    let (_dir, mut guest) = in_dir();
    for fd in [BAD, u32::MAX] {
        assert_eq!(guest.read(fd, 1), Err(Errno::Badf));
        assert_eq!(guest.write(fd, b"x"), Err(Errno::Badf));
        assert_eq!(guest.pread(fd, 1, 0), Err(Errno::Badf));
        assert_eq!(guest.pwrite(fd, b"x", 0), Err(Errno::Badf));
        assert_eq!(guest.fd_stat(fd), Err(Errno::Badf));
        for (name, args) in [
            ("fd_advise", &[0, 0, 0][..]),
            ("fd_allocate", &[0, 1]),
            ("fd_datasync", &[]),
            ("fd_sync", &[]),
            ("fd_close", &[]),
            ("fd_filestat_set_size", &[0]),
            ("fd_filestat_set_times", &[0, 0, 0]),
        ] {
            guest.fails(Errno::Badf, name, &[&[fd.into()], args].concat());
        }
    }
    // Neither are they files.
    for fd in [ROOT, STDIN, STDOUT] {
        for (name, args) in [
            ("fd_advise", &[0, 0, 0][..]),
            ("fd_allocate", &[0, 1]),
            ("fd_datasync", &[]),
            ("fd_sync", &[]),
            ("fd_filestat_set_size", &[0]),
        ] {
            guest.fails(Errno::Badf, name, &[&[fd.into()], args].concat());
        }
    }
    assert_eq!(guest.read(ROOT, 1), Err(Errno::Badf));
    assert_eq!(guest.write(ROOT, b"x"), Err(Errno::Badf));
}

#[test]
fn advice_is_taken() {
    let (_dir, mut guest) = in_dir();
    let fd = u64::from(guest.create("f"));
    for advice in 0..6 {
        guest.ok("fd_advise", &[fd, 0, 100, advice]);
    }
    guest.ok("fd_advise", &[fd, 0, 0, 0]);
    guest.fails(Errno::Inval, "fd_advise", &[fd, 0, 0, 6]);
    guest.fails(Errno::Inval, "fd_advise", &[fd, 0, u64::MAX, 0]);
}

#[test]
fn allocate_extends_and_never_shrinks() {
    let (_dir, mut guest) = in_dir();
    let fd = guest.create("f");
    guest.write(fd, b"ab").unwrap();
    guest.ok("fd_allocate", &[fd.into(), 0, 100]);
    assert_eq!(guest.fd_stat(fd).unwrap().size, 100);
    guest.ok("fd_allocate", &[fd.into(), 0, 10]);
    assert_eq!(guest.fd_stat(fd).unwrap().size, 100);
    assert_eq!(guest.pread(fd, 3, 0), Ok(b"ab\0".to_vec()));
    guest.fails(Errno::Inval, "fd_allocate", &[fd.into(), 0, 0]);
    guest.fails(Errno::Inval, "fd_allocate", &[fd.into(), u64::MAX, 1]);
}

#[test]
fn size_can_be_set() {
    let (dir, mut guest) = in_dir();
    let fd = guest.create("f");
    guest.write(fd, b"abcd").unwrap();
    guest.ok("fd_filestat_set_size", &[fd.into(), 2]);
    assert_eq!(fs::read(dir.path().join("f")).unwrap(), b"ab");
    guest.ok("fd_filestat_set_size", &[fd.into(), 3]);
    assert_eq!(fs::read(dir.path().join("f")).unwrap(), b"ab\0");
    guest.fails(Errno::Inval, "fd_filestat_set_size", &[fd.into(), u64::MAX]);
}

#[test]
fn sync_reaches_the_device() {
    let (_dir, mut guest) = in_dir();
    let fd = u64::from(guest.create("f"));
    guest.ok("fd_sync", &[fd]);
    guest.ok("fd_datasync", &[fd]);
}

#[test]
fn attributes_of_a_file() {
    let (dir, mut guest) = in_dir();
    let fd = guest.create("f");
    guest.write(fd, b"abc").unwrap();
    fs::hard_link(dir.path().join("f"), dir.path().join("g")).unwrap();
    let stat = guest.fd_stat(fd).unwrap();
    assert_eq!((stat.dev, stat.filetype, stat.nlink, stat.size), (1, 4, 2, 3));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = now.as_nanos() as u64;
    for time in [stat.atim, stat.mtim, stat.ctim] {
        assert!(now.abs_diff(time) < 60_000_000_000, "{now} {time}");
    }
    assert_eq!(guest.stat(ROOT, FOLLOW, "g"), Ok(stat));
    let root = guest.fd_stat(ROOT).unwrap();
    assert_eq!(root.filetype, 3);
    assert_ne!(root.ino, stat.ino);
}

#[test]
fn times_can_be_set() {
    let (_dir, mut guest) = in_dir();
    let fd = guest.create("f");
    let set = |guest: &mut Guest, fd: u32, atim, mtim, flags| {
        guest.errno("fd_filestat_set_times", &[fd.into(), atim, mtim, flags])
    };
    assert_eq!(set(&mut guest, fd, 1_000_000_001, 2_000_000_002, 1 | 4), Errno::Success);
    let stat = guest.fd_stat(fd).unwrap();
    assert_eq!((stat.atim, stat.mtim), (1_000_000_001, 2_000_000_002));
    // One alone, the other from the clock.
    assert_eq!(set(&mut guest, fd, 7, 9, 1), Errno::Success);
    let stat = guest.fd_stat(fd).unwrap();
    assert_eq!((stat.atim, stat.mtim), (7, 2_000_000_002));
    assert_eq!(set(&mut guest, fd, 7, 9, 8), Errno::Success);
    let stat = guest.fd_stat(fd).unwrap();
    assert_eq!(stat.atim, 7);
    assert!(stat.mtim > 1_600_000_000_000_000_000);
    assert_eq!(set(&mut guest, fd, 0, 0, 0), Errno::Success);
    assert_eq!(guest.fd_stat(fd).unwrap().atim, 7);
    // Both sources at once, and flags that do not exist.
    assert_eq!(set(&mut guest, fd, 0, 0, 1 | 2), Errno::Inval);
    assert_eq!(set(&mut guest, fd, 0, 0, 4 | 8), Errno::Inval);
    assert_eq!(set(&mut guest, fd, 0, 0, 16), Errno::Inval);
    assert_eq!(set(&mut guest, ROOT, 5, 6, 1 | 4), Errno::Success);
    let stat = guest.fd_stat(ROOT).unwrap();
    assert_eq!((stat.atim, stat.mtim), (5, 6));
    assert_eq!(set(&mut guest, STDIN, 0, 0, 0), Errno::Badf);
}

#[test]
fn virtual_time_reaches_files() {
    let dir = tempfile::tempdir().unwrap();
    let mut builder = terrace_wasi::WasiCtxBuilder::new();
    builder.deterministic(0);
    let mut guest = Guest::new(crate::guest::preopen(&mut builder, dir.path(), terrace_wasi::FsPerms::ReadWrite));
    let fd = guest.create("f");
    guest.ok("fd_filestat_set_times", &[fd.into(), 0, 0, 2 | 8]);
    let stat = guest.fd_stat(fd).unwrap();
    assert_eq!(stat.mtim, 946_684_800_000_001_000);
}

#[test]
fn pipes_in_a_directory_neither_hang_nor_seek() {
    let (dir, mut guest) = in_dir();
    let fifo = dir.path().join("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    assert_eq!(guest.open("fifo", OFlags::empty(), Rights::FD_WRITE), Err(Errno::Nxio));
    let reader = read_only(&mut guest, "fifo");
    let writer = write_only(&mut guest, "fifo");
    assert_eq!(guest.write(writer, b"abc"), Ok(3));
    assert_eq!(guest.read(reader, 9), Ok(b"abc".to_vec()));
    assert_eq!(guest.seek(reader, 0, CUR), Err(Errno::Spipe));
    assert_eq!(guest.pread(reader, 1, 0), Err(Errno::Spipe));
    assert_eq!(guest.pwrite(writer, b"x", 0), Err(Errno::Spipe));
    assert_eq!(guest.fd_stat(reader).unwrap().filetype, 0);
    let nonblock = FdFlags::NONBLOCK.bits().into();
    guest.ok("fd_fdstat_set_flags", &[reader.into(), nonblock]);
    assert_eq!(guest.read(reader, 9), Err(Errno::Again));
    guest.ok("fd_fdstat_set_flags", &[writer.into(), nonblock]);
    let full = (0..1000).find_map(|_| guest.write(writer, &[0; 4096]).err());
    assert_eq!(full, Some(Errno::Again));
    assert_eq!(guest.set_path_times(ROOT, FOLLOW, "fifo", (1, 2), 1 | 4), Errno::Success);
    guest.close(writer);
    while guest.read(reader, 1 << 16).unwrap() != b"" {}
}
