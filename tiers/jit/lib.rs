//! Terrace's template JIT: bytecode to machine code in two linear passes.
//!
//! The first pass chooses which locals each loop keeps in registers (`analyze`), the second emits (`emit`): the templates of the
//! interpreter's handlers, with operands burned in. Code is position-independent data until it is installed.
//!
//! Compiled code and the interpreter are one machine. They share frames, the entry from the host, helpers for whatever is rare, and
//! unwinding, so this crate stands on the interpreter's and an activation can change sides at any loop.

mod analyze;
mod emit;

use terrace_core::runtime::Module;
use terrace_core::tier::code::MachineCode;
use terrace_core::tier::{Code, CompileRequest, Support, Tier, TierId, Unsupported};
use terrace_interp::{Interp, transition};
use wasmparser::WasmFeatures;

/// The assembler of the machine that this program runs on.
#[cfg(target_arch = "x86_64")]
type Native = terrace_masm::x64::X64;
/// The assembler of the machine that this program runs on.
#[cfg(target_arch = "aarch64")]
type Native = terrace_masm::a64::A64;

/// The compiler alone: everything is compiled before it runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Jit;

impl Jit {
    /// The tier's name.
    pub const ID: TierId = TierId("jit");

    fn unsupported(what: impl Into<String>) -> Unsupported {
        Unsupported { tier: Jit::ID, what: what.into() }
    }

    /// Whether this machine can run the tier; if not, what it lacks.
    pub fn available() -> Result<(), Unsupported> {
        Interp::available().map_err(|lacks| Jit::unsupported(lacks.what))
    }
}

/// Compiles one function of a module, which may be any that has bytecode.
pub fn compile(module: &Module, defined: u32) -> Option<MachineCode> {
    let function = module.code(defined).ok()?;
    Some(emit::emit::<Native>(module, function))
}

impl Tier for Jit {
    fn id(&self) -> TierId {
        Jit::ID
    }

    fn support(&self, features: WasmFeatures) -> Support {
        Interp.support(features)
    }

    fn compile(&self, request: &CompileRequest<'_>) -> Result<Code, Unsupported> {
        let module = request.module;
        let code = Interp.compile(request)?;
        transition::prepare(module).map_err(|error| Jit::unsupported(error.to_string()))?;
        // A function that is invalid has no code; whoever calls it is told why.
        let functions = (0..module.defined_funcs()).filter_map(|defined| Some((defined, compile(module, defined)?)));
        // SAFETY: the code is the functions', by the emitter's rules.
        unsafe { transition::install(module, functions.collect()) }.map_err(|error| Jit::unsupported(error.to_string()))?;
        Ok(code)
    }
}
