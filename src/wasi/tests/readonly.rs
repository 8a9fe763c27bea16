//! Nothing changes beneath a read-only directory, by whatever call.

use crate::guest::{FOLLOW, Guest, NOFOLLOW, RW};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use tempfile::TempDir;
use terrace_wasi::{Errno, FdFlags, FsPerms, OFlags, Rights, WasiCtxBuilder};

const READ_ONLY: u32 = 3;
const WRITABLE: u32 = 4;

struct Fixture {
    read_only: TempDir,
    _writable: TempDir,
    guest: Guest,
}

/// A read-only directory and a writable one, with the same contents.
fn fixture() -> Fixture {
    let fill = |path: &Path| {
        fs::write(path.join("file"), "contents").unwrap();
        fs::create_dir(path.join("dir")).unwrap();
        fs::write(path.join("dir/inner"), "inner").unwrap();
        fs::create_dir(path.join("empty")).unwrap();
        symlink("file", path.join("link")).unwrap();
        symlink("new", path.join("dangling")).unwrap();
    };
    let (read_only, writable) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fill(read_only.path());
    fill(writable.path());
    let mut builder = WasiCtxBuilder::new();
    builder
        .preopened_dir(read_only.path(), "/ro", FsPerms::ReadOnly)
        .unwrap()
        .preopened_dir(writable.path(), "/rw", FsPerms::ReadWrite)
        .unwrap();
    Fixture { guest: Guest::new(&mut builder), read_only, _writable: writable }
}

/// Everything there is to see: names, types, contents, links, modification times.
pub fn snapshot(path: &Path) -> Vec<String> {
    use std::os::unix::fs::MetadataExt;
    let mut lines = Vec::new();
    let mut rest = vec![path.to_owned()];
    while let Some(path) = rest.pop() {
        let meta = fs::symlink_metadata(&path).unwrap();
        let content = if meta.is_dir() {
            rest.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            String::new()
        } else if meta.is_symlink() {
            format!("{:?}", fs::read_link(&path).unwrap())
        } else {
            format!("{:?}", fs::read(&path).unwrap())
        };
        let (nlink, mode) = (meta.nlink(), meta.mode());
        let mtime = (meta.mtime(), meta.mtime_nsec());
        lines.push(format!("{path:?} {mode:o} {nlink} {mtime:?} {content}"));
    }
    lines.sort();
    lines
}

#[test]
fn every_mutating_call_on_a_path_is_refused() {
    let mut fixture = fixture();
    let guest = &mut fixture.guest;
    let before = snapshot(fixture.read_only.path());
    let none = OFlags::empty();
    let inner =
        guest.open_with(READ_ONLY, FOLLOW, "dir", OFlags::DIRECTORY, Rights::FD_READ, FdFlags::empty()).unwrap();
    for (dir, file, new) in [
        (READ_ONLY, "file", "new"),
        (READ_ONLY, "dir/inner", "dir/new"),
        (READ_ONLY, "link", "dangling"),
        (inner, "inner", "new"),
    ] {
        let open = |guest: &mut Guest, path, oflags, rights| {
            guest.open_with(dir, FOLLOW, path, oflags, rights, FdFlags::empty())
        };
        let read = Rights::FD_READ;
        let results = [
            ("open to write", open(guest, file, none, RW).err()),
            ("open to append", guest.open_with(dir, FOLLOW, file, none, Rights::FD_WRITE, FdFlags::APPEND).err()),
            ("truncate", open(guest, file, OFlags::TRUNC, read).err()),
            ("create", open(guest, new, OFlags::CREAT, read).err()),
            ("create over", open(guest, file, OFlags::CREAT, read).err()),
            ("create exclusively", open(guest, new, OFlags::CREAT | OFlags::EXCL, read).err()),
            ("path_create_directory", Some(guest.at("path_create_directory", dir, new))),
            ("path_unlink_file", Some(guest.at("path_unlink_file", dir, file))),
            ("path_symlink", Some(guest.symlink("x", dir, new))),
            ("path_link within", Some(guest.link((dir, file), NOFOLLOW, (dir, new)))),
            ("path_link out", Some(guest.link((dir, file), NOFOLLOW, (WRITABLE, "out")))),
            ("path_link in", Some(guest.link((WRITABLE, "file"), NOFOLLOW, (dir, new)))),
            ("path_rename within", Some(guest.rename((dir, file), (dir, new)))),
            ("path_rename out", Some(guest.rename((dir, file), (WRITABLE, "out")))),
            ("path_rename in", Some(guest.rename((WRITABLE, "file"), (dir, new)))),
            ("set times", Some(guest.set_path_times(dir, FOLLOW, file, (1, 2), 1 | 4))),
            ("set link times", Some(guest.set_path_times(dir, NOFOLLOW, file, (1, 2), 2 | 8))),
        ];
        for (what, errno) in results {
            assert_eq!(errno, Some(Errno::Perm), "{what} {file}");
        }
    }
    let remove = guest.at("path_remove_directory", READ_ONLY, "empty");
    assert_eq!(remove, Errno::Perm);
    assert_eq!(snapshot(fixture.read_only.path()), before);
}

#[test]
fn every_mutating_call_on_a_descriptor_is_refused() {
    let mut fixture = fixture();
    let guest = &mut fixture.guest;
    let before = snapshot(fixture.read_only.path());
    let fd = guest.open_with(READ_ONLY, FOLLOW, "file", OFlags::empty(), Rights::FD_READ, FdFlags::APPEND).unwrap();
    assert_eq!(guest.write(fd, b"x"), Err(Errno::Badf));
    assert_eq!(guest.pwrite(fd, b"x", 0), Err(Errno::Badf));
    let id = u64::from(fd);
    guest.fails(Errno::Perm, "fd_allocate", &[id, 0, 100]);
    guest.fails(Errno::Perm, "fd_filestat_set_size", &[id, 0]);
    guest.fails(Errno::Perm, "fd_filestat_set_times", &[id, 1, 2, 1 | 4]);
    let root = u64::from(READ_ONLY);
    guest.fails(Errno::Perm, "fd_filestat_set_times", &[root, 1, 2, 1 | 4]);
    // A number does not carry permissions.
    guest.ok("fd_renumber", &[id, u64::from(WRITABLE)]);
    assert_eq!(guest.write(WRITABLE, b"x"), Err(Errno::Badf));
    assert_eq!(snapshot(fixture.read_only.path()), before);
}

#[test]
fn everything_can_be_read() {
    let mut fixture = fixture();
    let guest = &mut fixture.guest;
    let fd = guest.open_with(READ_ONLY, FOLLOW, "link", OFlags::empty(), Rights::FD_READ, FdFlags::empty()).unwrap();
    assert_eq!(guest.read(fd, 99), Ok(b"contents".to_vec()));
    assert_eq!(guest.fd_stat(fd).unwrap().size, 8);
    assert_eq!(guest.readdir(READ_ONLY, 4096).unwrap().len(), 7);
    assert_eq!(guest.readlink(READ_ONLY, "link", 99), Ok("file".to_owned()));
    assert_eq!(guest.stat(READ_ONLY, FOLLOW, "dir/inner").unwrap().size, 5);
    guest.ok("fd_sync", &[fd.into()]);
    guest.ok("fd_advise", &[fd.into(), 0, 0, 1]);
}
