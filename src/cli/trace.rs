//! What `--record-events` and `--timeline` write.
//!
//! Events are written as they come, so that a guest that never ends leaves a trace, too; the timeline is made of them at the end.

use std::fs::File;
use std::io::{self, BufWriter, LineWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use terrace::events::{self, Record};
use terrace::{Engine, Module, timeline};

use crate::args::RunArgs;
use crate::failure::{Failure, Result};

/// The files that events go to.
pub struct Trace {
    shared: Arc<Mutex<State>>,
    timeline: Option<PathBuf>,
    events: Option<PathBuf>,
}

struct State {
    out: Option<LineWriter<File>>,
    /// The first error of `out`.
    error: Option<io::Error>,
    /// Every event, for the timeline.
    records: Option<Vec<Record>>,
}

impl State {
    fn add(&mut self, record: &Record) {
        if let Some(out) = &mut self.out
            && let Err(error) = events::write(out, record)
        {
            self.error.get_or_insert(error);
        }
        if let Some(records) = &mut self.records {
            records.push(record.clone());
        }
    }
}

impl Trace {
    /// Begins to write what was asked for, if anything was.
    pub fn start(engine: &Engine, args: &RunArgs) -> Result<Option<Trace>> {
        let (events, timeline) = (args.record_events.clone(), args.timeline.clone());
        if events.is_none() && timeline.is_none() {
            return Ok(None);
        }
        let create =
            |path: &PathBuf| File::create(path).map(LineWriter::new).map_err(|error| Failure::file(path, error));
        let out = events.as_ref().map(create).transpose()?;
        let records = timeline.is_some().then(Vec::new);
        let shared = Arc::new(Mutex::new(State { out, error: None, records }));
        let sink = Arc::clone(&shared);
        engine.record_events(Box::new(move |record| sink.lock().unwrap_or_else(PoisonError::into_inner).add(record)));
        Ok(Some(Trace { shared, timeline, events }))
    }

    /// Writes what is left to write. `modules` are those that were loaded, in order.
    pub fn finish(&self, modules: &[&Module]) -> Result<()> {
        let mut state = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let flushed = state.out.as_mut().map_or(Ok(()), Write::flush);
        let written = state.error.take().map_or(flushed, Err);
        if let Some(path) = &self.events {
            written.map_err(|error| Failure::file(path, error))?;
        }
        match (&self.timeline, &state.records) {
            (Some(path), Some(records)) => write(path, records, modules).map_err(|error| Failure::file(path, error)),
            _ => Ok(()),
        }
    }
}

fn write(path: &Path, records: &[Record], modules: &[&Module]) -> io::Result<()> {
    let name = |module: u32, function: u32| {
        let Some(module) = modules.get(module as usize) else { return format!("function {function}") };
        let index = function + module.imports().filter(|import| import.ty().func().is_some()).count() as u32;
        module.function_name(index).map_or_else(|| format!("function {index}"), str::to_owned)
    };
    let mut out = BufWriter::new(File::create(path)?);
    timeline::write(records, &name, &mut out)?;
    out.flush()
}
