//! Descriptors as such: attributes, rights, preopened directories, numbers.

use crate::guest::{BAD, FOLLOW, Guest, ROOT, RW, STDIN, STDOUT, in_dir};
use std::fs;
use terrace_wasi::{Errno, FdFlags, FsPerms, MemoryFault, OFlags, Rights, Trap, WasiCtxBuilder};

const UNKNOWN: u8 = 0;
const DIRECTORY: u8 = 3;
const REGULAR_FILE: u8 = 4;

#[test]
fn standard_streams_that_are_no_terminals() {
    let mut guest = Guest::new(&mut WasiCtxBuilder::new());
    let none = FdFlags::empty();
    let (read, write) = (Rights::FD_READ, Rights::FD_WRITE);
    assert_eq!(guest.fdstat(0), Ok((UNKNOWN, none, read, read)));
    assert_eq!(guest.fdstat(1), Ok((UNKNOWN, none, write, write)));
    assert_eq!(guest.fdstat(2), Ok((UNKNOWN, none, write, write)));
    assert_eq!(guest.fdstat(3), Err(Errno::Badf));
}

#[test]
fn rights_follow_from_the_way_of_opening() {
    let (dir, mut guest) = in_dir();
    fs::create_dir(dir.path().join("d")).unwrap();
    let none = FdFlags::empty();
    let (filetype, flags, base, inheriting) = guest.fdstat(ROOT).unwrap();
    assert_eq!((filetype, flags), (DIRECTORY, none));
    assert_eq!(base.bits(), 0x7b7_fe00);
    assert!(inheriting.contains(base | RW | Rights::FD_SEEK));

    let all = Rights::all();
    let fd = guest.create("f");
    assert_eq!(guest.fdstat(fd), Ok((REGULAR_FILE, none, all, all)));
    let fd = guest.open("f", OFlags::empty(), Rights::FD_READ).unwrap();
    let rights = all - Rights::FD_WRITE;
    assert_eq!(guest.fdstat(fd), Ok((REGULAR_FILE, none, rights, rights)));
    let fd = guest.open("f", OFlags::empty(), Rights::FD_WRITE).unwrap();
    let rights = all - Rights::FD_READ - Rights::FD_READDIR;
    assert_eq!(guest.fdstat(fd), Ok((REGULAR_FILE, none, rights, rights)));

    let fd = guest.open("d", OFlags::DIRECTORY, Rights::FD_READ).unwrap();
    let (filetype, _, base, inheriting) = guest.fdstat(fd).unwrap();
    assert_eq!(filetype, DIRECTORY);
    let not = Rights::FD_WRITE | Rights::FD_SEEK | Rights::FD_FILESTAT_SET_SIZE | Rights::PATH_FILESTAT_SET_SIZE;
    assert_eq!(base, all - not);
    assert!(inheriting.contains(RW));
}

#[test]
fn flags_are_kept() {
    let (_dir, mut guest) = in_dir();
    let flags = FdFlags::APPEND | FdFlags::NONBLOCK | FdFlags::SYNC;
    let fd = guest.open_with(ROOT, FOLLOW, "f", OFlags::CREAT, RW, flags).unwrap();
    assert_eq!(guest.fdstat(fd).unwrap().1, flags);
    let set = |guest: &mut Guest, fd: u32, flags: u16| guest.errno("fd_fdstat_set_flags", &[fd.into(), flags.into()]);
    assert_eq!(set(&mut guest, fd, FdFlags::SYNC.bits()), Errno::Success);
    assert_eq!(guest.fdstat(fd).unwrap().1, FdFlags::SYNC);
    // What only opening can decide.
    assert_eq!(set(&mut guest, fd, 0), Errno::Inval);
    let plain = guest.create("g");
    for flag in [FdFlags::DSYNC, FdFlags::RSYNC, FdFlags::SYNC] {
        assert_eq!(set(&mut guest, plain, flag.bits()), Errno::Inval);
    }
    assert_eq!(set(&mut guest, plain, 1 << 5), Errno::Inval);
    assert_eq!(set(&mut guest, plain, u16::MAX), Errno::Inval);
    for fd in [STDIN, STDOUT, ROOT, BAD] {
        assert_eq!(set(&mut guest, fd, 0), Errno::Badf);
    }
}

