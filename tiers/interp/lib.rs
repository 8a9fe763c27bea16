//! Terrace's assembled interpreter.
//!
//! Handlers are machine code that the build script generates from the op templates and that is linked as text: starting it maps no
//! executable memory, and it runs where that is forbidden. What a handler may rely on is a contract between three parts:
//!
//! * `classes` says which handlers there are, for which operands in registers;
//! * the generator (`generate/`, run by `build.rs`) writes them;
//! * `link` makes a function's running form: the same words, each op field replaced by the offset of the handler that fits.
//!
//! wasm frames live in the store's stack of frames, as those of every tier; the native stack holds one frame for each entry from the
//! host (`entry`). Whatever is rare is done by the `helpers`.

#[allow(dead_code, reason = "shared with the build script, which uses the rest")]
pub mod activation;
#[cfg(terrace_assembled)]
#[allow(dead_code, reason = "shared with the build script, which uses the rest")]
mod classes;
#[cfg(terrace_assembled)]
mod entry;
#[cfg(terrace_assembled)]
mod helpers;
#[cfg(terrace_assembled)]
mod link;
#[cfg(terrace_assembled)]
mod pins;
#[cfg(terrace_assembled)]
mod plan;
#[cfg(terrace_assembled)]
pub mod probe;
#[cfg(terrace_assembled)]
mod text;
#[cfg_attr(not(terrace_assembled), path = "transition_absent.rs")]
pub mod transition;
#[cfg(terrace_assembled)]
mod unlink;

#[cfg(terrace_assembled)]
pub use unlink::canonical;

use terrace_core::tier::{Code, CompileRequest, Support, Tier, TierId, Unsupported};
use wasmparser::WasmFeatures;

/// The assembled interpreter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Interp;

impl Interp {
    /// The tier's name.
    pub const ID: TierId = TierId("interp");

    fn unsupported(what: impl Into<String>) -> Unsupported {
        Unsupported { tier: Interp::ID, what: what.into() }
    }

    /// Whether this machine can run the tier; if not, what it lacks.
    pub fn available() -> Result<(), Unsupported> {
        #[cfg(terrace_assembled)]
        {
            match text::missing_features().as_slice() {
                [] => Ok(()),
                missing => Err(Interp::unsupported(format!("processors without {}", missing.join(", ")))),
            }
        }
        #[cfg(not(terrace_assembled))]
        Err(Interp::unsupported(format!("machines of type {}", std::env::consts::ARCH)))
    }
}

impl Tier for Interp {
    fn id(&self) -> TierId {
        Interp::ID
    }

    fn support(&self, _: WasmFeatures) -> Support {
        Support::Full
    }

    #[cfg(terrace_assembled)]
    fn compile(&self, _: &CompileRequest<'_>) -> Result<Code, Unsupported> {
        Interp::available()?;
        text::install().map_err(|error| Interp::unsupported(format!("this system's fault handling: {error}")))?;
        Ok(Code { entry: entry::entry })
    }

    #[cfg(not(terrace_assembled))]
    fn compile(&self, _: &CompileRequest<'_>) -> Result<Code, Unsupported> {
        Interp::available()?;
        unreachable!("without handlers the tier is not available")
    }
}
