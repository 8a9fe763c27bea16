//! One interface over every engine.
//!
//! Each step that is timed is one call: bytes to module, module to instance, `run` in that instance. An engine does in a step
//! what it would do there for any embedder, so that lazy engines pay later and eager ones now. An engine that cannot take a
//! module says so with an error, and the error is part of the result.

mod node;
#[cfg(feature = "sf-nano")]
pub mod sf_nano;
#[cfg(feature = "stitch")]
mod stitch;
pub mod terrace;
#[cfg(feature = "wamr")]
mod wamr;
#[cfg(feature = "wasm3")]
mod wasm3;
#[cfg(feature = "wasmer")]
mod wasmer;
pub mod wasmi;
#[cfg(feature = "wasmtime")]
mod wasmtime;

use anyhow::{Result, bail};
use serde::Serialize;

use crate::clock::Cost;

/// How an engine runs functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// From bytecode, without making machine code.
    Interpreter,
    /// From machine code that it makes.
    Compiler,
}

/// An engine in one mode.
pub trait Engine {
    /// Makes a module ready for instantiation.
    fn load(&self, wasm: &[u8]) -> Result<Box<dyn Module>>;
}

/// A loaded module.
pub trait Module {
    /// Makes an instance; imported functions trap.
    fn instantiate(self: Box<Self>) -> Result<Box<dyn Instance>>;

    /// What loading took, if the engine is another process that measured it itself.
    fn own_cost(&self) -> Option<Cost> {
        None
    }
}

/// An instance.
pub trait Instance {
    /// Calls the export `run: [i32] -> [i64]`.
    fn run(&mut self, n: i32) -> Result<i64>;

    /// What the last step took, if the engine is another process that measured it itself.
    fn own_cost(&self) -> Option<Cost> {
        None
    }
}

/// An engine that can be chosen by name.
pub struct Entry {
    /// The name.
    pub name: String,
    /// How it runs functions.
    pub kind: Kind,
    /// Whether it is another engine of the list but for when it translates: it starts differently and runs the same.
    pub variant: bool,
    make: Box<dyn Fn() -> Result<Box<dyn Engine>>>,
}

impl Entry {
    fn new<E: Engine + 'static>(name: impl Into<String>, kind: Kind, make: impl Fn() -> Result<E> + 'static) -> Entry {
        Entry { name: name.into(), kind, variant: false, make: Box::new(move || Ok(Box::new(make()?))) }
    }

    fn variant(self, variant: bool) -> Entry {
        Entry { variant, ..self }
    }

    /// Sets the engine up.
    pub fn make(&self) -> Result<Box<dyn Engine>> {
        (self.make)()
    }

    /// Whether this is Terrace.
    pub fn is_ours(&self) -> bool {
        self.name.starts_with(terrace::PREFIX)
    }
}

/// Every engine of this build.
pub fn all() -> Vec<Entry> {
    let mut entries = terrace::entries();
    entries.extend(wasmi::entries());
    #[cfg(feature = "sf-nano")]
    entries.extend(sf_nano::entries());
    #[cfg(feature = "stitch")]
    entries.extend(stitch::entries());
    #[cfg(feature = "wasm3")]
    entries.extend(wasm3::entries());
    #[cfg(feature = "wamr")]
    entries.extend(wamr::entries());
    #[cfg(feature = "wasmtime")]
    entries.extend(wasmtime::entries());
    #[cfg(feature = "wasmer")]
    entries.extend(wasmer::entries());
    entries.extend(node::entries());
    entries
}

/// The engine of this name.
pub fn find(name: &str) -> Result<Entry> {
    match all().into_iter().find(|entry| entry.name == name) {
        Some(entry) => Ok(entry),
        None => bail!(
            "no engine `{name}`; there are {}",
            all().iter().map(|entry| &*entry.name).collect::<Vec<_>>().join(", ")
        ),
    }
}

/// The engines of these names, in this order; without names, those that `default` picks.
pub fn choose(names: &[String], default: impl Fn(&Entry) -> bool) -> Result<Vec<Entry>> {
    if names.is_empty() {
        return Ok(all().into_iter().filter(default).collect());
    }
    let mut chosen: Vec<Entry> = Vec::new();
    for name in names {
        let entry = find(name)?;
        if chosen.iter().all(|other| other.name != entry.name) {
            chosen.push(entry);
        }
    }
    Ok(chosen)
}

/// The export `run`, which a module has if it is a workload.
fn exported<F>(run: Option<F>) -> Result<F> {
    run.ok_or_else(|| anyhow::anyhow!("no export `run: [i32] -> [i64]`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What every engine can: integers, locals, a loop and a call.
    const COUNT: &str = r#"
        (module
            (func $step (param i64) (result i64) (i64.add (local.get 0) (i64.const 3)))
            (func (export "run") (param i32) (result i64)
                (local i64)
                (loop
                    (local.set 1 (call $step (local.get 1)))
                    (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
                (local.get 1)))"#;

    #[test]
    fn every_engine_in_this_process_counts() -> Result<()> {
        let wasm = wat::parse_str(COUNT)?;
        for entry in all().iter().filter(|entry| !entry.name.starts_with("v8")) {
            let result = entry.make()?.load(&wasm)?.instantiate()?.run(7)?;
            assert_eq!(result, 21, "{}", entry.name);
        }
        Ok(())
    }

    #[test]
    fn names_differ_and_find_their_engines() -> Result<()> {
        let entries = all();
        for (index, entry) in entries.iter().enumerate() {
            assert_eq!(find(&entry.name)?.name, entry.name);
            assert!(entries[..index].iter().all(|other| other.name != entry.name), "{}", entry.name);
        }
        assert!(find("nothing").is_err());
        Ok(())
    }

    #[test]
    fn what_is_refused_is_an_error() -> Result<()> {
        for entry in all().iter().filter(|entry| !entry.name.starts_with("v8")) {
            assert!(entry.make()?.load(b"no module").is_err(), "{}", entry.name);
        }
        Ok(())
    }
}
