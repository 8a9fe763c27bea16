//! The API as an embedder sees it.

mod calls;
mod depth;
mod exceptions;
mod host_errors;
mod limits;
mod linking;
mod memory;
mod modules;
mod refs;
mod refusal;
mod send_sync;
mod tables;
mod threads;
mod time;
mod traps;

use terrace::{Config, Engine, Error, Instance, Module, Store, WasmParams, WasmResults};

/// An engine with changed settings.
fn engine(configure: impl FnOnce(&mut Config) -> &mut Config) -> Engine {
    let mut config = Config::new();
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
