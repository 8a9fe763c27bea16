//! Jobs of compile threads.
//!
//! Functions that are hot go before those that are compiled because everything is. Threads start when there is something for them to do,
//! and end with the engine. A job does not keep its module: what nobody can run is not compiled.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::manager::Work;
use crate::runtime::WeakModule;

/// Functions of a module to compile together.
pub(super) struct Job {
    pub(super) module: WeakModule,
    pub(super) functions: Vec<u32>,
}

impl Job {
    fn run(&self, thread: u32) {
        let Some(module) = self.module.upgrade() else { return };
        if let Some(work) = Work::new(&module, thread) {
            work.carry_out(work.compile(&self.functions));
        }
    }
}

/// Jobs and the threads that do them.
pub(super) struct Queue {
    shared: Arc<Shared>,
    max_threads: usize,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    urgent: VecDeque<Job>,
    others: VecDeque<Job>,
    threads: usize,
    /// Threads that are at a job.
    busy: usize,
    closed: bool,
}

impl State {
    fn waiting(&self) -> usize {
        self.urgent.len() + self.others.len()
    }
}

impl Queue {
    pub(super) fn new(max_threads: usize) -> Queue {
        Queue { shared: Arc::default(), max_threads }
    }

    /// Leaves a job to a thread. `false`: there can be none.
    pub(super) fn push(&self, job: Job, urgent: bool) -> bool {
        let mut state = self.shared.state();
        if state.threads < self.max_threads && state.threads == state.busy {
            let (shared, number) = (Arc::clone(&self.shared), state.threads as u32 + 1);
            let spawned = thread::Builder::new().name(format!("compile {number}")).spawn(move || shared.work(number));
            state.threads += usize::from(spawned.is_ok());
        }
        if state.threads == 0 {
            return false;
        }
        let jobs = if urgent { &mut state.urgent } else { &mut state.others };
        jobs.push_back(job);
        self.shared.changed.notify_all();
        true
    }

    /// Waits until all jobs are done.
    pub(super) fn wait_idle(&self) {
        let mut state = self.shared.state();
        while state.busy != 0 || state.waiting() != 0 {
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Queue {
    /// Threads are not waited for: the last handle on an engine may go on one of them.
    fn drop(&mut self) {
        self.shared.state().closed = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, number: u32) {
        while let Some(job) = self.next() {
            // A panic, which has been reported, leaves the job's functions as they are: interpreted.
            let _ = catch_unwind(AssertUnwindSafe(|| job.run(number)));
            drop(job);
            self.state().busy -= 1;
            self.changed.notify_all();
        }
    }

    /// Waits for a job, or for the end.
    fn next(&self) -> Option<Job> {
        let mut state = self.state();
        loop {
            if state.closed {
                return None;
            }
            let job = state.urgent.pop_front().or_else(|| state.others.pop_front());
            if job.is_some() {
                state.busy += 1;
                return job;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
