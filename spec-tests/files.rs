//! Scripts from files and directories, run side by side.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::report::{Failure, Location, Report};
use crate::script::{Options, run_script};
use crate::suites::{ALL_FEATURES, Script, proposal_features};

/// Scripts nest their blocks as deep as parsers allow.
const STACK: usize = 16 << 20;

/// Reads a script, or all scripts below a directory, in order of their names.
///
/// A script may use everything that the engine implements, but for copies of proposals: below a directory
/// `proposals/NAME` the features are those of that proposal's time.
///
/// # Errors
///
/// A file or directory cannot be read.
pub fn read_scripts(path: &Path) -> io::Result<Vec<Script>> {
    let mut scripts = Vec::new();
    collect(path, &mut scripts)?;
    Ok(scripts)
}

fn collect(path: &Path, scripts: &mut Vec<Script>) -> io::Result<()> {
    if path.is_dir() {
        let entries = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>();
        let mut entries = entries?;
        entries.sort();
        for entry in entries.iter().filter(|entry| entry.is_dir() || entry.extension().is_some_and(|e| e == "wast")) {
            collect(entry, scripts)?;
        }
        return Ok(());
    }
    let text = String::from_utf8(fs::read(path)?)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()))?;
    scripts.push(Script { name: path.display().to_string(), features: features_of(path), text });
    Ok(())
}

/// The features of a script at this path.
fn features_of(path: &Path) -> terrace::WasmFeatures {
    let mut names = path.components().map(|component| component.as_os_str().to_string_lossy());
    match names.find(|name| name == "proposals").and_then(|_| names.next()) {
        Some(proposal) => proposal_features(&proposal).unwrap_or(ALL_FEATURES),
        None => ALL_FEATURES,
    }
}

/// Runs a script, or all scripts below a directory.
///
/// # Errors
///
/// A file or directory cannot be read.
pub fn run_path(path: &Path, options: &Options) -> io::Result<Report> {
    let scripts = read_scripts(path)?;
    Ok(run_scripts(&scripts, options))
}

/// Runs scripts on all of the machine's processors. The report is in the order of the scripts.
pub fn run_scripts(scripts: &[Script], options: &Options) -> Report {
    let next = AtomicUsize::new(0);
    let reports: Mutex<Vec<(usize, Report)>> = Mutex::default();
    let work = || {
        while let Some((i, script)) = {
            let i = next.fetch_add(1, Ordering::Relaxed);
            scripts.get(i).map(|script| (i, script))
        } {
            let report = run_script(script, options);
            match reports.lock() {
                Ok(mut reports) => reports.push((i, report)),
                Err(_) => unreachable!("nothing panics with the lock held"),
            }
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from).min(scripts.len()).max(1);
    let failed = thread::scope(|scope| {
        let workers: Vec<_> =
            (0..workers).map(|_| thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work)).collect();
        workers.into_iter().filter_map(Result::err).next()
    });
    let mut reports = reports.into_inner().unwrap_or_default();
    reports.sort_by_key(|(i, _)| *i);
    let mut total = Report::default();
    for (_, report) in reports {
        total.merge(report);
    }
    if let Some(error) = failed {
        let location = Location { file: String::new(), line: 0 };
        total.failures.push(Failure { location, message: format!("cannot start a thread: {error}") });
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_of_proposals_have_the_features_of_their_time() {
        let threads = features_of(Path::new("testsuite/proposals/threads/imports.wast"));
        assert!(threads.threads() && !threads.reference_types());
        assert_eq!(features_of(Path::new("test/core/simd/simd_const.wast")), ALL_FEATURES);
        assert_eq!(features_of(Path::new("proposals/unheard-of/a.wast")), ALL_FEATURES);
    }
}
