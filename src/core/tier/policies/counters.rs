//! Policies that compile a function when it has run enough.

use super::{Bytes, Counter, Lazy, Scaled};
use crate::tier::policy::{Action, Event, Mode, Policy, Site};
use crate::tier::profile::ProfileView;

/// A function that is hot is compiled.
fn compile_hot(event: Event, mode: Mode, osr: bool) -> Action {
    match event {
        Event::Hot { function, .. } => Action::Compile { function, mode, osr },
        _ => Action::Nothing,
    }
}

impl Policy for Lazy {
    fn on_event(&mut self, event: Event, _: &ProfileView<'_>) -> Action {
        compile_hot(event, self.mode, true)
    }

    fn budget(&self, _: u32, _: &ProfileView<'_>) -> u32 {
        0
    }

    fn weight(&self, _: Site, _: u32) -> u32 {
        1
    }
}

impl Policy for Counter {
    fn on_event(&mut self, event: Event, _: &ProfileView<'_>) -> Action {
        compile_hot(event, self.mode, self.osr)
    }

    fn budget(&self, _: u32, _: &ProfileView<'_>) -> u32 {
        self.threshold
    }

    fn weight(&self, site: Site, _: u32) -> u32 {
        match site {
            Site::Entry => self.entry,
            Site::Loop(_) => self.loop_,
        }
    }
}

impl Policy for Bytes {
    fn on_event(&mut self, event: Event, _: &ProfileView<'_>) -> Action {
        compile_hot(event, self.mode, self.osr)
    }

    fn budget(&self, _: u32, _: &ProfileView<'_>) -> u32 {
        self.budget
    }

    fn weight(&self, _: Site, bytes: u32) -> u32 {
        bytes
    }
}

impl Policy for Scaled {
    fn on_event(&mut self, event: Event, _: &ProfileView<'_>) -> Action {
        compile_hot(event, self.mode, self.osr)
    }

    fn budget(&self, function: u32, profile: &ProfileView<'_>) -> u32 {
        let (threshold, bytes) = (u128::from(self.threshold), u128::from(profile.function(function).body_bytes));
        // threshold * sqrt(bytes / size), in integers, so that it is the same on every machine.
        let grown = (threshold * threshold * bytes / u128::from(self.size.max(1))).isqrt();
        u32::try_from(threshold + grown).unwrap_or(u32::MAX)
    }

    fn weight(&self, site: Site, _: u32) -> u32 {
        match site {
            Site::Entry => self.entry,
            Site::Loop(_) => self.loop_,
        }
    }
}
