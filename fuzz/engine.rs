//! What the oracle asks of an engine, and what it learns.

use terrace_abi::TrapKind;

use crate::value::{Type, Value};

/// How much fuel an instantiation or a call may take.
pub const FUEL: u64 = 10_000;

/// The most bytes that a memory may have.
pub const MAX_MEMORY: usize = 16 << 20;

/// The most elements that a table may have.
pub const MAX_TABLE: usize = 100_000;

/// The name of the custom section with a module that is instantiated first, and the module name of imports from it.
pub const LINKED: &str = "linked";

/// The module name of imports from the host.
pub const HOST: &str = "host";

/// The host's function, of any type with equal parameters and results, an i32 first. It adds one to that, and, by the
/// number's lowest bits, traps, or calls the caller's function of the same type that is exported as `f0`.
pub const CALL_BACK: &str = "call back";

/// An engine in one configuration.
pub trait Engine {
    /// Its name, configuration included.
    fn name(&self) -> String;

    /// Loads and instantiates a module that imports nothing but from [`LINKED`] and [`HOST`].
    fn instantiate(&self, wasm: &[u8]) -> Result<Box<dyn Instance>, LoadError>;
}

/// Why there is no instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// The module is not valid.
    Invalid(String),
    /// The module asks for what the engine does not have or does not allow.
    Refused(String),
    /// A segment or the start function did not complete.
    Stopped(Outcome),
}

/// An exported function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its parameters.
    pub params: Vec<Type>,
}

/// An instance in a store of its own.
pub trait Instance {
    /// The exported functions, in order.
    fn functions(&self) -> Vec<Function>;

    /// Calls an exported function with [`FUEL`] to use, if the engine measures fuel.
    fn call(&mut self, name: &str, args: &[Value]) -> Outcome;

    /// Fuel that the last call used.
    fn fuel_used(&self) -> Option<u64>;

    /// The values of the exported globals, in order of their names.
    fn globals(&self) -> Vec<Value>;

    /// The contents of the exported memories, in order of their names.
    fn memories(&self) -> Vec<Vec<u8>>;

    /// For each exported table, in order of their names, whether its elements are null.
    fn tables(&self) -> Vec<Vec<bool>>;
}

/// A wasm frame of a trap: function index and module offset.
pub type Position = (u32, Option<u32>);

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With results.
    Returned(Vec<Value>),
    /// With a trap.
    Trapped {
        /// Its kind.
        kind: TrapKind,
        /// Where, if the engine tells.
        position: Option<Vec<Position>>,
    },
    /// With an exception.
    Thrown,
    /// With an error of the engine: something it does not support, or a limit of its own.
    Failed(String),
}

impl Outcome {
    /// The kind of trap.
    pub fn trap(&self) -> Option<TrapKind> {
        match self {
            Outcome::Trapped { kind, .. } => Some(*kind),
            _ => None,
        }
    }
}
