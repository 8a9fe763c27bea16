//! Whole processes that do next to nothing: a WASI program that prints one line. Commands run in turn, each round starting
//! with another one.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use crate::clock::Cost;
use crate::report::{self, Table};
use crate::stats::{median, paired_ratio};

const HELLO: &str = include_str!("hello/hello.wat");
const OUTPUT: &str = "Hello, world!\n";

/// Options of this measurement.
#[derive(clap::Args)]
pub struct Args {
    /// Terrace's command line tool.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/release/terrace"))]
    terrace: PathBuf,
    /// Another command, as NAME=COMMAND; `{}` stands for the module.
    #[arg(long = "command", value_name = "NAME=COMMAND")]
    commands: Vec<String>,
    /// How often each command runs.
    #[arg(long, default_value_t = 50)]
    rounds: usize,
    /// The command that ratios are to.
    #[arg(long, default_value = "wasm3")]
    baseline: String,
    /// Write everything there, too.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Clone, Deserialize)]
struct Launched {
    #[serde(flatten)]
    cost: Cost,
    max_rss: u64,
    success: bool,
    output: String,
}

#[derive(Serialize)]
struct Row {
    name: String,
    command: Vec<String>,
    runs: Vec<Cost>,
    /// Median of elapsed time, in seconds.
    wall: f64,
    cpu: f64,
    /// Of elapsed time, paired, to the baseline's.
    ratio: Option<f64>,
    /// Median of the most bytes that were ever resident.
    max_rss: f64,
}

#[derive(Serialize)]
struct Report {
    machine: report::Machine,
    baseline: String,
    commands: Vec<Row>,
}

/// A program that was built together with this one.
fn beside(name: &str) -> Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(name))
}

fn launch(launcher: &Path, command: &[String]) -> Result<Launched> {
    let output = Command::new(launcher).args(command).output().context("cannot start the launcher")?;
    let launched: Launched = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("{}: {}", command.join(" "), String::from_utf8_lossy(&output.stderr).trim()))?;
    if !launched.success || launched.output != OUTPUT {
        bail!("{} prints {:?}", command.join(" "), launched.output);
    }
    Ok(launched)
}

/// Runs the commands and reports.
pub fn main(args: &Args) -> Result<()> {
    let mut module = tempfile::Builder::new().suffix(".wasm").tempfile()?;
    module.write_all(&wat::parse_str(HELLO)?)?;
    let file = module.path().display().to_string();
    let words = |path: PathBuf, rest: &[&str]| -> Vec<String> {
        std::iter::once(path.display().to_string()).chain(rest.iter().map(|&word| word.to_owned())).collect()
    };
    let mut commands = vec![("terrace".to_owned(), words(args.terrace.clone(), &["run", &file]))];
    if cfg!(feature = "wasm3") {
        commands.push(("wasm3".to_owned(), words(beside("terrace-bench-wasm3")?, &[&file])));
    }
    for command in &args.commands {
        let (name, line) = command.split_once('=').context("a command is given as NAME=COMMAND")?;
        commands.push((name.to_owned(), line.split_whitespace().map(|word| word.replace("{}", &file)).collect()));
    }
    let launcher = beside("terrace-bench-launch")?;
    let mut runs: Vec<Vec<Launched>> = vec![Vec::new(); commands.len()];
    for round in 0..=args.rounds {
        for turn in 0..commands.len() {
            let index = (round + turn) % commands.len();
            let launched = launch(&launcher, &commands[index].1)?;
            // The first round only fills the machine's caches.
            if round > 0 {
                runs[index].push(launched);
            }
        }
    }
    let walls = |index: usize| -> Vec<Option<f64>> { runs[index].iter().map(|run| Some(run.cost.wall)).collect() };
    let baseline = commands.iter().position(|(name, _)| *name == args.baseline);
    let row = |(index, (name, command)): (usize, &(String, Vec<String>))| Row {
        name: name.clone(),
        command: command.clone(),
        runs: runs[index].iter().map(|run| run.cost).collect(),
        wall: median(runs[index].iter().map(|run| run.cost.wall)),
        cpu: median(runs[index].iter().map(|run| run.cost.cpu)),
        ratio: baseline.and_then(|baseline| paired_ratio(&walls(index), &walls(baseline))),
        max_rss: median(runs[index].iter().map(|run| run.max_rss as f64)),
    };
    let rows: Vec<Row> = commands.iter().enumerate().map(row).collect();
    let mut table = Table::new(&["command", "wall ms", "cpu ms", "ratio", "resident MiB"]);
    for row in &rows {
        let ratio = report::ratio(row.ratio.unwrap_or(f64::NAN));
        let [wall, cpu] = [row.wall, row.cpu].map(|time| format!("{:.3}", time * 1e3));
        table.row(vec![row.name.clone(), wall, cpu, ratio, format!("{:.2}", row.max_rss / 1048576.0)]);
    }
    table.print();
    let report = Report { machine: report::Machine::this(), baseline: args.baseline.clone(), commands: rows };
    report::write(args.json.as_deref(), &report)
}
