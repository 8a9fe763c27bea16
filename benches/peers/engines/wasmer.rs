//! wasmer's singlepass compiler, on one thread.

use std::num::NonZero;

use anyhow::{Result, bail};
use wasmer::sys::EngineBuilder;
use wasmer::{ExternType, Function, RuntimeError, Store, TypedFunction, imports};
use wasmer_compiler_singlepass::Singlepass;

use super::{Engine, Entry, Instance, Kind, Module};

/// Its only mode.
pub fn entries() -> Vec<Entry> {
    vec![Entry::new("singlepass", Kind::Compiler, || Ok(Wasmer))]
}

struct Wasmer;

impl Engine for Wasmer {
    fn load(&self, wasm: &[u8]) -> Result<Box<dyn Module>> {
        let mut compiler = Singlepass::new();
        compiler.num_threads(NonZero::<usize>::MIN);
        let store = Store::new(EngineBuilder::new(compiler).engine());
        let module = wasmer::Module::from_binary(&store, wasm)?;
        Ok(Box::new(Loaded { store, module }))
    }
}

struct Loaded {
    store: Store,
    module: wasmer::Module,
}

impl Module for Loaded {
    fn instantiate(self: Box<Self>) -> Result<Box<dyn Instance>> {
        let Loaded { mut store, module } = *self;
        let mut imports = imports! {};
        for import in module.imports() {
            let ExternType::Function(ty) = import.ty() else {
                bail!("no stub for the import {}.{}", import.module(), import.name());
            };
            let stub = Function::new(&mut store, ty, |_| Err(RuntimeError::new("stub")));
            imports.define(import.module(), import.name(), stub);
        }
        let instance = wasmer::Instance::new(&mut store, &module, &imports)?;
        let run = instance.exports.get_typed_function(&store, "run").ok();
        Ok(Box::new(Running { store, _instance: instance, run }))
    }
}

struct Running {
    store: Store,
    _instance: wasmer::Instance,
    run: Option<TypedFunction<i32, i64>>,
}

impl Instance for Running {
    fn run(&mut self, n: i32) -> Result<i64> {
        Ok(super::exported(self.run.as_ref())?.call(&mut self.store, n)?)
    }
}