fn set_rights(guest: &mut Guest, fd: u32, base: Rights, inheriting: Rights) -> Errno {
    let args = [fd.into(), base.bits(), inheriting.bits()];
    guest.errno("fd_fdstat_set_rights", &args)
}

#[test]
fn rights_only_shrink() {
    let (_dir, mut guest) = in_dir();
    let fd = guest.create("f");
    let all = Rights::all();
    let less = all - Rights::FD_WRITE;
    assert_eq!(set_rights(&mut guest, fd, less, less), Errno::Success);
    assert_eq!(set_rights(&mut guest, fd, all, less), Errno::Notcapable);
    assert_eq!(set_rights(&mut guest, fd, less, all), Errno::Notcapable);
    let (_, _, base, inheriting) = guest.fdstat(fd).unwrap();
    assert_eq!((base, inheriting), (less, less));
    assert_eq!(set_rights(&mut guest, fd, less, less), Errno::Success);
    assert_eq!(set_rights(&mut guest, BAD, less, less), Errno::Badf);
    // A right that a stream never had, and one that nothing has.
    assert_eq!(set_rights(&mut guest, STDIN, Rights::FD_WRITE, Rights::empty()), Errno::Notcapable);
    let unknown = [fd.into(), 1 << 30, 0];
    guest.fails(Errno::Inval, "fd_fdstat_set_rights", &unknown);
}

#[test]
fn every_operation_on_a_file_needs_its_right() {
    let (_dir, mut guest) = in_dir();
    let drop = |guest: &mut Guest, right: Rights| {
        let fd = guest.create("f");
        let rest = Rights::all() - right;
        assert_eq!(set_rights(guest, fd, rest, rest), Errno::Success);
        fd
    };
    let calls: &[(Rights, &str, &[u64])] = &[
        (Rights::FD_ADVISE, "fd_advise", &[0, 0, 0]),
        (Rights::FD_ALLOCATE, "fd_allocate", &[0, 1]),
        (Rights::FD_DATASYNC, "fd_datasync", &[]),
        (Rights::FD_SYNC, "fd_sync", &[]),
        (Rights::FD_FDSTAT_SET_FLAGS, "fd_fdstat_set_flags", &[0]),
        (Rights::FD_FILESTAT_GET, "fd_filestat_get", &[0]),
        (Rights::FD_FILESTAT_SET_SIZE, "fd_filestat_set_size", &[0]),
        (Rights::FD_FILESTAT_SET_TIMES, "fd_filestat_set_times", &[0, 0, 0]),
        (Rights::FD_READ, "fd_read", &[0, 0, 0]),
        (Rights::FD_READ, "fd_pread", &[0, 0, 0, 0]),
        (Rights::FD_SEEK, "fd_pread", &[0, 0, 0, 0]),
        (Rights::FD_WRITE, "fd_write", &[0, 0, 0]),
        (Rights::FD_WRITE, "fd_pwrite", &[0, 0, 0, 0]),
        (Rights::FD_SEEK, "fd_pwrite", &[0, 0, 0, 0]),
        (Rights::FD_SEEK, "fd_seek", &[1, 1, 0]),
        (Rights::FD_TELL, "fd_seek", &[0, 1, 0]),
        (Rights::FD_TELL, "fd_tell", &[0]),
    ];
    for (right, name, args) in calls {
        let fd = drop(&mut guest, *right);
        let args = [&[fd.into()], *args].concat();
        guest.fails(Errno::Notcapable, name, &args);
        let fd = drop(&mut guest, Rights::empty());
        guest.ok(name, &[&[fd.into()], &args[1..]].concat());
    }
}

