//! Open files, and the functions on descriptors that are not directories.
//!
//! The position is kept here and data moves with positioned reads and writes, so that two descriptors never share a
//! position by accident. Files without a position (pipes, terminals) are opened without blocking and waited for, so
//! that waiting can be interrupted.

use crate::buffers::{GuestBuffers, gather, scatter, scatter_once};
use crate::builder::FsPerms;
use crate::ctx::WasiCtx;
use crate::errno::Errno;
use crate::error::{Error, Result};
use crate::memory::GuestMemory;
use crate::stat::{FileTimes, filestat, filetype};
use crate::stream::Readiness;
use crate::table::Kind;
use crate::types::{Advice, Fd, FdFlags, Filestat, Filetype, FstFlags, Rights, Timestamp, Whence};
use crate::wait::Waiter;
use rustix::event::PollFlags;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use std::io;
use std::num::NonZeroU64;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;

/// Most bytes that a descriptor which is ready for writing takes without blocking (`PIPE_BUF`).
const ATOMIC_WRITE: usize = 4096;

/// An open file that is not a directory.
pub(crate) struct File {
    file: std::fs::File,
    perms: FsPerms,
    readable: bool,
    writable: bool,
    pub flags: FdFlags,
    /// The position, where the file has one.
    position: Option<u64>,
}

impl File {
    pub(crate) fn new(
        file: std::fs::File,
        perms: FsPerms,
        readable: bool,
        writable: bool,
        flags: FdFlags,
    ) -> Result<Self> {
        let seekable = rustix::fs::seek(&file, rustix::fs::SeekFrom::Current(0)).is_ok();
        let mut file =
            File { file, perms, readable, writable, flags: flags - FdFlags::APPEND, position: seekable.then_some(0) };
        file.set_flags(flags)?;
        Ok(file)
    }

    pub(crate) fn is_seekable(&self) -> bool {
        self.position.is_some()
    }

    /// Everything but what the way it was opened excludes.
    pub(crate) fn rights(&self) -> Rights {
        let mut rights = Rights::all();
        if !self.readable {
            rights -= Rights::FD_READ | Rights::FD_READDIR;
        }
        if !self.writable {
            rights -= Rights::FD_WRITE;
        }
        rights
    }

    pub(crate) fn filetype(&self) -> Result<Filetype, Errno> {
        match cap_std::fs::Metadata::from_file(&self.file) {
            Ok(metadata) => Ok(filetype(metadata.file_type())),
            Err(error) => Err(Errno::from(&error)),
        }
    }

    pub(crate) fn filestat(&self) -> Result<Filestat> {
        Ok(filestat(&cap_std::fs::Metadata::from_file(&self.file)?))
    }

