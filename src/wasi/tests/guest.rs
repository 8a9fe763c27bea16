//! A guest without code: memory, and calls through the table.

use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};
use tempfile::TempDir;
use terrace_wasi::{
    Errno, FdFlags, FsPerms, Function, GuestMemory, LookupFlags, MemoryFault, OFlags, Rights, Trap, WasiCtx,
    WasiCtxBuilder,
};

pub const STDIN: u32 = 0;
pub const STDOUT: u32 = 1;
/// The first preopened directory.
pub const ROOT: u32 = 3;
pub const BAD: u32 = 999;

pub const FOLLOW: LookupFlags = LookupFlags::SYMLINK_FOLLOW;
pub const NOFOLLOW: LookupFlags = LookupFlags::empty();
pub const RW: Rights = Rights::FD_READ.union(Rights::FD_WRITE);

pub struct Guest {
    pub ctx: WasiCtx,
    pub memory: Vec<u8>,
    top: usize,
}

/// A directory of the host that is removed in the end, and a guest that has it as `/`.
pub fn in_dir() -> (TempDir, Guest) {
    with_perms(FsPerms::ReadWrite)
}

pub fn with_perms(perms: FsPerms) -> (TempDir, Guest) {
    let dir = tempfile::tempdir().unwrap();
    let guest = Guest::new(preopen(&mut WasiCtxBuilder::new(), dir.path(), perms));
    (dir, guest)
}

pub fn preopen<'a>(builder: &'a mut WasiCtxBuilder, path: &Path, perms: FsPerms) -> &'a mut WasiCtxBuilder {
    builder.preopened_dir(path, "/", perms).unwrap()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    pub dev: u64,
    pub ino: u64,
    pub filetype: u8,
    pub nlink: u64,
    pub size: u64,
    pub atim: u64,
    pub mtim: u64,
    pub ctim: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dirent {
    pub next: u64,
    pub ino: u64,
    pub filetype: u8,
    pub name: String,
}

impl Guest {
    pub fn new(builder: &mut WasiCtxBuilder) -> Guest {
        Guest { ctx: builder.build().unwrap(), memory: vec![0; 1 << 20], top: 0 }
    }

    pub fn call(&mut self, name: &str, args: &[u64]) -> Result<Errno, Trap> {
        let function = Function::find(name).unwrap_or_else(|| panic!("no function {name}"));
        assert_eq!(args.len(), function.params.len(), "arguments of {name}");
        function.call(&mut self.ctx, &mut self.memory.as_mut_slice(), args)
    }

    /// Calls a function that does not trap.
    pub fn errno(&mut self, name: &str, args: &[u64]) -> Errno {
        self.call(name, args).unwrap()
    }

    #[track_caller]
    pub fn ok(&mut self, name: &str, args: &[u64]) {
        assert_eq!(self.errno(name, args), Errno::Success, "{name} {args:?}");
    }

    #[track_caller]
    pub fn fails(&mut self, errno: Errno, name: &str, args: &[u64]) {
        assert_eq!(self.errno(name, args), errno, "{name} {args:?}");
    }

    /// Calls a function whose last argument points to what it returns, and gives those bytes.
    pub fn returning<const N: usize>(&mut self, name: &str, args: &[u64]) -> Result<[u8; N], Errno> {
        let at = self.put(&[0xaa; N]);
        let args = [args, &[at]].concat();
        match self.errno(name, &args) {
            Errno::Success => Ok(self.get(at, N).try_into().unwrap()),
            errno => Err(errno),
        }
    }

    pub fn u32(&mut self, name: &str, args: &[u64]) -> Result<u32, Errno> {
        self.returning(name, args).map(u32::from_le_bytes)
    }

    pub fn u64(&mut self, name: &str, args: &[u64]) -> Result<u64, Errno> {
        self.returning(name, args).map(u64::from_le_bytes)
    }

    /// Places bytes somewhere, aligned to 8; old ones are overwritten in time.
    pub fn put(&mut self, bytes: &[u8]) -> u64 {
        let mut at = self.top.next_multiple_of(8);
        if at + bytes.len() > self.memory.len() {
            at = 0;
        }
        self.memory[at..at + bytes.len()].copy_from_slice(bytes);
        self.top = at + bytes.len();
        at as u64
    }

    pub fn get(&self, at: u64, len: usize) -> Vec<u8> {
        self.memory[at as usize..at as usize + len].to_vec()
    }

    pub fn get_u32(&self, at: u64) -> u32 {
        u32::from_le_bytes(self.get(at, 4).try_into().unwrap())
    }

    /// Places a path and gives the two arguments for it.
    pub fn str(&mut self, path: &str) -> [u64; 2] {
        [self.put(path.as_bytes()), path.len() as u64]
    }