#[test]
fn every_operation_on_a_directory_needs_its_right() {
    let (_dir, mut guest) = in_dir();
    guest.create("f");
    let [path, len] = guest.str("f");
    let root = u64::from(ROOT);
    let calls: &[(Rights, &str, &[u64])] = &[
        (Rights::FD_READDIR, "fd_readdir", &[3, 0, 0, 0, 0]),
        (Rights::PATH_CREATE_DIRECTORY, "path_create_directory", &[3, path, len]),
        (Rights::PATH_FILESTAT_GET, "path_filestat_get", &[3, 0, path, len, 0]),
        (Rights::PATH_FILESTAT_SET_TIMES, "path_filestat_set_times", &[3, 0, path, len, 0, 0, 0]),
        (Rights::PATH_LINK_SOURCE, "path_link", &[3, 0, path, len, root, path, len]),
        (Rights::PATH_LINK_TARGET, "path_link", &[root, 0, path, len, 3, path, len]),
        (Rights::PATH_OPEN, "path_open", &[3, 0, path, len, 0, 0, 0, 0, 0]),
        (Rights::PATH_CREATE_FILE, "path_open", &[3, 0, path, len, 1, 0, 0, 0, 0]),
        (Rights::PATH_READLINK, "path_readlink", &[3, path, len, 0, 0, 0]),
        (Rights::PATH_REMOVE_DIRECTORY, "path_remove_directory", &[3, path, len]),
        (Rights::PATH_RENAME_SOURCE, "path_rename", &[3, path, len, root, path, len]),
        (Rights::PATH_RENAME_TARGET, "path_rename", &[root, path, len, 3, path, len]),
        (Rights::PATH_SYMLINK, "path_symlink", &[path, len, 3, path, len]),
        (Rights::PATH_UNLINK_FILE, "path_unlink_file", &[3, path, len]),
    ];
    for (right, name, args) in calls {
        let [dot, dot_len] = guest.str(".");
        let open = [root, 0, dot, dot_len, 2, 0, 0, 0];
        let dir = guest.u32("path_open", &open).unwrap();
        let (_, _, base, inheriting) = guest.fdstat(dir).unwrap();
        assert!(base.contains(*right));
        let result = set_rights(&mut guest, dir, base - *right, inheriting);
        assert_eq!(result, Errno::Success);
        // In the rows 3 stands for the directory, unless it is the root itself as the other one.
        let mut args = args.to_vec();
        let at = if name.ends_with("symlink") { 2 } else { 0 };
        let at = match *right {
            Rights::PATH_LINK_TARGET => 4,
            Rights::PATH_RENAME_TARGET => 3,
            _ => at,
        };
        args[at] = dir.into();
        guest.fails(Errno::Notcapable, name, &args);
    }
}

#[test]
fn what_is_opened_inherits_the_loss() {
    let (_dir, mut guest) = in_dir();
    guest.create("f");
    let (_, _, base, inheriting) = guest.fdstat(ROOT).unwrap();
    let rest = inheriting - Rights::FD_WRITE - Rights::FD_FILESTAT_SET_SIZE;
    assert_eq!(set_rights(&mut guest, ROOT, base, rest), Errno::Success);
    assert_eq!(guest.open("f", OFlags::empty(), RW), Err(Errno::Notcapable));
    assert_eq!(guest.open("f", OFlags::TRUNC, Rights::FD_READ), Err(Errno::Notcapable));
    // Creating opens for writing, which does not bring the right back.
    let fd = guest.open("g", OFlags::CREAT, Rights::FD_READ).unwrap();
    assert_eq!(guest.write(fd, b"x"), Err(Errno::Notcapable));
    assert!(!guest.fdstat(fd).unwrap().2.contains(Rights::FD_WRITE));
    // Through a directory in between.
    let dot = guest.open(".", OFlags::DIRECTORY, Rights::FD_READ).unwrap();
    let flags = FdFlags::empty();
    assert_eq!(guest.open_with(dot, FOLLOW, "f", OFlags::empty(), RW, flags), Err(Errno::Notcapable));
}

#[test]
fn attributes_of_streams_are_empty() {
    let mut guest = Guest::new(&mut WasiCtxBuilder::new());
    for fd in 0..3 {
        let stat = guest.fd_stat(fd).unwrap();
        assert_eq!((stat.dev, stat.ino, stat.filetype), (0, 0, UNKNOWN));
        assert_eq!((stat.nlink, stat.size, stat.mtim), (0, 0, 0));
    }
    assert_eq!(guest.fd_stat(BAD), Err(Errno::Badf));
}

