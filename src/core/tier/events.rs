//! Traces: what happened to the modules of an engine, and what their policies did about it.
//!
//! A trace is lines of JSON, a [`Record`] each. Since policies are pure functions of events, [`replay`] can ask any policy what it would
//! have done: for the policy that was recorded, the answers are those in the trace.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::policies::MakePolicy;
use super::policy::{Action, Event, Policy};
use super::profile::Profile;

/// An event and what the policy did about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// When, in nanoseconds since the engine was made.
    pub time: u64,
    /// The number of the module, in the order of loading.
    pub module: u32,
    /// The thread that it happened on: 0 for all that execute, others compile.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub thread: u32,
    /// Bytes of each function's body, with [`Event::ModuleLoaded`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bodies: Option<Vec<u32>>,
    /// The event.
    pub event: Event,
    /// The policy's answer.
    pub action: Action,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Why a text is no trace.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// A line is no record.
    #[error("line {line}: {error}")]
    Line {
        /// Its number, from 1 on.
        line: usize,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// Events of a module come before it is loaded.
    #[error("line {line}: module {module} has not been loaded")]
    NotLoaded {
        /// The line's number, from 1 on.
        line: usize,
        /// The module's number.
        module: u32,
    },
}

/// Writes a record as a line.
pub fn write(out: &mut dyn Write, record: &Record) -> io::Result<()> {
    serde_json::to_writer(&mut *out, record)?;
    out.write_all(b"\n")
}

/// Reads a trace.
pub fn parse(text: &str) -> Result<Vec<Record>, TraceError> {
    let mut loaded = Vec::new();
    let mut records = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        let record: Record = serde_json::from_str(text).map_err(|error| TraceError::Line { line, error })?;
        if record.bodies.is_some() {
            loaded.push(record.module);
        } else if !loaded.contains(&record.module) {
            return Err(TraceError::NotLoaded { line, module: record.module });
        }
        records.push(record);
    }
    Ok(records)
}

/// What a policy answers to the events of a trace, in order.
pub fn replay(records: &[Record], make: &MakePolicy) -> Vec<Action> {
    let mut modules: BTreeMap<u32, (Box<dyn Policy>, Profile)> = BTreeMap::new();
    let answer = |record: &Record| {
        if let Some(bodies) = &record.bodies {
            modules.insert(record.module, (make(), Profile::new(bodies.iter().copied())));
        }
        let Some((policy, profile)) = modules.get_mut(&record.module) else { return Action::Nothing };
        profile.add(record.event);
        policy.on_event(record.event, &profile.view())
    };
    records.iter().map(answer).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tier::policies::PolicySpec;
    use crate::tier::policy::Site;

    fn event(functions: u32) -> impl Strategy<Value = Event> {
        let function = 0..functions;
        (function, 0..4u32, any::<u32>()).prop_map(|(function, kind, number)| match kind {
            0 => Event::Compiled { function, bytes: number.into(), nanoseconds: number.into() },
            1 => Event::Failed { function },
            2 => Event::Hot { function, at: Site::Loop(number % 5) },
            _ => Event::Hot { function, at: Site::Entry },
        })
    }

    /// The start of a module, and what happens to its functions.
    fn trace() -> impl Strategy<Value = Vec<Record>> {
        let bodies = prop::collection::vec(0..10_000u32, 1..20);
        let events = bodies.prop_flat_map(|bodies| {
            let functions = bodies.len() as u32;
            (Just(bodies), prop::collection::vec(event(functions), 0..100))
        });
        events.prop_map(|(bodies, events)| {
            let loaded = Profile::new(bodies.iter().copied()).loaded();
            let record = |event| Record { time: 0, module: 0, thread: 0, bodies: None, event, action: Action::Nothing };
            let first = Record { bodies: Some(bodies), ..record(loaded) };
            std::iter::once(first).chain(events.into_iter().map(record)).collect()
        })
    }

    const STATELESS_AND_RANDOM: [&str; 8] = [
        "fixed:tier=jit",
        "lazy",
        "counter",
        "bytes",
        "scaled",
        "background-all",
        "random:seed=7",
        "random:seed=8,max=3",
    ];

    proptest! {
        #[test]
        fn the_same_events_give_the_same_actions(records in trace()) {
            for text in STATELESS_AND_RANDOM {
                let make = text.parse::<PolicySpec>().unwrap().load().unwrap();
                prop_assert_eq!(replay(&records, &make), replay(&records, &make));
            }
        }

        #[test]
        fn earlier_actions_do_not_depend_on_later_events(records in trace(), at in any::<prop::sample::Index>()) {
            let at = at.index(records.len());
            for text in STATELESS_AND_RANDOM {
                let make = text.parse::<PolicySpec>().unwrap().load().unwrap();
                let all = replay(&records, &make);
                prop_assert_eq!(replay(&records[..at], &make), &all[..at]);
            }
        }

        #[test]
        fn traces_are_read_as_they_are_written(records in trace()) {
            let mut text = Vec::new();
            for record in &records {
                write(&mut text, record).unwrap();
            }
            prop_assert_eq!(parse(std::str::from_utf8(&text).unwrap()).unwrap(), records);
        }
    }

    #[test]
    fn seeds_differ() {
        let loaded = Event::ModuleLoaded { functions: 1, bytes: 1 };
        let hot = Event::Hot { function: 0, at: Site::Entry };
        let record = |event, bodies| Record { time: 0, module: 0, thread: 0, bodies, event, action: Action::Nothing };
        let mut records = vec![record(loaded, Some(vec![1]))];
        records.extend((0..50).map(|_| record(hot, None)));
        let answers =
            |seed| replay(&records, &format!("random:seed={seed}").parse::<PolicySpec>().unwrap().load().unwrap());
        assert_ne!(answers(1), answers(2));
    }

    #[test]
    fn broken_traces_are_errors() {
        assert!(matches!(parse("{"), Err(TraceError::Line { line: 1, .. })));
        let stray = r#"{"time":1,"module":3,"event":{"failed":{"function":0}},"action":"nothing"}"#;
        assert!(matches!(parse(stray), Err(TraceError::NotLoaded { line: 1, module: 3 })));
    }
}
