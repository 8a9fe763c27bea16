//! An engine from the command line.

use terrace::{Config, Engine};
use wasmparser::WasmFeatures;

use crate::args::{EngineArgs, Level, Translation};
use crate::failure::{Failure, Result};
use crate::features;

/// The proposals that are on.
pub fn features(list: Option<&str>) -> Result<WasmFeatures> {
    let default = Config::new().enabled_features();
    match list {
        None => Ok(default),
        Some(list) => features::apply(list, default, terrace_core::runtime::Config::FEATURES).map_err(Failure::usage),
    }
}

/// The settings that were asked for.
pub fn config(args: &EngineArgs) -> Result<Config> {
    let mut config = Config::new();
    if let Some(tier) = &args.tier {
        config.tier(tier).map_err(Failure::usage)?;
    }
    if let Some(policy) = &args.policy {
        config.policy(policy.clone());
    }
    config.features(features(args.features.as_deref())?);
    if let Some(level) = args.level {
        config.level(level.into());
    }
    if let Some(translation) = args.translation {
        config.translation(translation.into());
    }
    if let Some(bytes) = args.max_stack {
        config.max_stack(bytes);
    }
    config.explicit_bounds(args.explicit_bounds).deterministic(args.deterministic);
    Ok(config)
}

/// An engine with these settings.
pub fn engine(config: &Config) -> Result<Engine> {
    Engine::new(config).map_err(Failure::usage)
}

impl From<Level> for terrace::Level {
    fn from(level: Level) -> terrace::Level {
        match level {
            Level::Plain => terrace::Level::Plain,
            Level::Folded => terrace::Level::Folded,
        }
    }
}

impl From<Translation> for terrace::Translation {
    fn from(translation: Translation) -> terrace::Translation {
        match translation {
            Translation::Eager => terrace::Translation::Eager,
            Translation::Parallel => terrace::Translation::Parallel,
            Translation::Lazy => terrace::Translation::Lazy,
            Translation::LazyValidation => terrace::Translation::LazyValidation,
        }
    }
}
