//! How an engine is set up.

use std::sync::Arc;

use terrace_core::bytecode::Level;
use terrace_core::runtime::{self, TierDown, Translation};
use terrace_core::tier::listener::CodeListener;
use terrace_core::tier::policies::PolicySpec;
use wasmparser::WasmFeatures;

use crate::error::{Error, Result};
use crate::tiers::{self, Registration};

/// Settings of an [`Engine`](crate::Engine).
///
/// By default engines run on the fastest tier that the machine can run, every proposal of WebAssembly 3.0 and threads are
/// on, functions are validated at load and translated at their first call, and execution is not metered.
///
/// ```
/// use terrace::{Config, Engine};
///
/// let mut config = Config::new();
/// config.consume_fuel(true).wasm_simd(false).max_stack(1 << 20);
/// let engine = Engine::new(&config)?;
/// # Ok::<(), terrace::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) core: runtime::Config,
    pub(crate) tier: &'static Registration,
}

impl Default for Config {
    fn default() -> Config {
        let features = WasmFeatures::WASM3 | WasmFeatures::THREADS;
        Config { core: runtime::Config { features, ..runtime::Config::default() }, tier: tiers::default() }
    }
}

macro_rules! proposals {
    ($($(#[$doc:meta])* $method:ident = $flag:ident;)*) => {
        /// One switch for each proposal. Validation refuses what a proposal that is off would allow.
        impl Config {
            $(
                $(#[$doc])*
                pub fn $method(&mut self, enable: bool) -> &mut Config {
                    self.core.features.set(WasmFeatures::$flag, enable);
                    self
                }
            )*
        }
    };
}

proposals! {
    /// Imports and exports of mutable globals.
    wasm_mutable_global = MUTABLE_GLOBAL;
    /// Conversions from floats to integers that saturate.
    wasm_saturating_float_to_int = SATURATING_FLOAT_TO_INT;
    /// Sign extension operators.
    wasm_sign_extension = SIGN_EXTENSION;
    /// Blocks and functions with several results.
    wasm_multi_value = MULTI_VALUE;
    /// Bulk operations on memories and tables.
    wasm_bulk_memory = BULK_MEMORY;
    /// Reference types and several tables.
    wasm_reference_types = REFERENCE_TYPES;
    /// 128-bit vectors.
    wasm_simd = SIMD;
    /// Vector operators whose results may depend on the machine.
    wasm_relaxed_simd = RELAXED_SIMD;
    /// Tail calls.
    wasm_tail_call = TAIL_CALL;
    /// Arithmetic in constant expressions.
    wasm_extended_const = EXTENDED_CONST;
    /// Several memories in a module.
    wasm_multi_memory = MULTI_MEMORY;
    /// Memories and tables with 64-bit indices.
    wasm_memory64 = MEMORY64;
    /// Typed function references.
    wasm_function_references = FUNCTION_REFERENCES;
    /// Garbage-collected types. Modules are validated; a function that operates on structures or arrays is refused by name
    /// when it is translated.
    wasm_gc = GC;
    /// Exceptions.
    wasm_exceptions = EXCEPTIONS;
    /// Shared memories and atomic operators.
    wasm_threads = THREADS;
    /// Memories whose pages are bytes. Off by default.
    wasm_custom_page_sizes = CUSTOM_PAGE_SIZES;
    /// 128-bit integer arithmetic. Off by default.
    wasm_wide_arithmetic = WIDE_ARITHMETIC;
    /// The compact encoding of imports. Off by default.
    wasm_compact_imports = COMPACT_IMPORTS;
}

impl Config {
    /// The default settings.
    pub fn new() -> Config {
        Config::default()
    }

    /// Runs functions on the tier of this name; see [`Engine::tiers`](crate::Engine::tiers).
    ///
    /// # Errors
    ///
    /// There is no such tier.
    pub fn tier(&mut self, name: &str) -> Result<&mut Config> {
        self.tier = tiers::find(name).ok_or_else(|| Error::UnknownTier(name.to_owned()))?;
        Ok(self)
    }

    /// When functions are compiled to machine code. Programs cannot tell, but for their speed. A policy that compiles anything needs a
    /// tier that can.
    ///
    /// ```
    /// use terrace::Config;
    ///
    /// let mut config = Config::new();
    /// config.policy("counter:threshold=500,mode=background".parse()?);
    /// # Ok::<(), terrace::PolicyError>(())
    /// ```
    pub fn policy(&mut self, policy: PolicySpec) -> &mut Config {
        self.core.policy = Some(policy);
        self
    }

    /// How many threads compile in the background.
    pub fn compile_threads(&mut self, threads: usize) -> &mut Config {
        self.core.compile_threads = threads;
        self
    }

    /// How much memory the machine code of a module may take, in bytes. What does not fit is interpreted.
    pub fn max_code(&mut self, bytes: usize) -> &mut Config {
        self.core.max_code = bytes;
        self
    }

    /// When polls of machine code leave it for the interpreter.
    pub fn tier_down(&mut self, when: TierDown) -> &mut Config {
        self.core.tier_down = when;
        self
    }

    /// Tells `listener` about machine code, whenever some is installed or freed.
    pub fn code_listener(&mut self, listener: Arc<dyn CodeListener>) -> &mut Config {
        self.core.code_listeners.push(listener);
        self
    }

    /// When functions are validated and translated.
    pub fn translation(&mut self, translation: Translation) -> &mut Config {
        self.core.translation = translation;
        self
    }

    /// How much the translator folds. Programs cannot tell, but for their speed.
    pub fn level(&mut self, level: Level) -> &mut Config {
        self.core.level = level;
        self
    }

    /// Turns on exactly these proposals.
    pub fn features(&mut self, features: WasmFeatures) -> &mut Config {
        self.core.features = features;
        self
    }

    /// The proposals that are on.
    pub fn enabled_features(&self) -> WasmFeatures {
        self.core.features
    }

    /// Execution consumes fuel, and traps when there is none: see [`Store::set_fuel`](crate::Store::set_fuel).
    pub fn consume_fuel(&mut self, enable: bool) -> &mut Config {
        self.core.fuel = enable;
        self
    }

    /// Execution stops at epoch deadlines ([`Store::set_epoch_deadline`](crate::Store::set_epoch_deadline)) and when an
    /// [`InterruptHandle`](crate::InterruptHandle) asks for it. Without this, neither has an effect.
    pub fn epoch_interruption(&mut self, enable: bool) -> &mut Config {
        self.core.polls = enable;
        self
    }

    /// Operators that make NaNs make the canonical one.
    pub fn canonicalize_nans(&mut self, enable: bool) -> &mut Config {
        self.core.canonicalize_nans = enable;
        self
    }

    /// The same calls give the same results on every machine. Implies canonical NaNs.
    pub fn deterministic(&mut self, enable: bool) -> &mut Config {
        self.core.deterministic = enable;
        self
    }

    /// How many bytes of stack the wasm frames of a store may take. One more is a trap.
    pub fn max_stack(&mut self, bytes: usize) -> &mut Config {
        self.core.max_stack = bytes;
        self
    }

    /// Memory accesses are checked by comparison instead of guard pages, so that memories reserve no more address space
    /// than they need.
    pub fn explicit_bounds(&mut self, enable: bool) -> &mut Config {
        self.core.memory.explicit_bounds = enable;
        self
    }

    /// Checks everything that is translated with the bytecode verifier, which panics at what would be a bug of the translator.
    pub fn verify_bytecode(&mut self, enable: bool) -> &mut Config {
        self.core.verify_bytecode = enable;
        self
    }

    /// How many bytes the references of a store may take.
    pub fn max_gc_heap(&mut self, bytes: u32) -> &mut Config {
        self.core.heap.capacity = bytes;
        self
    }

    /// Collects the heap of references at every opportunity: slow, and finds references that are not rooted.
    pub fn gc_stress(&mut self, enable: bool) -> &mut Config {
        self.core.heap.stress = enable;
        self
    }
}
