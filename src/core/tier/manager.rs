//! The tier manager: carries out what policies decide.
//!
//! Code and profiles belong to a module, so each module has a policy of its own, behind a lock that is never held while anything is
//! compiled. A function is compiled once however many stores and threads ask: who wants to compile it claims it first. Compile threads
//! belong to the engine, and start when something is first compiled in the background.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicI32, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rayon::prelude::*;

use super::code::{self, CodeError, MachineCode};
use super::events::Record;
use super::policies::{MakePolicy, PolicyError, PolicySpec};
use super::policy::{Action, Event, FOREVER, Mode, Policy, Site};
use super::profile::{Counters, Profile};
use super::queue::{Job, Queue};
use crate::bytecode::Function;
use crate::runtime::{Module, Translation};

/// Why a function cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// It has no bytecode, which its calls report.
    #[error("the function cannot be translated")]
    Translation,
    /// The compiler does not do this.
    #[error("the compiler does not support {0}")]
    Unsupported(String),
    /// The function is beyond a limit of the compiler.
    #[error("the function is too large: {0}")]
    TooLarge(String),
}

/// What makes machine code.
pub trait Compiler: Send + Sync {
    /// Compiles a function by its index among those that the module defines.
    fn compile(&self, module: &Module, function: u32) -> Result<MachineCode, CompileError>;

    /// Installs functions that it has compiled, as [`code::install`] does with what this compiler's tier adds.
    fn install(&self, module: &Module, functions: Vec<(u32, MachineCode)>) -> Result<(), CodeError>;
}

/// What becomes of the events of an engine. It is called while the module's policy is locked, so it must not call the engine.
pub type EventSink = Box<dyn FnMut(&Record) + Send>;

/// The part of tiering that the modules of an engine share.
pub struct Manager {
    make: MakePolicy,
    compiler: Arc<dyn Compiler>,
    queue: Queue,
    /// And the number of the first module whose events it gets.
    sink: Mutex<Option<(u32, EventSink)>>,
    modules: AtomicU32,
    start: Instant,
}

/// Functions that are compiled and installed together.
const CHUNK: usize = 64;

/// The budget of a function whose code is on the way, at least: then it is looked whether it has come.
const RECHECK: u32 = 1000;

impl Manager {
    /// A manager that decides by `policy` and compiles by `compiler`, on at most so many threads of its own.
    pub(crate) fn new(
        policy: &PolicySpec,
        compiler: Arc<dyn Compiler>,
        threads: usize,
    ) -> Result<Manager, PolicyError> {
        Ok(Manager {
            make: policy.load()?,
            compiler,
            queue: Queue::new(threads),
            sink: Mutex::new(None),
            modules: AtomicU32::new(0),
            start: Instant::now(),
        })
    }

    /// Sets what becomes of the events of modules that are loaded from now on.
    pub fn record_events(&self, sink: Option<EventSink>) {
        let mut current = lock(&self.sink);
        *current = sink.map(|sink| (self.modules.load(Ordering::Relaxed), sink));
    }

    /// Waits until nothing is compiled in the background any more.
    pub fn wait_idle(&self) {
        self.queue.wait_idle();
    }

    /// The tiering of a module, with what the policy wants done at its start.
    pub(crate) fn module(&self, module: &Module) -> Tiering {
        let bodies: Vec<u32> =
            (0..module.defined_funcs()).map(|defined| module.body_range(defined).len() as u32).collect();
        let profile = Profile::new(bodies.iter().copied());
        let number = self.modules.fetch_add(1, Ordering::Relaxed);
        let mut policy = (self.make)();
        let event = profile.loaded();
        let action = policy.on_event(event, &profile.view());
        self.record(&Record { time: self.now(), module: number, thread: 0, bodies: Some(bodies), event, action });
        let budgets = (0..module.defined_funcs()).map(|function| policy.budget(function, &profile.view()));
        let counters = Counters::new(budgets);
        let claims = (0..module.defined_funcs()).map(|_| Claim::default()).collect();
        Tiering { number, first: action, counters, claims, decider: Mutex::new(Decider { policy, profile }) }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn record(&self, record: &Record) {
        if let Some((first, sink)) = &mut *lock(&self.sink)
            && record.module >= *first
        {
            sink(record);
        }
    }
}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manager").field("modules", &self.modules).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How far a function is: who moves it from [`Phase::Idle`] compiles it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Phase {
    Idle,
    Claimed,
    Compiled,
    Failed,
}

/// A function's phase, and whether activations may go over to its code in loops.
#[derive(Debug, Default)]
struct Claim(AtomicU8);

