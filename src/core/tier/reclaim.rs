//! When machine code that was taken out may be freed.
//!
//! Invariant: whoever may run code, or return into it, is a store that is active since before the code was taken out, or holds an address
//! in it. So nothing is counted where functions are called. A store says when it becomes active, which is when the host enters the first
//! of its frames, and when that is over; both are one write of a word. In between, it passes safepoints, where all that it has of
//! machine code are the return addresses in its frames: there it lists them.
//!
//! Code that is taken out goes with the generation that begins behind it. A store that has seen this generation has found the code in no
//! cell since.
//!
//! This file depends on nothing but [`sync`](super::sync), so that a model checker can run it as it is.

use std::ops::Range;

use slab::Slab;

use super::sync::{Arc, AtomicU64, Mutex, Ordering, PoisonError, fence};

/// The stores of an engine, as far as their activity decides what may be freed.
pub(crate) struct Reclaimer {
    /// How often code was taken out.
    generation: AtomicU64,
    stores: Mutex<Slab<Arc<Activity>>>,
}

/// What a store shows of itself.
struct Activity {
    /// The generation that it has seen, or [`IDLE`].
    seen: AtomicU64,
    /// The addresses, at its last safepoint, that it may return to. Locked while both change.
    returns: Mutex<Vec<usize>>,
}

/// No code runs.
const IDLE: u64 = u64::MAX;

impl Reclaimer {
    pub(crate) fn new() -> Arc<Reclaimer> {
        Arc::new(Reclaimer { generation: AtomicU64::new(0), stores: Mutex::new(Slab::new()) })
    }

    /// The generation of code that is called no more: no cell has held it since before this call.
    pub(crate) fn retire(&self) -> u64 {
        self.generation.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// Whether no store is in code at these addresses, or comes back to it, that was retired in this generation.
    pub(crate) fn is_free(&self, retired: u64, addresses: &Range<usize>) -> bool {
        // A store that becomes active behind this fence finds the cells without the code; of one that was before, the next lines see it.
        fence(Ordering::SeqCst);
        lock(&self.stores).iter().all(|(_, store)| {
            let returns = lock(&store.returns);
            match store.seen.load(Ordering::Acquire) {
                IDLE => true,
                seen => seen >= retired && !returns.iter().any(|address| addresses.contains(address)),
            }
        })
    }
}

/// A store among those of its engine.
pub(crate) struct Registration {
    reclaimer: Arc<Reclaimer>,
    key: usize,
    activity: Arc<Activity>,
}

impl Registration {
    /// The part of a store, which is idle.
    pub(crate) fn new(reclaimer: &Arc<Reclaimer>) -> Registration {
        let activity = Arc::new(Activity { seen: AtomicU64::new(IDLE), returns: Mutex::new(Vec::new()) });
        let key = lock(&reclaimer.stores).insert(Arc::clone(&activity));
        Registration { reclaimer: Arc::clone(reclaimer), key, activity }
    }

    /// Before the store looks for code.
    pub(crate) fn enter(&self) {
        // What is listed of before may keep code that nobody returns to, until the next safepoint.
        self.activity.seen.store(self.reclaimer.generation.load(Ordering::Acquire), Ordering::Release);
        fence(Ordering::SeqCst);
    }

    /// When the store has no frames, and knows of no code any more.
    pub(crate) fn leave(&self) {
        self.activity.seen.store(IDLE, Ordering::Release);
    }

    /// Where the store, if it is active, knows of no code but by the addresses that it may return to, which `list` adds.
    #[inline]
    pub(crate) fn safepoint(&self, list: impl FnOnce(&mut Vec<usize>)) {
        let now = self.reclaimer.generation.load(Ordering::Acquire);
        let seen = self.activity.seen.load(Ordering::Relaxed);
        if seen != now && seen != IDLE {
            let mut returns = lock(&self.activity.returns);
            returns.clear();
            list(&mut returns);
            self.activity.seen.store(now, Ordering::Release);
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        lock(&self.reclaimer.stores).remove(self.key);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> impl std::ops::DerefMut<Target = T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
