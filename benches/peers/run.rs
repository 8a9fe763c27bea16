//! The workloads on every engine: interleaved, so that what disturbs the machine disturbs all, and paired, so that a ratio is
//! of two runs that were close in time.
//!
//! Each round starts with another engine. A run is a fresh load and instance, a first call with the small argument, so that
//! lazy engines have translated what will run, and the call that counts. Every result is checked. Before an engine is let
//! into this process, it shows in one of its own that it survives the workload.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use serde::Serialize;

use crate::clock::{Clock, Cost};
use crate::engines::{self, Engine, Entry, Kind};
use crate::isolated;
use crate::report::{self, Table};
use crate::stats::{geometric_mean, median, paired_ratio};
use crate::steps::{self, Loaded};
use crate::workloads::{self, Workload};

/// Options of this measurement.
#[derive(clap::Args)]
pub struct Args {
    /// The engines; each once, however many ways of translating it has, if none is named.
    #[arg(long, value_delimiter = ',')]
    engines: Vec<String>,
    /// Workloads or groups of them; all if none is named.
    #[arg(long, value_delimiter = ',')]
    workloads: Vec<String>,
    /// The list of workloads.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../workloads/manifest.toml"))]
    manifest: PathBuf,
    /// How often each engine runs each workload.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Run the small arguments: a test, not a measurement.
    #[arg(long)]
    small: bool,
    /// The engine that ratios are to.
    #[arg(long, default_value = "wasmi")]
    baseline: String,
    /// The engine of ours that is compared with the best interpreter among the others; by default the first of ours.
    #[arg(long)]
    ours: Option<String>,
    /// What is compared.
    #[arg(long, value_enum, default_value = "wall")]
    clock: Clock,
    /// An engine that needs more seconds for a run is left out there.
    #[arg(long, default_value_t = 30)]
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
    small: bool,
    baseline: String,
    workloads: Vec<Row>,
    summary: Vec<Summary>,
    best_interpreter: Option<Versus>,
}

/// A workload on all engines.
#[derive(Serialize)]
struct Row {
    workload: String,
    group: String,
    features: Vec<String>,
    n: i32,
    engines: Vec<Cell>,
}

/// A workload on an engine: a sample for each round, or why there is none.
#[derive(Serialize)]
struct Cell {
    engine: String,
    load: Vec<Option<Cost>>,
    instantiate: Vec<Option<Cost>>,
    first: Vec<Option<Cost>>,
    run: Vec<Option<Cost>>,
    /// Of the calls that count, in seconds.
    median: Option<f64>,
    /// The baseline's time is 1.
    ratio: Option<f64>,
    refused: Option<String>,
}

/// An engine over all workloads that it and the baseline ran.
#[derive(Serialize)]
struct Summary {
    engine: String,
    kind: Kind,
    workloads: usize,
    /// Geometric means of the ratios.
    ratio: f64,
    /// Of bytes to instance, first call included.
    start: f64,
}

/// One of our engines against the best of the others' interpreters, for each workload.
#[derive(Serialize)]
struct Versus {
    ours: String,
    workloads: Vec<(String, String, f64)>,
    mean: f64,
    at_most_nine_tenths: usize,
    above_eleven_tenths: usize,
}

/// The costs of one run: load, instantiate, first call, call that counts.
type Sample = [Cost; 4];

fn sample(engine: &dyn Engine, wasm: &[u8], small: (i32, i64), full: (i32, i64)) -> Result<Sample> {
    let Loaded { load, instance } = steps::start(engine, wasm)?;
    let (mut instance, instantiate) = instance?;
    let mut checked = |(n, expected)| {
        let (result, cost) = steps::run(&mut *instance, n)?;
        if result != expected {
            bail!("wrong result: run({n}) is {result}, not {expected}");
        }
        Ok(cost)
    };
    Ok([load, instantiate, checked(small)?, checked(full)?])
}

fn survives(entry: &Entry, workload: &Workload, args: &Args) -> Result<()> {
    let (n, expected) = workload.argument(args.small)?;
    let probe = isolated::probe(&entry.name, &workload.file, Some(n), Duration::from_secs(args.limit))?;
    match (probe.error, probe.result) {
        (Some(error), _) => bail!(error),
        (None, Some(result)) if result != expected => bail!("wrong result: run({n}) is {result}, not {expected}"),
        _ => Ok(()),
    }
}

