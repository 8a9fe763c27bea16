//! Stores and instances on this tier and on the one that it is held against.
#![allow(dead_code, reason = "each test program uses a part")]

use std::sync::Arc;

use terrace_core::bytecode::Level;
use terrace_core::runtime::{Config, Engine, Extern, FuncRef, InstanceRef, Module, Stop, Store};
use terrace_core::tier::Tier;
use terrace_interp::Interp;
use wasmparser::WasmFeatures;

/// Both levels of translation.
pub const LEVELS: [Level; 2] = [Level::Plain, Level::Folded];

/// An engine on this tier.
pub fn engine(level: Level) -> Engine {
    engine_on(level, Arc::new(Interp))
}

/// An engine on any tier.
pub fn engine_on(level: Level, tier: Arc<dyn Tier>) -> Engine {
    let features = WasmFeatures::WASM3 | WasmFeatures::THREADS;
    Engine::new(Config { level, features, ..Config::default() }, tier).unwrap()
}

/// A module of the text format.
pub fn module(engine: &Engine, wat: &str) -> Module {
    let bytes = wat::parse_str(wat).unwrap_or_else(|error| panic!("{error}\n{wat}"));
    Module::new(engine, bytes).unwrap_or_else(|error| panic!("{error}\n{wat}"))
}

/// A store.
pub fn store(engine: &Engine) -> Box<Store> {
    Store::new(engine).unwrap()
}

/// An exported function.
pub fn func(instance: InstanceRef, name: &str) -> FuncRef {
    match instance.export(name) {
        Some(Extern::Func(func)) => func,
        other => panic!("{name}: {other:?}"),
    }
}

/// Calls an export, and gives `results` slots.
pub fn call(
    store: &mut Store,
    instance: InstanceRef,
    name: &str,
    args: &[u64],
    results: usize,
) -> Result<Vec<u64>, Stop> {
    let mut slots = args.to_vec();
    slots.resize(args.len().max(results), 0);
    store.call(func(instance, name), &mut slots)?;
    slots.truncate(results);
    Ok(slots)
}
