//! makepad-stitch. It validates at load and translates at the first call. It has no host functions of dynamic type, so that
//! modules with imports cannot be instantiated.

use anyhow::{Result, bail};
use makepad_stitch::{Func, Linker, Store, Val};

use super::{Engine, Entry, Instance, Kind, Module};

/// Its only mode.
pub fn entries() -> Vec<Entry> {
    vec![Entry::new("stitch", Kind::Interpreter, || Ok(Stitch))]
}

struct Stitch;

impl Engine for Stitch {
    fn load(&self, wasm: &[u8]) -> Result<Box<dyn Module>> {
        let store = Store::new(makepad_stitch::Engine::new());
        let module = makepad_stitch::Module::new(store.engine(), wasm)?;
        Ok(Box::new(Loaded { store, module }))
    }
}

struct Loaded {
    store: Store,
    module: makepad_stitch::Module,
}

impl Module for Loaded {
    fn instantiate(self: Box<Self>) -> Result<Box<dyn Instance>> {
        let Loaded { mut store, module } = *self;
        if let Some(((namespace, name), _)) = module.imports().next() {
            bail!("no stub for the import {namespace}.{name}");
        }
        let instance = Linker::new().instantiate(&mut store, &module)?;
        let run = instance.exported_func("run");
        Ok(Box::new(Running { store, run }))
    }
}

struct Running {
    store: Store,
    run: Option<Func>,
}

impl Instance for Running {
    fn run(&mut self, n: i32) -> Result<i64> {
        let mut results = [Val::I64(0)];
        super::exported(self.run)?.call(&mut self.store, &[Val::I32(n)], &mut results)?;
        match results {
            [Val::I64(result)] => Ok(result),
            _ => bail!("the result is no i64"),
        }
    }
}
