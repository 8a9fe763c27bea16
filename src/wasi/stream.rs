//! Streams of bytes between host and guest: the traits that an embedder implements, and the usual implementations.

use rustix::fs::FileType;
use std::collections::VecDeque;
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, PoisonError};

/// How to find out whether a stream can be used without waiting.
#[derive(Debug)]
pub enum Readiness<'a> {
    /// It can be used now.
    Ready,
    /// It cannot be used now; ask again later.
    Pending,
    /// This descriptor tells.
    Fd(BorrowedFd<'a>),
}

/// Where the guest reads from.
pub trait InputStream: Send {
    /// Reads at least one byte, or 0 at the end. `WouldBlock` is answered by waiting for [`Self::readiness`].
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Whether a read would wait.
    fn readiness(&self) -> Readiness<'_> {
        Readiness::Ready
    }

    /// Whether the guest sees a terminal.
    fn is_terminal(&self) -> bool {
        false
    }
}

/// Where the guest writes to.
pub trait OutputStream: Send {
    /// Writes at least one byte. `WouldBlock` is answered by waiting for [`Self::readiness`].
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Whether a write would wait.
    fn readiness(&self) -> Readiness<'_> {
        Readiness::Ready
    }

    /// Whether the guest sees a terminal.
    fn is_terminal(&self) -> bool {
        false
    }
}

/// A stream over a file descriptor of the host: standard streams, pipes, files.
#[derive(Debug)]
pub struct FdStream<F> {
    inner: F,
    /// Regular files are always ready, so nothing needs to be polled.
    may_wait: bool,
}

impl<F: AsFd> FdStream<F> {
    /// A stream over `inner`, which is read and written without buffering.
    pub fn new(inner: F) -> Self {
        let may_wait = rustix::fs::fstat(&inner)
            .map_or(true, |stat| FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile);
        FdStream { inner, may_wait }
    }

    fn fd_readiness(&self) -> Readiness<'_> {
        if self.may_wait { Readiness::Fd(self.inner.as_fd()) } else { Readiness::Ready }
    }
}

impl<F: AsFd + Send> InputStream for FdStream<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(&self.inner, buffer)?)
    }

    fn readiness(&self) -> Readiness<'_> {
        self.fd_readiness()
    }

    fn is_terminal(&self) -> bool {
        self.inner.as_fd().is_terminal()
    }
}

impl<F: AsFd + Send> OutputStream for FdStream<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(&self.inner, bytes)?)
    }

    fn readiness(&self) -> Readiness<'_> {
        self.fd_readiness()
    }

    fn is_terminal(&self) -> bool {
        self.inner.as_fd().is_terminal()
    }
}

/// An input that is at its end.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClosedInputStream;

impl InputStream for ClosedInputStream {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Ok(0)
    }
}

/// An output that forgets everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct SinkOutputStream;

impl OutputStream for SinkOutputStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }
}

/// An input of bytes at hand.
#[derive(Clone, Debug, Default)]
pub struct MemoryInputPipe(VecDeque<u8>);

impl MemoryInputPipe {
    /// An input that gives `bytes` and ends.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        MemoryInputPipe(bytes.into().into())
    }
}

impl InputStream for MemoryInputPipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        io::Read::read(&mut self.0, buffer)
    }
}

/// An output that collects bytes; clones share what is collected.
#[derive(Clone, Debug)]
pub struct MemoryOutputPipe {
    bytes: Arc<Mutex<Vec<u8>>>,
    capacity: usize,
}

impl MemoryOutputPipe {
    /// An output that takes at most `capacity` bytes; further writes fail with `Errno::Nospc`.
    pub fn new(capacity: usize) -> Self {
        MemoryOutputPipe { bytes: Arc::default(), capacity }
    }

    /// What was written so far.
    pub fn contents(&self) -> Vec<u8> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl OutputStream for MemoryOutputPipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut collected = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let count = bytes.len().min(self.capacity - collected.len());
        if count == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        collected.extend_from_slice(&bytes[..count]);
        Ok(count)
    }
}
