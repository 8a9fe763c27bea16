//! Runs a command and says, as a line of JSON, what it took.
//!
//!     terrace-bench-launch COMMAND ARGUMENT…
//!
//! A program of its own because a process's record of its peak memory starts with that of the process that it was cloned
//! from: this one is small.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result};
use wait4::Wait4 as _;

fn main() -> Result<()> {
    let mut args = std::env::args_os().skip(1);
    let mut command = Command::new(args.next().context("no command")?);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut output = String::new();
    let start = Instant::now();
    let mut child = command.spawn()?;
    child.stdout.take().context("no output")?.read_to_string(&mut output)?;
    let ended = child.wait4()?;
    let wall = start.elapsed().as_secs_f64();
    let report = serde_json::json!({
        "wall": wall,
        "cpu": (ended.rusage.utime + ended.rusage.stime).as_secs_f64(),
        "max_rss": ended.rusage.maxrss,
        "success": ended.status.success(),
        "output": output,
    });
    println!("{report}");
    Ok(())
}