fn measure(engines: &[(Entry, Box<dyn Engine>)], workload: &Workload, args: &Args) -> Result<Row> {
    let (small, full) = (workload.argument(true)?, workload.argument(args.small)?);
    let wasm = std::fs::read(&workload.file)?;
    // For each engine, of each round.
    let mut samples: Vec<Vec<Option<Sample>>> = vec![Vec::new(); engines.len()];
    let mut refused: Vec<Option<String>> = engines
        .iter()
        .map(|(entry, _)| survives(entry, workload, args).err().map(|error| format!("{error:#}")))
        .collect();
    for round in 0..args.rounds {
        for turn in 0..engines.len() {
            let index = (round + turn) % engines.len();
            let sample = match refused[index] {
                Some(_) => None,
                None => match sample(&*engines[index].1, &wasm, small, full) {
                    Ok(costs) => Some(costs),
                    Err(error) => {
                        refused[index] = Some(format!("{error:#}"));
                        None
                    }
                },
            };
            samples[index].push(sample);
        }
    }
    let times = |index: usize| -> Vec<Option<f64>> {
        samples[index].iter().map(|sample| sample.map(|costs| costs[3].by(args.clock))).collect()
    };
    let baseline = engines.iter().position(|(entry, _)| entry.name == args.baseline);
    let baseline = baseline.filter(|&index| refused[index].is_none()).map(times);
    let cell = |index: usize| {
        let step = |step: usize| samples[index].iter().map(|sample| sample.map(|costs| costs[step])).collect();
        let ran = refused[index].is_none();
        let ratio = || paired_ratio(&times(index), baseline.as_ref()?);
        Cell {
            engine: engines[index].0.name.clone(),
            load: step(0),
            instantiate: step(1),
            first: step(2),
            run: step(3),
            median: ran.then(|| median(times(index).into_iter().flatten())),
            ratio: ran.then(ratio).flatten(),
            refused: refused[index].clone(),
        }
    };
    let cells = (0..engines.len()).map(cell).collect();
    Ok(Row {
        workload: workload.name.clone(),
        group: workload.group.clone(),
        features: workload.features.clone(),
        n: full.0,
        engines: cells,
    })
}

/// Bytes to instance, first call included, of each round.
fn starts(cell: &Cell, clock: Clock) -> Vec<Option<f64>> {
    let rounds = cell.load.iter().zip(&cell.instantiate).zip(&cell.first);
    rounds.map(|((load, instantiate), first)| Some(((*load)? + (*instantiate)? + (*first)?).by(clock))).collect()
}

fn summarize(rows: &[Row], engines: &[(Entry, Box<dyn Engine>)], args: &Args) -> Vec<Summary> {
    let summary = |(index, (entry, _)): (usize, &(Entry, Box<dyn Engine>))| {
        let cells = || rows.iter().filter_map(move |row| Some((row, &row.engines[index], row.engines[index].ratio?)));
        let start = |(row, cell, _): (&Row, &Cell, f64)| {
            let baseline = row.engines.iter().find(|cell| cell.engine == args.baseline)?;
            paired_ratio(&starts(cell, args.clock), &starts(baseline, args.clock))
        };
        Summary {
            engine: entry.name.clone(),
            kind: entry.kind,
            workloads: cells().count(),
            ratio: geometric_mean(cells().map(|cell| cell.2)),
            start: geometric_mean(cells().filter_map(start)),
        }
    };
    engines.iter().enumerate().map(summary).collect()
}

