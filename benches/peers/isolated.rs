//! One engine and one module in a process of their own: so that a crash or a hang is that engine's only, and so that peak
//! memory is that engine's alone.

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use crate::clock::Cost;
use crate::engines;
use crate::steps::{self, Loaded};

/// What the process did.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Probe {
    /// Bytes to module.
    pub load: Option<Cost>,
    /// Module to instance.
    pub instantiate: Option<Cost>,
    /// The result of `run`, if it was asked for.
    pub result: Option<i64>,
    /// Why it did no more.
    pub error: Option<String>,
    /// The memory that was resident before the module was read, and the most that ever was, in KiB.
    pub resident: (u64, u64),
}

/// What the process does: loads, instantiates and, with an argument, runs. The answer is a line of JSON.
pub fn child(engine: &str, file: &Path, n: Option<i32>) -> Result<()> {
    let engine = engines::find(engine)?.make()?;
    let wasm = std::fs::read(file)?;
    let mut probe = Probe { resident: (resident("VmRSS:")?, 0), ..Probe::default() };
    if let Err(error) = fill(&mut probe, &*engine, &wasm, n) {
        probe.error = Some(format!("{error:#}"));
    }
    probe.resident.1 = resident("VmHWM:")?;
    println!("{}", serde_json::to_string(&probe)?);
    Ok(())
}

fn fill(probe: &mut Probe, engine: &dyn engines::Engine, wasm: &[u8], n: Option<i32>) -> Result<()> {
    let Loaded { load, instance } = steps::start(engine, wasm)?;
    probe.load = Some(load);
    let (mut instance, instantiate) = instance?;
    probe.instantiate = Some(instantiate);
    if let Some(n) = n {
        probe.result = Some(steps::run(&mut *instance, n)?.0);
    }
    Ok(())
}

/// A line of this process's status, in KiB.
fn resident(field: &str) -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    Ok(line.and_then(|line| line.split_whitespace().next()).with_context(|| format!("no {field}"))?.parse()?)
}

/// Does it in a new process, which gets that much time.
pub fn probe(engine: &str, file: &Path, n: Option<i32>, limit: Duration) -> Result<Probe> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("probe").arg(engine).arg(file).args(n.map(|n| format!("--run={n}")));
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let deadline = Instant::now() + limit;
    // The answer is short enough to fit into the pipe, so that nobody waits for it to be read.
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            bail!("not done after {} s", limit.as_secs());
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let mut answer = String::new();
    child.stdout.take().context("no output")?.read_to_string(&mut answer)?;
    // Engines print, too: what counts is the last line.
    match answer.lines().last().and_then(|line| serde_json::from_str(line).ok()) {
        Some(probe) => Ok(probe),
        None => bail!("the process ended with {status}"),
    }
}
