//! Publication, transfer in loops, claims and reclamation of machine code, under a model checker: loom runs these programs in every order
//! that the memory model admits. The protocols are the engine's own source; what they protect is a model: a place of code memory is a
//! cell that loom watches, which whoever installs or frees code writes, and whoever runs it reads.

#[path = "../tier/claim.rs"]
mod claim;
#[path = "../tier/reclaim.rs"]
mod reclaim;

mod sync {
    pub(crate) use std::sync::PoisonError;

    pub(crate) use loom::sync::atomic::{AtomicU8, AtomicU64, Ordering, fence};
    pub(crate) use loom::sync::{Arc, Mutex};
}

use claim::{Claim, Phase};
use loom::cell::UnsafeCell;
use loom::model::Builder;
use loom::sync::atomic::AtomicUsize;
use loom::thread;
use reclaim::{Reclaimer, Registration};
use sync::{Arc, Ordering};

/// A function with room for its code: one place.
struct Function {
    /// What calls read: a version of the code, or 0.
    cell: AtomicUsize,
    /// What transfers in loops read.
    compiled: AtomicUsize,
    place: UnsafeCell<usize>,
    claim: Claim,
    reclaimer: Arc<Reclaimer>,
}

// SAFETY: loom reports every access to the place that is not ordered.
unsafe impl Sync for Function {}
// SAFETY: as above.
unsafe impl Send for Function {}

/// The address of what a call in the code returns to.
const ADDRESS: usize = 1000;

impl Function {
    fn new() -> Arc<Function> {
        Arc::new(Function {
            cell: AtomicUsize::new(0),
            compiled: AtomicUsize::new(0),
            place: UnsafeCell::new(0),
            claim: Claim::new(),
            reclaimer: Reclaimer::new(),
        })
    }

    fn install(&self, version: usize) {
        // SAFETY: loom checks it.
        self.place.with_mut(|place| unsafe { *place = version });
        self.compiled.store(version, Ordering::Release);
        self.cell.store(version, Ordering::Release);
    }

    /// Takes the code out. The result is its generation.
    fn uninstall(&self) -> u64 {
        self.cell.store(0, Ordering::Release);
        self.compiled.store(0, Ordering::Release);
        self.reclaimer.retire()
    }

    fn is_free(&self, generation: u64) -> bool {
        self.reclaimer.is_free(generation, &(ADDRESS..ADDRESS + 1))
    }

    /// What the cell says: the code, if there is some.
    fn find(cell: &AtomicUsize) -> Option<usize> {
        Some(cell.load(Ordering::Acquire)).filter(|&version| version != 0)
    }

    fn run(&self, version: usize) {
        // SAFETY: as above.
        let found = self.place.with(|place| unsafe { *place });
        assert_eq!(found, version, "the code is still there");
    }

    /// An activation in a store: transfer in a loop, if there is code for it, and then a call.
    fn activation(&self, store: &Registration) {
        store.enter();
        if let Some(version) = Function::find(&self.compiled) {
            self.run(version);
        }
        if let Some(version) = Function::find(&self.cell) {
            self.run(version);
        }
        store.leave();
    }
}

/// Runs a model in all orders with so many involuntary switches at most.
fn check(switches: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(switches);
    builder.check(model);
}

#[test]
fn code_is_complete_when_it_is_found() {
    check(4, || {
        let function = Function::new();
        let shared = function.clone();
        let store = Registration::new(&function.reclaimer);
        let thread = thread::spawn(move || shared.activation(&store));
        function.install(1);
        thread.join().unwrap();
    });
}

/// Code goes, and other code takes its place, as soon as that is allowed.
fn replace(function: &Function) {
    let generation = function.uninstall();
    for _ in 0..2 {
        if function.is_free(generation) {
            function.install(2);
            return;
        }
        thread::yield_now();
    }
}

#[test]
fn stores_that_call_or_transfer_find_code_or_none() {
    check(4, || {
        let function = Function::new();
        function.install(1);
        let shared = function.clone();
        let store = Registration::new(&function.reclaimer);
        let thread = thread::spawn(move || {
            for _ in 0..2 {
                shared.activation(&store);
            }
        });
        replace(&function);
        thread.join().unwrap();
    });
}

#[test]
fn every_store_is_waited_for() {
    check(2, || {
        let function = Function::new();
        function.install(1);
        let threads = [0, 1].map(|_| {
            let shared = function.clone();
            thread::spawn(move || {
                // Stores come and go meanwhile, too.
                let store = Registration::new(&shared.reclaimer);
                shared.activation(&store);
            })
        });
        replace(&function);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn code_stays_for_those_who_return_to_it() {
    check(4, || {
        let function = Function::new();
        function.install(1);
        let shared = function.clone();
        let store = Registration::new(&function.reclaimer);
        let thread = thread::spawn(move || {
            store.enter();
            if let Some(version) = Function::find(&shared.cell) {
                shared.run(version);
                // It calls something with a safepoint in it, which returns.
                store.safepoint(|returns| returns.push(ADDRESS));
                shared.run(version);
            }
            store.safepoint(|_| ());
            if let Some(version) = Function::find(&shared.compiled) {
                shared.run(version);
            }
            store.leave();
        });
        replace(&function);
        thread.join().unwrap();
    });
}

#[test]
fn safepoints_let_code_go() {
    check(3, || {
        let function = Function::new();
        function.install(1);
        let store = Registration::new(&function.reclaimer);
        store.enter();
        let old = function.uninstall();
        assert!(!function.is_free(old));
        store.safepoint(|returns| returns.push(ADDRESS));
        assert!(!function.is_free(old) && function.reclaimer.is_free(old, &(0..ADDRESS)));
        let newer = function.uninstall();
        store.safepoint(|_| ());
        assert!(function.is_free(old) && function.is_free(newer));
        store.leave();
        assert!(function.is_free(function.uninstall()));
    });
}

#[test]
fn a_function_has_one_worker() {
    check(3, || {
        let function = Function::new();
        let installed = Arc::new(AtomicUsize::new(0));
        let threads = [1, 2].map(|version| {
            let (function, installed) = (function.clone(), installed.clone());
            thread::spawn(move || {
                if function.claim.claim(version == 2) {
                    function.install(version);
                    installed.fetch_add(1, Ordering::Relaxed);
                    function.claim.set(Phase::Compiled);
                }
            })
        });
        if function.claim.reclaim() {
            // Nothing runs.
            assert!(function.is_free(function.uninstall()));
            installed.fetch_sub(1, Ordering::Relaxed);
            function.claim.set(Phase::Idle);
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let phase = function.claim.get().0;
        assert_eq!(installed.load(Ordering::Relaxed), usize::from(phase == Phase::Compiled));
        assert!(matches!(phase, Phase::Idle | Phase::Compiled));
    });
}

/// The model sees what goes wrong without the protocol.
#[test]
#[should_panic]
fn code_that_is_freed_at_once_is_missed() {
    check(3, || {
        let function = Function::new();
        function.install(1);
        let shared = function.clone();
        let store = Registration::new(&function.reclaimer);
        let thread = thread::spawn(move || shared.activation(&store));
        function.uninstall();
        function.install(2);
        thread.join().unwrap();
    });
}
