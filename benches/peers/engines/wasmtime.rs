//! wasmtime: Cranelift, Winch, and the Pulley interpreter. Compiles on one thread.

use anyhow::{Result, anyhow};
use wasmtime::{Config, Linker, Store, Strategy, TypedFunc};

use super::{Engine, Entry, Instance, Kind, Module};
use crate::STACK;

/// The two compilers for this machine, and the interpreter.
pub fn entries() -> Vec<Entry> {
    let entry = |name, kind, strategy, target: Option<&'static str>| {
        Entry::new(name, kind, move || Ok(Wasmtime { engine: engine(strategy, target)? }))
    };
    vec![
        entry("cranelift", Kind::Compiler, Strategy::Cranelift, None),
        entry("winch", Kind::Compiler, Strategy::Winch, None),
        entry("pulley", Kind::Interpreter, Strategy::Cranelift, Some("pulley64")),
    ]
}

fn engine(strategy: Strategy, target: Option<&str>) -> Result<wasmtime::Engine> {
    let mut config = Config::new();
    config.strategy(strategy).async_stack_size(STACK / 2).max_wasm_stack(STACK / 4);
    if let Some(target) = target {
        config.target(target).map_err(plain)?;
    }
    if strategy == Strategy::Cranelift {
        config.wasm_exceptions(true).wasm_tail_call(true);
    }
    wasmtime::Engine::new(&config).map_err(plain)
}

/// The whole chain of an error of wasmtime's as one of ours.
fn plain(error: wasmtime::Error) -> anyhow::Error {
    anyhow!("{error:#}")
}

struct Wasmtime {
    engine: wasmtime::Engine,
}

impl Engine for Wasmtime {
    fn load(&self, wasm: &[u8]) -> Result<Box<dyn Module>> {
        Ok(Box::new(Loaded(wasmtime::Module::from_binary(&self.engine, wasm).map_err(plain)?)))
    }
}

struct Loaded(wasmtime::Module);

impl Module for Loaded {
    fn instantiate(self: Box<Self>) -> Result<Box<dyn Instance>> {
        let mut linker = Linker::new(self.0.engine());
        linker.define_unknown_imports_as_traps(&self.0).map_err(plain)?;
        let mut store = Store::new(self.0.engine(), ());
        let instance = linker.instantiate(&mut store, &self.0).map_err(plain)?;
        let run = instance.get_typed_func(&mut store, "run").ok();
        Ok(Box::new(Running { store, run }))
    }
}

struct Running {
    store: Store<()>,
    run: Option<TypedFunc<i32, i64>>,
}

impl Instance for Running {
    fn run(&mut self, n: i32) -> Result<i64> {
        super::exported(self.run.as_ref())?.call(&mut self.store, n).map_err(plain)
    }
}
