//! The functions on paths.

use crate::guest::{BAD, FOLLOW, Guest, NOFOLLOW, ROOT, RW, STDIN, in_dir};
use std::fs;
use std::os::unix::fs::symlink;
use terrace_wasi::{Errno, FdFlags, FsPerms, MAX_PATH, MemoryFault, OFlags, Rights, Trap, WasiCtxBuilder};

const DIRECTORY: u8 = 3;
const REGULAR_FILE: u8 = 4;
const SYMBOLIC_LINK: u8 = 7;

/// Every function on a path, called on one path with everything else harmless; the directory comes first, a second
/// path is relative to `ROOT`.
fn every_call(guest: &mut Guest, dir: u32, path: &str) -> Vec<(&'static str, Errno)> {
    let errno = |result: Result<u32, Errno>| result.err().unwrap_or(Errno::Success);
    vec![
        ("path_create_directory", guest.at("path_create_directory", dir, path)),
        ("path_filestat_get", guest.stat(dir, NOFOLLOW, path).err().unwrap_or(Errno::Success)),
        ("path_filestat_set_times", guest.set_path_times(dir, NOFOLLOW, path, (0, 0), 1)),
        ("path_link from", guest.link((dir, path), NOFOLLOW, (ROOT, "x1"))),
        ("path_link to", guest.link((ROOT, "there"), NOFOLLOW, (dir, path))),
        ("path_open", errno(guest.open_with(dir, FOLLOW, path, OFlags::empty(), RW, FdFlags::empty()))),
        ("path_readlink", guest.readlink(dir, path, 9).err().unwrap_or(Errno::Success)),
        ("path_remove_directory", guest.at("path_remove_directory", dir, path)),
        ("path_rename from", guest.rename((dir, path), (ROOT, "x2"))),
        ("path_rename to", guest.rename((ROOT, "there"), (dir, path))),
        ("path_symlink", guest.symlink("there", dir, path)),
        ("path_unlink_file", guest.at("path_unlink_file", dir, path)),
    ]
}

#[track_caller]
fn all_fail(guest: &mut Guest, dir: u32, path: &str, expected: &[Errno]) {
    for (name, errno) in every_call(guest, dir, path) {
        assert!(expected.contains(&errno), "{name} {path:?}: {errno:?}");
    }
}

#[test]
fn paths_that_lead_outside_are_not_permitted() {
    let (dir, mut guest) = in_dir();
    guest.create("there");
    symlink("..", dir.path().join("up")).unwrap();
    symlink("/", dir.path().join("abs")).unwrap();
    for path in ["/etc/passwd", "/", "../x", "..", "up/x", "abs/etc", "./../x", "up/../x"] {
        let expected: &[Errno] = match path {
            // The root of the file system and the parent cannot be removed, renamed or read as a link for other
            // reasons too.
            "/" | ".." => &[Errno::Perm, Errno::Busy, Errno::Notempty, Errno::Isdir],
            _ => &[Errno::Perm],
        };
        all_fail(&mut guest, ROOT, path, expected);
    }
    assert!(dir.path().join("there").exists());
}

#[test]
fn text_that_is_no_path_is_refused() {
    let (_dir, mut guest) = in_dir();
    guest.create("there");
    all_fail(&mut guest, ROOT, "", &[Errno::Noent]);
    all_fail(&mut guest, ROOT, "a\0b", &[Errno::Inval]);
    let long = "x/".repeat(MAX_PATH as usize / 2 + 1);
    all_fail(&mut guest, ROOT, &long, &[Errno::Nametoolong]);
    let long_name = "x".repeat(256);
    all_fail(&mut guest, ROOT, &long_name, &[Errno::Nametoolong]);
    for dir in [STDIN, BAD] {
        all_fail(&mut guest, dir, "x", &[Errno::Badf]);
    }
    let file = guest.create("f");
    all_fail(&mut guest, file, "x", &[Errno::Badf, Errno::Notdir]);

    let bytes = guest.put(b"\xff\xfe");
    for name in ["path_create_directory", "path_remove_directory", "path_unlink_file"] {
        guest.fails(Errno::Ilseq, name, &[ROOT.into(), bytes, 2]);
        let end = guest.memory.len() as u64;
        let result = guest.call(name, &[ROOT.into(), end - 1, 2]);
        assert!(matches!(result, Err(Trap::Memory(MemoryFault::OutOfBounds { .. }))));
    }
}

