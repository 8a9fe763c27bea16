//! How an engine is set up.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::thread;

use wasmparser::WasmFeatures;

use crate::bytecode::{CodeConfig, Level};
use crate::tier::listener::CodeListener;
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

/// When polls of compiled code leave it for the interpreter, for tests and experiments: results never depend on it. Anything but `Never`
/// implies polls, which all ask the runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum TierDown {
    /// They do not.
    #[default]
    Never,
    /// Every so many polls of compiled code in a store, one of them does. The activation comes back wherever it could have entered
    /// compiled code before; with 1, it gets no further there than to the next poll.
    Every(NonZeroU32),
    /// Behind so many polls of compiled code in a store, they do for good: a function that comes to another one loses its machine code,
    /// and is not compiled again.
    After(u64),
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
    /// When activations leave compiled code.
    pub tier_down: TierDown,
    /// How many threads compile in the background.
    pub compile_threads: usize,
    /// How much memory the machine code of a module may take, in bytes. Where it does not suffice, what was compiled the longest ago goes
    /// back to the interpreter.
    pub max_code: usize,
    /// Who is told about machine code that is installed.
    pub code_listeners: Vec<Arc<dyn CodeListener>>,
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
            tier_down: TierDown::default(),
            compile_threads: thread::available_parallelism().map_or(1, |count| count.get().div_ceil(2)),
            max_code: 1 << 30,
            code_listeners: Vec::new(),
            heap: HeapConfig::default(),
            verify_bytecode: false,
        }
    }
}
