//! Real programs under WASI, each run a process: the cases of `benches/real/cases.py`, in turn on each engine.
//!
//! Every run starts from fresh directories, as `benches/real/run.py` makes them. Exit statuses and standard output must be
//! equal on all engines; comparing the files that programs write is that script's business.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use wait4::Wait4 as _;

use crate::clock::{Clock, Cost};
use crate::engines;
use crate::report::{self, Table};
use crate::stats::{geometric_mean, median, paired_ratio};
use crate::wasi;

/// The cases as JSON: their list is a Python program's.
const CASES: &str =
    "import cases, dataclasses, json; print(json.dumps([dataclasses.asdict(case) for case in cases.CASES]))";

/// Options of this measurement.
#[derive(clap::Args)]
pub struct Args {
    /// The engines; every tier of ours and wasmi if none is named.
    #[arg(long, value_delimiter = ',')]
    engines: Vec<String>,
    /// Programs or cases, as PROGRAM or PROGRAM/CASE.
    #[arg(long, value_delimiter = ',', default_value = "sqlite/orders,lua/work,python/report,ruby/report")]
    only: Vec<String>,
    /// Where the cases are.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../real"))]
    cases: PathBuf,
    /// Where the programs are.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/real"))]
    cache: PathBuf,
    /// How often each engine runs each case.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// The engine that ratios are to.
    #[arg(long, default_value = "wasmi")]
    baseline: String,
    /// What is compared.
    #[arg(long, value_enum, default_value = "cpu")]
    clock: Clock,
    /// Write everything there, too.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Case {
    program: String,
    name: String,
    steps: Vec<Vec<String>>,
    argv0: String,
    stdin: String,
    env: BTreeMap<String, String>,
    roots: BTreeMap<String, String>,
    scratch: Vec<String>,
}

impl Case {
    fn id(&self) -> String {
        format!("{}/{}", self.program, self.name)
    }
}

#[derive(Serialize)]
struct Cell {
    case: String,
    engine: String,
    runs: Vec<Option<Cost>>,
    median: Option<f64>,
    ratio: Option<f64>,
    /// The most bytes that were resident in any of its processes.
    max_rss: u64,
    failed: Option<String>,
}

#[derive(Serialize)]
struct Report {
    machine: report::Machine,
    clock: Clock,
    baseline: String,
    cells: Vec<Cell>,
}

/// Exit status and standard output of each step.
type Results = Vec<(Option<i32>, Vec<u8>)>;

/// What a run of all steps of a case came to.
struct Run {
    cost: Cost,
    max_rss: u64,
    results: Results,
    /// The end of what the last step said on standard error.
    message: String,
}

fn cases(args: &Args) -> Result<Vec<Case>> {
    let output = Command::new("python3").args(["-c", CASES]).env("PYTHONPATH", &args.cases).output()?;
    if !output.status.success() {
        bail!("cannot list the cases: {}", String::from_utf8_lossy(&output.stderr));
    }
    let mut cases: Vec<Case> = serde_json::from_slice(&output.stdout)?;
    cases.retain(|case| args.only.contains(&case.program) || args.only.contains(&case.id()));
    if cases.is_empty() {
        bail!("no such case");
    }
    Ok(cases)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &target)?,
            false => drop(std::fs::copy(entry.path(), target)?),
        }
    }
    Ok(())
}

/// The module of a program: one that others wrote, or one of our own.
fn module(args: &Args, program: &str) -> PathBuf {
    let theirs = args.cache.join("modules").join(program).with_extension("wasm");
    let ours = args.cases.join("../programs").join(program).with_extension("wasm");
    if ours.exists() { ours } else { theirs }
}

fn run(args: &Args, case: &Case, engine: &str) -> Result<Run> {
    let fresh = tempfile::tempdir()?;
    let inputs = args.cases.join("cases");
    let work = fresh.path().join("work");
    std::fs::create_dir(&work)?;
    if inputs.join(&case.program).is_dir() {
        copy(&inputs.join(&case.program), &work)?;
    }
    let mut directories = vec![(work, "/".to_owned())];
    for (guest, root) in &case.roots {
        directories.push((args.cache.join("roots").join(&case.program).join(root), guest.clone()));
    }
    for (index, guest) in case.scratch.iter().enumerate() {
        let host = fresh.path().join(format!("scratch{index}"));
        std::fs::create_dir(&host)?;
        directories.push((host, guest.clone()));
    }
    let mut run = Run { cost: Cost::default(), max_rss: 0, results: Vec::new(), message: String::new() };
    for step in &case.steps {
        let stdin = if case.stdin.is_empty() { PathBuf::from("/dev/null") } else { inputs.join(&case.stdin) };
        let (out, errors) = (fresh.path().join("stdout"), fresh.path().join("stderr"));
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["wasi", "--argv0", &case.argv0]);
        command.args(case.env.iter().map(|(name, value)| format!("--env={name}={value}")));
        command.args(directories.iter().map(|(host, guest)| format!("--dir={}::{guest}", host.display())));
        command.arg(engine).arg(module(args, &case.program)).arg("--").args(step);
        command.stdin(File::open(&stdin)?).stdout(File::create(&out)?).stderr(Stdio::from(File::create(&errors)?));
        let start = Instant::now();
        let ended = command.spawn()?.wait4()?;
        let wall = start.elapsed().as_secs_f64();
        run.cost = run.cost + Cost { wall, cpu: (ended.rusage.utime + ended.rusage.stime).as_secs_f64() };
        run.max_rss = run.max_rss.max(ended.rusage.maxrss);
        run.results.push((ended.status.code(), std::fs::read(&out)?));
        let said = std::fs::read(&errors)?;
        run.message = String::from_utf8_lossy(&said).trim().lines().last().unwrap_or_default().to_owned();
    }
    Ok(run)
}

