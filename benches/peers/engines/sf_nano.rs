//! Silverfir-nano: its interpreter and its JIT with guard pages. Both are of one build; the engine's configuration chooses.
//!
//! Loading parses and validates; instantiating translates or compiles every function, on one thread.

use anyhow::{Result, bail};
use sf_nano_core::{Config, Func, Import, Tier, Value};

use super::{Engine, Entry, Instance, Kind, Module};
use crate::STACK;
use crate::imports::{self, Stub};

const TIERS: [(&str, Kind, Tier); 2] =
    [("sf-nano-interp", Kind::Interpreter, Tier::Interp), ("sf-nano-jit", Kind::Compiler, Tier::Jit)];

/// Both tiers.
pub fn entries() -> Vec<Entry> {
    TIERS.map(|(name, kind, tier)| Entry::new(name, kind, move || Ok(SfNano { engine: engine(tier)? }))).into()
}

/// The tier that an engine's name means.
pub fn parse(name: &str) -> Option<Tier> {
    TIERS.iter().find(|tier| tier.0 == name).map(|tier| tier.2)
}

/// An engine on this tier, whose stack suffices for deep recursion.
pub fn engine(tier: Tier) -> Result<sf_nano_core::Engine> {
    let config = Config::new().tier(tier).wasm_stack_bytes(STACK / 4).parallel_compilation(false);
    sf_nano_core::Engine::new(config).map_err(|error| anyhow::anyhow!("{error:?}"))
}

struct SfNano {
    engine: sf_nano_core::Engine,
}

impl Engine for SfNano {
    fn load(&self, wasm: &[u8]) -> Result<Box<dyn Module>> {
        let module = sf_nano_core::Module::new("module", wasm)?;
        Ok(Box::new(Loaded { engine: self.engine, stubs: imports::stubs(wasm), module }))
    }
}

struct Loaded {
    engine: sf_nano_core::Engine,
    stubs: Result<Vec<Stub>>,
    module: sf_nano_core::Module,
}

impl Module for Loaded {
    fn instantiate(self: Box<Self>) -> Result<Box<dyn Instance>> {
        let stub =
            |stub: &Stub| Import::func(&stub.module, &stub.name, |_, _, _| Err(sf_nano_core::WasmError::trap("stub")));
        let imports: Vec<Import> = self.stubs?.iter().map(stub).collect();
        let instance = sf_nano_core::Instance::from_module(&self.engine, self.module, &imports)?;
        let run = instance.get_func("run");
        Ok(Box::new(Running { instance, run }))
    }
}

struct Running {
    instance: sf_nano_core::Instance,
    run: Option<Func>,
}

impl Instance for Running {
    fn run(&mut self, n: i32) -> Result<i64> {
        let mut results = [Value::I64(0)];
        self.instance.call(super::exported(self.run.as_ref())?, &[Value::I32(n)], &mut results)?;
        match results {
            [Value::I64(result)] => Ok(result),
            _ => bail!("the result is no i64"),
        }
    }
}
