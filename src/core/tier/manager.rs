//! The tier manager: carries out what policies decide.
//!
//! Code and profiles belong to a module, so each module has a policy of its own, behind a lock that is never held while anything is
//! compiled. A function is compiled once however many stores and threads ask: who wants to compile it claims it first. Compile threads
//! belong to the engine, and start when something is first compiled in the background.
//!
//! Where the limit of code leaves no room, what was compiled the longest ago goes back to the interpreter. What does not fit even so,
//! because that code is still in use, is compiled again when it has become hot once more.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rayon::prelude::*;

use super::claim::{Claim, Phase};
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
        let claims = (0..module.defined_funcs()).map(|_| Claim::new()).collect();
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

/// Whether there is machine code that calls of a function run.
fn is_compiled(module: &Module, function: u32) -> bool {
    matches!(module.translated(function), Some(Ok(function)) if function.is_compiled())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
            work.carry_out([self.first]);
        }
    }

    /// A function that is interpreted has used up its budget. `true`: the activation may go on in machine code, if that has an entry for
    /// this place.
    pub fn hot(&self, module: &Module, function: u32, at: Site) -> bool {
        let claim = &self.claims[function as usize];
        if claim.get().0 == Phase::Idle {
            // For those who come while the policy decides.
            self.counters.set(function, FOREVER);
            if let Some(work) = Work::new(module, 0) {
                work.happened(Event::Hot { function, at });
            }
        }
        let mut now = claim.get();
        if now.0 == Phase::Idle {
            // The policy has said.
            return false;
        }
        loop {
            let budget = match now {
                (Phase::Idle, _) => self.first_budget(function),
                (Phase::Claimed, _) => self.first_budget(function).max(RECHECK),
                // Other activations may be in loops as well.
                (Phase::Compiled, true) if is_compiled(module, function) => 0,
                (Phase::Compiled | Phase::Failed, _) => FOREVER,
            };
            self.counters.set(function, budget);
            // Who moves the function on sets its budget before that.
            let then = std::mem::replace(&mut now, claim.get());
            if then == now {
                return now.0 == Phase::Compiled && budget == 0;
            }
        }
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

    /// Tells the policy about an event, does what it says, and so on.
    fn happened(self, event: Event) {
        let action = self.decide(event);
        if let Event::Hot { function, .. } = event {
            match action {
                Action::Continue { budget } => self.tiering.counters.set(function, budget),
                // It says nothing about this function.
                Action::Evict { .. } => self.tiering.counters.set(function, self.tiering.first_budget(function)),
                _ => {}
            }
        }
        self.carry_out([action]);
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

    /// Does what the policy says, and what it says about that.
    pub(super) fn carry_out(self, actions: impl IntoIterator<Item = Action>) {
        let mut actions: VecDeque<Action> = actions.into_iter().collect();
        while let Some(action) = actions.pop_front() {
            actions.extend(match action {
                Action::Nothing | Action::Continue { .. } => Vec::new(),
                Action::Compile { function, mode, osr } => {
                    self.request(function..function.saturating_add(1), mode, osr)
                }
                Action::CompileAll { mode, osr } => self.request(0..self.module.defined_funcs(), mode, osr),
                Action::Evict { function } => self.evict(function).into_iter().collect(),
            });
        }
    }

    /// Compiles functions, but for those that are on the way already.
    fn request(self, functions: Range<u32>, mode: Mode, osr: bool) -> Vec<Action> {
        // A function that is asked for alone is waited for.
        let urgent = functions.len() == 1;
        let claim = |function: &u32| self.tiering.claims.get(*function as usize).is_some_and(|claim| claim.claim(osr));
        let claimed: Vec<u32> = functions.filter(claim).collect();
        match mode {
            Mode::Sync => self.compile(&claimed),
            Mode::Background => {
                let mut actions = Vec::new();
                for chunk in claimed.chunks(CHUNK) {
                    let job = Job { module: self.module.downgrade(), functions: chunk.to_vec() };
                    // Without threads, it is up to this one.
                    if !self.manager.queue.push(job, urgent) {
                        actions.extend(self.compile(chunk));
                    }
                }
                actions
            }
        }
    }

    /// Compiles and installs functions that are claimed; gives what the policy says about it.
    pub(super) fn compile(self, functions: &[u32]) -> Vec<Action> {
        let compile = |&function: &u32| self.manager.compiler.compile(self.module, function);
        let parallel = self.thread == 0 && self.module.engine().config().translation == Translation::Parallel;
        let mut actions = Vec::with_capacity(functions.len());
        for chunk in functions.chunks(CHUNK) {
            let results: Vec<_> = match parallel {
                true => chunk.par_iter().map(compile).collect(),
                false => chunk.iter().map(compile).collect(),
            };
            let mut compiled = Vec::with_capacity(chunk.len());
            for (&function, result) in chunk.iter().zip(results) {
                match result {
                    Ok(code) => compiled.push((function, code)),
                    Err(error) => {
                        tracing::debug!(function, %error, "not compiled");
                        actions.push(self.finish(Event::Failed { function }, function, Phase::Failed));
                    }
                }
            }
            while !compiled.is_empty() {
                let rest = compiled.split_off(code::batch_len(self.module, &compiled));
                actions.append(&mut self.install(compiled));
                compiled = rest;
            }
        }
        actions
    }

    /// Installs functions that are claimed, and takes others out if there is no room.
    fn install(self, batch: Vec<(u32, MachineCode)>) -> Vec<Action> {
        let bytes = code::batch_bytes(&batch);
        let mut actions: Vec<Action> =
            code::oldest(self.module, bytes).into_iter().filter_map(|function| self.evict(function)).collect();
        let compiled = |(function, code): &(u32, MachineCode)| {
            let nanoseconds = u64::try_from(code.time.as_nanos()).unwrap_or(u64::MAX);
            (*function, Event::Compiled { function: *function, bytes: code.bytes.len() as u64, nanoseconds })
        };
        let events: Vec<(u32, Event)> = batch.iter().map(compiled).collect();
        let installed = self.manager.compiler.install(self.module, batch);
        for (function, event) in events {
            let (event, phase) = match &installed {
                Ok(()) => (event, Phase::Compiled),
                Err(error) => {
                    tracing::debug!(function, %error, "not installed");
                    let later = match error {
                        // What was taken out may still be in use.
                        CodeError::Limit { limit, .. } => bytes <= *limit,
                        CodeError::Full { .. } => true,
                        CodeError::Map(_) | CodeError::Synchronize(_) => false,
                    };
                    (Event::Refused { function }, if later { Phase::Idle } else { Phase::Failed })
                }
            };
            actions.push(self.finish(event, function, phase));
        }
        actions
    }

    /// Moves a function on that is claimed, when the policy knows why: before anybody can do something else with it.
    fn finish(self, event: Event, function: u32, phase: Phase) -> Action {
        let action = self.decide(event);
        let (claim, counters) = (&self.tiering.claims[function as usize], &self.tiering.counters);
        match event {
            Event::Compiled { .. } if claim.get().1 => counters.set(function, 0),
            Event::Refused { .. } if phase == Phase::Idle => {
                counters.set(function, self.tiering.first_budget(function).max(RECHECK));
            }
            Event::Evicted { .. } => counters.set(function, self.tiering.first_budget(function)),
            _ => {}
        }
        claim.set(phase);
        action
    }

    /// Takes a function's code out, if it is compiled; gives what the policy says about it.
    fn evict(self, function: u32) -> Option<Action> {
        if !self.tiering.claims.get(function as usize)?.reclaim() {
            return None;
        }
        code::uninstall(self.module, function);
        Some(self.finish(Event::Evicted { function }, function, Phase::Idle))
    }
}

#[cfg(test)]
mod tests;
