//! Why a call did not succeed: an [`Errno`] goes back to the guest, a [`Trap`] ends it.

use crate::errno::Errno;
use crate::memory::MemoryFault;
use std::io;

/// An outcome that the guest cannot observe, because it does not run on.
#[derive(Debug, thiserror::Error)]
pub enum Trap {
    /// The guest called `proc_exit` with this status.
    #[error("exited with status {0}")]
    Exit(i32),
    /// The interruption check of the context asked to stop.
    #[error("interrupted in a system call")]
    Interrupted,
    /// The guest passed a pointer that it may not use.
    #[error(transparent)]
    Memory(#[from] MemoryFault),
}

/// What a preview 1 function returns when it fails.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Reported to the guest.
    #[error("{0}")]
    Errno(Errno),
    /// Ends the guest.
    #[error(transparent)]
    Trap(#[from] Trap),
}

/// The result of a preview 1 function.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl From<Errno> for Error {
    fn from(errno: Errno) -> Self {
        Error::Errno(errno)
    }
}

impl From<rustix::io::Errno> for Error {
    fn from(host: rustix::io::Errno) -> Self {
        Error::Errno(host.into())
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Error::Errno(Errno::from(&error))
    }
}

impl From<MemoryFault> for Error {
    fn from(fault: MemoryFault) -> Self {
        Error::Trap(Trap::Memory(fault))
    }
}
