//! Numbers that a guest chooses do not decide what the host spends.

use crate::guest::{FOLLOW, Guest, ROOT, RW, STDOUT, in_dir, preopen};
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};
use terrace_wasi::{
    Errno, FdFlags, FsPerms, GuestMemory, MAX_BUFFERS, MAX_SUBSCRIPTIONS, MemoryFault, OFlags, Rights, Trap,
    WasiCtxBuilder,
};

/// Memory of 4 GiB that is not there: reads give a pattern, writes are counted. A call that copied as much as it is
/// told to would show in the largest transfer.
#[derive(Default)]
struct Vast {
    low: Vec<u8>,
    written: u64,
    largest: usize,
}

impl GuestMemory for Vast {
    fn size(&self) -> u64 {
        1 << 32
    }

    fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<(), MemoryFault> {
        buffer.fill(0);
        if let Some(low) = self.low.get(offset as usize..) {
            let len = low.len().min(buffer.len());
            buffer[..len].copy_from_slice(&low[..len]);
        }
        Ok(())
    }

    fn write(&mut self, _: u64, bytes: &[u8]) -> Result<(), MemoryFault> {
        self.written += bytes.len() as u64;
        self.largest = self.largest.max(bytes.len());
        Ok(())
    }
}

#[test]
fn random_bytes_come_in_pieces() {
    struct Nothing;
    impl terrace_wasi::Random for Nothing {
        fn fill(&mut self, buffer: &mut [u8]) -> std::io::Result<()> {
            assert!(buffer.len() <= 1 << 20);
            Ok(())
        }
    }
    let mut ctx = WasiCtxBuilder::new().random(Nothing).build().unwrap();
    let mut memory = Vast::default();
    ctx.random_get(&mut memory, 0, u32::MAX).unwrap();
    assert_eq!(memory.written, u64::from(u32::MAX));
    assert!(memory.largest <= 1 << 20);
}

#[test]
fn too_many_buffers_are_invalid() {
    let (_dir, mut guest) = in_dir();
    let fd = guest.create("f");
    let at = guest.put(b"x") as u32;
    let most = MAX_BUFFERS as usize;
    let iovs = guest.iovecs(&vec![(at, 1); most + 1]);
    for (name, rest) in [("fd_write", &[0][..]), ("fd_read", &[0]), ("fd_pwrite", &[0, 0]), ("fd_pread", &[0, 0])] {
        let args = [&[fd.into(), iovs, most as u64 + 1], rest].concat();
        guest.fails(Errno::Inval, name, &args);
    }
    let count = guest.u32("fd_write", &[fd.into(), iovs, most as u64]);
    assert_eq!(count, Ok(MAX_BUFFERS));
    // More than memory holds is a fault before it is a number.
    for count in [1 << 28, u64::from(u32::MAX)] {
        let result = guest.call("fd_write", &[fd.into(), 0, count, 0]);
        assert!(matches!(result, Err(Trap::Memory(_))));
    }
}

#[test]
fn one_buffer_named_many_times_is_cut() {
    // 1024 times 4 GiB.
    let mut low = Vec::new();
    for _ in 0..MAX_BUFFERS {
        low.extend(0u32.to_le_bytes());
        low.extend(u32::MAX.to_le_bytes());
    }
    let mut memory = Vast { low, ..Vast::default() };
    let mut ctx = WasiCtxBuilder::new().build().unwrap();
    let buffers = terrace_wasi::GuestBuffers { ptr: 0, len: MAX_BUFFERS };
    let start = Instant::now();
    let count = ctx.fd_write(&mut memory, STDOUT, buffers).unwrap();
    assert_eq!(count, 0x7fff_f000);
    assert!(start.elapsed() < Duration::from_secs(100));
    // Reading the end of the input needs one look.
    assert_eq!(ctx.fd_read(&mut memory, 0, buffers).unwrap(), 0);
    assert!(memory.largest <= 1 << 20);
}

