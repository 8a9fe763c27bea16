//! Budgets and decisions by chance, the same for the same seed and events.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Random;
use crate::tier::policy::{Action, Event, Mode, Policy, Site};
use crate::tier::profile::{ProfileView, State};

/// The state of [`Random`].
pub(super) struct RandomPolicy {
    seed: u64,
    max: u32,
    chance: ChaCha8Rng,
}

impl RandomPolicy {
    pub(super) fn new(spec: &Random) -> RandomPolicy {
        RandomPolicy { seed: spec.seed, max: spec.max, chance: ChaCha8Rng::seed_from_u64(spec.seed) }
    }
}

impl Policy for RandomPolicy {
    fn on_event(&mut self, event: Event, profile: &ProfileView<'_>) -> Action {
        let chance = &mut self.chance;
        match event {
            Event::ModuleLoaded { .. } if chance.random_ratio(1, 8) => {
                let mode = if chance.random() { Mode::Sync } else { Mode::Background };
                Action::CompileAll { mode, osr: chance.random() }
            }
            Event::Hot { .. } if profile.compiled() != 0 && chance.random_ratio(1, 8) => {
                let functions = profile.functions().len() as u32;
                let start = chance.random_range(0..functions);
                let mut turn = (start..functions).chain(0..start);
                match turn.find(|&function| profile.function(function).state == State::Compiled) {
                    Some(function) => Action::Evict { function },
                    None => Action::Nothing,
                }
            }
            Event::Hot { .. } if chance.random() => Action::Continue { budget: chance.random_range(0..=self.max) },
            Event::Hot { function, .. } => {
                let mode = if chance.random() { Mode::Sync } else { Mode::Background };
                Action::Compile { function, mode, osr: chance.random_ratio(7, 8) }
            }
            _ => Action::Nothing,
        }
    }

    fn budget(&self, function: u32, _: &ProfileView<'_>) -> u32 {
        let mut chance = ChaCha8Rng::seed_from_u64(self.seed);
        chance.set_stream(1 + u64::from(function));
        chance.random_range(0..=self.max)
    }

    fn weight(&self, _: Site, _: u32) -> u32 {
        1
    }
}
