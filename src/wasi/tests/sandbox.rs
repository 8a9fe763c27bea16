//! No path reaches anything outside of the directory that it starts from.
//!
//! Random calls with paths from a grammar of traps (`..`, `//`, `.`, final slashes, absolute paths, links in chains,
//! links that lead out, up, nowhere and to themselves, links that the guest makes itself) run beside a canary: a file
//! and a directory outside of the root, which must neither change nor be seen.

use crate::guest::{FOLLOW, Guest, NOFOLLOW, ROOT, RW, preopen};
use crate::readonly::snapshot;
use proptest::prelude::*;
use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use terrace_wasi::{FdFlags, FsPerms, LookupFlags, OFlags, Rights, WasiCtxBuilder};

const CANARY: &[u8] = b"canary";

/// Components of paths, and of the targets of links.
const NAMES: &[&str] = &[
    "a",
    "b",
    "file",
    "new",
    "..",
    "..",
    ".",
    "",
    "up",
    "abs",
    "out",
    "abs_out",
    "chain",
    "inside",
    "dangling",
    "abs_dangling",
    "self",
    "deep_up",
    "made",
    "outside",
    "canary",
];

/// Ways out of the root, if they worked.
const WAYS: &[&str] = &[
    "..",
    "./..",
    ".//..",
    "a/../..",
    "a/b/../../..",
    "up",
    "up/.",
    "a/../up",
    "out/..",
    "chain/..",
    "a/deep_up",
    "inside/deep_up",
    "inside/../..",
    "dangling/..",
    "missing/../..",
];

/// What lies at the end of them.
const TARGETS: &[&str] = &[
    "canary",
    "outside",
    "outside/",
    "outside/file",
    "outside/b",
    "outside/b/.",
    "outside/new",
    "new",
    "root/../canary",
];

/// Paths that are outside as a whole.
const OUTSIDE: &[&str] = &[
    "out",
    "out/",
    "out/file",
    "out/b",
    "out/new",
    "chain/file",
    "abs_out/file",
    "abs_out/b",
    "dangling",
    "abs_dangling",
    "chain",
    "up",
    "..",
    "/",
    "abs/etc/passwd",
];

fn aimed_paths() -> Vec<String> {
    let ways = WAYS.iter().flat_map(|way| TARGETS.iter().map(move |target| format!("{way}/{target}")));
    ways.chain(OUTSIDE.iter().map(|path| path.to_string())).collect()
}

fn path() -> impl Strategy<Value = String> {
    let name = prop::sample::select(NAMES);
    let random = (
        prop::sample::select(&["", "", "", "/", "//", "./", "../"][..]),
        prop::collection::vec(name, 1..5),
        prop::sample::select(&["", "", "/", "//", "/.", "/.."][..]),
    )
        .prop_map(|(start, names, end)| format!("{start}{}{end}", names.join("/")));
    prop_oneof![random, prop::sample::select(aimed_paths())]
}

#[derive(Clone, Debug)]
enum Call {
    CreateDirectory(String),
    Stat(String, bool),
    SetTimes(String, bool),
    Link(String, String),
    Open(String, bool, u16, u64),
    Readlink(String),
    RemoveDirectory(String),
    Rename(String, String),
    Symlink(String, String),
    Unlink(String),
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        path().prop_map(Call::CreateDirectory),
        (path(), any::<bool>()).prop_map(|(path, follow)| Call::Stat(path, follow)),
        (path(), any::<bool>()).prop_map(|(path, follow)| Call::SetTimes(path, follow)),
        (path(), path()).prop_map(|(from, to)| Call::Link(from, to)),
        (path(), any::<bool>(), 0..16u16, 0..4u64)
            .prop_map(|(path, follow, oflags, rights)| Call::Open(path, follow, oflags, rights)),
        path().prop_map(Call::Readlink),
        path().prop_map(Call::RemoveDirectory),
        (path(), path()).prop_map(|(from, to)| Call::Rename(from, to)),
        (path(), path()).prop_map(|(target, path)| Call::Symlink(target, path)),
        path().prop_map(Call::Unlink),
    ]
}

