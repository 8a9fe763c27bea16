//! What `--perf` and `--debug-jit` ask for.

use std::sync::Arc;

use terrace::{CodeListener, Config};
use terrace_observe::Gdb;

use crate::args::{PerfFormat, RunArgs};
use crate::failure::{Failure, Result};

/// Adds the listeners that were asked for.
pub fn add_listeners(args: &RunArgs, config: &mut Config) -> Result<()> {
    if let Some(format) = args.perf {
        config.code_listener(perf(format)?);
    }
    if args.debug_jit {
        config.code_listener(Arc::new(Gdb));
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn perf(format: PerfFormat) -> Result<Arc<dyn CodeListener>> {
    use terrace_observe::{Jitdump, PerfMap};

    let failed = |path: &std::path::Path, error| Failure::file(path, format_args!("cannot write for perf: {error}"));
    Ok(match format {
        PerfFormat::Map => Arc::new(PerfMap::create().map_err(|error| failed(&PerfMap::path(), error))?),
        PerfFormat::Jitdump => {
            Arc::new(Jitdump::create(".".as_ref()).map_err(|error| failed(&Jitdump::name(), error))?)
        }
    })
}

#[cfg(not(target_os = "linux"))]
fn perf(_: PerfFormat) -> Result<Arc<dyn CodeListener>> {
    Err(Failure::usage("there is no perf on this system"))
}