fn measure(args: &Args, case: &Case, engines: &[String]) -> Result<Vec<Cell>> {
    let cell = |engine: &String| Cell {
        case: case.id(),
        engine: engine.clone(),
        runs: vec![None; args.rounds],
        median: None,
        ratio: None,
        max_rss: 0,
        failed: None,
    };
    let mut cells: Vec<Cell> = engines.iter().map(cell).collect();
    // The reference is what the first engine that gets through does; where engines differ, all who differ from it are named.
    let mut expected: Option<(String, Results)> = None;
    for round in 0..args.rounds {
        for turn in 0..engines.len() {
            let cell = &mut cells[(round + turn) % engines.len()];
            if cell.failed.is_some() {
                continue;
            }
            let run = run(args, case, &cell.engine)?;
            let ended = run.results.last().and_then(|result| result.0);
            if ended.is_none() || ended == Some(wasi::FAILURE.into()) {
                cell.failed = Some(run.message);
                continue;
            }
            let (reference, results) = expected.get_or_insert_with(|| (cell.engine.clone(), run.results.clone()));
            if *results != run.results {
                cell.failed = Some(format!("exit status or output differ from those on {reference}"));
                continue;
            }
            cell.runs[round] = Some(run.cost);
            cell.max_rss = cell.max_rss.max(run.max_rss);
        }
    }
    let times = |cell: &Cell| -> Vec<Option<f64>> {
        cell.runs.iter().map(|cost| cost.map(|cost| cost.by(args.clock))).collect()
    };
    let all: Vec<Vec<Option<f64>>> = cells.iter().map(times).collect();
    let baseline = cells.iter().position(|cell| cell.engine == args.baseline && cell.failed.is_none());
    for (cell, times) in cells.iter_mut().zip(&all) {
        if cell.failed.is_none() {
            cell.median = Some(median(times.iter().flatten().copied()));
            cell.ratio = baseline.and_then(|baseline| paired_ratio(times, &all[baseline]));
        }
    }
    Ok(cells)
}

/// Runs the cases and reports.
pub fn main(args: &Args) -> Result<()> {
    let ours = terrace::Engine::tiers().into_iter().map(|tier| format!("{}{tier}", engines::terrace::PREFIX));
    let engines =
        if args.engines.is_empty() { ours.chain(["wasmi".to_owned()]).collect() } else { args.engines.clone() };
    if let Some(engine) = engines.iter().find(|engine| !wasi::can(engine)) {
        bail!("no WASI for {engine} here");
    }
    let mut cells = Vec::new();
    for case in cases(args)? {
        report::progress(&case.id());
        let row = measure(args, &case, &engines)?;
        println!("\n{}", case.id());
        let mut table = Table::new(&["engine", "s", "ratio", "resident MiB"]);
        for cell in &row {
            let Some(median) = cell.median else { continue };
            let ratio = report::ratio(cell.ratio.unwrap_or(f64::NAN));
            let resident = format!("{:.1}", cell.max_rss as f64 / 1048576.0);
            table.row(vec![cell.engine.clone(), format!("{median:.3}"), ratio, resident]);
        }
        table.print();
        for cell in &row {
            if let Some(reason) = &cell.failed {
                println!("{} does not run it: {reason}", cell.engine);
            }
        }
        cells.extend(row);
    }
    println!("\nGeometric means of ratios to {}", args.baseline);
    let mut table = Table::new(&["engine", "cases", "ratio"]);
    for engine in &engines {
        let ratios: Vec<f64> =
            cells.iter().filter(|cell| cell.engine == *engine).filter_map(|cell| cell.ratio).collect();
        table.row(vec![engine.clone(), ratios.len().to_string(), report::ratio(geometric_mean(ratios))]);
    }
    table.print();
    let report = Report { machine: report::Machine::this(), clock: args.clock, baseline: args.baseline.clone(), cells };
    report::write(args.json.as_deref(), &report).context("results")
}
