//! Terrace, once for each tier and mode of translation.

use anyhow::Result;
use terrace::{Config, Linker, Store, Translation, TypedFunc};

use super::{Engine, Entry, Instance, Kind, Module};
use crate::STACK;

/// What the names of all our engines begin with.
pub const PREFIX: &str = "terrace-";

const MODES: [(&str, Translation); 3] =
    [("", Translation::Lazy), ("-eager", Translation::Eager), ("-lazy-validation", Translation::LazyValidation)];

/// Tiers that make machine code; every other tier interprets.
const COMPILERS: [&str; 2] = ["jit", "opt"];

/// Every tier in every mode; a name without a mode translates lazily.
pub fn entries() -> Vec<Entry> {
    let tiers = terrace::Engine::tiers();
    let modes = tiers.into_iter().flat_map(|tier| MODES.map(|(mode, translation)| (tier, mode, translation)));
    let entry = |(tier, mode, translation): (&'static str, &str, Translation)| {
        let kind = if COMPILERS.contains(&tier) { Kind::Compiler } else { Kind::Interpreter };
        Entry::new(format!("{PREFIX}{tier}{mode}"), kind, move || Ok(Terrace { engine: engine(tier, translation)? }))
            .variant(!mode.is_empty())
    };
    modes.map(entry).collect()
}

/// The tier and mode that an engine's name means.
pub fn parse(name: &str) -> Option<(&'static str, Translation)> {
    let rest = name.strip_prefix(PREFIX)?;
    let tiers = terrace::Engine::tiers();
    MODES.iter().find_map(|&(mode, translation)| {
        let tier = rest.strip_suffix(mode)?;
        tiers.iter().find(|&&known| known == tier).map(|&tier| (tier, translation))
    })
}

/// An engine on this tier.
pub fn engine(tier: &str, translation: Translation) -> Result<terrace::Engine> {
    Ok(terrace::Engine::new(Config::new().tier(tier)?.translation(translation).max_stack(STACK / 2))?)
}

struct Terrace {
    engine: terrace::Engine,
}

impl Engine for Terrace {
    fn load(&self, wasm: &[u8]) -> Result<Box<dyn Module>> {
        Ok(Box::new(Loaded(terrace::Module::from_binary(&self.engine, wasm)?)))
    }
}

struct Loaded(terrace::Module);

impl Module for Loaded {
    fn instantiate(self: Box<Self>) -> Result<Box<dyn Instance>> {
        let engine = self.0.engine();
        let mut linker = Linker::new(engine);
        linker.define_unknown_imports_as_traps(&self.0)?;
        let mut store = Store::try_new(engine, ())?;
        let instance = linker.instantiate(&mut store, &self.0)?;
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
        Ok(super::exported(self.run.as_ref())?.call(&mut self.store, n)?)
    }
}
