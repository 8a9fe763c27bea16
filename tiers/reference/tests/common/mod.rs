//! A store with one instance, for tests that speak the text format.
#![allow(dead_code, reason = "each test program uses a part")]

use std::sync::Arc;

use terrace_abi::TrapKind;
use terrace_core::bytecode::Level;
use terrace_core::runtime::memory::Memory;
use terrace_core::runtime::{Config, Engine, Extern, FuncRef, InstanceRef, Module, Stop, Store};
use terrace_reference::Reference;

/// Both levels of translation.
pub const LEVELS: [Level; 2] = [Level::Plain, Level::Folded];

/// A store and an instance in it.
pub struct Vm {
    pub store: Box<Store>,
    pub instance: InstanceRef,
}

/// An engine on the reference tier.
pub fn engine(config: Config) -> Engine {
    Engine::new(config, Arc::new(Reference)).unwrap()
}

/// A module of the text format.
pub fn module(engine: &Engine, wat: &str) -> Module {
    let bytes = wat::parse_str(wat).unwrap_or_else(|error| panic!("{error}\n{wat}"));
    Module::new(engine, bytes).unwrap_or_else(|error| panic!("{error}\n{wat}"))
}

impl Vm {
    pub fn new(wat: &str, level: Level) -> Vm {
        Vm::with(wat, Config { level, ..Config::default() }, |_| vec![])
    }

    pub fn with(wat: &str, config: Config, imports: impl FnOnce(&mut Store) -> Vec<Extern>) -> Vm {
        let engine = engine(config);
        let module = module(&engine, wat);
        let mut store = Store::new(&engine).unwrap();
        let imports = imports(&mut store);
        let instance = store.instantiate(&module, &imports).unwrap();
        Vm { store, instance }
    }

    pub fn func(&self, name: &str) -> FuncRef {
        match self.instance.export(name) {
            Some(Extern::Func(func)) => func,
            other => panic!("{name}: {other:?}"),
        }
    }

    pub fn memory(&mut self, name: &str) -> &mut Memory {
        match self.instance.export(name) {
            Some(Extern::Memory(memory)) => self.store.memory_mut(memory),
            other => panic!("{name}: {other:?}"),
        }
    }

    /// Calls an export, and gives `results` slots.
    pub fn try_call(&mut self, name: &str, args: &[u64], results: usize) -> Result<Vec<u64>, Stop> {
        let func = self.func(name);
        let mut slots = args.to_vec();
        slots.resize(args.len().max(results), 0);
        self.store.call(func, &mut slots)?;
        slots.truncate(results);
        Ok(slots)
    }

    /// Calls an export that may trap.
    pub fn call(&mut self, name: &str, args: &[u64], results: usize) -> Result<Vec<u64>, TrapKind> {
        self.try_call(name, args, results).map_err(|stop| match stop {
            Stop::Trap(trap) => trap.kind,
            other => panic!("{name}: {other:?}"),
        })
    }
}
