//! WASI preview 1 for the Terrace WebAssembly engine.
//!
//! A [`WasiCtx`] is everything that a guest can reach. A [`WasiCtxBuilder`] makes one and gives it only what the host
//! names; directories are capabilities of cap-std, so nothing outside of them is reachable, whatever the path. Clocks,
//! random bytes and streams are traits that a host can replace.
//!
//! The functions are methods of the context over a [`GuestMemory`], and [`FUNCTIONS`] is the one table that gives
//! their wasm signatures and calls them with raw values. An embedder links each row of it:
//!
//! ```
//! use terrace_wasi::{Errno, FUNCTIONS, Function, MemoryOutputPipe, WasiCtxBuilder};
//!
//! let stdout = MemoryOutputPipe::new(1024);
//! let mut ctx = WasiCtxBuilder::new().stdout(stdout.clone()).build().unwrap();
//!
//! // One buffer of five bytes at 16, described at 0; the count goes to 8.
//! let mut memory = vec![0; 64];
//! memory[0..8].copy_from_slice(&[16, 0, 0, 0, 5, 0, 0, 0]);
//! memory[16..21].copy_from_slice(b"hello");
//!
//! let fd_write = Function::find("fd_write").unwrap();
//! let result = fd_write.call(&mut ctx, &mut memory.as_mut_slice(), &[1, 0, 1, 8]);
//! assert_eq!(result.unwrap(), Errno::Success);
//! assert_eq!(stdout.contents(), b"hello");
//! assert_eq!(FUNCTIONS.len(), 46);
//! ```
//!
//! A call ends in an [`Errno`] for the guest, or in a [`Trap`]: the guest exited, was interrupted, or passed a pointer
//! outside of its memory.

mod buffers;
mod builder;
mod clock;
mod ctx;
mod dir;
mod errno;
mod error;
mod file;
mod functions;
mod linker;
mod memory;
mod poll;
mod random;
mod sock;
mod stat;
mod stream;
mod table;
mod types;
mod wait;

pub use buffers::{GuestBuffers, GuestStr, MAX_BUFFERS, MAX_PATH};
pub use builder::{DEFAULT_MAX_DESCRIPTORS, FsPerms, WasiCtxBuilder};
pub use clock::{Clock, Clocks, SystemClocks, VirtualClocks};
pub use ctx::WasiCtx;
pub use errno::Errno;
pub use error::{Error, Result, Trap};
pub use functions::{FUNCTIONS, Function, MODULE, ValType};
pub use linker::{Exit, add_to_linker};
pub use memory::{GuestMemory, MemoryFault};
pub use poll::MAX_SUBSCRIPTIONS;
pub use random::{Random, SeededRandom, SystemRandom};
pub use stream::{
    ClosedInputStream, FdStream, InputStream, MemoryInputPipe, MemoryOutputPipe, OutputStream, Readiness,
    SinkOutputStream,
};
pub use types::{
    Advice, ClockId, Fd, FdFlags, Fdstat, Filestat, Filetype, FstFlags, LookupFlags, OFlags, Prestat, RiFlags, Rights,
    RoFlags, SdFlags, SiFlags, Timestamp, Whence,
};
pub use wait::InterruptionCheck;
