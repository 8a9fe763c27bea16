//! Timelines: traces in the format of Chrome's tracing, which `chrome://tracing`, Perfetto and Speedscope show.
//!
//! A module is a process. What executes is its thread 0; the others compile.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use serde_json::{Value, json};

use super::events::Record;
use super::policy::{Event, Site};

/// Writes the timeline of a trace. `name` gives functions' names: of a module, by its number, a function.
pub fn write(records: &[Record], name: &dyn Fn(u32, u32) -> String, out: &mut dyn Write) -> io::Result<()> {
    let starts = starts(records);
    let mut events = Vec::with_capacity(records.len());
    let mut threads = BTreeSet::new();
    let mut code_bytes: BTreeMap<u32, u64> = BTreeMap::new();
    for (record, start) in records.iter().zip(starts) {
        let &Record { time, module, thread, event, action, .. } = record;
        threads.insert((module, thread));
        let mut add = |phase: &str, label: String, at: u64, more: Value| {
            let mut entry = json!({ "ph": phase, "name": label, "pid": module, "tid": thread, "ts": microseconds(at) });
            if let (Value::Object(entry), Value::Object(more)) = (&mut entry, more) {
                entry.extend(more);
            }
            events.push(entry);
        };
        let mut instant = |label: String| add("i", label, time, json!({ "s": "t", "args": { "action": action } }));
        match event {
            Event::ModuleLoaded { .. } => instant("loaded".to_owned()),
            Event::Hot { function, at: Site::Entry } => instant(format!("{} is hot", name(module, function))),
            Event::Hot { function, at: Site::Loop(id) } => {
                instant(format!("{} is hot in loop {id}", name(module, function)));
            }
            Event::Failed { function } => instant(format!("{} cannot be compiled", name(module, function))),
            Event::Refused { function } => instant(format!("{} does not fit", name(module, function))),
            Event::Evicted { function } => instant(format!("{} is evicted", name(module, function))),
            Event::Compiled { function, bytes, nanoseconds } => {
                let took = json!({ "dur": microseconds(nanoseconds), "args": { "bytes": bytes } });
                add("X", name(module, function), start, took);
                let total = code_bytes.entry(module).or_default();
                *total += bytes;
                add("C", "code".to_owned(), time, json!({ "args": { "bytes": *total } }));
            }
        }
    }
    for (module, thread) in threads {
        let label = if thread == 0 { "execution".to_owned() } else { format!("compile thread {thread}") };
        let entry = |kind: &str, label: String| {
            let args = json!({ "name": label });
            json!({ "ph": "M", "name": kind, "pid": module, "tid": thread, "args": args })
        };
        events.push(entry("process_name", format!("module {module}")));
        events.push(entry("thread_name", label));
    }
    serde_json::to_writer(&mut *out, &json!({ "displayTimeUnit": "ns", "traceEvents": events }))?;
    out.write_all(b"\n")
}

fn microseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1000.0
}

/// When each compilation began. Functions that are compiled together are reported together, so each ends where the next one on its thread
/// begins, or when it is reported.
fn starts(records: &[Record]) -> Vec<u64> {
    let mut next: BTreeMap<(u32, u32), u64> = BTreeMap::new();
    let mut starts: Vec<u64> = records
        .iter()
        .rev()
        .map(|record| {
            let Event::Compiled { nanoseconds, .. } = record.event else { return record.time };
            let next = next.entry((record.module, record.thread)).or_insert(u64::MAX);
            *next = record.time.min(*next).saturating_sub(nanoseconds);
            *next
        })
        .collect();
    starts.reverse();
    starts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tier::policy::Action;

    #[test]
    fn compilations_do_not_overlap() {
        let record =
            |time, thread, event| Record { time, module: 0, thread, bodies: None, event, action: Action::Nothing };
        let compiled = |function, nanoseconds| Event::Compiled { function, bytes: 5, nanoseconds };
        let records = [
            record(0, 0, Event::ModuleLoaded { functions: 3, bytes: 9 }),
            record(9_000, 1, compiled(0, 2_000)),
            record(9_001, 1, compiled(1, 3_000)),
            record(9_002, 2, compiled(2, 4_000)),
            record(9_003, 0, Event::Hot { function: 1, at: Site::Loop(4) }),
        ];
        let mut text = Vec::new();
        write(&records, &|module, function| format!("f{module}.{function}"), &mut text).unwrap();
        let value: Value = serde_json::from_slice(&text).unwrap();
        let events = value["traceEvents"].as_array().unwrap();
        let spans: Vec<_> = events
            .iter()
            .filter(|event| event["ph"] == "X")
            .map(|event| {
                (event["name"].as_str().unwrap(), event["ts"].as_f64().unwrap(), event["dur"].as_f64().unwrap())
            })
            .collect();
        assert_eq!(spans, [("f0.0", 4.001, 2.0), ("f0.1", 6.001, 3.0), ("f0.2", 5.002, 4.0)]);
        let total = events.iter().rfind(|event| event["ph"] == "C").unwrap();
        assert_eq!(total["args"]["bytes"], 15);
        assert!(events.iter().any(|event| event["name"] == "f0.1 is hot in loop 4" && event["ph"] == "i"));
        assert_eq!(events.iter().filter(|event| event["name"] == "thread_name").count(), 3);
    }
}
