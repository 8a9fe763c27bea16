//! What stores, modules and linkers have in common.

use std::fmt;

use terrace_core::runtime;
use terrace_core::tier::manager::EventSink;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::tiers;

/// The environment of modules, linkers and stores: settings, canonical types, a tier and the epoch.
///
/// Clones are the same engine. Objects of different engines do not mix: using them together is an error.
///
/// ```
/// use terrace::{Config, Engine};
///
/// let engine = Engine::default();
/// assert!(engine.same(&engine.clone()));
/// assert!(!engine.same(&Engine::new(&Config::new())?));
/// assert_eq!(engine.tier(), Engine::tiers()[0]);
/// # Ok::<(), terrace::Error>(())
/// ```
#[derive(Clone)]
pub struct Engine {
    pub(crate) core: runtime::Engine,
}

impl Engine {
    /// An engine with these settings.
    ///
    /// # Errors
    ///
    /// A setting is out of range, or asks for what the tier cannot run, or the machine cannot run the tier.
    pub fn new(config: &Config) -> Result<Engine> {
        (config.tier.available)()?;
        Ok(Engine { core: runtime::Engine::new(config.core.clone(), (config.tier.make)())? })
    }

    /// The names of the tiers that this machine can run; the first is the default.
    pub fn tiers() -> Vec<&'static str> {
        tiers::available().map(|tier| tier.name).collect()
    }

    /// Hands the events of modules that are loaded from now on to `sink`, with what the policy does about them. There are none if the
    /// policy compiles nothing.
    pub fn record_events(&self, sink: EventSink) {
        if let Some(manager) = self.core.manager() {
            manager.record_events(Some(sink));
        }
    }

    /// Waits until nothing is compiled in the background any more.
    pub fn wait_for_compilation(&self) {
        if let Some(manager) = self.core.manager() {
            manager.wait_idle();
        }
    }

    /// The name of the tier that functions run on.
    pub fn tier(&self) -> &'static str {
        self.core.tier().id().0
    }

    /// Whether both are the same engine.
    pub fn same(&self, other: &Engine) -> bool {
        self.core.is_same(&other.core)
    }

    /// Whether this engine is set up to give the same results on every machine.
    pub fn is_deterministic(&self) -> bool {
        self.core.config().deterministic
    }

    /// Begins the next epoch: stores whose deadline it is stop. May be called from any thread and from signal handlers.
    pub fn increment_epoch(&self) {
        self.core.increment_epoch();
    }

    pub(crate) fn check(&self, other: &runtime::Engine) -> Result<()> {
        if self.core.is_same(other) { Ok(()) } else { Err(Error::OtherEngine) }
    }
}

impl Default for Engine {
    /// An engine with the default settings, which every tier can run.
    fn default() -> Engine {
        match Engine::new(&Config::default()) {
            Ok(engine) => engine,
            Err(error) => unreachable!("the default settings are valid: {error}"),
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.core.fmt(f)
    }
}