/// `base/root` for the guest, beside `base/canary` and `base/outside`.
fn build(base: &Path) {
    fs::create_dir_all(base.join("outside/b")).unwrap();
    fs::write(base.join("outside/file"), CANARY).unwrap();
    fs::write(base.join("canary"), CANARY).unwrap();
    build_root(base);
}

fn build_root(base: &Path) {
    let root = base.join("root");
    fs::create_dir_all(root.join("a/b")).unwrap();
    fs::write(root.join("file"), "inside").unwrap();
    fs::write(root.join("a/file"), "inside").unwrap();
    let link = |target: &Path, name: &str| symlink(target, root.join(name)).unwrap();
    link(Path::new(".."), "up");
    link(Path::new("/"), "abs");
    link(Path::new("../outside"), "out");
    link(&base.join("outside"), "abs_out");
    link(Path::new("chain2"), "chain");
    link(Path::new("a/chain3"), "chain2");
    link(Path::new("../../outside"), "a/chain3");
    link(Path::new("a"), "inside");
    link(Path::new("../outside/new"), "dangling");
    link(&base.join("new"), "abs_dangling");
    link(Path::new("self"), "self");
    link(Path::new("../.."), "a/deep_up");
}

/// Everything outside of the root; the base itself only by its names, as making links in the root is allowed.
fn outside(base: &Path) -> (Vec<String>, Vec<String>, Vec<String>) {
    let mut names: Vec<String> =
        fs::read_dir(base).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    (names, snapshot(&base.join("outside")), snapshot(&base.join("canary")))
}

/// Inode numbers, as guests see them, of what must not be seen.
fn forbidden_inodes(base: &Path) -> HashSet<u64> {
    let mut builder = WasiCtxBuilder::new();
    let mut host = Guest::new(preopen(&mut builder, base, FsPerms::ReadOnly));
    [".", "outside", "outside/b", "outside/file", "canary"]
        .iter()
        .map(|path| host.stat(ROOT, NOFOLLOW, path).unwrap().ino)
        .collect()
}

fn follow(follow: bool) -> LookupFlags {
    if follow { FOLLOW } else { NOFOLLOW }
}

/// Makes a call relative to `dir`, and looks at all that it lets the guest see.
fn make(guest: &mut Guest, dir: u32, call: &Call, forbidden: &HashSet<u64>) -> Option<u32> {
    match call {
        Call::CreateDirectory(path) => drop(guest.at("path_create_directory", dir, path)),
        Call::RemoveDirectory(path) => drop(guest.at("path_remove_directory", dir, path)),
        Call::Unlink(path) => drop(guest.at("path_unlink_file", dir, path)),
        Call::Readlink(path) => drop(guest.readlink(dir, path, 200)),
        Call::SetTimes(path, flag) => {
            guest.set_path_times(dir, follow(*flag), path, (1, 2), 1 | 4);
        }
        Call::Link(from, to) => drop(guest.link((dir, from), NOFOLLOW, (ROOT, to))),
        Call::Rename(from, to) => drop(guest.rename((dir, from), (ROOT, to))),
        Call::Symlink(target, path) => drop(guest.symlink(target, dir, path)),
        Call::Stat(path, flag) => {
            if let Ok(stat) = guest.stat(dir, follow(*flag), path) {
                assert!(!forbidden.contains(&stat.ino), "{path:?} was seen");
            }
        }
        Call::Open(path, flag, oflags, rights) => {
            let oflags = OFlags::from_bits_truncate(*oflags);
            let rights = RW & Rights::from_bits_truncate((rights & 1) << 1 | (rights & 2) << 5);
            let opened = guest.open_with(dir, follow(*flag), path, oflags, rights, FdFlags::empty());
            let Ok(fd) = opened else { return None };
            let stat = guest.fd_stat(fd).unwrap();
            assert!(!forbidden.contains(&stat.ino), "{path:?} was opened");
            if stat.filetype == 3 {
                for entry in guest.readdir(fd, 4096).unwrap() {
                    let is_dots = entry.name == "." || entry.name == "..";
                    assert!(is_dots || !forbidden.contains(&entry.ino), "{path:?} was listed");
                }
                return Some(fd);
            }
            if let Ok(bytes) = guest.read(fd, 100) {
                assert_ne!(bytes, CANARY, "{path:?} was read");
            }
            let _ = guest.write(fd, b"written");
            guest.close(fd);
        }
    }
    None
}

