//! Throwing and catching.
//!
//! The store holds the exception that propagates, so that a collection sees it. Handlers are looked for by the pc of each
//! frame's throw or call, in this machine's frames only: the frames below are searched by whoever runs them.

use terrace_abi::TrapKind;
use terrace_abi::vm::Status;
use terrace_core::bytecode::Handler;

use crate::machine::{Machine, Raise, Transfer};
use crate::site::Site;

impl Machine<'_> {
    /// Handles what the newest instruction raised: continues at a handler, or leaves the machine with a status.
    #[cold]
    #[inline(never)]
    pub fn unwind(&mut self, raise: Raise) -> Option<Status> {
        let status = match raise {
            Raise::Trap(kind) => self.store.raise(kind),
            Raise::Stopped => Status::Stopped,
            Raise::Thrown if self.catch() => return None,
            Raise::Thrown => Status::Thrown,
        };
        self.abandon();
        Some(status)
    }
}
