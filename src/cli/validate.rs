//! Whether a module is valid.

use terrace::Module;

use crate::args::ValidateArgs;
use crate::engine;
use crate::failure::{Failure, Result};
use crate::load::load;

/// Runs `terrace validate`.
pub fn validate(args: &ValidateArgs) -> Result<()> {
    let mut config = terrace::Config::new();
    config.features(engine::features(args.features.as_deref())?);
    let engine = engine::engine(&config)?;
    let bytes = load(&args.file)?;
    Module::validate(&engine, &bytes).map_err(|error| Failure::file(&args.file, error))
}