#[test]
fn missing_files_and_wrong_kinds() {
    let (_dir, mut guest) = in_dir();
    guest.create("there");
    for (name, errno) in every_call(&mut guest, ROOT, "missing/x") {
        assert_eq!(errno, Errno::Noent, "{name}");
    }
    for (name, errno) in every_call(&mut guest, ROOT, "there/x") {
        assert_eq!(errno, Errno::Notdir, "{name}");
    }
}

#[test]
fn links_that_never_end() {
    let (dir, mut guest) = in_dir();
    symlink("loop", dir.path().join("loop")).unwrap();
    guest.create("there");
    for (name, errno) in every_call(&mut guest, ROOT, "loop/x") {
        assert_eq!(errno, Errno::Loop, "{name}");
    }
    assert_eq!(guest.stat(ROOT, FOLLOW, "loop"), Err(Errno::Loop));
    assert_eq!(guest.set_path_times(ROOT, FOLLOW, "loop", (0, 0), 0), Errno::Loop);
    assert_eq!(guest.stat(ROOT, NOFOLLOW, "loop").unwrap().filetype, SYMBOLIC_LINK);
}

#[test]
fn directories_are_created_and_removed() {
    let (dir, mut guest) = in_dir();
    assert_eq!(guest.at("path_create_directory", ROOT, "d"), Errno::Success);
    assert_eq!(guest.at("path_create_directory", ROOT, "d"), Errno::Exist);
    assert_eq!(guest.at("path_create_directory", ROOT, "d/e/"), Errno::Success);
    assert!(dir.path().join("d/e").is_dir());
    assert_eq!(guest.at("path_remove_directory", ROOT, "d"), Errno::Notempty);
    assert_eq!(guest.at("path_unlink_file", ROOT, "d/e"), Errno::Isdir);
    assert_eq!(guest.at("path_remove_directory", ROOT, "d/e/"), Errno::Success);
    assert_eq!(guest.at("path_remove_directory", ROOT, "d"), Errno::Success);
    assert_eq!(guest.at("path_remove_directory", ROOT, "d"), Errno::Noent);
    guest.create("f");
    assert_eq!(guest.at("path_remove_directory", ROOT, "f"), Errno::Notdir);
}

#[test]
fn files_are_unlinked_and_links_not_followed() {
    let (dir, mut guest) = in_dir();
    let fd = guest.create("f");
    symlink("f", dir.path().join("l")).unwrap();
    assert_eq!(guest.at("path_unlink_file", ROOT, "l"), Errno::Success);
    assert!(dir.path().join("f").exists());
    assert_eq!(guest.at("path_unlink_file", ROOT, "f/"), Errno::Notdir);
    assert_eq!(guest.at("path_unlink_file", ROOT, "f"), Errno::Success);
    assert_eq!(guest.at("path_unlink_file", ROOT, "f"), Errno::Noent);
    // What is open stays usable.
    assert_eq!(guest.write(fd, b"x"), Ok(1));
    assert_eq!(guest.fd_stat(fd).unwrap().nlink, 0);
}

#[test]
fn open_flags() {
    let (dir, mut guest) = in_dir();
    fs::create_dir(dir.path().join("d")).unwrap();
    fs::write(dir.path().join("f"), "abc").unwrap();
    let (creat, excl) = (OFlags::CREAT, OFlags::EXCL);
    assert_eq!(guest.open("x", OFlags::empty(), RW), Err(Errno::Noent));
    assert!(guest.open("x", creat, RW).is_ok());
    assert!(guest.open("x", creat, RW).is_ok());
    assert_eq!(guest.open("x", creat | excl, RW), Err(Errno::Exist));
    assert!(guest.open("y", creat | excl, RW).is_ok());

    let fd = guest.open("f", OFlags::TRUNC, Rights::FD_WRITE).unwrap();
    assert_eq!(guest.fd_stat(fd).unwrap().size, 0);

    let directory = OFlags::DIRECTORY;
    assert!(guest.open("d", directory, Rights::FD_READ).is_ok());
    assert!(guest.open("d", OFlags::empty(), Rights::FD_READ).is_ok());
    assert!(guest.open("d/", OFlags::empty(), Rights::empty()).is_ok());
    assert_eq!(guest.open("d", OFlags::empty(), RW), Err(Errno::Isdir));
    assert_eq!(guest.open("d", creat, RW), Err(Errno::Isdir));
    assert_eq!(guest.open("f", directory, Rights::FD_READ), Err(Errno::Notdir));
    assert_eq!(guest.open("f/", OFlags::empty(), Rights::FD_READ), Err(Errno::Notdir));
    for other in [creat, excl, OFlags::TRUNC] {
        assert_eq!(guest.open("d", directory | other, RW), Err(Errno::Inval));
    }
    let [path, len] = guest.str("f");
    for bad in [
        [3, 2, path, len, 0, 0, 0, 0, 0],
        [3, 0, path, len, 16, 0, 0, 0, 0],
        [3, 0, path, len, 1 << 16, 0, 0, 0, 0],
        [3, 0, path, len, 0, 1 << 30, 0, 0, 0],
        [3, 0, path, len, 0, 0, 1 << 63, 0, 0],
        [3, 0, path, len, 0, 0, 0, 32, 0],
    ] {
        guest.fails(Errno::Inval, "path_open", &bad);
    }
}