fn versus(rows: &[Row], engines: &[(Entry, Box<dyn Engine>)], args: &Args) -> Option<Versus> {
    let ours = match &args.ours {
        Some(name) => engines.iter().position(|(entry, _)| entry.name == *name)?,
        None => engines.iter().position(|(entry, _)| entry.is_ours())?,
    };
    let others = |index: usize| engines[index].0.kind == Kind::Interpreter && !engines[index].0.is_ours();
    let compare = |row: &Row| {
        let cells = row.engines.iter().enumerate().filter(|(index, _)| others(*index));
        let best = cells.filter_map(|(_, cell)| Some((cell, cell.median?))).min_by(|a, b| a.1.total_cmp(&b.1))?.0;
        let times = |cell: &Cell| -> Vec<Option<f64>> {
            cell.run.iter().map(|cost| cost.map(|cost| cost.by(args.clock))).collect()
        };
        row.engines[ours].median?;
        let ratio = paired_ratio(&times(&row.engines[ours]), &times(best))?;
        Some((row.workload.clone(), best.engine.clone(), ratio))
    };
    let workloads: Vec<(String, String, f64)> = rows.iter().filter_map(compare).collect();
    Some(Versus {
        ours: engines[ours].0.name.clone(),
        mean: geometric_mean(workloads.iter().map(|row| row.2)),
        at_most_nine_tenths: workloads.iter().filter(|row| row.2 <= 0.9).count(),
        above_eleven_tenths: workloads.iter().filter(|row| row.2 > 1.1).count(),
        workloads,
    })
}

/// Runs the workloads and reports.
pub fn main(args: &Args) -> Result<()> {
    let workloads = workloads::read(&args.manifest, &args.workloads)?;
    let mut engines = Vec::new();
    for entry in engines::choose(&args.engines, |entry| !entry.variant)? {
        let engine = entry.make()?;
        engines.push((entry, engine));
    }
    if !engines.iter().any(|(entry, _)| entry.name == args.baseline) {
        bail!("the baseline {} is not among the engines", args.baseline);
    }
    let mut rows = Vec::new();
    for workload in &workloads {
        report::progress(&workload.name);
        let row = measure(&engines, workload, args)?;
        print(&row, args.clock);
        rows.push(row);
    }
    let report = Report {
        machine: report::Machine::this(),
        clock: args.clock,
        rounds: args.rounds,
        small: args.small,
        baseline: args.baseline.clone(),
        summary: summarize(&rows, &engines, args),
        best_interpreter: versus(&rows, &engines, args),
        workloads: rows,
    };
    print_summary(&report);
    report::write(args.json.as_deref(), &report)
}

fn print(row: &Row, clock: Clock) {
    println!("\n{} ({}), n = {}", row.workload, row.group, row.n);
    let mut table = Table::new(&["engine", "load ms", "instantiate ms", "first ms", "run ms", "ratio"]);
    for cell in row.engines.iter().filter(|cell| cell.refused.is_none()) {
        let of = |costs: &[Option<Cost>]| median(costs.iter().flatten().map(|cost| cost.by(clock) * 1e3));
        let times = [&cell.load, &cell.instantiate, &cell.first, &cell.run].map(|costs| format!("{:.3}", of(costs)));
        let ratio = report::ratio(cell.ratio.unwrap_or(f64::NAN));
        table.row([vec![cell.engine.clone()], times.into(), vec![ratio]].concat());
    }
    table.print();
    for cell in &row.engines {
        if let Some(reason) = &cell.refused {
            println!("{} does not run it: {reason}", cell.engine);
        }
    }
}

fn print_summary(report: &Report) {
    println!("\nGeometric means of ratios to {}", report.baseline);
    let mut table = Table::new(&["engine", "workloads", "run", "start"]);
    for summary in &report.summary {
        let means = [summary.ratio, summary.start].map(report::ratio);
        table.row([vec![summary.engine.clone(), summary.workloads.to_string()], means.into()].concat());
    }
    table.print();
    if let Some(versus) = report.best_interpreter.as_ref().filter(|versus| !versus.workloads.is_empty()) {
        println!("\n{} and the best of the other interpreters", versus.ours);
        let mut table = Table::new(&["workload", "best", "ratio"]);
        for (workload, best, ratio) in &versus.workloads {
            table.row(vec![workload.clone(), best.clone(), format!("{ratio:.3}")]);
        }
        table.print();
        println!(
            "of {} workloads {} at most 0.9, {} above 1.1; geometric mean {:.3}",
            versus.workloads.len(),
            versus.at_most_nine_tenths,
            versus.above_eleven_tenths,
            versus.mean
        );
    }
}
