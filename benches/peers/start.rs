//! Bytes to instance on large modules, and how fast engines translate or compile.
//!
//! One module after the other, every engine in turn, each round starting with another one. Loading counts even where an
//! instance cannot be had, and the table says why not. Throughput is code section over processor time to the instance, so
//! that it means translation or compilation for engines that do it eagerly.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use crate::clock::{Clock, Cost};
use crate::engines::{self, Engine, Entry, Kind};
use crate::report::{self, Table};
use crate::stats::{geometric_mean, median};
use crate::steps::{self, Loaded};
use crate::{imports, isolated};

/// Interpreters that start with a compiler, or not at all.
const OTHERS: [&str; 2] = ["pulley", "v8-jitless"];

/// Options of this measurement.
#[derive(clap::Args)]
pub struct Args {
    /// The engines; the interpreters that translate quickly if none is named.
    #[arg(long, value_delimiter = ',')]
    engines: Vec<String>,
    /// Modules, or directories of them.
    #[arg(long, value_delimiter = ',', default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/real/modules"))]
    modules: Vec<PathBuf>,
    /// How often each engine loads each module.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// The engine that ratios are to.
    #[arg(long, default_value = "wasmi")]
    baseline: String,
    /// What is compared.
    #[arg(long, value_enum, default_value = "wall")]
    clock: Clock,
    /// An engine that needs more seconds for a module is left out there.
    #[arg(long, default_value_t = 60)]
    limit: u64,
    /// Write everything there, too.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    machine: report::Machine,
    clock: Clock,
    rounds: usize,
    baseline: String,
    modules: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    module: String,
    bytes: usize,
    code_bytes: u32,
    engines: Vec<Cell>,
}

#[derive(Serialize)]
struct Cell {
    engine: String,
    load: Vec<Cost>,
    instantiate: Vec<Cost>,
    /// Bytes to instance, or to module where there is no instance: median, in seconds.
    median: Option<f64>,
    /// Of the medians, to the baseline's.
    ratio: Option<f64>,
    /// Megabytes of code section per second of processor time.
    throughput: Option<f64>,
    /// Why there is no instance, or nothing at all.
    refused: Option<String>,
}

/// The .wasm files named, and those in the directories named, in order.
pub fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries: Result<Vec<PathBuf>, _> =
            std::fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path())).collect();
        let mut found = entries?;
        found.retain(|file| file.extension().is_some_and(|extension| extension == "wasm"));
        found.sort();
        files.extend(found);
    }
    Ok(files)
}

