//! Ends a run after a while, whatever it is doing.
//!
//! wasm code and waiting WASI calls are asked to stop, so that the end is an ordinary one with a backtrace. What does not
//! answer soon (loading, or a bulk operation on much memory) ends with the process.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use terrace::InterruptHandle;

use crate::failure::TRAP;

/// How long a guest that was asked to stop may take.
const GRACE: Duration = Duration::from_millis(500);

/// A time limit that is running.
#[derive(Clone)]
pub struct Timeout(Arc<Inner>);

struct Inner {
    limit: Duration,
    expired: AtomicBool,
    guest: Mutex<Option<InterruptHandle>>,
}

impl Timeout {
    /// Starts the clock.
    pub fn start(limit: Duration) -> std::io::Result<Timeout> {
        let timeout = Timeout(Arc::new(Inner { limit, expired: AtomicBool::new(false), guest: Mutex::new(None) }));
        let watchdog = timeout.clone();
        std::thread::Builder::new().name("timeout".to_owned()).spawn(move || watchdog.watch())?;
        Ok(timeout)
    }

    /// Names the guest that is to be stopped.
    pub fn guard(&self, handle: InterruptHandle) {
        let mut guest = self.0.guest.lock().unwrap_or_else(PoisonError::into_inner);
        if self.expired() {
            handle.interrupt();
        }
        *guest = Some(handle);
    }

    /// Whether the time is up.
    pub fn expired(&self) -> bool {
        self.0.expired.load(Ordering::Acquire)
    }

    /// What the user is told.
    pub fn message(&self) -> String {
        format!("timeout: stopped after {:?}", self.0.limit)
    }

    fn watch(&self) {
        std::thread::sleep(self.0.limit);
        let guest = self.0.guest.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.expired.store(true, Ordering::Release);
        if let Some(guest) = &*guest {
            guest.interrupt();
            std::thread::sleep(GRACE);
        }
        let _ = writeln!(std::io::stderr(), "error: {}", self.message());
        std::process::exit(TRAP);
    }
}
