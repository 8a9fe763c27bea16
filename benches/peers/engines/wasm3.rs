//! wasm3. Functions are checked when they are translated, which is at their first call or, in the eager mode, at
//! instantiation; imports that nobody defines trap when they are called.

use anyhow::{Result, bail};
use wasm3x::{CompilationMode, Config, Linker, Store, TypedFunc};

use super::{Engine, Entry, Instance, Kind, Module};

/// Both modes.
pub fn entries() -> Vec<Entry> {
    let modes = [("wasm3", CompilationMode::Lazy), ("wasm3-eager", CompilationMode::Eager)];
    let entry = |(name, mode)| {
        Entry::new(name, Kind::Interpreter, move || Ok(Wasm3 { engine: engine(mode) }))
            .variant(mode == CompilationMode::Eager)
    };
    modes.map(entry).into()
}

fn engine(mode: CompilationMode) -> wasm3x::Engine {
    let mut config = Config::new();
    // So large that the C library maps it anew each time, and nobody has to clear it.
    config.compilation_mode(mode).stack_size(48 << 20);
    wasm3x::Engine::new(&config)
}

struct Wasm3 {
    engine: wasm3x::Engine,
}

impl Engine for Wasm3 {
    fn load(&self, wasm: &[u8]) -> Result<Box<dyn Module>> {
        Ok(Box::new(Loaded(wasm3x::Module::new(&self.engine, wasm)?)))
    }
}

struct Loaded(wasm3x::Module);

impl Module for Loaded {
    fn instantiate(self: Box<Self>) -> Result<Box<dyn Instance>> {
        let mut store = Store::new(self.0.engine(), ());
        let instance = Linker::new(self.0.engine()).instantiate_and_start(&mut store, &self.0)?;
        let run = instance.get_typed_func(&store, "run").map_err(|error| error.to_string());
        Ok(Box::new(Running { store, run }))
    }
}

struct Running {
    store: Store<()>,
    /// Or why there is none: looking for it translates it.
    run: Result<TypedFunc<i32, i64>, String>,
}

impl Instance for Running {
    fn run(&mut self, n: i32) -> Result<i64> {
        match &self.run {
            Ok(run) => Ok(run.call(&mut self.store, n)?),
            Err(error) => bail!("{error}"),
        }
    }
}
