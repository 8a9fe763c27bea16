//! The execution tiers that engines can run on. A new tier is one row here.

use std::sync::Arc;

use terrace_core::tier::{Tier, Unsupported};
use terrace_interp::Interp;
use terrace_jit::{Jit, Tiered};
use terrace_reference::Reference;

/// A tier that an engine can be asked to run on.
#[derive(Debug)]
pub(crate) struct Registration {
    pub(crate) name: &'static str,
    /// Whether this machine can run it; if not, what it lacks.
    pub(crate) available: fn() -> Result<(), Unsupported>,
    pub(crate) make: fn() -> Arc<dyn Tier>,
}

/// Every tier, the preferred one first. The last runs on every machine.
static TIERS: [Registration; 4] = [
    Registration { name: Interp::ID.0, available: Interp::available, make: || Arc::new(Interp) },
    Registration { name: Tiered::ID.0, available: Tiered::available, make: || Arc::new(Tiered) },
    Registration { name: Jit::ID.0, available: Jit::available, make: || Arc::new(Jit) },
    Registration { name: Reference::ID.0, available: || Ok(()), make: || Arc::new(Reference) },
];

/// The tiers that this machine can run; the first is the default.
pub(crate) fn available() -> impl Iterator<Item = &'static Registration> {
    TIERS.iter().filter(|tier| match (tier.available)() {
        Ok(()) => true,
        Err(lacks) => {
            tracing::debug!("{lacks}");
            false
        }
    })
}

/// What engines run on unless they are told otherwise.
pub(crate) fn default() -> &'static Registration {
    match available().next() {
        Some(tier) => tier,
        None => unreachable!("one tier runs on every machine"),
    }
}

/// The tier of this name, whether or not this machine can run it.
pub(crate) fn find(name: &str) -> Option<&'static Registration> {
    TIERS.iter().find(|tier| tier.name == name)
}