#[test]
fn too_many_subscriptions_are_invalid() {
    let mut ctx = WasiCtxBuilder::new().build().unwrap();
    let mut memory = Vast::default();
    for count in [MAX_SUBSCRIPTIONS + 1, 1 << 26, 1 << 28, u32::MAX] {
        let result = ctx.poll_oneoff(&mut memory, 0, 0, count);
        assert!(matches!(result, Err(terrace_wasi::Error::Errno(Errno::Inval))));
    }
    // Zeros subscribe to the real-time clock, which is due at once.
    let count = ctx.poll_oneoff(&mut memory, 0, 0, MAX_SUBSCRIPTIONS);
    assert_eq!(count.unwrap(), MAX_SUBSCRIPTIONS);
}

#[test]
fn long_paths_are_refused_before_they_are_copied() {
    struct Checked(Vast);
    impl GuestMemory for Checked {
        fn size(&self) -> u64 {
            self.0.size()
        }
        fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<(), MemoryFault> {
            assert!(buffer.len() <= 4096);
            self.0.read(offset, buffer)
        }
        fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), MemoryFault> {
            self.0.write(offset, bytes)
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let mut builder = WasiCtxBuilder::new();
    let mut ctx = preopen(&mut builder, dir.path(), FsPerms::ReadWrite).build().unwrap();
    let mut memory = Checked(Vast::default());
    let long = terrace_wasi::GuestStr { ptr: 0, len: u32::MAX };
    let result = ctx.path_create_directory(&mut memory, ROOT, long);
    assert!(matches!(result, Err(terrace_wasi::Error::Errno(Errno::Nametoolong))));
    let result = ctx.path_symlink(&mut memory, long, ROOT, long);
    assert!(matches!(result, Err(terrace_wasi::Error::Errno(Errno::Nametoolong))));
    // Huge buffers for small results.
    let used = ctx.fd_readdir(&mut memory, ROOT, 0, u32::MAX, 0).unwrap();
    assert_eq!(used, 51);
    symlink("target", dir.path().join("l")).unwrap();
    memory.0.low = b"l".to_vec();
    let name = terrace_wasi::GuestStr { ptr: 0, len: 1 };
    let used = ctx.path_readlink(&mut memory, ROOT, name, 0, u32::MAX);
    assert_eq!(used.unwrap(), 6);
}

#[test]
fn descriptors_run_out() {
    let dir = tempfile::tempdir().unwrap();
    let mut builder = WasiCtxBuilder::new();
    builder.max_descriptors(10);
    let mut guest = Guest::new(preopen(&mut builder, dir.path(), FsPerms::ReadWrite));
    let fds: Vec<u32> = std::iter::from_fn(|| guest.open("f", OFlags::CREAT, RW).ok()).take(100).collect();
    assert_eq!(fds, [4, 5, 6, 7, 8, 9]);
    // Nothing is created that could not be returned.
    assert_eq!(guest.open("g", OFlags::CREAT, RW), Err(Errno::Mfile));
    assert!(!dir.path().join("g").exists());
    assert_eq!(guest.close(5), Errno::Success);
    assert_eq!(guest.open("g", OFlags::CREAT, RW), Ok(5));
    assert_eq!(guest.open("g", OFlags::CREAT, RW), Err(Errno::Mfile));
    let too_few = WasiCtxBuilder::new().max_descriptors(2).build();
    assert_eq!(too_few.unwrap_err(), Errno::Mfile);
}

#[test]
fn the_default_limit_holds() {
    let (_dir, mut guest) = in_dir();
    let mut opened = 4;
    let errno = loop {
        match guest.open(".", OFlags::DIRECTORY, Rights::FD_READ) {
            Ok(_) => opened += 1,
            Err(errno) => break errno,
        }
    };
    assert_eq!((opened, errno), (terrace_wasi::DEFAULT_MAX_DESCRIPTORS, Errno::Mfile));
}

#[test]
fn files_beyond_what_the_host_can_store_are_errors() {
    let (_dir, mut guest) = in_dir();
    let fd = guest.open_with(ROOT, FOLLOW, "f", OFlags::CREAT, RW, FdFlags::empty()).unwrap();
    let beyond = i64::MAX as u64;
    let result = guest.pwrite(fd, b"xx", beyond);
    assert!(matches!(result, Err(Errno::Fbig | Errno::Inval)), "{result:?}");
    let result = guest.errno("fd_filestat_set_size", &[fd.into(), beyond]);
    assert!(matches!(result, Errno::Fbig | Errno::Inval), "{result:?}");
}
