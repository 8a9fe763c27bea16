//! WAMR's fast interpreter, with bounds checked in software unless the feature `wamr-guard-pages` is on.
//!
//! Loading validates and translates. Host functions are known to the whole process and must be there before, so that stubs
//! are made at load.

use anyhow::{Result, bail};
use wamrx::{FuncType, Linker, Val, ValType};

use super::{Engine, Entry, Instance, Kind, Module};
use crate::imports;

/// Its only mode.
pub fn entries() -> Vec<Entry> {
    vec![Entry::new("wamr", Kind::Interpreter, || Ok(Wamr { engine: wamrx::Engine::new()? }))]
}

struct Wamr {
    engine: wamrx::Engine,
}

fn value_types(types: &[wasmparser::ValType]) -> Option<Vec<ValType>> {
    let ty = |ty: &wasmparser::ValType| match ty {
        wasmparser::ValType::I32 => Some(ValType::I32),
        wasmparser::ValType::I64 => Some(ValType::I64),
        wasmparser::ValType::F32 => Some(ValType::F32),
        wasmparser::ValType::F64 => Some(ValType::F64),
        _ => None,
    };
    types.iter().map(ty).collect()
}

impl Engine for Wamr {
    fn load(&self, wasm: &[u8]) -> Result<Box<dyn Module>> {
        let mut linker = Linker::new(&self.engine);
        for stub in imports::stubs(wasm).unwrap_or_default() {
            let (params, results) = (value_types(stub.ty.params()), value_types(stub.ty.results()));
            let (Some(params), Some(results)) = (params, results) else {
                bail!("no stub for the import {}.{}", stub.module, stub.name);
            };
            linker.define_func(&stub.module, &stub.name, FuncType::new(params, results), |_, _| {})?;
        }
        Ok(Box::new(Loaded { linker, module: wamrx::Module::new(&self.engine, wasm)? }))
    }
}

struct Loaded {
    linker: Linker,
    module: wamrx::Module,
}

impl Module for Loaded {
    fn instantiate(self: Box<Self>) -> Result<Box<dyn Instance>> {
        let instance = self.linker.instantiate(self.module)?;
        Ok(Box::new(Running(instance)))
    }
}

struct Running(wamrx::Instance);

impl Instance for Running {
    fn run(&mut self, n: i32) -> Result<i64> {
        let mut results = [Val::I64(0)];
        self.0.get_func("run")?.call(&[Val::I32(n)], &mut results)?;
        match results {
            [Val::I64(result)] => Ok(result),
            _ => bail!("the result is no i64"),
        }
    }
}
