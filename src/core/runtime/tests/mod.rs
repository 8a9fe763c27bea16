//! Tests of the runtime on a toy tier.

mod calls;
mod collection;
mod frames;
mod linking;
mod modules;
mod resources;
mod toy;

use std::sync::Arc;

use super::types::{FuncType, ValType};
use super::*;
use toy::Toy;
use wasmparser::WasmFeatures;

fn engine_with(configure: impl FnOnce(&mut Config)) -> Engine {
    let mut config = Config { verify_bytecode: true, ..Config::default() };
    configure(&mut config);
    Engine::new(config, Arc::new(Toy(WasmFeatures::empty()))).unwrap()
}

fn engine() -> Engine {
    engine_with(|_| {})
}

fn module(engine: &Engine, text: &str) -> Module {
    Module::new(engine, wat::parse_str(text).unwrap()).unwrap()
}

fn store(engine: &Engine) -> Box<Store> {
    Store::new(engine).unwrap()
}

fn instantiate(store: &mut Store, text: &str, imports: &[Extern]) -> Result<InstanceRef, InstantiateError> {
    let module = module(&store.engine().clone(), text);
    store.instantiate(&module, imports)
}

fn func(instance: InstanceRef, name: &str) -> FuncRef {
    match instance.export(name) {
        Some(Extern::Func(func)) => func,
        other => panic!("{name}: {other:?}"),
    }
}

fn host(
    store: &mut Store,
    params: &[ValType],
    results: &[ValType],
    call: impl Fn(&mut Store, Option<InstanceRef>, &mut [u64]) -> Result<(), HostError> + Send + Sync + 'static,
) -> FuncRef {
    let ty = FuncType::new(params.iter().copied(), results.iter().copied());
    let func = HostFunc::new(&store.engine().clone(), ty, call).unwrap();
    store.add_host_func(func).unwrap()
}

/// The trap that a call stopped with.
fn trap(result: Result<(), Stop>) -> Trap {
    match result {
        Err(Stop::Trap(trap)) => *trap,
        other => panic!("{other:?}"),
    }
}
