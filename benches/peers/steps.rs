//! A module's way through one engine, step by step, with what each step cost. Panics of engines are errors here.

use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::{Context as _, Result, anyhow};

use crate::clock::Cost;
use crate::engines::{Engine, Instance};

/// A module that an engine took.
pub struct Loaded {
    /// Bytes to module.
    pub load: Cost,
    /// The instance and module to instance, or why there is none.
    pub instance: Result<(Box<dyn Instance>, Cost)>,
}

/// Bytes to instance.
pub fn start(engine: &dyn Engine, wasm: &[u8]) -> Result<Loaded> {
    let (module, cost) = Cost::of(|| guarded(|| engine.load(wasm)));
    let module = module.context("load")?;
    let load = module.own_cost().unwrap_or(cost);
    let (instance, cost) = Cost::of(|| guarded(|| module.instantiate()));
    let instance = instance.context("instantiate").map(|instance| {
        let cost = instance.own_cost().unwrap_or(cost);
        (instance, cost)
    });
    Ok(Loaded { load, instance })
}

/// Calls `run`.
pub fn run(instance: &mut dyn Instance, n: i32) -> Result<(i64, Cost)> {
    let (result, cost) = Cost::of(|| guarded(|| instance.run(n)));
    Ok((result.context("run")?, instance.own_cost().unwrap_or(cost)))
}

fn guarded<T>(step: impl FnOnce() -> Result<T>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(step)) {
        Ok(result) => result,
        Err(payload) => {
            let text = payload.downcast_ref::<String>().map(String::as_str);
            Err(anyhow!("panic: {}", text.or(payload.downcast_ref().copied()).unwrap_or("no message")))
        }
    }
}
