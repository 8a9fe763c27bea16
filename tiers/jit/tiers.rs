//! The tiers that compile: everything before it runs, or what a policy asks for while the interpreter runs it.

use std::sync::Arc;

use terrace_core::runtime::Module;
use terrace_core::tier::code::{CodeError, MachineCode};
use terrace_core::tier::manager::{CompileError, Compiler};
use terrace_core::tier::policies::{Counter, PolicySpec};
use terrace_core::tier::{Code, CompileRequest, Support, Tier, TierId, Unsupported};
use terrace_interp::{Interp, transition};
use wasmparser::WasmFeatures;

use crate::emit;

/// The assembler of the machine that this program runs on.
#[cfg(target_arch = "x86_64")]
type Native = terrace_masm::x64::X64;
/// The assembler of the machine that this program runs on.
#[cfg(target_arch = "aarch64")]
type Native = terrace_masm::a64::A64;

/// Everything is compiled before it runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Jit;

impl Jit {
    /// The tier's name.
    pub const ID: TierId = TierId("jit");

    /// Whether this machine can run the tier; if not, what it lacks.
    pub fn available() -> Result<(), Unsupported> {
        available(Jit::ID)
    }
}

/// The interpreter runs everything at first, and a policy decides what is compiled, and when.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tiered;

impl Tiered {
    /// The tier's name.
    pub const ID: TierId = TierId("tiered");

    /// Whether this machine can run the tier; if not, what it lacks.
    pub fn available() -> Result<(), Unsupported> {
        available(Tiered::ID)
    }
}

/// Compiled code needs the interpreter beside it.
fn available(tier: TierId) -> Result<(), Unsupported> {
    Interp::available().map_err(|lacks| Unsupported { tier, what: lacks.what })
}

/// Makes a module run in the interpreter, with room for compiled code.
fn prepare(tier: TierId, request: &CompileRequest<'_>) -> Result<Code, Unsupported> {
    let code = Interp.compile(request)?;
    transition::prepare(request.module).map_err(|error| Unsupported { tier, what: error.to_string() })?;
    Ok(code)
}

/// Compiles a function by its index among those that the module defines, and says what each piece of its code is for:
/// [`MachineCode::pcs`] is filled in. Otherwise, the code is what the tiers run. For tools.
///
/// # Panics
///
/// If the module defines no such function.
pub fn compile_mapped(module: &Module, function: u32) -> Result<MachineCode, CompileError> {
    let function = module.code(function).map_err(|_| CompileError::Translation)?;
    Ok(emit::emit::<Native>(module, function, true))
}

/// The compiler of both tiers.
#[derive(Clone, Copy, Debug)]
struct Template;

impl Compiler for Template {
    fn compile(&self, module: &Module, function: u32) -> Result<MachineCode, CompileError> {
        let function = module.code(function).map_err(|_| CompileError::Translation)?;
        Ok(emit::emit::<Native>(module, function, false))
    }

    fn install(&self, module: &Module, functions: Vec<(u32, MachineCode)>) -> Result<(), CodeError> {
        // SAFETY: the code is the functions', by the emitter's rules.
        unsafe { transition::install(module, functions) }
    }
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
        let code = prepare(Jit::ID, request)?;
        let failed = |what: String| Unsupported { tier: Jit::ID, what };
        let mut functions = Vec::with_capacity(module.defined_funcs() as usize);
        for function in 0..module.defined_funcs() {
            match Template.compile(module, function) {
                Ok(compiled) => functions.push((function, compiled)),
                // A function that is invalid has no code; whoever calls it is told why.
                Err(CompileError::Translation) => {}
                Err(error) => return Err(failed(error.to_string())),
            }
        }
        Template.install(module, functions).map_err(|error| failed(error.to_string()))?;
        Ok(code)
    }
}

impl Tier for Tiered {
    fn id(&self) -> TierId {
        Tiered::ID
    }

    fn support(&self, features: WasmFeatures) -> Support {
        Interp.support(features)
    }

    fn compile(&self, request: &CompileRequest<'_>) -> Result<Code, Unsupported> {
        prepare(Tiered::ID, request)
    }

    fn compiler(&self) -> Option<Arc<dyn Compiler>> {
        Some(Arc::new(Template))
    }

    fn policy(&self) -> PolicySpec {
        PolicySpec::Counter(Counter::default())
    }
}