impl Claim {
    const OSR: u8 = 4;

    fn get(&self) -> (Phase, bool) {
        let bits = self.0.load(Ordering::Acquire);
        let phase = [Phase::Idle, Phase::Claimed, Phase::Compiled, Phase::Failed][usize::from(bits & 3)];
        (phase, bits & Claim::OSR != 0)
    }

    /// Claims the function, if nobody has.
    fn claim(&self, osr: bool) -> bool {
        let bits = Phase::Claimed as u8 | if osr { Claim::OSR } else { 0 };
        self.0.compare_exchange(Phase::Idle as u8, bits, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Moves a function on that the caller has claimed.
    fn set(&self, phase: Phase) {
        let osr = self.0.load(Ordering::Relaxed) & Claim::OSR;
        self.0.store(phase as u8 | osr, Ordering::Release);
    }

    /// Claims a function that is compiled, to take its code away.
    fn reclaim(&self) -> bool {
        let reclaim = |bits: u8| (bits & 3 == Phase::Compiled as u8).then_some(Phase::Claimed as u8);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Relaxed, reclaim).is_ok()
    }
}

/// The tiering of a module.
pub struct Tiering {
    number: u32,
    /// The answer to the module's start.
    first: Action,
    counters: Counters,
    claims: Box<[Claim]>,
    decider: Mutex<Decider>,
}

struct Decider {
    policy: Box<dyn Policy>,
    profile: Profile,
}

impl Tiering {
    /// The counter of a function. Its address is good as long as the module.
    pub fn cell(&self, function: u32) -> &AtomicI32 {
        self.counters.cell(function)
    }

    /// What a place of a function takes off its counter.
    pub fn weight(&self, function: &Function, site: Site) -> u32 {
        let words = match site {
            Site::Entry => function.code.len() as u32,
            Site::Loop(id) => function.loops.get(id as usize).map_or(0, |looped| looped.end - looped.head),
        };
        lock(&self.decider).policy.weight(site, words.saturating_mul(8)).min(FOREVER)
    }

    /// What is known of the module's functions.
    pub fn profile(&self) -> Profile {
        lock(&self.decider).profile.clone()
    }

    /// Carries out what the policy wants done before anything runs.
    pub(crate) fn start(&self, module: &Module) {
        if let Some(work) = Work::new(module, 0) {
            work.all_happened(work.carry_out(self.first));
        }
    }

    /// A function that is interpreted has used up its budget, at the `profile` instruction at `pc`. Gives the machine code that the
    /// activation is to go on in, if there is any for this place.
    pub fn hot(&self, module: &Module, function: u32, at: Site, pc: u32) -> Option<*const u8> {
        let claim = &self.claims[function as usize];
        if claim.get().0 == Phase::Idle {
            // For those who come while the policy decides.
            self.counters.set(function, FOREVER);
            Work::new(module, 0)?.all_happened([Event::Hot { function, at }]);
        }
        let (phase, osr) = claim.get();
        let (budget, code) = match phase {
            Phase::Idle => return None,
            Phase::Claimed => (self.first_budget(function).max(RECHECK), None),
            Phase::Compiled if osr => {
                let compiled = module.translated(function)?.ok()?.compiled();
                // Other activations may be in loops as well.
                compiled.map_or((FOREVER, None), |compiled| (0, compiled.osr(pc)))
            }
            Phase::Compiled | Phase::Failed => (FOREVER, None),
        };
        self.counters.set(function, budget);
        code
    }

    fn first_budget(&self, function: u32) -> u32 {
        let decider = lock(&self.decider);
        decider.policy.budget(function, &decider.profile.view())
    }
}

impl fmt::Debug for Tiering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tiering").field("number", &self.number).finish_non_exhaustive()
    }
}

/// Something to be done for a module, on a thread.
#[derive(Clone, Copy)]
pub(super) struct Work<'a> {
    manager: &'a Manager,
    module: &'a Module,
    tiering: &'a Tiering,
    /// The thread's number in records.
    thread: u32,
}

