//! The execution tiers that engines can run on. A new tier is one row here.

use std::sync::Arc;

use terrace_core::tier::Tier;
use terrace_interp::Interp;
use terrace_reference::Reference;

/// A tier that an engine can be asked to run on.
pub(crate) struct Registration {
    pub(crate) name: &'static str,
    pub(crate) make: fn() -> Arc<dyn Tier>,
}

/// Every tier; the first is the default.
pub(crate) const TIERS: &[Registration] = &[
    Registration { name: "reference", make: || Arc::new(Reference) },
    Registration { name: "interp", make: || Arc::new(Interp) },
];

/// The tier of this name.
pub(crate) fn find(name: &str) -> Option<&'static Registration> {
    TIERS.iter().find(|tier| tier.name == name)
}
