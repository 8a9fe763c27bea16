//! The seam between the engine and its execution tiers.
//!
//! A tier is mechanism: it says what it can run and hands out entries. Entries are data that the engine installs in
//! function records; everything else that a tier needs (frames, stores, instances, bytecode) it finds in the runtime.

mod claim;
pub mod code;
pub mod code_memory;

pub mod events;
pub mod listener;
pub mod manager;
pub mod policies;
pub mod policy;
pub mod profile;
mod queue;
pub(crate) mod reclaim;
mod sync;
pub mod timeline;

use std::fmt;
use std::sync::Arc;

use wasmparser::WasmFeatures;

use self::manager::Compiler;
use self::policies::PolicySpec;
use crate::runtime::{Module, SlotEntry};

/// A tier's name, as configurations and command lines spell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TierId(pub &'static str);

impl fmt::Display for TierId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// What a tier cannot do, by name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("tier {tier} does not support {what}")]
pub struct Unsupported {
    /// The tier.
    pub tier: TierId,
    /// What it lacks.
    pub what: String,
}

/// How far a tier supports a set of features.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Support {
    /// Entirely.
    Full,
    /// Except for these features, which an engine on this tier refuses.
    Without(WasmFeatures),
}

/// What a tier is asked to make runnable.
#[derive(Clone, Copy, Debug)]
pub struct CompileRequest<'a> {
    /// The module whose functions are to run.
    pub module: &'a Module,
}

/// What a tier made of a module.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// The slot entry of the records of the module's functions.
    pub entry: SlotEntry,
}

/// A way of executing bytecode.
pub trait Tier: Send + Sync {
    /// The tier's name.
    fn id(&self) -> TierId;

    /// How far the tier supports `features`.
    fn support(&self, features: WasmFeatures) -> Support;

    /// Makes a module runnable.
    fn compile(&self, request: &CompileRequest<'_>) -> Result<Code, Unsupported>;

    /// What makes machine code that runs beside the tier; `None` if the tier runs everything itself.
    fn compiler(&self) -> Option<Arc<dyn Compiler>> {
        None
    }

    /// What decides about compilation unless an engine is told otherwise.
    fn policy(&self) -> PolicySpec {
        PolicySpec::default()
    }
}