    pub(crate) fn readiness(&self) -> Readiness<'_> {
        if self.is_seekable() { Readiness::Ready } else { Readiness::Fd(self.file.as_fd()) }
    }

    /// Bytes up to the end, where there is an end.
    pub(crate) fn remaining(&self) -> Result<Option<u64>> {
        match self.position {
            Some(position) => Ok(Some(self.size()?.saturating_sub(position))),
            None => Ok(None),
        }
    }

    fn size(&self) -> Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn set_flags(&mut self, flags: FdFlags) -> Result<()> {
        if (flags ^ self.flags).intersects(FdFlags::AT_OPEN) {
            return Err(Errno::Inval.into());
        }
        if (flags ^ self.flags).contains(FdFlags::APPEND) {
            let mut host = fcntl_getfl(&self.file)?;
            host.set(OFlags::APPEND, flags.contains(FdFlags::APPEND));
            fcntl_setfl(&self.file, host)?;
        }
        self.flags = flags;
        Ok(())
    }

    fn set_times(&self, times: &FileTimes) -> Result<()> {
        if self.perms == FsPerms::ReadOnly {
            return Err(Errno::Perm.into());
        }
        Ok(rustix::fs::futimens(&self.file, &times.to_host())?)
    }

    /// Fails unless the contents may be changed.
    fn writable(&self) -> Result<(), Errno> {
        match (self.perms, self.writable) {
            (FsPerms::ReadWrite, true) => Ok(()),
            _ => Err(Errno::Badf),
        }
    }

    fn read_at(&self, bytes: &mut [u8], position: u64) -> Result<usize> {
        retry(|| self.file.read_at(bytes, position))
    }

    fn read_stream(&mut self, bytes: &mut [u8], waiter: &Waiter) -> Result<usize> {
        let mut read = |file: &mut File| Ok(rustix::io::read(&file.file, &mut *bytes)?);
        if self.flags.contains(FdFlags::NONBLOCK) {
            return retry(|| read(self));
        }
        waiter.block_on(self, File::readiness, PollFlags::IN, read)
    }

    fn write_at(&self, bytes: &[u8], position: u64) -> Result<usize> {
        if self.flags.contains(FdFlags::APPEND) {
            retry(|| Ok(rustix::io::write(&self.file, bytes)?))
        } else {
            retry(|| self.file.write_at(bytes, position))
        }
    }

    fn write_stream(&mut self, bytes: &[u8], waiter: &Waiter) -> Result<usize> {
        if self.flags.contains(FdFlags::NONBLOCK) {
            return retry(|| Ok(rustix::io::write(&self.file, bytes)?));
        }
        write_all(bytes, usize::MAX, |piece| {
            waiter.block_on(self, File::readiness, PollFlags::OUT, |file| Ok(rustix::io::write(&file.file, piece)?))
        })
    }
}

fn retry<T>(mut operation: impl FnMut() -> io::Result<T>) -> Result<T> {
    loop {
        match operation() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return Ok(result?),
        }
    }
}