/// Every call with one path, and every call with two of which one is harmless.
fn calls_on(path: &str) -> Vec<Call> {
    let path = || path.to_owned();
    let file = || "file".to_owned();
    let made = || "made".to_owned();
    let mut calls = vec![
        Call::CreateDirectory(path()),
        Call::Readlink(path()),
        Call::RemoveDirectory(path()),
        Call::Unlink(path()),
        Call::Symlink(file(), path()),
        Call::Symlink(path(), made()),
        Call::Link(path(), made()),
        Call::Link(file(), path()),
        Call::Rename(path(), made()),
        Call::Rename(file(), path()),
        Call::Rename("a".to_owned(), path()),
    ];
    for follow in [false, true] {
        calls.push(Call::Stat(path(), follow));
        calls.push(Call::SetTimes(path(), follow));
        for oflags in 0..16 {
            calls.extend((0..4).map(|rights| Call::Open(path(), follow, oflags, rights)));
        }
    }
    calls
}

#[test]
fn every_call_on_every_way_out() {
    let base = tempfile::tempdir().unwrap();
    build(base.path());
    let forbidden = forbidden_inodes(base.path());
    let before = outside(base.path());
    for path in aimed_paths() {
        for call in calls_on(&path) {
            let mut builder = WasiCtxBuilder::new();
            let root = base.path().join("root");
            let mut guest = Guest::new(preopen(&mut builder, &root, FsPerms::ReadWrite));
            make(&mut guest, ROOT, &call, &forbidden);
            assert_eq!(outside(base.path()), before, "{call:?}");
            // What the call made or moved within the root is put back.
            let intact = root.join("file").exists() && root.join("a/b").exists() && !root.join("made").exists();
            if !intact || root.join("a").is_symlink() {
                fs::remove_dir_all(&root).unwrap();
                build_root(base.path());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_outside_is_reached(calls in prop::collection::vec((call(), any::<prop::sample::Index>()), 1..30)) {
        let base = tempfile::tempdir().unwrap();
        build(base.path());
        let before = outside(base.path());
        let forbidden = forbidden_inodes(base.path());
        let mut builder = WasiCtxBuilder::new();
        let mut guest = Guest::new(preopen(&mut builder, &base.path().join("root"), FsPerms::ReadWrite));
        // Directories stay open while what is around them is renamed and removed.
        let mut dirs = vec![ROOT];
        for (call, dir) in &calls {
            let dir = dirs[dir.index(dirs.len())];
            if let Some(opened) = make(&mut guest, dir, call, &forbidden) {
                dirs.push(opened);
            }
            prop_assert_eq!(&outside(base.path()), &before, "{:?}", call);
        }
    }

    #[test]
    fn nothing_changes_beneath_a_read_only_directory(calls in prop::collection::vec(call(), 1..20)) {
        let base = tempfile::tempdir().unwrap();
        build(base.path());
        let before = snapshot(base.path());
        let forbidden = forbidden_inodes(base.path());
        let mut builder = WasiCtxBuilder::new();
        let mut guest = Guest::new(preopen(&mut builder, &base.path().join("root"), FsPerms::ReadOnly));
        for call in &calls {
            make(&mut guest, ROOT, call, &forbidden);
            prop_assert_eq!(&snapshot(base.path()), &before, "{:?}", call);
        }
    }
}
