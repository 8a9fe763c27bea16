//! One error for everything that can go wrong, with the typed causes inside.
//!
//! Errors of host functions travel through wasm frames as they are: what a host function returns is what the outermost
//! call's [`Error`] holds. A trap or exception that a host function passes on stays a trap or exception.

use std::error::Error as StdError;
use std::fmt;
use std::path::PathBuf;

use terrace_core::runtime::mmap::MapError;
use terrace_core::runtime::types::TypeError;
use terrace_core::runtime::{
    self, EngineError, FuelError, HostError, InstantiateError, LinkError, ModuleError, ObjectError, Stop,
};
use terrace_core::tier::Unsupported;
use terrace_core::translate::TranslateError;

use crate::refs::ThrownException;
use crate::{Trap, WasmBacktrace};

/// The result of what may fail in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Any error of the embedder.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Why something failed.
///
/// [`Error::downcast_ref`] finds typed causes, however deep:
///
/// ```
/// use terrace::{Engine, Instance, Module, Store, Trap};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module (func $f (export "f") unreachable))"#)?;
/// let mut store = Store::new(&engine, ());
/// let instance = Instance::new(&mut store, &module, &[])?;
/// let error = instance.get_typed_func::<(), ()>(&mut store, "f")?.call(&mut store, ()).unwrap_err();
///
/// assert_eq!(error.downcast_ref(), Some(&Trap::Unreachable));
/// assert_eq!(error.backtrace().unwrap().frames[0].func_name.as_deref(), Some("f"));
/// # Ok::<(), terrace::Error>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Wasm trapped.
    #[error(transparent)]
    Trap(Box<TrapError>),
    /// Wasm or a host function threw an exception that nothing caught.
    #[error(transparent)]
    Exception(#[from] ThrownException),
    /// A host function failed.
    #[error(transparent)]
    Host(Box<HostFailure>),

    /// There is no tier of this name.
    #[error("unknown tier `{0}`; there are: {tiers}", tiers = crate::Engine::tiers().join(", "))]
    UnknownTier(String),
    /// The machine cannot run the tier.
    #[error(transparent)]
    Tier(#[from] Unsupported),
    /// The engine cannot be made.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The text of a module has an error.
    #[error("{0}")]
    Text(String),
    /// A file cannot be read.
    #[error("cannot read {path}: {error}", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The module cannot be loaded.
    #[error(transparent)]
    Module(#[from] ModuleError),
    /// A function cannot be translated.
    #[error(transparent)]
    Translate(TranslateError),
    /// The module's imports are not satisfied.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// A linker has a definition of this name already.
    #[error("import of `{module}::{name}` defined twice")]
    DefinedTwice {
        /// The first half of the name.
        module: String,
        /// The second half of the name.
        name: String,
    },
    /// An object cannot be made.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// The store cannot be made.
    #[error("cannot make a store")]
    Store(#[source] MapError),

    /// An object is used with a store that it does not belong to.
    #[error("object used with the wrong store")]
    OtherStore,
    /// Objects of different engines are used together.
    #[error("objects of different engines used together")]
    OtherEngine,
    /// A value has another type than is asked for.
    #[error("type mismatch: expected {expected}, found {actual}")]
    TypeMismatch {
        /// What is asked for.
        expected: String,
        /// What there is.
        actual: String,
    },
    /// A call has too few or too many arguments, or its results too little or too much room.
    #[error("expected {expected} {what}, got {actual}")]
    Count {
        /// Of what.
        what: &'static str,
        /// How many there should be.
        expected: usize,
        /// How many there are.
        actual: usize,
    },
    /// A module or instance has no such export.
    #[error("no export `{name}` that is a {kind}")]
    NoExport {
        /// The name.
        name: String,
        /// What it should be.
        kind: &'static str,
    },
    /// A rooted reference is used after its scope has ended.
    #[error("reference used after its scope has ended")]
    Unrooted,
    /// A global that cannot be written was.
    #[error("immutable global cannot be set")]
    ImmutableGlobal,
    /// A range lies outside of a memory.
    #[error("out of bounds memory access")]
    MemoryAccess,
    /// An index or a range lies outside of a table.
    #[error("out of bounds table access")]
    TableAccess,
    /// A memory does not grow that far.
    #[error("failed to grow memory by {0} pages")]
    MemoryGrow(u64),
    /// A table does not grow that far.
    #[error("failed to grow table by {0} elements")]
    TableGrow(u64),
    /// A shared memory is used where plain bytes are needed.
    #[error("the bytes of a shared memory cannot be borrowed")]
    SharedMemory,
    /// The engine does not measure fuel.
    #[error(transparent)]
    Fuel(#[from] FuelError),
}

/// A trap with its place, inside of an [`Error`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrapError {
    /// Why execution stopped.
    pub trap: Trap,
    /// The wasm frames at that time.
    pub backtrace: WasmBacktrace,
}

impl fmt::Display for TrapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        while_executing(f, &self.backtrace)?;
        write!(f, "wasm trap: {}", self.trap)
    }
}

impl StdError for TrapError {}

/// An error of a host function, inside of an [`Error`].
#[derive(Debug)]
pub struct HostFailure {
    /// What the function returned.
    pub error: BoxError,
    /// The wasm frames that led to its call.
    pub backtrace: WasmBacktrace,
}

impl fmt::Display for HostFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        while_executing(f, &self.backtrace)?;
        self.error.fmt(f)
    }
}

impl StdError for HostFailure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.error.source()
    }
}

