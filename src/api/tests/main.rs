//! The API as an embedder sees it.

mod calls;
mod depth;
mod exceptions;
mod host_errors;
mod limits;
mod linking;
mod memory;
mod modules;
mod places;
mod recovery;
mod refs;
mod refusal;
mod send_sync;
mod tables;
mod threads;
mod time;
mod traps;

use std::process::Command;

use terrace::{Config, Engine, Error, Instance, Module, Store, WasmParams, WasmResults};

/// Names the tier that these tests run on, if it is not the default one.
const TIER: &str = "TERRACE_TEST_TIER";

/// Settings for the tier that these tests run on.
fn config() -> Config {
    let mut config = Config::new();
    if let Ok(name) = std::env::var(TIER) {
        config.tier(&name).unwrap();
    }
    config
}

fn default_engine() -> Engine {
    engine(|config| config)
}

/// An engine with changed settings.
fn engine(configure: impl FnOnce(&mut Config) -> &mut Config) -> Engine {
    let mut config = config();
    config.verify_bytecode(true);
    configure(&mut config);
    Engine::new(&config).unwrap()
}

/// A module without imports in a store of its own.
fn instance(wat: &str) -> (Store<()>, Instance) {
    instance_in(&engine(|config| config), wat)
}

fn instance_in(engine: &Engine, wat: &str) -> (Store<()>, Instance) {
    let mut store = Store::new(engine, ());
    let module = Module::new(engine, wat).unwrap();
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    (store, instance)
}

/// Calls the export `run`.
fn run<P: WasmParams, R: WasmResults>(store: &mut Store<()>, instance: Instance, params: P) -> Result<R, Error> {
    instance.get_typed_func::<P, R>(&mut *store, "run").unwrap().call(store, params)
}

/// Runs all tests on every other tier.
#[test]
fn every_tier() {
    if std::env::var_os(TIER).is_some() {
        return;
    }
    for tier in &Engine::tiers()[1..] {
        let mut tests = Command::new(std::env::current_exe().unwrap());
        let output = tests.env(TIER, tier).args(["--skip", "every_tier"]).output().unwrap();
        assert!(output.status.success(), "on {tier}:\n{}", String::from_utf8_lossy(&output.stdout));
    }
}
