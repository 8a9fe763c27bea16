//! A sampling profiler of wasm code.
//!
//! A thread begins an epoch at each interval, and the store's callback, which runs where a function or an iteration of a loop begins,
//! takes a backtrace. That is the same on every tier, and costs nothing but the polls. A sample counts as often as intervals have passed
//! since the one before: what host functions and long instructions take is not lost, but counts for the place where wasm code goes on.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use inferno::flamegraph;
use terrace::{FrameInfo, Module, Store, UpdateDeadline, WasmBacktrace};

use crate::args::ProfileArgs;
use crate::failure::{Failure, Result};
use crate::run;

/// Runs `terrace profile` and returns the guest's exit code.
pub fn profile(args: &ProfileArgs) -> Result<i32> {
    if args.interval.is_zero() {
        return Err(Failure::usage("the interval between samples is zero"));
    }
    let profiler = Profiler { interval: args.interval, samples: Arc::default() };
    let start = Instant::now();
    let ended = run::run_profiled(&args.run, Some(&profiler));
    let samples = lock(&profiler.samples);
    // Nobody is left to tell if that fails.
    let _ = io::stderr().write_all(samples.report(start.elapsed(), args).as_bytes());
    let stacks = samples.folded();
    if let Some(path) = &args.folded {
        write(path, |out| stacks.iter().try_for_each(|stack| writeln!(out, "{stack}")))?;
    }
    if let Some(path) = &args.flame_graph {
        write(path, |out| flame_graph(&stacks, out))?;
    }
    ended
}

fn write(path: &Path, contents: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> Result<()> {
    let written = File::create(path).map(BufWriter::new).and_then(|mut out| {
        contents(&mut out)?;
        out.flush()
    });
    written.map_err(|error| Failure::file(path, error))
}

fn lock(samples: &Mutex<Samples>) -> MutexGuard<'_, Samples> {
    samples.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Samples what runs in a store.
pub struct Profiler {
    interval: Duration,
    samples: Arc<Mutex<Samples>>,
}

impl Profiler {
    /// Begins to sample a store, whose engine must have epochs, and which runs these modules.
    pub fn attach<T>(&self, store: &mut Store<T>, modules: &[&Module]) -> io::Result<()> {
        let modules: Vec<Module> = modules.iter().copied().cloned().collect();
        let ticks = Arc::new(AtomicU64::new(0));
        let (samples, clock) = (Arc::clone(&self.samples), Arc::clone(&ticks));
        let mut last = 0;
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |store| {
            let now = clock.load(Ordering::Relaxed);
            lock(&samples).add(&store.backtrace(), now - last, &modules);
            last = now;
            Ok(UpdateDeadline::Continue(1))
        });
        let (engine, interval) = (store.engine().clone(), self.interval);
        let tick = move || {
            loop {
                thread::sleep(interval);
                ticks.fetch_add(1, Ordering::Relaxed);
                engine.increment_epoch();
            }
        };
        thread::Builder::new().name("profiler".to_owned()).spawn(tick).map(drop)
    }
}

/// How often something was seen.
#[derive(Clone, Copy, Default)]
struct Count {
    /// Innermost.
    own: u64,
    /// Anywhere on the stack.
    total: u64,
}

/// What was seen.
#[derive(Default)]
struct Samples {
    count: u64,
    /// By stack, the outermost function first.
    stacks: HashMap<Vec<String>, u64>,
    /// By function and the loop's place in the module, where an iteration began in the innermost function.
    loops: HashMap<(String, u32), u64>,
}

/// A function as stacks have it, where semicolons separate functions.
fn name(frame: &FrameInfo) -> String {
    let name = frame.func_name.as_deref().map_or_else(|| format!("function[{}]", frame.func_index), str::to_owned);
    let name = frame.module.as_deref().map_or(name.clone(), |module| format!("{module}::{name}"));
    name.replace(|c: char| c == ';' || c.is_control(), "?")
}

/// Whether a loop begins where a frame is.
fn loop_at(frame: &FrameInfo, modules: &[Module]) -> Option<u32> {
    const LOOP: u8 = 0x03;
    let module = modules.iter().find(|module| module.name() == frame.module.as_deref())?;
    frame.wasm_offset.filter(|&offset| module.bytes().get(offset as usize) == Some(&LOOP))
}