#[test]
fn preopened_directories_are_described() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut builder = WasiCtxBuilder::new();
    builder
        .preopened_dir(first.path(), "/one", FsPerms::ReadOnly)
        .unwrap()
        .preopened_dir(second.path(), "two", FsPerms::ReadWrite)
        .unwrap();
    let mut guest = Guest::new(&mut builder);
    for (fd, name) in [(3, "/one"), (4, "two")] {
        let stat: [u8; 8] = guest.returning("fd_prestat_get", &[fd]).unwrap();
        assert_eq!(stat, [0, 0, 0, 0, name.len() as u8, 0, 0, 0]);
        let at = guest.put(&[0xee; 8]);
        guest.ok("fd_prestat_dir_name", &[fd, at, name.len() as u64]);
        assert_eq!(guest.get(at, name.len()), name.as_bytes());
        // A larger buffer keeps its end.
        guest.ok("fd_prestat_dir_name", &[fd, at, 8]);
        assert_eq!(guest.get(at + name.len() as u64, 1), [0xee]);
        let short = [fd, at, name.len() as u64 - 1];
        guest.fails(Errno::Nametoolong, "fd_prestat_dir_name", &short);
    }
    let end = guest.memory.len() as u64;
    let result = guest.call("fd_prestat_dir_name", &[3, end - 3, 100]);
    assert!(matches!(result, Err(Trap::Memory(MemoryFault::OutOfBounds { .. }))));
    let opened = guest.create_in(4);
    for (fd, errno) in [(STDIN, Errno::Notdir), (opened, Errno::Notdir), (BAD, Errno::Badf)] {
        guest.fails(Errno::Badf, "fd_prestat_get", &[fd.into(), 0]);
        guest.fails(errno, "fd_prestat_dir_name", &[fd.into(), 0, 100]);
    }
}

#[test]
fn a_missing_directory_cannot_be_preopened() {
    let result = WasiCtxBuilder::new().preopened_dir("/does/not/exist", "/", FsPerms::ReadOnly).map(drop);
    assert_eq!(result.unwrap_err().kind(), std::io::ErrorKind::NotFound);
}

#[test]
fn close_frees_the_number() {
    let (_dir, mut guest) = in_dir();
    let fd = guest.create("f");
    assert_eq!(guest.close(fd), Errno::Success);
    assert_eq!(guest.close(fd), Errno::Badf);
    assert_eq!(guest.read(fd, 1), Err(Errno::Badf));
    assert_eq!(guest.create("f"), fd);
    // Standard streams and preopened directories too.
    assert_eq!(guest.close(STDIN), Errno::Success);
    assert_eq!(guest.read(STDIN, 1), Err(Errno::Badf));
    assert_eq!(guest.close(ROOT), Errno::Success);
    assert_eq!(guest.open("f", OFlags::empty(), Rights::FD_READ), Err(Errno::Badf));
}

#[test]
fn renumber_replaces_an_open_descriptor() {
    let (_dir, mut guest) = in_dir();
    let (f, g) = (guest.create("f"), guest.create("g"));
    guest.write(f, b"in f").unwrap();
    guest.ok("fd_renumber", &[f.into(), g.into()]);
    assert_eq!(guest.pread(g, 9, 0), Ok(b"in f".to_vec()));
    assert_eq!(guest.tell(g), Ok(4));
    assert_eq!(guest.tell(f), Err(Errno::Badf));
    guest.ok("fd_renumber", &[g.into(), g.into()]);
    for (from, to) in [(f, g), (g, f), (g, BAD), (BAD, BAD), (g, u32::MAX)] {
        guest.fails(Errno::Badf, "fd_renumber", &[from.into(), to.into()]);
    }
    assert_eq!(guest.pread(g, 9, 0), Ok(b"in f".to_vec()));
    // Over a preopened directory and a standard stream.
    guest.ok("fd_renumber", &[g.into(), ROOT.into()]);
    guest.fails(Errno::Badf, "fd_prestat_get", &[ROOT.into(), 0]);
    guest.ok("fd_renumber", &[ROOT.into(), STDOUT.into()]);
    assert_eq!(guest.write(STDOUT, b"!"), Ok(1));
    assert_eq!(guest.pread(STDOUT, 9, 0), Ok(b"in f!".to_vec()));
}

impl Guest {
    fn create_in(&mut self, dir: u32) -> u32 {
        let flags = FdFlags::empty();
        self.open_with(dir, FOLLOW, "new", OFlags::CREAT, RW, flags).unwrap()
    }
}
