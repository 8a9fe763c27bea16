//! Listing directories.

use crate::guest::{BAD, Guest, ROOT, STDIN, in_dir};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use terrace_wasi::{Errno, MemoryFault, OFlags, Rights, Trap};

#[test]
fn an_empty_directory_has_itself_and_its_parent() {
    let (_dir, mut guest) = in_dir();
    let entries = guest.readdir(ROOT, 4096).unwrap();
    let ino = guest.fd_stat(ROOT).unwrap().ino;
    let expected = [(1, ".".to_owned()), (2, "..".to_owned())];
    for (entry, (next, name)) in entries.iter().zip(expected) {
        assert_eq!((entry.next, entry.ino, entry.filetype), (next, ino, 3));
        assert_eq!(entry.name, name);
    }
    assert_eq!(entries.len(), 2);
}

#[test]
fn entries_have_types_and_inodes() {
    let (dir, mut guest) = in_dir();
    fs::write(dir.path().join("file"), "").unwrap();
    fs::create_dir(dir.path().join("directory")).unwrap();
    symlink("nowhere", dir.path().join("link")).unwrap();
    let entries = guest.readdir(ROOT, 4096).unwrap();
    let types: BTreeMap<&str, u8> = entries.iter().map(|entry| (entry.name.as_str(), entry.filetype)).collect();
    let expected = [(".", 3), ("..", 3), ("directory", 3), ("file", 4), ("link", 7)];
    assert_eq!(types, expected.into());
    for entry in &entries[2..] {
        let stat = guest.stat(ROOT, crate::guest::NOFOLLOW, &entry.name);
        assert_eq!(stat.unwrap().ino, entry.ino);
    }
    for (index, entry) in (1..).zip(&entries) {
        assert_eq!(entry.next, index);
    }
}

#[test]
fn every_buffer_size_gives_the_same_entries() {
    let (dir, mut guest) = in_dir();
    for index in 0..50 {
        fs::write(dir.path().join(format!("file-{index:03}")), "").unwrap();
    }
    let all = guest.readdir(ROOT, 1 << 16).unwrap();
    assert_eq!(all.len(), 52);
    for len in [32, 33, 56, 57, 64, 100, 1000] {
        assert_eq!(guest.readdir(ROOT, len).unwrap(), all, "{len}");
    }
}

#[test]
fn a_full_buffer_cuts_the_last_entry() {
    let (_dir, mut guest) = in_dir();
    let whole = guest.readdir_raw(ROOT, 100, 0).unwrap();
    assert_eq!(whole.len(), 25 + 26);
    for len in [0, 1, 24, 25, 26, 50] {
        assert_eq!(guest.readdir_raw(ROOT, len, 0).unwrap(), whole[..len]);
    }
    assert_eq!(guest.readdir_raw(ROOT, 51, 0).unwrap(), whole);
    assert_eq!(guest.readdir_raw(ROOT, 100, 1).unwrap(), whole[25..]);
    assert_eq!(guest.readdir_raw(ROOT, 100, 2).unwrap(), b"");
    assert_eq!(guest.readdir_raw(ROOT, 100, u64::MAX).unwrap(), b"");
}

#[test]
fn a_listing_is_not_disturbed_by_changes() {
    let (dir, mut guest) = in_dir();
    for index in 0..20 {
        fs::write(dir.path().join(format!("{index:02}")), "").unwrap();
    }
    let mut seen = 0;
    // Remove each file as soon as it is listed, as a recursive removal does.
    guest
        .readdir_each(ROOT, 60, |guest, entry| {
            if !entry.name.starts_with('.') {
                let unlinked = guest.at("path_unlink_file", ROOT, &entry.name);
                assert_eq!(unlinked, Errno::Success);
                seen += 1;
            }
        })
        .unwrap();
    assert_eq!(seen, 20);
    // From the start everything is new.
    assert_eq!(guest.readdir(ROOT, 4096).unwrap().len(), 2);
}

#[test]
fn names_that_are_no_text_are_an_error() {
    use std::os::unix::ffi::OsStrExt;
    let (dir, mut guest) = in_dir();
    let name = std::ffi::OsStr::from_bytes(b"\xff");
    fs::write(dir.path().join(name), "").unwrap();
    assert_eq!(guest.readdir(ROOT, 4096), Err(Errno::Ilseq));
}

#[test]
fn only_directories_can_be_listed() {
    let (dir, mut guest) = in_dir();
    fs::create_dir(dir.path().join("d")).unwrap();
    let file = guest.create("f");
    for fd in [STDIN, file, BAD] {
        assert_eq!(guest.readdir(fd, 4096), Err(Errno::Badf));
    }
    let d = guest.open("d", OFlags::DIRECTORY, Rights::FD_READ).unwrap();
    assert_eq!(guest.readdir(d, 4096).unwrap().len(), 2);
    let end = guest.memory.len() as u64;
    let result = guest.call("fd_readdir", &[ROOT.into(), end - 10, 11, 0, 0]);
    assert!(matches!(result, Err(Trap::Memory(MemoryFault::OutOfBounds { .. }))));
}

#[test]
fn two_descriptors_list_independently() {
    let (dir, mut guest) = in_dir();
    fs::write(dir.path().join("f"), "").unwrap();
    let open = |guest: &mut Guest| guest.open(".", OFlags::DIRECTORY, Rights::FD_READ).unwrap();
    let (a, b) = (open(&mut guest), open(&mut guest));
    guest.readdir_raw(a, 30, 0).unwrap();
    fs::write(dir.path().join("g"), "").unwrap();
    assert_eq!(guest.readdir(b, 4096).unwrap().len(), 4);
    assert_eq!(guest.readdir_raw(a, 100, 2).unwrap().len(), 25);
}
