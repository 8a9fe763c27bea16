//! Stops executions that nothing else bounds: one thread looks after all of them.

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use terrace_core::runtime::InterruptHandle;

/// How long an execution may take.
const PATIENCE: Duration = Duration::from_secs(10);

struct Watched {
    id: u64,
    since: Instant,
    handle: InterruptHandle,
}

#[derive(Default)]
struct All {
    next: u64,
    watched: Vec<Watched>,
}

static ALL: LazyLock<Mutex<All>> = LazyLock::new(|| {
    thread::spawn(|| {
        loop {
            thread::sleep(PATIENCE / 8);
            for watched in &all().watched {
                if watched.since.elapsed() > PATIENCE {
                    watched.handle.interrupt();
                }
            }
        }
    });
    Mutex::default()
});

fn all() -> MutexGuard<'static, All> {
    ALL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An execution that is interrupted unless this is dropped soon.
pub(crate) struct Watch(u64);

impl Watch {
    pub(crate) fn start(handle: InterruptHandle) -> Watch {
        let mut all = all();
        let id = all.next;
        all.next += 1;
        all.watched.push(Watched { id, since: Instant::now(), handle });
        Watch(id)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        all().watched.retain(|watched| watched.id != self.0);
    }
}