    /// Places one buffer and its description, and gives the two arguments for it.
    pub fn buffer(&mut self, bytes: &[u8]) -> ([u64; 2], u64) {
        let at = self.put(bytes);
        ([self.iovecs(&[(at as u32, bytes.len() as u32)]), 1], at)
    }

    pub fn iovecs(&mut self, buffers: &[(u32, u32)]) -> u64 {
        let bytes: Vec<u8> =
            buffers.iter().flat_map(|(ptr, len)| [ptr.to_le_bytes(), len.to_le_bytes()].concat()).collect();
        self.put(&bytes)
    }

    pub fn open_with(
        &mut self,
        dir: u32,
        flags: LookupFlags,
        path: &str,
        oflags: OFlags,
        rights: Rights,
        fdflags: FdFlags,
    ) -> Result<u32, Errno> {
        let [ptr, len] = self.str(path);
        self.u32(
            "path_open",
            &[
                dir.into(),
                flags.bits().into(),
                ptr,
                len,
                oflags.bits().into(),
                rights.bits(),
                rights.bits(),
                fdflags.bits().into(),
            ],
        )
    }

    /// Opens beneath [`ROOT`], following links.
    pub fn open(&mut self, path: &str, oflags: OFlags, rights: Rights) -> Result<u32, Errno> {
        self.open_with(ROOT, FOLLOW, path, oflags, rights, FdFlags::empty())
    }

    /// Creates an empty file for reading and writing.
    #[track_caller]
    pub fn create(&mut self, path: &str) -> u32 {
        self.open(path, OFlags::CREAT, RW).unwrap()
    }

    pub fn close(&mut self, fd: u32) -> Errno {
        self.errno("fd_close", &[fd.into()])
    }

    pub fn write(&mut self, fd: u32, bytes: &[u8]) -> Result<u32, Errno> {
        let ([iovs, count], _) = self.buffer(bytes);
        self.u32("fd_write", &[fd.into(), iovs, count])
    }

    pub fn read(&mut self, fd: u32, len: usize) -> Result<Vec<u8>, Errno> {
        let ([iovs, count], at) = self.buffer(&vec![0; len]);
        let read = self.u32("fd_read", &[fd.into(), iovs, count])?;
        Ok(self.get(at, read as usize))
    }

    pub fn pwrite(&mut self, fd: u32, bytes: &[u8], offset: u64) -> Result<u32, Errno> {
        let ([iovs, count], _) = self.buffer(bytes);
        self.u32("fd_pwrite", &[fd.into(), iovs, count, offset])
    }

    pub fn pread(&mut self, fd: u32, len: usize, offset: u64) -> Result<Vec<u8>, Errno> {
        let ([iovs, count], at) = self.buffer(&vec![0; len]);
        let read = self.u32("fd_pread", &[fd.into(), iovs, count, offset])?;
        Ok(self.get(at, read as usize))
    }

    pub fn seek(&mut self, fd: u32, offset: i64, whence: u64) -> Result<u64, Errno> {
        self.u64("fd_seek", &[fd.into(), offset as u64, whence])
    }

    pub fn tell(&mut self, fd: u32) -> Result<u64, Errno> {
        self.u64("fd_tell", &[fd.into()])
    }

