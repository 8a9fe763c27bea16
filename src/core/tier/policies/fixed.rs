//! Policies that decide when the module is loaded.

use super::{BackgroundAll, Fixed, FixedTier};
use crate::tier::policy::{Action, Event, FOREVER, Mode, Policy, Site};
use crate::tier::profile::ProfileView;

impl Policy for Fixed {
    fn on_event(&mut self, event: Event, _: &ProfileView<'_>) -> Action {
        match event {
            Event::ModuleLoaded { .. } if self.tier == FixedTier::Jit => {
                Action::CompileAll { mode: Mode::Sync, osr: false }
            }
            _ => Action::Nothing,
        }
    }

    fn budget(&self, _: u32, _: &ProfileView<'_>) -> u32 {
        FOREVER
    }

    fn weight(&self, _: Site, _: u32) -> u32 {
        0
    }
}

impl Policy for BackgroundAll {
    fn on_event(&mut self, event: Event, _: &ProfileView<'_>) -> Action {
        match event {
            Event::ModuleLoaded { .. } => Action::CompileAll { mode: Mode::Background, osr: self.osr },
            _ => Action::Nothing,
        }
    }

    fn budget(&self, _: u32, _: &ProfileView<'_>) -> u32 {
        FOREVER
    }

    fn weight(&self, _: Site, _: u32) -> u32 {
        1
    }
}