#[test]
fn opening_a_link_needs_to_follow_it() {
    let (dir, mut guest) = in_dir();
    fs::write(dir.path().join("f"), "abc").unwrap();
    symlink("f", dir.path().join("l")).unwrap();
    symlink("new", dir.path().join("dangling")).unwrap();
    let open =
        |guest: &mut Guest, flags, path, oflags| guest.open_with(ROOT, flags, path, oflags, RW, FdFlags::empty());
    assert_eq!(open(&mut guest, NOFOLLOW, "l", OFlags::empty()), Err(Errno::Loop));
    let fd = open(&mut guest, FOLLOW, "l", OFlags::empty()).unwrap();
    assert_eq!(guest.read(fd, 9), Ok(b"abc".to_vec()));
    assert_eq!(open(&mut guest, FOLLOW, "dangling", OFlags::empty()), Err(Errno::Noent));
    let exclusive = OFlags::CREAT | OFlags::EXCL;
    assert_eq!(open(&mut guest, FOLLOW, "dangling", exclusive), Err(Errno::Exist));
    assert!(!dir.path().join("new").exists());
    open(&mut guest, FOLLOW, "dangling", OFlags::CREAT).unwrap();
    assert!(dir.path().join("new").exists());
}

#[test]
fn a_final_slash_asks_for_a_directory() {
    let (dir, mut guest) = in_dir();
    fs::create_dir_all(dir.path().join("d")).unwrap();
    fs::write(dir.path().join("f"), "").unwrap();
    symlink("d", dir.path().join("to_d")).unwrap();
    symlink("f", dir.path().join("to_f")).unwrap();
    symlink("missing", dir.path().join("dangling")).unwrap();
    for end in ["/", "//", "/."] {
        let stat = |guest: &mut Guest, name| {
            let path = format!("{name}{end}");
            guest.stat(ROOT, NOFOLLOW, &path).map(|stat| stat.filetype)
        };
        assert_eq!(stat(&mut guest, "to_d"), Ok(DIRECTORY));
        assert_eq!(stat(&mut guest, "to_f"), Err(Errno::Notdir));
        assert_eq!(stat(&mut guest, "f"), Err(Errno::Notdir));
        assert_eq!(stat(&mut guest, "dangling"), Err(Errno::Noent));
    }
    assert_eq!(guest.at("path_remove_directory", ROOT, "to_d/"), Errno::Notdir);
    assert_eq!(guest.at("path_remove_directory", ROOT, "d//"), Errno::Success);
    assert_eq!(guest.at("path_remove_directory", ROOT, "/"), Errno::Perm);
}

#[test]
fn an_opened_directory_is_a_root_of_its_own() {
    let (dir, mut guest) = in_dir();
    fs::create_dir_all(dir.path().join("d/e")).unwrap();
    fs::write(dir.path().join("f"), "").unwrap();
    symlink("../f", dir.path().join("d/l")).unwrap();
    let d = guest.open("d", OFlags::DIRECTORY, Rights::FD_READ).unwrap();
    assert!(guest.stat(d, FOLLOW, "e").is_ok());
    assert_eq!(guest.stat(d, FOLLOW, ".."), Err(Errno::Perm));
    assert_eq!(guest.stat(d, FOLLOW, "e/../../f"), Err(Errno::Perm));
    assert_eq!(guest.stat(d, FOLLOW, "l"), Err(Errno::Perm));
    assert!(guest.stat(ROOT, FOLLOW, "d/l").is_ok());
    assert!(guest.stat(ROOT, FOLLOW, "d/e/../../f").is_ok());
}