impl Samples {
    fn add(&mut self, backtrace: &WasmBacktrace, count: u64, modules: &[Module]) {
        let Some(innermost) = backtrace.frames.first() else { return };
        self.count += count;
        if let Some(offset) = loop_at(innermost, modules) {
            *self.loops.entry((name(innermost), offset)).or_default() += count;
        }
        let older = (backtrace.omitted != 0).then(|| "(older frames)".to_owned());
        let stack = older.into_iter().chain(backtrace.frames.iter().rev().map(name)).collect();
        *self.stacks.entry(stack).or_default() += count;
    }

    /// The stacks in the format that flame graphs are made of, in order.
    fn folded(&self) -> Vec<String> {
        let mut lines: Vec<_> =
            self.stacks.iter().map(|(stack, count)| format!("{} {count}", stack.join(";"))).collect();
        lines.sort_unstable();
        lines
    }

    /// Functions by how often they were innermost.
    fn functions(&self) -> Vec<(&str, Count)> {
        let mut counts: HashMap<&str, Count> = HashMap::new();
        for (stack, &count) in &self.stacks {
            for (i, function) in stack.iter().enumerate() {
                // Recursion counts once.
                if !stack[..i].contains(function) {
                    counts.entry(function).or_default().total += count;
                }
            }
            if let Some(innermost) = stack.last() {
                counts.entry(innermost).or_default().own += count;
            }
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_unstable_by(|(a_name, a), (b_name, b)| (b.own, b.total, a_name).cmp(&(a.own, a.total, b_name)));
        counts
    }

    fn report(&self, elapsed: Duration, args: &ProfileArgs) -> String {
        let percent = |count: u64| 100.0 * count as f64 / self.count.max(1) as f64;
        let mut text = format!("{} samples in {elapsed:.2?}, at most one per {:?}\n", self.count, args.interval);
        if self.count == 0 {
            return text;
        }
        text += "\n   self   total  function\n";
        for (function, count) in self.functions().into_iter().take(args.top) {
            let _ = writeln!(text, "{:6.1}% {:6.1}%  {function}", percent(count.own), percent(count.total));
        }
        let mut loops: Vec<_> = self.loops.iter().collect();
        loops.sort_unstable_by_key(|&(place, &count)| (std::cmp::Reverse(count), place));
        if !loops.is_empty() {
            text += "\n   self  loop\n";
        }
        for ((function, offset), &count) in loops.into_iter().take(args.top) {
            let _ = writeln!(text, "{:6.1}%  {function} at {offset:#x}", percent(count));
        }
        text
    }
}

fn flame_graph(stacks: &[String], out: &mut dyn Write) -> io::Result<()> {
    let mut options = flamegraph::Options::default();
    "wasm".clone_into(&mut options.title);
    // Without stacks, there is nothing to draw, which is no reason to fail.
    let nothing = ["(nothing) 1"];
    let lines: Vec<&str> =
        if stacks.is_empty() { nothing.to_vec() } else { stacks.iter().map(String::as_str).collect() };
    flamegraph::from_lines(&mut options, lines, out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(name: &str) -> FrameInfo {
        FrameInfo { module: None, func_index: 7, func_name: Some(name.into()), wasm_offset: None }
    }

    fn samples(stacks: &[(&[&str], u64)]) -> Samples {
        let mut samples = Samples::default();
        for (stack, count) in stacks {
            let frames = stack.iter().rev().map(|name| frame(name)).collect();
            samples.add(&WasmBacktrace { frames, omitted: 0 }, *count, &[]);
        }
        samples
    }

    #[test]
    fn recursion_counts_once() {
        let samples = samples(&[(&["main", "f", "f"], 3), (&["main", "f", "g"], 2), (&["main"], 1)]);
        let functions: Vec<_> =
            samples.functions().into_iter().map(|(name, count)| (name.to_owned(), count.own, count.total)).collect();
        let expected =
            [("f", 3, 5), ("g", 2, 2), ("main", 1, 6)].map(|(name, own, total)| (name.to_owned(), own, total));
        assert_eq!(functions, expected);
        assert_eq!(samples.folded(), ["main 1", "main;f;f 3", "main;f;g 2"]);
    }

    #[test]
    fn odd_names_do_not_break_stacks() {
        let samples = samples(&[(&["a;b\nc", "d 5"], 4)]);
        assert_eq!(samples.folded(), ["a?b?c;d 5 4"]);
        let mut svg = Vec::new();
        flame_graph(&samples.folded(), &mut svg).expect("vectors take everything");
        assert!(String::from_utf8(svg).expect("text").contains("a?b?c"));
        flame_graph(&[], &mut Vec::new()).expect("vectors take everything");
    }
}