    /// Filetype, flags, base and inheriting rights.
    pub fn fdstat(&mut self, fd: u32) -> Result<(u8, FdFlags, Rights, Rights), Errno> {
        let bytes: [u8; 24] = self.returning("fd_fdstat_get", &[fd.into()])?;
        let rights = |at: usize| Rights::from_bits(u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())).unwrap();
        let flags = FdFlags::from_bits(u16::from_le_bytes([bytes[2], bytes[3]])).unwrap();
        Ok((bytes[0], flags, rights(8), rights(16)))
    }

    pub fn fd_stat(&mut self, fd: u32) -> Result<Stat, Errno> {
        Ok(stat(self.returning("fd_filestat_get", &[fd.into()])?))
    }

    pub fn stat(&mut self, dir: u32, flags: LookupFlags, path: &str) -> Result<Stat, Errno> {
        let [ptr, len] = self.str(path);
        let args = [dir.into(), flags.bits().into(), ptr, len];
        Ok(stat(self.returning("path_filestat_get", &args)?))
    }

    /// One call, raw.
    pub fn readdir_raw(&mut self, fd: u32, len: usize, cookie: u64) -> Result<Vec<u8>, Errno> {
        let at = self.put(&vec![0xee; len]);
        let used = self.u32("fd_readdir", &[fd.into(), at, len as u64, cookie])?;
        Ok(self.get(at, used as usize))
    }

    /// All entries, by as many calls as a buffer of `len` bytes takes.
    pub fn readdir(&mut self, fd: u32, len: usize) -> Result<Vec<Dirent>, Errno> {
        let mut entries = Vec::new();
        self.readdir_each(fd, len, |_, entry| entries.push(entry))?;
        Ok(entries)
    }

    /// Lists like [`Self::readdir`], and acts on the entries of a buffer before the next is filled.
    pub fn readdir_each(&mut self, fd: u32, len: usize, mut act: impl FnMut(&mut Guest, Dirent)) -> Result<(), Errno> {
        let mut cookie = 0;
        loop {
            let bytes = self.readdir_raw(fd, len, cookie)?;
            let before = cookie;
            let mut rest = &bytes[..];
            while rest.len() >= 24 {
                let field = |at: usize| u64::from_le_bytes(rest[at..at + 8].try_into().unwrap());
                let name_len = field(16) as u32 as usize;
                if rest.len() < 24 + name_len {
                    break;
                }
                cookie = field(0);
                let entry = Dirent {
                    next: cookie,
                    ino: field(8),
                    filetype: rest[20],
                    name: String::from_utf8(rest[24..24 + name_len].to_vec()).unwrap(),
                };
                act(self, entry);
                rest = &rest[24 + name_len..];
            }
            if bytes.len() < len {
                return Ok(());
            }
            assert!(cookie > before, "buffer too small for an entry");
        }
    }

    /// A call on one path beneath `dir`, where the path comes right after the descriptor.
    pub fn at(&mut self, name: &str, dir: u32, path: &str) -> Errno {
        let [ptr, len] = self.str(path);
        self.errno(name, &[dir.into(), ptr, len])
    }

    pub fn symlink(&mut self, target: &str, dir: u32, path: &str) -> Errno {
        let [target, target_len] = self.str(target);
        let [ptr, len] = self.str(path);
        self.errno("path_symlink", &[target, target_len, dir.into(), ptr, len])
    }

    pub fn readlink(&mut self, dir: u32, path: &str, len: usize) -> Result<String, Errno> {
        let [ptr, path_len] = self.str(path);
        let at = self.put(&vec![0; len]);
        let args = [dir.into(), ptr, path_len, at, len as u64];
        let used = self.u32("path_readlink", &args)?;
        Ok(String::from_utf8(self.get(at, used as usize)).unwrap())
    }

    pub fn link(&mut self, from: (u32, &str), flags: LookupFlags, to: (u32, &str)) -> Errno {
        let [old, old_len] = self.str(from.1);
        let [new, new_len] = self.str(to.1);
        let args = [from.0.into(), flags.bits().into(), old, old_len, to.0.into(), new, new_len];
        self.errno("path_link", &args)
    }

    pub fn rename(&mut self, from: (u32, &str), to: (u32, &str)) -> Errno {
        let [old, old_len] = self.str(from.1);
        let [new, new_len] = self.str(to.1);
        let args = [from.0.into(), old, old_len, to.0.into(), new, new_len];
        self.errno("path_rename", &args)
    }

    pub fn set_path_times(
        &mut self,
        dir: u32,
        flags: LookupFlags,
        path: &str,
        times: (u64, u64),
        fst_flags: u64,
    ) -> Errno {
        let [ptr, len] = self.str(path);
        let args = [dir.into(), flags.bits().into(), ptr, len, times.0, times.1, fst_flags];
        self.errno("path_filestat_set_times", &args)
    }
}

fn stat(bytes: [u8; 64]) -> Stat {
    let field = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    Stat {
        dev: field(0),
        ino: field(8),
        filetype: bytes[16],
        nlink: field(24),
        size: field(32),
        atim: field(40),
        mtim: field(48),
        ctim: field(56),
    }
}

/// Memory that others may change at any time, so that no slice of it can be had.
pub struct SharedMemory(pub Vec<AtomicU8>);

impl GuestMemory for SharedMemory {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<(), MemoryFault> {
        let cells = self.cells(offset, buffer.len())?;
        for (byte, cell) in buffer.iter_mut().zip(cells) {
            *byte = cell.load(Ordering::Relaxed);
        }
        Ok(())
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), MemoryFault> {
        for (byte, cell) in bytes.iter().zip(self.cells(offset, bytes.len())?) {
            cell.store(*byte, Ordering::Relaxed);
        }
        Ok(())
    }
}

impl SharedMemory {
    fn cells(&self, offset: u64, len: usize) -> Result<&[AtomicU8], MemoryFault> {
        let fault = MemoryFault::OutOfBounds { offset, len: len as u64 };
        let start = usize::try_from(offset).map_err(|_| fault)?;
        let end = start.checked_add(len).ok_or(fault)?;
        self.0.get(start..end).ok_or(fault)
    }
}
