//! A WASI program on one engine, in this process: what `real` measures, as a command of its own.
//!
//! Ends with the guest's exit status. A failure of the engine is status 125 and a message.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

use crate::engines;

/// The status for failures that are not the guest's.
pub const FAILURE: u8 = 125;

/// What runs, and what it is given. Standard streams are ours.
#[derive(clap::Args)]
pub struct Args {
    /// The engine.
    engine: String,
    /// The module.
    file: PathBuf,
    /// The name that the guest sees as its own.
    #[arg(long, default_value = "program")]
    argv0: String,
    /// An environment variable, as NAME=VALUE.
    #[arg(long)]
    env: Vec<String>,
    /// A directory, as HOST::GUEST.
    #[arg(long)]
    dir: Vec<String>,
    /// The guest's arguments.
    #[arg(last = true)]
    args: Vec<String>,
}

impl Args {
    fn pairs<'a>(list: &'a [String], separator: &str) -> Result<Vec<(&'a str, &'a str)>> {
        let pair =
            |text: &'a String| text.split_once(separator).with_context(|| format!("no `{separator}` in `{text}`"));
        list.iter().map(pair).collect()
    }

    fn variables(&self) -> Result<Vec<(&str, &str)>> {
        Args::pairs(&self.env, "=")
    }

    fn directories(&self) -> Result<Vec<(&str, &str)>> {
        Args::pairs(&self.dir, "::")
    }

    fn argv(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.argv0).chain(&self.args)
    }
}

/// Whether an engine runs WASI programs here.
pub fn can(engine: &str) -> bool {
    #[cfg(feature = "sf-nano")]
    if engines::sf_nano::parse(engine).is_some() {
        return true;
    }
    engines::terrace::parse(engine).is_some() || engines::wasmi::parse(engine).is_some()
}

/// Runs the program.
pub fn main(args: &Args) -> ExitCode {
    match run(args) {
        // What a parent sees of an exit status is eight bits.
        Ok(status) => ExitCode::from(status as u8),
        Err(error) => {
            eprintln!("{}: {error:#}", args.engine);
            ExitCode::from(FAILURE)
        }
    }
}

fn run(args: &Args) -> Result<i32> {
    if let Some((tier, translation)) = engines::terrace::parse(&args.engine) {
        return terrace(args, engines::terrace::engine(tier, translation)?);
    }
    if let Some(mode) = engines::wasmi::parse(&args.engine) {
        return wasmi(args, &engines::wasmi::engine(mode));
    }
    #[cfg(feature = "sf-nano")]
    if let Some(tier) = engines::sf_nano::parse(&args.engine) {
        return sf_nano(args, &engines::sf_nano::engine(tier)?);
    }
    bail!("no WASI for this engine here")
}

fn terrace(args: &Args, engine: terrace::Engine) -> Result<i32> {
    let mut builder = terrace_wasi::WasiCtxBuilder::new();
    builder.inherit_stdio().args(args.argv()).envs(args.variables()?);
    for (host, guest) in args.directories()? {
        builder.preopened_dir(host, guest, terrace_wasi::FsPerms::ReadWrite)?;
    }
    let context = builder.build().map_err(|error| anyhow::anyhow!("{error}"))?;
    let module = terrace::Module::from_binary(&engine, &std::fs::read(&args.file)?)?;
    let mut linker = terrace::Linker::new(&engine);
    terrace_wasi::add_to_linker(&mut linker, |context| context)?;
    let mut store = terrace::Store::try_new(&engine, context)?;
    let instance = linker.instantiate(&mut store, &module)?;
    match instance.get_typed_func::<(), ()>(&mut store, "_start")?.call(&mut store, ()) {
        Ok(()) => Ok(0),
        Err(error) => match error.downcast_ref() {
            Some(terrace_wasi::Exit(status)) => Ok(*status),
            None => Err(error.into()),
        },
    }
}

fn wasmi(args: &Args, engine: &wasmi::Engine) -> Result<i32> {
    let mut builder = wasmi_wasi::WasiCtxBuilder::new();
    builder.inherit_stdio();
    for arg in args.argv() {
        builder.arg(arg)?;
    }
    for (name, value) in args.variables()? {
        builder.env(name, value)?;
    }
    for (host, guest) in args.directories()? {
        let authority = wasmi_wasi::ambient_authority();
        builder.preopened_dir(wasmi_wasi::Dir::open_ambient_dir(host, authority)?, guest)?;
    }
    let module = wasmi::Module::new(engine, &std::fs::read(&args.file)?)?;
    let mut linker = wasmi::Linker::new(engine);
    wasmi_wasi::add_to_linker(&mut linker, |context| context)?;
    let mut store = wasmi::Store::new(engine, builder.build());
    let instance = linker.instantiate_and_start(&mut store, &module)?;
    match instance.get_typed_func::<(), ()>(&store, "_start")?.call(&mut store, ()) {
        Ok(()) => Ok(0),
        Err(error) => error.i32_exit_status().ok_or(error.into()),
    }
}

#[cfg(feature = "sf-nano")]
fn sf_nano(args: &Args, engine: &sf_nano_core::Engine) -> Result<i32> {
    let mut builder = sf_nano_core::wasi::WasiContextBuilder::new().args(args.argv());
    for (name, value) in args.variables()? {
        builder = builder.env(name, value);
    }
    for (host, guest) in args.directories()? {
        builder = builder.preopen_dir(guest, host);
    }
    let imports = sf_nano_core::wasi::wasi_imports(builder.build());
    let mut instance = sf_nano_core::Instance::new(engine, &std::fs::read(&args.file)?, &imports)?;
    match instance.invoke("_start", &[]) {
        Ok(_) => Ok(0),
        Err(error) => error.exit_code().ok_or(error.into()),
    }
}