#[test]
fn attributes_by_path() {
    let (dir, mut guest) = in_dir();
    fs::write(dir.path().join("f"), "abc").unwrap();
    symlink("f", dir.path().join("l")).unwrap();
    let file = guest.stat(ROOT, FOLLOW, "f").unwrap();
    assert_eq!((file.filetype, file.size), (REGULAR_FILE, 3));
    assert_eq!(guest.stat(ROOT, FOLLOW, "l"), Ok(file));
    let link = guest.stat(ROOT, NOFOLLOW, "l").unwrap();
    assert_eq!((link.filetype, link.size), (SYMBOLIC_LINK, 1));
    assert_ne!(link.ino, file.ino);
    assert_eq!(guest.stat(ROOT, FOLLOW, "missing"), Err(Errno::Noent));
    let [path, len] = guest.str("f");
    guest.fails(Errno::Inval, "path_filestat_get", &[3, 2, path, len, 0]);
}

#[test]
fn times_by_path() {
    let (dir, mut guest) = in_dir();
    fs::write(dir.path().join("f"), "abc").unwrap();
    symlink("f", dir.path().join("l")).unwrap();
    let times = |guest: &mut Guest, path| {
        let stat = guest.stat(ROOT, NOFOLLOW, path).unwrap();
        (stat.atim, stat.mtim)
    };
    let set = |guest: &mut Guest, flags, path, fst| {
        guest.set_path_times(ROOT, flags, path, (1_000_000_001, 2_000_000_002), fst)
    };
    assert_eq!(set(&mut guest, FOLLOW, "l", 1 | 4), Errno::Success);
    assert_eq!(times(&mut guest, "f"), (1_000_000_001, 2_000_000_002));
    assert_ne!(times(&mut guest, "l").1, 2_000_000_002);
    assert_eq!(set(&mut guest, NOFOLLOW, "l", 4), Errno::Success);
    assert_eq!(times(&mut guest, "l").1, 2_000_000_002);
    assert_eq!(set(&mut guest, FOLLOW, "f", 2 | 8), Errno::Success);
    assert!(times(&mut guest, "f").1 > 1_600_000_000_000_000_000);
    assert_eq!(set(&mut guest, FOLLOW, ".", 1 | 4), Errno::Success);
    assert_eq!(times(&mut guest, ".").1, 2_000_000_002);
    assert_eq!(set(&mut guest, FOLLOW, "f", 1 | 2), Errno::Inval);
    assert_eq!(set(&mut guest, FOLLOW, "f", 16), Errno::Inval);
    assert_eq!(set(&mut guest, FOLLOW, "missing", 1), Errno::Noent);
    assert_eq!(set(&mut guest, NOFOLLOW, "missing", 1), Errno::Noent);
}

#[test]
fn hard_links() {
    let (dir, mut guest) = in_dir();
    fs::write(dir.path().join("f"), "abc").unwrap();
    fs::create_dir(dir.path().join("d")).unwrap();
    symlink("f", dir.path().join("l")).unwrap();
    assert_eq!(guest.link((ROOT, "f"), NOFOLLOW, (ROOT, "d/g")), Errno::Success);
    assert_eq!(fs::read(dir.path().join("d/g")).unwrap(), b"abc");
    assert_eq!(guest.link((ROOT, "f"), NOFOLLOW, (ROOT, "d/g")), Errno::Exist);
    assert_eq!(guest.link((ROOT, "missing"), NOFOLLOW, (ROOT, "x")), Errno::Noent);
    assert_eq!(guest.link((ROOT, "d"), NOFOLLOW, (ROOT, "x")), Errno::Perm);
    assert_eq!(guest.link((ROOT, "f"), FOLLOW, (ROOT, "x")), Errno::Inval);
    // The link itself, not the file.
    assert_eq!(guest.link((ROOT, "l"), NOFOLLOW, (ROOT, "m")), Errno::Success);
    assert_eq!(guest.readlink(ROOT, "m", 9), Ok("f".to_owned()));
}

