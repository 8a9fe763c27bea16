//! How an engine is set up.

use std::thread;

use wasmparser::WasmFeatures;

use crate::bytecode::{CodeConfig, Level};
use crate::tier::policies::PolicySpec;

use super::heap::HeapConfig;
use super::memory::MemoryTunables;

/// When functions are validated and translated. Which mode is chosen changes when an error in a function shows, never what
/// a valid module does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Translation {
    /// Both at load.
    Eager,
    /// Both at load, on all of the machine's processors.
    Parallel,
    /// Validated at load, translated at the first call.
    #[default]
    Lazy,
    /// Both at the first call: a module with invalid functions loads, and calling one of those fails.
    LazyValidation,
}

/// Settings of an engine.
#[derive(Clone, Debug)]
pub struct Config {
    /// The proposals that modules may use.
    pub features: WasmFeatures,
    /// When functions are validated and translated.
    pub translation: Translation,
    /// How much the translator folds.
    pub level: Level,
    /// Whether execution consumes fuel.
    pub fuel: bool,
    /// Whether execution polls for epoch deadlines and interruption.
    pub polls: bool,
    /// Whether NaNs that operators make are canonical.
    pub canonicalize_nans: bool,
    /// Whether the same calls give the same results on every machine. Implies canonical NaNs; embedders take clocks and
    /// randomness from this too.
    pub deterministic: bool,
    /// How memories are held.
    pub memory: MemoryTunables,
    /// How much stack the wasm frames of a store may take, in bytes of charge.
    pub max_stack: usize,
    /// When functions are compiled; by default, as the tier has it. Policies that compile need a tier that can. An engine's is never
    /// `None`.
    pub policy: Option<PolicySpec>,
    /// How many threads compile in the background.
    pub compile_threads: usize,
    /// How much memory the machine code of a module may take, in bytes.
    pub max_code: usize,
    /// What the heap of references may do.
    pub heap: HeapConfig,
    /// Whether everything that is translated is verified. A failure is a bug of the engine, and panics.
    pub verify_bytecode: bool,
}

impl Config {
    /// The features that the engine knows how to run.
    pub const FEATURES: WasmFeatures = WasmFeatures::WASM3
        .union(WasmFeatures::THREADS)
        .union(WasmFeatures::CUSTOM_PAGE_SIZES)
        .union(WasmFeatures::WIDE_ARITHMETIC)
        .union(WasmFeatures::COMPACT_IMPORTS);

    /// The configuration that bytecode is made for.
    pub fn code(&self) -> CodeConfig {
        CodeConfig {
            level: self.level,
            fuel: self.fuel,
            polls: self.polls,
            profile: self.policy.as_ref().is_some_and(PolicySpec::counts),
            canonicalize_nans: self.canonicalize_nans || self.deterministic,
        }
    }
}

impl Default for Config {
    fn default() -> Config {
        Config {
            features: Config::FEATURES,
            translation: Translation::default(),
            level: Level::default(),
            fuel: false,
            polls: false,
            canonicalize_nans: false,
            deterministic: false,
            memory: MemoryTunables::default(),
            max_stack: 64 << 20,
            policy: None,
            compile_threads: thread::available_parallelism().map_or(1, |count| count.get().div_ceil(2)),
            max_code: 1 << 30,
            heap: HeapConfig::default(),
            verify_bytecode: false,
        }
    }
}
