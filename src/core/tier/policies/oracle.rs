//! What a recorded run compiled is compiled, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::tier::events::{self, TraceError};
use crate::tier::policy::{Action, Event, FOREVER, Mode, Policy, Site};
use crate::tier::profile::ProfileView;

/// A module, as a trace shows it: the bytes of its functions' bodies.
type Bodies = Vec<u32>;

/// The functions to compile.
#[derive(Clone)]
pub(super) struct OraclePolicy {
    /// Of each module that the trace has.
    known: Arc<BTreeMap<Bodies, BTreeSet<u32>>>,
    /// Of the module at hand.
    chosen: BTreeSet<u32>,
}

impl OraclePolicy {
    /// The policy that a trace makes.
    pub(super) fn new(trace: &str) -> Result<OraclePolicy, TraceError> {
        let mut numbers: BTreeMap<u32, Bodies> = BTreeMap::new();
        let mut modules: BTreeMap<Bodies, BTreeSet<u32>> = BTreeMap::new();
        for record in events::parse(trace)? {
            if let Some(bodies) = record.bodies {
                numbers.insert(record.module, bodies);
            }
            if let (Event::Compiled { function, .. }, Some(bodies)) = (record.event, numbers.get(&record.module)) {
                modules.entry(bodies.clone()).or_default().insert(function);
            }
        }
        Ok(OraclePolicy { known: Arc::new(modules), chosen: BTreeSet::new() })
    }
}

impl Policy for OraclePolicy {
    fn on_event(&mut self, event: Event, profile: &ProfileView<'_>) -> Action {
        match event {
            Event::ModuleLoaded { .. } => {
                let bodies: Bodies = profile.functions().iter().map(|function| function.body_bytes).collect();
                self.chosen = self.known.get(&bodies).cloned().unwrap_or_default();
                Action::Nothing
            }
            Event::Hot { function, .. } if self.chosen.contains(&function) => {
                Action::Compile { function, mode: Mode::Sync, osr: true }
            }
            _ => Action::Nothing,
        }
    }

    fn budget(&self, function: u32, _: &ProfileView<'_>) -> u32 {
        if self.chosen.contains(&function) { 0 } else { FOREVER }
    }

    fn weight(&self, _: Site, _: u32) -> u32 {
        1
    }
}
