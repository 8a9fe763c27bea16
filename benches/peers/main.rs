//! Terrace beside other engines, on the same modules.
//!
//! `run` measures the workloads, `start` bytes to instance, `memory` what a module takes in memory, `hello` whole processes,
//! `real` large programs under WASI. All compare runs that alternate, check every result, and name what an engine refuses.

mod clock;
mod engines;
mod hello;
mod imports;
mod isolated;
mod memory;
mod real;
mod report;
mod run;
mod start;
mod stats;
mod steps;
mod wasi;
mod workloads;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::{Parser, Subcommand};

/// Bytes of stack that everything runs on. Some engines put the frames of wasm there.
const STACK: usize = 512 << 20;

#[derive(Parser)]
#[command(about = "Terrace beside other engines, on the same modules")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the workloads.
    Run(run::Args),
    /// Bytes to instance, on large modules.
    Start(start::Args),
    /// Peak memory of loading and instantiating.
    Memory(memory::Args),
    /// Whole processes that print a line.
    Hello(hello::Args),
    /// Real programs under WASI.
    Real(real::Args),
    /// Names of the engines.
    Engines,
    /// One engine and one module, as other commands do it in a process of its own.
    Probe {
        /// The engine.
        engine: String,
        /// The module.
        file: PathBuf,
        /// Call `run` with this.
        #[arg(long, allow_hyphen_values = true)]
        run: Option<i32>,
    },
    /// A WASI program on one engine.
    Wasi(wasi::Args),
}

fn main() -> ExitCode {
    let args = Args::parse();
    let result = std::thread::Builder::new().stack_size(STACK).spawn(move || dispatch(args));
    let result = result.map_err(Into::into).and_then(|thread| thread.join().map_err(|_| anyhow!("panic"))?);
    result.unwrap_or_else(|error| {
        eprintln!("{error:#}");
        ExitCode::FAILURE
    })
}

fn dispatch(args: Args) -> Result<ExitCode> {
    match args.command {
        Command::Run(args) => run::main(&args)?,
        Command::Start(args) => start::main(&args)?,
        Command::Memory(args) => memory::main(&args)?,
        Command::Hello(args) => hello::main(&args)?,
        Command::Real(args) => real::main(&args)?,
        Command::Engines => engines::all().iter().for_each(|entry| println!("{}", entry.name)),
        Command::Probe { engine, file, run } => isolated::child(&engine, &file, run)?,
        Command::Wasi(args) => return Ok(wasi::main(&args)),
    }
    Ok(ExitCode::SUCCESS)
}
