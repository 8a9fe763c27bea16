//! How long modules take to load.
//!
//! `compare` loads each file with Terrace and with wasmi, in turn, and prints medians and the median of the paired ratios.
//! `double` translates adversarial inputs and inputs twice their size. `many` loads a module with that many functions.

mod adversarial;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use terrace::{Config, Engine, Module, Translation};

#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Eager and lazy loading beside wasmi's.
    Compare {
        /// Paired runs of each mode.
        #[arg(long, default_value_t = 7)]
        rounds: usize,
        /// wasm binaries.
        files: Vec<PathBuf>,
    },
    /// Translation time of inputs that are bad for a naive translator, and of inputs twice their size.
    Double {
        /// Repetitions of each input's pattern.
        #[arg(long, default_value_t = 200_000)]
        size: usize,
    },
    /// A module with this many functions, loaded lazily.
    Many {
        /// Number of functions.
        functions: u32,
    },
}

fn main() -> Result<()> {
    match Args::parse().command {
        Command::Compare { rounds, files } => compare(rounds, &files),
        Command::Double { size } => double(size),
        Command::Many { functions } => many(functions),
    }
}

fn terrace(bytes: &[u8], translation: Translation) -> Result<Duration> {
    let engine = Engine::new(Config::new().translation(translation))?;
    let start = Instant::now();
    let module = Module::from_binary(&engine, bytes)?;
    let time = start.elapsed();
    drop(module);
    Ok(time)
}

fn wasmi(bytes: &[u8], mode: wasmi::CompilationMode) -> Result<Duration> {
    let mut config = wasmi::Config::default();
    config.compilation_mode(mode);
    let engine = wasmi::Engine::new(&config);
    let start = Instant::now();
    let module = wasmi::Module::new(&engine, bytes)?;
    let time = start.elapsed();
    drop(module);
    Ok(time)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Bytes of the code section's contents.
fn code_bytes(bytes: &[u8]) -> f64 {
    let payloads = wasmparser::Parser::new(0).parse_all(bytes);
    let size = payloads.filter_map(Result::ok).find_map(|payload| match payload {
        wasmparser::Payload::CodeSectionStart { size, .. } => Some(size),
        _ => None,
    });
    size.map_or(0.0, f64::from)
}

fn compare(rounds: usize, files: &[PathBuf]) -> Result<()> {
    let modes = [
        ("eager", Translation::Eager, wasmi::CompilationMode::Eager),
        ("lazy", Translation::Lazy, wasmi::CompilationMode::LazyTranslation),
        ("lazy validation", Translation::LazyValidation, wasmi::CompilationMode::Lazy),
    ];
    println!("{:<18} {:<16} {:>11} {:>8} {:>11} {:>7}", "module", "mode", "terrace ms", "MB/s", "wasmi ms", "ratio");
    for file in files {
        let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let name = file.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        for (label, ours, theirs) in modes {
            let (mut a, mut b, mut ratios) = (vec![], vec![], vec![]);
            for _ in 0..rounds {
                let x = match terrace(&bytes, ours) {
                    Ok(time) => time.as_secs_f64(),
                    Err(error) => {
                        println!("{name:<18} {label:<16} {error}");
                        break;
                    }
                };
                a.push(x);
                if let Ok(y) = wasmi(&bytes, theirs) {
                    b.push(y.as_secs_f64());
                    ratios.push(x / y.as_secs_f64());
                }
            }
            if a.is_empty() {
                continue;
            }
            let (a, b) = (median(a), median(b));
            let speed = code_bytes(&bytes) / a / 1e6;
            println!("{name:<18} {label:<16} {:>11.2} {speed:>8.1} {:>11.2} {:>7.2}", a * 1e3, b * 1e3, median(ratios));
        }
    }
    Ok(())
}

fn double(size: usize) -> Result<()> {
    println!("{:<34} {:>10} {:>10} {:>10} {:>7}", "input", "bytes", "once ms", "twice ms", "ratio");
    for (name, generate) in adversarial::INPUTS {
        let best = |bytes: &[u8]| -> Result<f64> {
            let runs: Result<Vec<Duration>> = (0..7).map(|_| terrace(bytes, Translation::Eager)).collect();
            Ok(runs?.into_iter().min().unwrap_or_default().as_secs_f64())
        };
        let (once, twice) = (generate(size), generate(2 * size));
        let (a, b) = (best(&once)?, best(&twice)?);
        println!("{name:<34} {:>10} {:>10.2} {:>10.2} {:>7.2}", once.len(), a * 1e3, b * 1e3, b / a);
    }
    Ok(())
}

/// The process's resident and peak memory, in MiB.
fn memory() -> Result<(f64, f64)> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<f64>().ok()
    };
    Ok((field("VmRSS:").unwrap_or(0.0) / 1024.0, field("VmHWM:").unwrap_or(0.0) / 1024.0))
}

fn many(functions: u32) -> Result<()> {
    let bytes = adversarial::many_functions(functions);
    let before = memory()?.0;
    for translation in [Translation::Lazy, Translation::LazyValidation] {
        let engine = Engine::new(Config::new().translation(translation))?;
        let start = Instant::now();
        let module = Module::from_binary(&engine, &bytes);
        let time = start.elapsed();
        match module {
            Ok(module) => println!(
                "{translation:?}: {} functions, {} bytes: {:.1} ms, {:.1} MiB more resident",
                module.function_count(),
                bytes.len(),
                time.as_secs_f64() * 1e3,
                memory()?.0 - before
            ),
            Err(error) => println!("{translation:?}: {error}"),
        }
    }
    Ok(())
}
