//! Hunts for modules on which engines disagree.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Parser;
use terrace_fuzz::generate::{GENERATORS, Generator};
use terrace_fuzz::oracle::{Report, catching, check};
use terrace_fuzz::shrink::shrink;

/// Differential fuzzer of Terrace's configurations and tiers.
#[derive(Parser)]
#[command(name = "terrace-fuzz")]
struct Options {
    /// Stop after so many seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Stop after so many modules.
    #[arg(long, default_value_t = u64::MAX)]
    modules: u64,
    /// The first module's seed; each next one has the next seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The number of threads.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Use this generator only: single, structured, linked, smith or mutate.
    #[arg(long)]
    generator: Option<String>,
    /// Run these modules instead of generated ones.
    #[arg(long, num_args = 1..)]
    wasm: Vec<PathBuf>,
    /// Where failing modules are written.
    #[arg(long, default_value = "target/fuzz")]
    out: PathBuf,
    /// Stop after so many failing modules.
    #[arg(long, default_value_t = 20)]
    failures: u64,
    /// Write failing modules as they are.
    #[arg(long)]
    no_shrink: bool,
    /// Print the module of the seed and exit.
    #[arg(long)]
    print: bool,
}

/// How long one module may take before the whole program gives up.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long a failing module is made smaller.
const SHRINKING: Duration = Duration::from_secs(30);

#[derive(Default)]
struct Totals {
    modules: AtomicU64,
    executions: AtomicU64,
    returned: AtomicU64,
    other: AtomicU64,
    divergences: AtomicU64,
}

impl Totals {
    fn add(&self, report: &Report) {
        self.modules.fetch_add(1, Ordering::Relaxed);
        self.executions.fetch_add(report.executions, Ordering::Relaxed);
        self.returned.fetch_add(report.returned, Ordering::Relaxed);
        self.other.fetch_add(report.other.into(), Ordering::Relaxed);
        self.divergences.fetch_add(report.divergence.is_some().into(), Ordering::Relaxed);
    }

    fn print(&self) {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        println!("{} modules ran on the other engine, {} calls returned", get(&self.other), get(&self.returned));
        println!(
            "{} modules, {} executions, {} divergences",
            get(&self.modules),
            get(&self.executions),
            get(&self.divergences)
        );
    }
}

fn write_failure(out: &Path, name: &str, wasm: &[u8]) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(out).with_context(|| format!("cannot create {}", out.display()))?;
    let path = out.join(format!("{name}.wasm"));
    fs::write(&path, wasm).with_context(|| format!("cannot write {}", path.display()))?;
    if let Ok(text) = wasmprinter::print_bytes(wasm) {
        fs::write(path.with_extension("wat"), text)?;
    }
    Ok(path)
}

fn report_failure(
    options: &Options,
    generator: &Generator,
    seed: u64,
    wasm: &[u8],
    report: &Report,
) -> anyhow::Result<()> {
    let Some(divergence) = &report.divergence else { return Ok(()) };
    let name = format!("{}-{seed}", generator.name);
    write_failure(&options.out, &format!("{name}.full"), wasm)?;
    let small = match options.no_shrink {
        true => wasm.to_vec(),
        false => shrink(wasm, SHRINKING, |wasm| check(wasm, seed).divergence.is_some()),
    };
    let path = write_failure(&options.out, &name, &small)?;
    println!("{name}: {divergence}");
    if let Some(small) = check(&small, seed).divergence {
        println!("  smaller module: {small}");
    }
    println!("  repro: terrace-fuzz --generator {} --seed {seed} --modules 1", generator.name);
    println!("  repro: terrace-fuzz --wasm {} --seed {seed}", path.display());
    Ok(())
}

fn hunt(options: &Options, generator: Option<&'static Generator>) -> anyhow::Result<Totals> {
    let deadline = Instant::now() + Duration::from_secs(options.seconds);
    let next = AtomicU64::new(0);
    let totals = Totals::default();
    let running: Mutex<BTreeMap<u64, (Instant, &str)>> = Mutex::default();
    let running = || running.lock().unwrap_or_else(PoisonError::into_inner);
    let work = || -> anyhow::Result<()> {
        while Instant::now() < deadline && totals.divergences.load(Ordering::Relaxed) < options.failures {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= options.modules {
                break;
            }
            let seed = options.seed.wrapping_add(index);
            let generator = generator.unwrap_or_else(|| Generator::for_seed(seed));
            running().insert(seed, (Instant::now(), generator.name));
            let wasm = match catching(|| generator.module(seed)) {
                Ok(wasm) => wasm,
                Err(message) => bail!("{} {seed}: the generator failed: {message}", generator.name),
            };
            let report = check(&wasm, seed);
            running().remove(&seed);
            totals.add(&report);
            report_failure(options, generator, seed, &wasm, &report)?;
        }
        Ok(())
    };
    let done = AtomicU64::new(0);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..options.jobs)
            .map(|_| {
                scope.spawn(|| {
                    let result = work();
                    done.fetch_add(1, Ordering::Relaxed);
                    result
                })
            })
            .collect();
        while (done.load(Ordering::Relaxed) as usize) < options.jobs {
            thread::sleep(Duration::from_millis(50));
            if let Some((seed, (_, name))) = running().iter().find(|(_, (since, _))| since.elapsed() > PATIENCE) {
                println!("hang: terrace-fuzz --generator {name} --seed {seed} --modules 1");
                totals.print();
                std::process::exit(2);
            }
        }
        workers.into_iter().try_for_each(|worker| match worker.join() {
            Ok(result) => result,
            Err(_) => bail!("a worker panicked"),
        })
    })?;
    Ok(totals)
}

fn replay(options: &Options) -> anyhow::Result<Totals> {
    let totals = Totals::default();
    for path in &options.wasm {
        let wasm = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let report = check(&wasm, options.seed);
        totals.add(&report);
        if let Some(divergence) = &report.divergence {
            println!("{}: {divergence}", path.display());
            if !options.no_shrink {
                let small = shrink(&wasm, SHRINKING, |wasm| check(wasm, options.seed).divergence.is_some());
                let stem = path.file_stem().unwrap_or_default().display();
                let path = write_failure(&options.out, &format!("{stem}.small"), &small)?;
                println!("  smaller module: {}", path.display());
            }
        }
    }
    Ok(totals)
}

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let generator = match &options.generator {
        None => None,
        Some(name) => match Generator::named(name) {
            Some(generator) => Some(generator),
            None => bail!("no generator {name}: there are {:?}", GENERATORS.iter().map(|g| g.name).collect::<Vec<_>>()),
        },
    };
    if options.print {
        let wasm = generator.unwrap_or_else(|| Generator::for_seed(options.seed)).module(options.seed);
        let mut text = String::new();
        wasmprinter::Config::new().print_offsets(true).print(&wasm, &mut wasmprinter::PrintFmtWrite(&mut text))?;
        println!("{text}");
        return Ok(ExitCode::SUCCESS);
    }
    let totals = if options.wasm.is_empty() { hunt(&options, generator)? } else { replay(&options)? };
    totals.print();
    Ok(if totals.divergences.load(Ordering::Relaxed) == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