/// Writes all of `bytes`, at most `most` at once; an error after the first byte is left to the next call.
pub(crate) fn write_all(bytes: &[u8], most: usize, mut write: impl FnMut(&[u8]) -> Result<usize>) -> Result<usize> {
    let mut done = 0;
    while done < bytes.len() {
        let end = bytes.len().min(done.saturating_add(most));
        match write(&bytes[done..end]) {
            Ok(0) => break,
            Ok(count) => done += count.min(end - done),
            Err(Error::Errno(_)) if done > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

impl WasiCtx {
    /// Tells the host how a file will be accessed.
    pub fn fd_advise(&mut self, fd: Fd, offset: u64, len: u64, advice: Advice) -> Result<()> {
        let file = self.table.with(fd, Rights::FD_ADVISE)?.file()?;
        let advice = match advice {
            Advice::Normal => rustix::fs::Advice::Normal,
            Advice::Sequential => rustix::fs::Advice::Sequential,
            Advice::Random => rustix::fs::Advice::Random,
            Advice::WillNeed => rustix::fs::Advice::WillNeed,
            Advice::DontNeed => rustix::fs::Advice::DontNeed,
            Advice::NoReuse => rustix::fs::Advice::NoReuse,
        };
        rustix::fs::fadvise(&file.file, offset, NonZeroU64::new(len), advice)?;
        Ok(())
    }

    /// Makes sure that a range of a file has space on the device, extending the file as needed.
    pub fn fd_allocate(&mut self, fd: Fd, offset: u64, len: u64) -> Result<()> {
        let file = self.table.with(fd, Rights::FD_ALLOCATE)?.file()?;
        if file.perms == FsPerms::ReadOnly {
            return Err(Errno::Perm.into());
        }
        file.writable()?;
        rustix::fs::fallocate(&file.file, rustix::fs::FallocateFlags::empty(), offset, len)?;
        Ok(())
    }

    /// Writes the data of a file to its device.
    pub fn fd_datasync(&mut self, fd: Fd) -> Result<()> {
        let file = self.table.with(fd, Rights::FD_DATASYNC)?.file()?;
        Ok(file.file.sync_data()?)
    }

    /// Writes the data and metadata of a file to its device.
    pub fn fd_sync(&mut self, fd: Fd) -> Result<()> {
        let file = self.table.with(fd, Rights::FD_SYNC)?.file()?;
        Ok(file.file.sync_all()?)
    }

    /// Sets the mode of a descriptor.
    pub fn fd_fdstat_set_flags(&mut self, fd: Fd, flags: FdFlags) -> Result<()> {
        let descriptor = self.table.with_mut(fd, Rights::FD_FDSTAT_SET_FLAGS)?;
        let socket_flags = match &mut descriptor.kind {
            Kind::Listener(listener) => &mut listener.flags,
            Kind::Socket(socket) => &mut socket.flags,
            _ => return descriptor.file_mut()?.set_flags(flags),
        };
        if !FdFlags::NONBLOCK.contains(flags) {
            return Err(Errno::Inval.into());
        }
        *socket_flags = flags;
        Ok(())
    }

    /// Sets the size of a file; what is added reads as zero.
    pub fn fd_filestat_set_size(&mut self, fd: Fd, size: u64) -> Result<()> {
        let descriptor = self.table.with(fd, Rights::FD_FILESTAT_SET_SIZE)?;
        let file = descriptor.file()?;
        if file.perms == FsPerms::ReadOnly {
            return Err(Errno::Perm.into());
        }
        Ok(file.file.set_len(size)?)
    }

    /// Sets the timestamps of an open file or directory.
    pub fn fd_filestat_set_times(&mut self, fd: Fd, atim: Timestamp, mtim: Timestamp, flags: FstFlags) -> Result<()> {
        let times = FileTimes::new(&mut *self.clocks, atim, mtim, flags)?;
        let descriptor = self.table.with(fd, Rights::FD_FILESTAT_SET_TIMES)?;
        match &descriptor.kind {
            Kind::File(file) => file.set_times(&times),
            Kind::Directory(dir) => dir.set_own_times(&times),
            _ => Err(Errno::Badf.into()),
        }
    }

    /// Reads at the position of a descriptor.
    pub fn fd_read(&mut self, memory: &mut dyn GuestMemory, fd: Fd, buffers: GuestBuffers) -> Result<u32> {
        let buffers = buffers.read(memory)?;
        let waiter = &self.waiter;
        let descriptor = self.table.with_mut(fd, Rights::FD_READ)?;
        match &mut descriptor.kind {
            Kind::File(file) if !file.readable => Err(Errno::Badf.into()),
            Kind::File(file) => match file.position {
                Some(mut position) => {
                    let count = scatter(memory, &buffers, waiter, |bytes| {
                        let count = file.read_at(bytes, position)?;
                        position = position.saturating_add(count as u64);
                        Ok(count)
                    })?;
                    file.position = Some(position);
                    Ok(count)
                }
                None => scatter_once(memory, &buffers, waiter, |bytes| file.read_stream(bytes, waiter)),
            },
            Kind::Input(stream) => scatter_once(memory, &buffers, waiter, |bytes| {
                waiter.block_on(&mut **stream, |stream| stream.readiness(), PollFlags::IN, |stream| stream.read(bytes))
            }),
            Kind::Socket(socket) => scatter_once(memory, &buffers, waiter, |bytes| {
                socket.receive(bytes, rustix::net::RecvFlags::empty(), waiter)
            }),
            _ => Err(Errno::Badf.into()),
        }
    }

    /// Reads at an offset, and leaves the position alone.
    pub fn fd_pread(
        &mut self,
        memory: &mut dyn GuestMemory,
        fd: Fd,
        buffers: GuestBuffers,
        mut offset: u64,
    ) -> Result<u32> {
        let buffers = buffers.read(memory)?;
        let rights = Rights::FD_READ | Rights::FD_SEEK;
        let descriptor = self.table.with_mut(fd, rights)?;
        if matches!(descriptor.kind, Kind::Output(_)) {
            return Err(Errno::Badf.into());
        }
        let file = descriptor.seekable()?;
        if !file.readable {
            return Err(Errno::Badf.into());
        }
        scatter(memory, &buffers, &self.waiter, |bytes| {
            let count = file.read_at(bytes, offset)?;
            offset = offset.saturating_add(count as u64);
            Ok(count)
        })
    }

    /// Writes at the position of a descriptor, or at the end in append mode.
    pub fn fd_write(&mut self, memory: &mut dyn GuestMemory, fd: Fd, buffers: GuestBuffers) -> Result<u32> {
        let buffers = buffers.read(memory)?;
        let waiter = &self.waiter;
        let descriptor = self.table.with_mut(fd, Rights::FD_WRITE)?;
        match &mut descriptor.kind {
            Kind::File(file) => {
                file.writable()?;
                let Some(mut position) = file.position else {
                    return gather(memory, &buffers, waiter, |bytes| file.write_stream(bytes, waiter));
                };
                let count = gather(memory, &buffers, waiter, |bytes| {
                    let count = file.write_at(bytes, position)?;
                    position = position.saturating_add(count as u64);
                    Ok(count)
                })?;
                if file.flags.contains(FdFlags::APPEND) {
                    position = file.size()?;
                }
                file.position = Some(position);
                Ok(count)
            }
            Kind::Output(stream) => gather(memory, &buffers, waiter, |bytes| {
                // A write that is too large for a pipe would block beyond the reach of the interruption check.
                let sliced = waiter.is_interruptible() && matches!(stream.readiness(), Readiness::Fd(_));
                let most = if sliced { ATOMIC_WRITE } else { usize::MAX };
                write_all(bytes, most, |piece| {
                    waiter.block_on(
                        &mut **stream,
                        |stream| stream.readiness(),
                        PollFlags::OUT,
                        |stream| stream.write(piece),
                    )
                })
            }),
            Kind::Socket(socket) => gather(memory, &buffers, waiter, |bytes| socket.send(bytes, waiter)),
            _ => Err(Errno::Badf.into()),
        }
    }

    /// Writes at an offset (or at the end in append mode), and leaves the position alone.
    pub fn fd_pwrite(
        &mut self,
        memory: &mut dyn GuestMemory,
        fd: Fd,
        buffers: GuestBuffers,
        mut offset: u64,
    ) -> Result<u32> {
        let buffers = buffers.read(memory)?;
        let rights = Rights::FD_WRITE | Rights::FD_SEEK;
        let descriptor = self.table.with_mut(fd, rights)?;
        if matches!(descriptor.kind, Kind::Input(_)) {
            return Err(Errno::Badf.into());
        }
        let file = descriptor.seekable()?;
        file.writable()?;
        gather(memory, &buffers, &self.waiter, |bytes| {
            let count = file.write_at(bytes, offset)?;
            offset = offset.saturating_add(count as u64);
            Ok(count)
        })
    }

    /// Moves the position of a file.
    pub fn fd_seek(&mut self, fd: Fd, offset: i64, whence: Whence) -> Result<u64> {
        let rights = match (whence, offset) {
            (Whence::Cur, 0) => Rights::FD_TELL,
            _ => Rights::FD_SEEK,
        };
        let file = self.table.with_mut(fd, rights)?.seekable()?;
        let base = match whence {
            Whence::Set => 0,
            Whence::Cur => file.position.unwrap_or(0),
            Whence::End => file.size()?,
        };
        let position = base.checked_add_signed(offset).ok_or(Errno::Inval)?;
        file.position = Some(position);
        Ok(position)
    }

    /// The position of a file.
    pub fn fd_tell(&mut self, fd: Fd) -> Result<u64> {
        let file = self.table.with_mut(fd, Rights::FD_TELL)?.seekable()?;
        Ok(file.position.unwrap_or(0))
    }
}