/// The file's name without its extension.
pub fn stem(file: &Path) -> String {
    file.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[derive(Default)]
struct Samples {
    load: Vec<Cost>,
    instantiate: Vec<Cost>,
    refused: Option<String>,
    /// There is no use in trying again.
    out: bool,
}

impl Samples {
    fn take(&mut self, engine: &dyn Engine, wasm: &[u8]) {
        match steps::start(engine, wasm) {
            Ok(Loaded { load, instance }) => {
                self.load.push(load);
                match instance {
                    Ok((_, cost)) => self.instantiate.push(cost),
                    Err(error) => self.refused = Some(format!("{error:#}")),
                }
            }
            Err(error) => (self.refused, self.out) = (Some(format!("{error:#}")), true),
        }
    }

    /// Drops the measurements, but not what was learnt.
    fn forget(&mut self) {
        self.load.clear();
        self.instantiate.clear();
    }

    /// Bytes to instance of each round, or to module.
    fn totals(&self) -> Vec<Cost> {
        match self.instantiate.len() == self.load.len() {
            true => self.load.iter().zip(&self.instantiate).map(|(&load, &instantiate)| load + instantiate).collect(),
            false => self.load.clone(),
        }
    }
}

fn measure(engines: &[(Entry, Box<dyn Engine>)], file: &Path, args: &Args) -> Result<Row> {
    let wasm = std::fs::read(file)?;
    let survives = |(entry, _): &(Entry, Box<dyn Engine>)| {
        let probe = isolated::probe(&entry.name, file, None, Duration::from_secs(args.limit));
        let refused = probe.err().map(|error| format!("{error:#}"));
        Samples { out: refused.is_some(), refused, ..Samples::default() }
    };
    let mut samples: Vec<Samples> = engines.iter().map(survives).collect();
    // The first round only fills the machine's caches and the allocator's pools.
    for round in 0..=args.rounds {
        for turn in 0..engines.len() {
            let index = (round + turn) % engines.len();
            if !samples[index].out {
                samples[index].take(&*engines[index].1, &wasm);
            }
        }
        if round == 0 {
            samples.iter_mut().for_each(Samples::forget);
        }
    }
    let by = |index: usize, clock| {
        let totals = samples[index].totals();
        (!totals.is_empty()).then(|| median(totals.iter().map(|cost| cost.by(clock))))
    };
    let baseline = engines.iter().position(|(entry, _)| entry.name == args.baseline);
    let code_bytes = imports::code_size(&wasm);
    let cell = |index: usize| {
        let time = by(index, args.clock);
        let comparable = |other: usize| samples[index].refused.is_some() == samples[other].refused.is_some();
        let baseline = baseline.filter(|&other| comparable(other)).and_then(|other| by(other, args.clock));
        Cell {
            engine: engines[index].0.name.clone(),
            load: samples[index].load.clone(),
            instantiate: samples[index].instantiate.clone(),
            median: time,
            ratio: time.zip(baseline).map(|(ours, theirs)| ours / theirs),
            throughput: by(index, Clock::Cpu).map(|time| f64::from(code_bytes) / time / 1e6),
            refused: samples[index].refused.clone(),
        }
    };
    let cells = (0..engines.len()).map(cell).collect();
    Ok(Row { module: stem(file), bytes: wasm.len(), code_bytes, engines: cells })
}

/// Loads and instantiates the modules and reports.
pub fn main(args: &Args) -> Result<()> {
    let mut engines = Vec::new();
    let default = |entry: &Entry| entry.kind == Kind::Interpreter && !OTHERS.contains(&&*entry.name);
    for entry in engines::choose(&args.engines, default)? {
        let engine = entry.make()?;
        engines.push((entry, engine));
    }
    let mut rows = Vec::new();
    for file in files(&args.modules)? {
        report::progress(&stem(&file));
        let row = measure(&engines, &file, args)?;
        print(&row, args.clock);
        rows.push(row);
    }
    println!("\nGeometric means of ratios to {}", args.baseline);
    let mut table = Table::new(&["engine", "modules", "ratio"]);
    for (index, (entry, _)) in engines.iter().enumerate() {
        let ratios: Vec<f64> = rows.iter().filter_map(|row| row.engines[index].ratio).collect();
        table.row(vec![entry.name.clone(), ratios.len().to_string(), report::ratio(geometric_mean(ratios))]);
    }
    table.print();
    let report = Report {
        machine: report::Machine::this(),
        clock: args.clock,
        rounds: args.rounds,
        baseline: args.baseline.clone(),
        modules: rows,
    };
    report::write(args.json.as_deref(), &report)
}

fn print(row: &Row, clock: Clock) {
    println!("\n{}: {} bytes, {} of them code", row.module, row.bytes, row.code_bytes);
    let mut table = Table::new(&["engine", "load ms", "instantiate ms", "sum ms", "ratio", "MB/s"]);
    for cell in &row.engines {
        let of = |costs: &[Cost]| match costs {
            [] => "-".to_owned(),
            _ => format!("{:.2}", median(costs.iter().map(|cost| cost.by(clock) * 1e3))),
        };
        let Some(sum) = cell.median else { continue };
        let ratio = report::ratio(cell.ratio.unwrap_or(f64::NAN));
        let throughput = cell.throughput.map_or("-".to_owned(), |rate| format!("{rate:.1}"));
        let times = [of(&cell.load), of(&cell.instantiate), format!("{:.2}", sum * 1e3)];
        table.row([vec![cell.engine.clone()], times.into(), vec![ratio, throughput]].concat());
    }
    table.print();
    for cell in &row.engines {
        if let Some(reason) = &cell.refused {
            let lacks = if cell.median.is_some() { "has no instance" } else { "does not load it" };
            println!("{} {lacks}: {reason}", cell.engine);
        }
    }
}