/// Says where, if there were wasm frames.
fn while_executing(f: &mut fmt::Formatter<'_>, backtrace: &WasmBacktrace) -> fmt::Result {
    match backtrace.frames.is_empty() {
        true => Ok(()),
        false => writeln!(f, "error while executing at {backtrace}"),
    }
}

impl Error {
    /// An error of the embedder, for host functions to return.
    pub fn host(error: impl Into<BoxError>) -> Error {
        match error.into().downcast::<Error>() {
            Ok(error) => *error,
            Err(error) => Error::Host(Box::new(HostFailure { error, backtrace: WasmBacktrace::default() })),
        }
    }

    /// An error of the embedder that is nothing but a message.
    pub fn msg(message: impl fmt::Display) -> Error {
        Error::host(message.to_string())
    }

    /// The cause of type `E`, if that is what failed: a [`Trap`], a [`ThrownException`], a typed error of this crate or one
    /// that a host function returned.
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        let cause = self.cause();
        match cause.downcast_ref::<Error>() {
            Some(error) if !std::ptr::eq(error, self) => error.downcast_ref(),
            _ => cause.downcast_ref().or_else(|| cause.source()?.downcast_ref()),
        }
    }

    /// The error in this one.
    fn cause(&self) -> &(dyn StdError + 'static) {
        match self {
            Error::Trap(error) => &error.trap,
            Error::Host(failure) => &*failure.error,
            Error::Exception(error) => error,
            Error::Engine(error) => error,
            Error::Io { error, .. } => error,
            Error::Module(error) => error,
            Error::Translate(error) => error,
            Error::Link(error) => error,
            Error::Object(ObjectError::Memory(error)) => error,
            Error::Object(ObjectError::Table(error)) => error,
            Error::Object(ObjectError::Type(error)) => error,
            Error::Object(ObjectError::Limiter(error)) => &**error,
            Error::Object(error) => error,
            Error::Store(error) => error,
            Error::Fuel(error) => error,
            _ => self,
        }
    }

    /// The wasm frames at the time of a trap or of a host function's failure.
    pub fn backtrace(&self) -> Option<&WasmBacktrace> {
        match self {
            Error::Trap(error) => Some(&error.backtrace),
            Error::Host(failure) => Some(&failure.backtrace),
            _ => None,
        }
    }

    /// Whether the cause is of type `E`.
    pub fn is<E: StdError + 'static>(&self) -> bool {
        self.downcast_ref::<E>().is_some()
    }

    /// The kind of trap, if this is one.
    pub fn trap(&self) -> Option<Trap> {
        self.downcast_ref().copied()
    }

    /// The exception, if this is one that nothing caught.
    pub fn exception(&self) -> Option<&ThrownException> {
        self.downcast_ref()
    }

    pub(crate) fn mismatch(expected: impl fmt::Display, actual: impl fmt::Display) -> Error {
        Error::TypeMismatch { expected: expected.to_string(), actual: actual.to_string() }
    }

    pub(crate) fn from_stop(stop: Stop, store: &runtime::Store) -> Error {
        match stop {
            Stop::Trap(trap) => {
                let runtime::Trap { kind, backtrace } = *trap;
                Error::Trap(Box::new(TrapError { trap: kind, backtrace }))
            }
            Stop::Exception(exception) => Error::Exception(ThrownException::new(store, exception)),
            Stop::Error { error, backtrace } => Error::Host(Box::new(HostFailure { error, backtrace })),
        }
    }

    pub(crate) fn from_instantiate(error: InstantiateError, store: &runtime::Store) -> Error {
        match error {
            InstantiateError::Link(error) => Error::Link(error),
            InstantiateError::Object(error) => Error::Object(error),
            InstantiateError::Stop(stop) => Error::from_stop(stop, store),
            InstantiateError::OtherEngine => Error::OtherEngine,
        }
    }

    /// How a host function fails with this error. Positions that are known already are kept.
    pub(crate) fn into_host_error(self, store: &runtime::Store) -> HostError {
        match self {
            Error::Trap(error) if error.backtrace.frames.is_empty() => HostError::Trap(error.trap),
            Error::Trap(error) => {
                let TrapError { trap: kind, backtrace } = *error;
                HostError::Stop(Stop::Trap(Box::new(runtime::Trap { kind, backtrace })))
            }
            Error::Exception(error) => error.into_host_error(store),
            Error::Host(failure) if failure.backtrace.frames.is_empty() => box_into_host_error(failure.error, store),
            Error::Host(failure) => {
                let HostFailure { error, backtrace } = *failure;
                HostError::Stop(Stop::Error { error, backtrace })
            }
            error => HostError::Error(Box::new(error)),
        }
    }
}

/// How a host function fails with an error of any type.
pub(crate) fn box_into_host_error(error: BoxError, store: &runtime::Store) -> HostError {
    let error = match error.downcast::<Error>() {
        Ok(error) => return error.into_host_error(store),
        Err(error) => error,
    };
    let error = match error.downcast::<Trap>() {
        Ok(trap) => return HostError::Trap(*trap),
        Err(error) => error,
    };
    match error.downcast::<ThrownException>() {
        Ok(exception) => exception.into_host_error(store),
        Err(error) => HostError::Error(error),
    }
}

impl From<Trap> for Error {
    fn from(trap: Trap) -> Error {
        Error::Trap(Box::new(TrapError { trap, backtrace: WasmBacktrace::default() }))
    }
}

impl From<BoxError> for Error {
    fn from(error: BoxError) -> Error {
        Error::host(error)
    }
}

impl From<TypeError> for Error {
    fn from(error: TypeError) -> Error {
        Error::Object(error.into())
    }
}
