//! How execution stops before its end: traps with their backtraces, exceptions, and errors of host functions.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use terrace_abi::TrapKind;
use terrace_abi::vm::Status;

use super::heap::OwnedRooted;

/// An error of the embedder.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A wasm frame of a backtrace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameInfo {
    /// The module's name, if it has one.
    pub module: Option<Arc<str>>,
    /// The function's index in its module.
    pub func_index: u32,
    /// The function's name, if it has one.
    pub func_name: Option<Arc<str>>,
    /// The offset in the module of the operator that ran.
    pub wasm_offset: Option<u32>,
}

impl fmt::Display for FrameInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(offset) = self.wasm_offset {
            write!(f, "{offset:#6x} - ")?;
        }
        write!(f, "{}!", self.module.as_deref().unwrap_or("<unknown>"))?;
        match &self.func_name {
            Some(name) => f.write_str(name),
            None => write!(f, "<wasm function {}>", self.func_index),
        }
    }
}

/// The wasm frames at the time of a trap, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backtrace {
    /// The newest frames, at most [`Backtrace::MAX_FRAMES`].
    pub frames: Box<[FrameInfo]>,
    /// The number of older frames that are left out.
    pub omitted: usize,
}

impl Backtrace {
    /// How many frames a backtrace holds: enough to read, and cheap however deep the stack is.
    pub const MAX_FRAMES: usize = 100;
}

impl fmt::Display for Backtrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("wasm backtrace:")?;
        for (i, frame) in self.frames.iter().enumerate() {
            write!(f, "\n  {i:3}: {frame}")?;
        }
        if self.omitted != 0 {
            write!(f, "\n       ... {} more frames", self.omitted)?;
        }
        Ok(())
    }
}

/// A trap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trap {
    /// Why execution stopped.
    pub kind: TrapKind,
    /// Where.
    pub backtrace: Backtrace,
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wasm trap: {}", self.kind)?;
        if !self.backtrace.frames.is_empty() {
            write!(f, "\n{}", self.backtrace)?;
        }
        Ok(())
    }
}

impl Error for Trap {}

/// Why a call from the host did not return.
#[derive(Debug)]
pub enum Stop {
    /// A trap.
    Trap(Box<Trap>),
    /// An exception that nothing caught.
    Exception(OwnedRooted),
    /// An error of a host function, with the wasm frames that it passed through.
    Error {
        /// The error.
        error: BoxError,
        /// The wasm frames below the host function.
        backtrace: Backtrace,
    },
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Trap(trap) => trap.fmt(f),
            Stop::Exception(_) => TrapKind::UncaughtException.fmt(f),
            Stop::Error { error, .. } => error.fmt(f),
        }
    }
}

impl Error for Stop {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Stop::Error { error, .. } => error.source(),
            _ => None,
        }
    }
}

/// Why an instruction does not complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Raise {
    /// It traps; nothing is recorded yet.
    Trap(TrapKind),
    /// Execution stops; the store holds the reason.
    Stopped,
    /// An exception propagates; the store holds it.
    Thrown,
}

impl From<TrapKind> for Raise {
    fn from(kind: TrapKind) -> Raise {
        Raise::Trap(kind)
    }
}

impl From<Status> for Raise {
    fn from(status: Status) -> Raise {
        match status {
            Status::Stopped => Raise::Stopped,
            Status::Thrown => Raise::Thrown,
            Status::Returned | Status::TailCall => unreachable!("{status:?} is no failure"),
        }
    }
}

/// How a host function fails.
#[derive(Debug)]
pub enum HostError {
    /// It traps.
    Trap(TrapKind),
    /// It throws the exception that the store was given by `Store::throw`; wasm below may catch it.
    Exception,
    /// It passes on what stopped a call of its own. An exception may be caught again.
    Stop(Stop),
    /// It has an error of its own, which no wasm can catch.
    Error(BoxError),
}

impl From<TrapKind> for HostError {
    fn from(kind: TrapKind) -> HostError {
        HostError::Trap(kind)
    }
}

impl From<Stop> for HostError {
    fn from(stop: Stop) -> HostError {
        HostError::Stop(stop)
    }
}

impl From<BoxError> for HostError {
    fn from(error: BoxError) -> HostError {
        HostError::Error(error)
    }
}
