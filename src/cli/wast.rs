//! Scripts of the spec testsuite.

use std::io::Write;

use terrace_spec_tests::{Options, Report, run_path};

use crate::args::WastArgs;
use crate::failure::{Failure, Result};

/// Runs `terrace wast` and returns the exit code. The report's last line has the totals.
pub fn wast(args: &WastArgs) -> Result<i32> {
    if let Some(tier) = &args.tier {
        terrace::Config::new().tier(tier).map_err(Failure::usage)?;
    }
    let mut options = Options { tier: args.tier.clone(), ..Options::default() };
    if let Some(level) = args.level {
        options.level = level.into();
    }
    let mut report = Report::default();
    for path in &args.paths {
        let found = run_path(path, &options);
        report.merge(found.map_err(|error| Failure::file(path, format_args!("cannot read: {error}")))?);
    }
    writeln!(std::io::stdout(), "{report}").map_err(Failure::output)?;
    Ok(i32::from(!report.is_success()))
}
