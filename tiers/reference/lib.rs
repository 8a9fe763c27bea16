//! Terrace's portable reference interpreter.
//!
//! It runs every op of the table in plain Rust, and is what the other tiers are held against: clear first, and fast only
//! as far as that allows. One loop executes all wasm frames above a slot entry; wasm calls do not recurse in Rust.
//!
//! What an operator computes is [`terrace_abi::meaning`]; the modules here say where its operands lie, for each shape and
//! form of the table once.

use terrace_core::runtime::SlotEntry;
use terrace_core::tier::{Code, CompileRequest, Support, Tier, TierId, Unsupported};
use wasmparser::WasmFeatures;

mod access;
mod atomic;
mod bulk;
mod call;
mod control;
mod loads;
mod machine;
mod run;
mod shape;
mod site;
mod table;
mod value;

/// The reference tier.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reference;

impl Reference {
    /// The tier's name.
    pub const ID: TierId = TierId("reference");
}

impl Tier for Reference {
    fn id(&self) -> TierId {
        Reference::ID
    }

    fn support(&self, _: WasmFeatures) -> Support {
        Support::Full
    }

    fn compile(&self, _: &CompileRequest<'_>) -> Result<Code, Unsupported> {
        Ok(Code { entry: machine::entry as SlotEntry })
    }
}
