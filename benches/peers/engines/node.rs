//! V8 by way of node: a child process for each module, which takes orders on its standard input and measures itself.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use tempfile::NamedTempFile;

use super::{Engine, Entry, Instance, Kind, Module};
use crate::clock::Cost;

const SCRIPT: &str = include_str!("node.js");

/// V8 as it comes, with one of its compilers only, and without making machine code. Each compiler alone compiles at load.
const MODES: [(&str, Kind, &[&str]); 4] = [
    ("v8", Kind::Compiler, &[]),
    ("v8-liftoff", Kind::Compiler, &["--liftoff-only", "--no-wasm-lazy-compilation"]),
    ("v8-turbofan", Kind::Compiler, &["--no-liftoff", "--no-wasm-tier-up", "--no-wasm-lazy-compilation"]),
    ("v8-jitless", Kind::Interpreter, &["--jitless"]),
];

/// Every mode.
pub fn entries() -> Vec<Entry> {
    MODES.map(|(name, kind, flags)| Entry::new(name, kind, move || Ok(Node { flags }))).into()
}

struct Node {
    flags: &'static [&'static str],
}

#[derive(Deserialize)]
struct Answer {
    result: Option<String>,
    cost: Option<Cost>,
    error: Option<String>,
}

/// A running child, which is both module and instance.
struct Session {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    cost: Option<Cost>,
}

impl Session {
    fn start(flags: &[&str]) -> Result<Session> {
        // Kilobytes, within the usual limit of eight megabytes.
        let mut command = Command::new("node");
        command.args(flags).args(["--stack-size=7000", "-e", SCRIPT]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("cannot start node")?;
        let orders = child.stdin.take();
        let answers = child.stdout.take().context("no output of node")?;
        Ok(Session { child, orders, answers: BufReader::new(answers), cost: None })
    }

    fn step(&mut self, step: &str, argument: impl serde::Serialize) -> Result<Option<String>> {
        let mut order = serde_json::to_string(&(step, argument))?;
        order.push('\n');
        self.orders.as_mut().context("no input of node")?.write_all(order.as_bytes())?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        if line.is_empty() {
            bail!("node has ended: {}", self.child.wait()?);
        }
        let answer: Answer = serde_json::from_str(&line)?;
        if let Some(error) = answer.error {
            bail!(error);
        }
        self.cost = answer.cost;
        Ok(answer.result)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The child ends at the end of its input; if it does not hear, it is not worth waiting for.
        self.orders = None;
        let _ = self.child.wait();
    }
}

impl Engine for Node {
    fn load(&self, wasm: &[u8]) -> Result<Box<dyn Module>> {
        let mut file = NamedTempFile::new()?;
        file.write_all(wasm)?;
        let mut session = Session::start(self.flags)?;
        session.step("read", file.path())?;
        session.step("load", ())?;
        Ok(Box::new(session))
    }
}

impl Module for Session {
    fn instantiate(mut self: Box<Self>) -> Result<Box<dyn Instance>> {
        self.step("instantiate", ())?;
        Ok(self)
    }

    fn own_cost(&self) -> Option<Cost> {
        self.cost
    }
}

impl Instance for Session {
    fn run(&mut self, n: i32) -> Result<i64> {
        Ok(self.step("run", n)?.context("no result")?.parse()?)
    }

    fn own_cost(&self) -> Option<Cost> {
        self.cost
    }
}
