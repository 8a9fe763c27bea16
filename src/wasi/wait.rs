//! Waiting, and the one way out of it.
//!
//! Where an interruption check is installed no call blocks for longer than [`SLICE`] without asking it. Where none is
//! installed nothing is polled that the operation itself would wait for.

use crate::error::{Error, Result, Trap};
use crate::stream::Readiness;
use rustix::event::{PollFd, PollFlags, Timespec};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Asked while a call waits; `true` ends the guest with [`Trap::Interrupted`].
pub type InterruptionCheck = Arc<dyn Fn() -> bool + Send + Sync>;

/// Longest wait between two looks at the check, or at a stream that has no file descriptor.
pub(crate) const SLICE: Duration = Duration::from_millis(10);

/// Ends or permits a wait.
#[derive(Clone, Default)]
pub(crate) struct Waiter {
    pub check: Option<InterruptionCheck>,
}

impl Waiter {
    /// Fails if the guest should end.
    pub(crate) fn check(&self) -> Result<(), Trap> {
        match &self.check {
            Some(check) if check() => Err(Trap::Interrupted),
            _ => Ok(()),
        }
    }

    /// Whether waits must be cut into slices.
    pub(crate) fn is_interruptible(&self) -> bool {
        self.check.is_some()
    }

    /// Waits until one of `fds` has an event (and says how many have), or until `timeout` has passed (0).
    pub(crate) fn poll(&self, fds: &mut [PollFd<'_>], timeout: Option<Duration>) -> Result<usize> {
        // A deadline beyond the clock's range is none.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            self.check()?;
            let left = deadline.map(|end| end.saturating_duration_since(Instant::now()));
            let slice = match left {
                Some(left) if self.is_interruptible() => Some(left.min(SLICE)),
                None if self.is_interruptible() => Some(SLICE),
                left => left,
            };
            let slice = slice.and_then(|slice| Timespec::try_from(slice).ok());
            match rustix::event::poll(fds, slice.as_ref()) {
                Ok(0) if deadline.is_some_and(|end| Instant::now() >= end) => return Ok(0),
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(ready) => return Ok(ready),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Waits until `source` is ready.
    fn ready<S: ?Sized>(&self, source: &S, readiness: fn(&S) -> Readiness<'_>, interest: PollFlags) -> Result<()> {
        loop {
            self.check()?;
            match readiness(source) {
                Readiness::Ready => return Ok(()),
                Readiness::Pending => std::thread::sleep(SLICE),
                Readiness::Fd(fd) => {
                    self.poll(&mut [PollFd::from_borrowed_fd(fd, interest)], None)?;
                    return Ok(());
                }
            }
        }
    }

    /// Runs `operation` on `source`, waiting for it to become ready as often as needed.
    pub(crate) fn block_on<S: ?Sized, T>(
        &self,
        source: &mut S,
        readiness: fn(&S) -> Readiness<'_>,
        interest: PollFlags,
        mut operation: impl FnMut(&mut S) -> io::Result<T>,
    ) -> Result<T> {
        let mut wait = self.is_interruptible();
        loop {
            if wait {
                self.ready(source, readiness, interest)?;
            }
            match operation(source) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => self.check()?,
                Err(error)
                    if error.kind() == io::ErrorKind::WouldBlock && !matches!(readiness(source), Readiness::Ready) =>
                {
                    wait = true;
                }
                result => return result.map_err(Error::from),
            }
        }
    }
}
