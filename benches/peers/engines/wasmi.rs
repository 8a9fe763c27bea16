//! wasmi 2, with eager and with lazy translation. Lazy translation validates at load.

use anyhow::{Result, bail};
use wasmi::{CompilationMode, ExternType, Linker, Store, TypedFunc};

use super::{Engine, Entry, Instance, Kind, Module};
use crate::STACK;

const MODES: [(&str, CompilationMode); 3] = [
    ("wasmi", CompilationMode::LazyTranslation),
    ("wasmi-eager", CompilationMode::Eager),
    ("wasmi-lazy-validation", CompilationMode::Lazy),
];

/// Every mode; the name without a mode translates lazily.
pub fn entries() -> Vec<Entry> {
    let entry = |(name, mode)| {
        Entry::new(name, Kind::Interpreter, move || Ok(Wasmi { engine: engine(mode) })).variant(name != MODES[0].0)
    };
    MODES.map(entry).into()
}

/// The mode that an engine's name means.
pub fn parse(name: &str) -> Option<CompilationMode> {
    MODES.iter().find(|mode| mode.0 == name).map(|mode| mode.1)
}

/// An engine in this mode, whose stack suffices for deep recursion.
pub fn engine(mode: CompilationMode) -> wasmi::Engine {
    let mut config = wasmi::Config::default();
    config.compilation_mode(mode).set_max_recursion_depth(1 << 22).set_max_stack_height(STACK / 2);
    wasmi::Engine::new(&config)
}

struct Wasmi {
    engine: wasmi::Engine,
}

impl Engine for Wasmi {
    fn load(&self, wasm: &[u8]) -> Result<Box<dyn Module>> {
        Ok(Box::new(Loaded(wasmi::Module::new(&self.engine, wasm)?)))
    }
}

struct Loaded(wasmi::Module);

impl Module for Loaded {
    fn instantiate(self: Box<Self>) -> Result<Box<dyn Instance>> {
        let engine = self.0.engine();
        let mut linker = Linker::new(engine);
        // A module may import a function twice.
        linker.allow_shadowing(true);
        for import in self.0.imports() {
            let ExternType::Func(ty) = import.ty() else {
                bail!("no stub for the import {}.{}", import.module(), import.name());
            };
            linker.func_new(import.module(), import.name(), ty.clone(), |_, _, _| Err(wasmi::Error::new("stub")))?;
        }
        let mut store = Store::new(engine, ());
        let instance = linker.instantiate_and_start(&mut store, &self.0)?;
        let run = instance.get_typed_func(&store, "run").ok();
        Ok(Box::new(Running { store, run }))
    }
}

struct Running {
    store: Store<()>,
    run: Option<TypedFunc<i32, i64>>,
}

impl Instance for Running {
    fn run(&mut self, n: i32) -> Result<i64> {
        Ok(super::exported(self.run.as_ref())?.call(&mut self.store, n)?)
    }
}