impl<'a> Work<'a> {
    /// Work for a module, if it is tiered.
    pub(super) fn new(module: &'a Module, thread: u32) -> Option<Work<'a>> {
        Some(Work { manager: module.engine().manager()?, module, tiering: module.tiering()?, thread })
    }

    /// Tells the policy about events, does what it says, and so on.
    pub(super) fn all_happened(self, events: impl IntoIterator<Item = Event>) {
        let mut events: VecDeque<Event> = events.into_iter().collect();
        while let Some(event) = events.pop_front() {
            let action = self.decide(event);
            if let (Event::Hot { function, .. }, Action::Continue { budget }) = (event, action) {
                self.tiering.counters.set(function, budget);
            }
            events.extend(self.carry_out(action));
        }
    }

    fn decide(self, event: Event) -> Action {
        let mut decider = lock(&self.tiering.decider);
        let Decider { policy, profile } = &mut *decider;
        profile.add(event);
        let action = policy.on_event(event, &profile.view());
        // Behind the lock, records would be out of order.
        self.manager.record(&Record {
            time: self.manager.now(),
            module: self.tiering.number,
            thread: self.thread,
            bodies: None,
            event,
            action,
        });
        action
    }

    /// Does what the policy says; gives what happens thereby.
    fn carry_out(self, action: Action) -> Vec<Event> {
        match action {
            Action::Nothing | Action::Continue { .. } => Vec::new(),
            Action::Compile { function, mode, osr } => self.request(function..function.saturating_add(1), mode, osr),
            Action::CompileAll { mode, osr } => self.request(0..self.module.defined_funcs(), mode, osr),
            Action::Evict { function } => self.evict(function).into_iter().collect(),
        }
    }

    /// Compiles functions, but for those that are on the way already.
    fn request(self, functions: Range<u32>, mode: Mode, osr: bool) -> Vec<Event> {
        // A function that is asked for alone is waited for.
        let urgent = functions.len() == 1;
        let claim = |function: &u32| self.tiering.claims.get(*function as usize).is_some_and(|claim| claim.claim(osr));
        let claimed: Vec<u32> = functions.filter(claim).collect();
        match mode {
            Mode::Sync => self.compile(&claimed),
            Mode::Background => {
                let mut events = Vec::new();
                for chunk in claimed.chunks(CHUNK) {
                    let job = Job { module: self.module.downgrade(), functions: chunk.to_vec() };
                    // Without threads, it is up to this one.
                    if !self.manager.queue.push(job, urgent) {
                        events.extend(self.compile(chunk));
                    }
                }
                events
            }
        }
    }

    /// Compiles and installs functions that are claimed; gives what has become of them.
    pub(super) fn compile(self, functions: &[u32]) -> Vec<Event> {
        let compile = |&function: &u32| self.manager.compiler.compile(self.module, function);
        let parallel = self.thread == 0 && self.module.engine().config().translation == Translation::Parallel;
        let mut events = Vec::with_capacity(functions.len());
        for chunk in functions.chunks(CHUNK) {
            let results: Vec<_> = match parallel {
                true => chunk.par_iter().map(compile).collect(),
                false => chunk.iter().map(compile).collect(),
            };
            let first = events.len();
            let mut batch = Vec::with_capacity(chunk.len());
            for (&function, result) in chunk.iter().zip(results) {
                match result {
                    Ok(code) => {
                        let nanoseconds = u64::try_from(code.time.as_nanos()).unwrap_or(u64::MAX);
                        events.push(Event::Compiled { function, bytes: code.bytes.len() as u64, nanoseconds });
                        batch.push((function, code));
                    }
                    Err(error) => {
                        tracing::debug!(function, %error, "not compiled");
                        events.push(Event::Failed { function });
                    }
                }
            }
            self.install(batch, &mut events[first..]);
        }
        events
    }

    /// Installs functions and moves them on, as the events say; changes those that cannot be installed.
    fn install(self, batch: Vec<(u32, MachineCode)>, events: &mut [Event]) {
        let installed = if batch.is_empty() { Ok(()) } else { self.manager.compiler.install(self.module, batch) };
        for event in events {
            if let (Event::Compiled { function, .. }, Err(error)) = (*event, &installed) {
                tracing::debug!(function, %error, "not installed");
                *event = Event::Refused { function };
            }
            match *event {
                Event::Compiled { function, .. } => {
                    let claim = &self.tiering.claims[function as usize];
                    claim.set(Phase::Compiled);
                    if claim.get().1 {
                        self.tiering.counters.set(function, 0);
                    }
                }
                Event::Failed { function } | Event::Refused { function } => {
                    self.tiering.claims[function as usize].set(Phase::Failed);
                }
                Event::ModuleLoaded { .. } | Event::Hot { .. } | Event::Evicted { .. } => {}
            }
        }
    }

    fn evict(self, function: u32) -> Option<Event> {
        let claim = self.tiering.claims.get(function as usize)?;
        if !claim.reclaim() {
            return None;
        }
        code::uninstall(self.module, function);
        self.tiering.counters.set(function, self.tiering.first_budget(function));
        claim.set(Phase::Idle);
        Some(Event::Evicted { function })
    }
}

#[cfg(test)]
mod tests;
