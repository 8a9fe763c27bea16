//! What stores and modules have in common: settings, canonical types, the tier, the epoch.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wasmparser::WasmFeatures;

use super::config::{Config, TierDown};
use super::types::TypeRegistry;
use crate::tier::manager::Manager;
use crate::tier::policies::PolicyError;
use crate::tier::reclaim::Reclaimer;
use crate::tier::{Support, Tier, TierId};

/// Why an engine cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// Features that neither the engine nor its tier can run.
    #[error("unsupported features: {}", names(*.0))]
    Features(WasmFeatures),
    /// The stack limit is too small to enter wasm, or larger than any address space.
    #[error("the stack limit of {0} bytes is out of range")]
    MaxStack(usize),
    /// The policy cannot be used.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The policy compiles, and the tier does not.
    #[error("policy {policy} needs a tier that compiles, which {tier} does not")]
    NoCompiler {
        /// The policy's name.
        policy: &'static str,
        /// The tier.
        tier: TierId,
    },
}

fn names(features: WasmFeatures) -> String {
    let names: Vec<_> = features.iter_names().map(|(name, _)| name.to_lowercase()).collect();
    names.join(", ")
}

/// The environment of stores and modules. Clones are the same engine.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    config: Config,
    types: TypeRegistry,
    tier: Arc<dyn Tier>,
    /// If the policy compiles anything.
    manager: Option<Manager>,
    reclaimer: Arc<Reclaimer>,
    epoch: AtomicU64,
}

impl Engine {
    /// The least and greatest stack limit: several entries' charges, and what two mappings surely find room for.
    const MAX_STACK: std::ops::RangeInclusive<usize> = 64 << 10..=1 << 40;

    /// An engine that runs on `tier`.
    pub fn new(mut config: Config, tier: Arc<dyn Tier>) -> Result<Engine, EngineError> {
        let mut missing = config.features - Config::FEATURES;
        if let Support::Without(features) = tier.support(config.features) {
            missing |= features & config.features;
        }
        if !missing.is_empty() {
            return Err(EngineError::Features(missing));
        }
        if !Engine::MAX_STACK.contains(&config.max_stack) {
            return Err(EngineError::MaxStack(config.max_stack));
        }
        config.polls |= config.tier_down != TierDown::Never;
        let policy = config.policy.get_or_insert_with(|| tier.policy());
        let manager = match policy.compiles() {
            false => None,
            true => {
                let lacks = EngineError::NoCompiler { policy: policy.name(), tier: tier.id() };
                Some(Manager::new(policy, tier.compiler().ok_or(lacks)?, config.compile_threads)?)
            }
        };
        let (types, reclaimer, epoch) = (TypeRegistry::new(), Reclaimer::new(), AtomicU64::new(0));
        Ok(Engine(Arc::new(Inner { config, types, tier, manager, reclaimer, epoch })))
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The canonical types.
    pub fn types(&self) -> &TypeRegistry {
        &self.0.types
    }

    /// The tier that functions run on.
    pub fn tier(&self) -> &Arc<dyn Tier> {
        &self.0.tier
    }

    /// What decides about compilation; `None` if nothing is compiled.
    pub fn manager(&self) -> Option<&Manager> {
        self.0.manager.as_ref()
    }

    /// What decides when machine code may be freed.
    pub(crate) fn reclaimer(&self) -> &Arc<Reclaimer> {
        &self.0.reclaimer
    }

    /// The epoch counter. Its address is good as long as any clone of the engine.
    pub fn epoch(&self) -> &AtomicU64 {
        &self.0.epoch
    }

    /// Begins the next epoch. May be called from any thread and from signal handlers.
    pub fn increment_epoch(&self) {
        self.0.epoch.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether both are the same engine.
    pub fn is_same(&self, other: &Engine) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tier = self.0.tier.id();
        f.debug_struct("Engine").field("tier", &tier).field("config", &self.0.config).finish()
    }
}
