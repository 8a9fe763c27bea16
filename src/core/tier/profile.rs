//! Profiles: what is known of the functions of a module.
//!
//! There are two parts. [`Counters`] are what running code counts in, without any synchronization: a count that gets lost between threads
//! costs nothing but precision. A [`Profile`] is what the events say, and nothing else, so that a replayed trace gives the same one.

use std::sync::atomic::{AtomicI32, Ordering};

use super::policy::{Event, FOREVER};

/// What is left of the budgets of a module's functions.
#[derive(Debug)]
pub struct Counters(Box<[AtomicI32]>);

impl Counters {
    /// Counters that start from these budgets.
    pub fn new(budgets: impl Iterator<Item = u32>) -> Counters {
        Counters(budgets.map(|budget| AtomicI32::new(clamp(budget))).collect())
    }

    /// The counter of a function, whose address is good as long as its module. Code that finds less in it than the weight to take off
    /// leaves it as it is, and reports its function as hot.
    pub fn cell(&self, function: u32) -> &AtomicI32 {
        &self.0[function as usize]
    }

    /// Gives a function a budget.
    pub fn set(&self, function: u32, budget: u32) {
        self.cell(function).store(clamp(budget), Ordering::Relaxed);
    }

    /// What a function has left.
    pub fn get(&self, function: u32) -> u32 {
        self.cell(function).load(Ordering::Relaxed).max(0).cast_unsigned()
    }
}

/// Counters are never negative, and weights no larger than they: a difference does not overflow.
fn clamp(budget: u32) -> i32 {
    budget.min(FOREVER).cast_signed()
}

/// How far a function is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// It is not compiled.
    #[default]
    Interpreted,
    /// It runs as machine code.
    Compiled,
    /// It cannot be compiled.
    Failed,
}

/// What is known of a function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FunctionProfile {
    /// Bytes of its body.
    pub body_bytes: u32,
    /// How often it has used up a budget.
    pub hot: u32,
    /// How far it is.
    pub state: State,
    /// Bytes of its machine code.
    pub code_bytes: u64,
    /// Time that compiling it took.
    pub nanoseconds: u64,
}

/// The events of a module, folded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    functions: Vec<FunctionProfile>,
    body_bytes: u64,
    compiled: u32,
    code_bytes: u64,
    nanoseconds: u64,
}

impl Profile {
    /// The profile of a module that has not run, from the bytes of its bodies.
    pub fn new(bodies: impl Iterator<Item = u32>) -> Profile {
        let functions: Vec<_> =
            bodies.map(|body_bytes| FunctionProfile { body_bytes, ..FunctionProfile::default() }).collect();
        let body_bytes = functions.iter().map(|function| u64::from(function.body_bytes)).sum();
        Profile { functions, body_bytes, ..Profile::default() }
    }

    /// The event that stands for the module's start.
    pub fn loaded(&self) -> Event {
        Event::ModuleLoaded { functions: self.functions.len() as u32, bytes: self.body_bytes }
    }

    /// Adds an event. One about a function that there is not is ignored.
    pub fn add(&mut self, event: Event) {
        let (Event::Hot { function, .. }
        | Event::Compiled { function, .. }
        | Event::Failed { function }
        | Event::Refused { function }
        | Event::Evicted { function }) = event
        else {
            return;
        };
        let Some(profile) = self.functions.get_mut(function as usize) else { return };
        match event {
            Event::Hot { .. } => profile.hot = profile.hot.saturating_add(1),
            Event::Compiled { bytes, nanoseconds, .. } => {
                if profile.state != State::Compiled {
                    self.compiled += 1;
                }
                *profile = FunctionProfile { state: State::Compiled, code_bytes: bytes, nanoseconds, ..*profile };
                self.code_bytes = self.code_bytes.saturating_add(bytes);
                self.nanoseconds = self.nanoseconds.saturating_add(nanoseconds);
            }
            Event::Failed { .. } => profile.state = State::Failed,
            Event::Evicted { .. } => {
                if profile.state == State::Compiled {
                    self.compiled -= 1;
                }
                profile.state = State::Interpreted;
            }
            Event::Refused { .. } | Event::ModuleLoaded { .. } => {}
        }
    }

    /// What a policy sees of it.
    pub fn view(&self) -> ProfileView<'_> {
        ProfileView(self)
    }
}

/// A profile, as policies see it.
#[derive(Clone, Copy, Debug)]
pub struct ProfileView<'a>(&'a Profile);

impl<'a> ProfileView<'a> {
    /// What is known of each function.
    pub fn functions(self) -> &'a [FunctionProfile] {
        &self.0.functions
    }

    /// What is known of a function.
    pub fn function(self, function: u32) -> FunctionProfile {
        self.0.functions.get(function as usize).copied().unwrap_or_default()
    }

    /// Bytes of all bodies.
    pub fn body_bytes(self) -> u64 {
        self.0.body_bytes
    }

    /// How many functions are compiled.
    pub fn compiled(self) -> u32 {
        self.0.compiled
    }

    /// Bytes of machine code that have been made.
    pub fn code_bytes(self) -> u64 {
        self.0.code_bytes
    }

    /// Time that compiling took.
    pub fn nanoseconds(self) -> u64 {
        self.0.nanoseconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tier::policy::Site;

    #[test]
    fn events_fold() {
        let mut profile = Profile::new([10, 20].into_iter());
        assert_eq!(profile.loaded(), Event::ModuleLoaded { functions: 2, bytes: 30 });
        for event in [
            Event::Hot { function: 1, at: Site::Loop(0) },
            Event::Hot { function: 1, at: Site::Entry },
            Event::Compiled { function: 1, bytes: 100, nanoseconds: 7 },
            Event::Failed { function: 0 },
            Event::Hot { function: 9, at: Site::Entry },
        ] {
            profile.add(event);
        }
        let view = profile.view();
        assert_eq!((view.compiled(), view.code_bytes(), view.nanoseconds(), view.body_bytes()), (1, 100, 7, 30));
        assert_eq!((view.function(0).state, view.function(1).hot), (State::Failed, 2));
        assert_eq!(view.function(9), FunctionProfile::default());
    }

    #[test]
    fn budgets_fit_counters() {
        let counters = Counters::new([5, u32::MAX].into_iter());
        assert_eq!((counters.get(0), counters.get(1)), (5, FOREVER));
        counters.set(0, 8);
        assert_eq!(counters.get(0), 8);
    }
}