#[test]
fn symbolic_links() {
    let (dir, mut guest) = in_dir();
    fs::write(dir.path().join("f"), "abc").unwrap();
    assert_eq!(guest.symlink("f", ROOT, "l"), Errno::Success);
    assert_eq!(guest.symlink("f", ROOT, "l"), Errno::Exist);
    assert_eq!(guest.readlink(ROOT, "l", 9), Ok("f".to_owned()));
    assert_eq!(guest.symlink("long/target", ROOT, "m"), Errno::Success);
    assert_eq!(guest.readlink(ROOT, "m", 4), Ok("long".to_owned()));
    assert_eq!(guest.readlink(ROOT, "m", 0), Ok(String::new()));
    assert_eq!(guest.readlink(ROOT, "f", 9), Err(Errno::Inval));
    assert_eq!(guest.readlink(ROOT, "missing", 9), Err(Errno::Noent));
    // Absolute ones are neither made nor read; relative ones that leave can be made, but not followed.
    assert_eq!(guest.symlink("/etc", ROOT, "n"), Errno::Perm);
    symlink("/etc", dir.path().join("abs")).unwrap();
    assert_eq!(guest.readlink(ROOT, "abs", 9), Err(Errno::Perm));
    assert_eq!(guest.symlink("../..", ROOT, "up"), Errno::Success);
    assert_eq!(guest.readlink(ROOT, "up", 9), Ok("../..".to_owned()));
    assert_eq!(guest.stat(ROOT, FOLLOW, "up"), Err(Errno::Perm));
    let [target, len] = guest.str("x");
    let end = guest.memory.len() as u64;
    let outside = guest.call("path_symlink", &[end, 1, 3, target, len]);
    assert!(matches!(outside, Err(Trap::Memory(_))));
}

#[test]
fn renames() {
    let (dir, mut guest) = in_dir();
    fs::write(dir.path().join("f"), "abc").unwrap();
    fs::write(dir.path().join("g"), "def").unwrap();
    fs::create_dir_all(dir.path().join("d/e")).unwrap();
    assert_eq!(guest.rename((ROOT, "f"), (ROOT, "d/f")), Errno::Success);
    assert_eq!(guest.rename((ROOT, "g"), (ROOT, "d/f")), Errno::Success);
    assert_eq!(fs::read(dir.path().join("d/f")).unwrap(), b"def");
    assert_eq!(guest.rename((ROOT, "f"), (ROOT, "x")), Errno::Noent);
    assert_eq!(guest.rename((ROOT, "d"), (ROOT, "d/e/d")), Errno::Inval);
    assert_eq!(guest.rename((ROOT, "d/f"), (ROOT, "d/e")), Errno::Isdir);
    assert_eq!(guest.rename((ROOT, "d/e"), (ROOT, "d/f")), Errno::Notdir);
    assert_eq!(guest.rename((ROOT, "d/f"), (ROOT, "new/")), Errno::Notdir);
    assert_eq!(guest.rename((ROOT, "missing"), (ROOT, "new/")), Errno::Noent);
    assert_eq!(guest.rename((ROOT, "d/e"), (ROOT, "d/moved/")), Errno::Success);
    assert_eq!(guest.rename((ROOT, "d/moved/"), (ROOT, "d/e")), Errno::Success);
    fs::create_dir(dir.path().join("h")).unwrap();
    assert_eq!(guest.rename((ROOT, "h"), (ROOT, "d")), Errno::Notempty);
    assert_eq!(guest.rename((ROOT, "d"), (ROOT, "h")), Errno::Success);
    assert!(dir.path().join("h/e").is_dir());
}

#[test]
fn links_and_renames_between_two_directories() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(one.path().join("f"), "abc").unwrap();
    let mut builder = WasiCtxBuilder::new();
    builder
        .preopened_dir(one.path(), "/one", FsPerms::ReadWrite)
        .unwrap()
        .preopened_dir(two.path(), "/two", FsPerms::ReadWrite)
        .unwrap();
    let mut guest = Guest::new(&mut builder);
    assert_eq!(guest.link((3, "f"), NOFOLLOW, (4, "g")), Errno::Success);
    assert_eq!(guest.rename((3, "f"), (4, "h")), Errno::Success);
    assert_eq!(fs::read(two.path().join("g")).unwrap(), b"abc");
    assert_eq!(fs::read(two.path().join("h")).unwrap(), b"abc");
    assert_eq!(guest.rename((4, "../x"), (3, "y")), Errno::Perm);
    assert_eq!(guest.rename((4, "h"), (3, "../y")), Errno::Perm);
}
