//! The map of a process's generated code that `perf report` reads: a line per function.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use terrace_core::tier::listener::{CodeListener, InstalledCode};

/// Writes `/tmp/perf-PID.map`.
#[derive(Debug)]
pub struct PerfMap(Mutex<File>);

impl PerfMap {
    /// Begins the map of this process.
    ///
    /// # Errors
    ///
    /// The file cannot be made.
    pub fn create() -> io::Result<PerfMap> {
        PerfMap::at(&PerfMap::path())
    }

    /// Where perf looks for the map of this process.
    pub fn path() -> PathBuf {
        format!("/tmp/perf-{}.map", std::process::id()).into()
    }

    fn at(path: &Path) -> io::Result<PerfMap> {
        // Everybody can write to this directory: a file of an earlier process is removed, and links are not followed.
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        Ok(PerfMap(Mutex::new(OpenOptions::new().write(true).create_new(true).open(path)?)))
    }
}

impl CodeListener for PerfMap {
    fn installed(&self, functions: &[InstalledCode<'_>]) {
        let mut lines = String::new();
        for function in functions {
            let (address, len) = (function.code.as_ptr().addr(), function.code.len());
            let _ = writeln!(lines, "{address:x} {len:x} {function}");
        }
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(lines.as_bytes()) {
            tracing::warn!(%error, "perf's map is incomplete");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code;

    #[test]
    fn functions_are_lines_and_links_are_not_followed() {
        let directory = tempfile::tempdir().expect("a directory");
        let (path, other) = (directory.path().join("map"), directory.path().join("other"));
        fs::write(&other, "kept").expect("a file");
        std::os::unix::fs::symlink(&other, &path).expect("a link");
        let bytes = [0x90; 17];
        let map = PerfMap::at(&path).expect("a file");
        map.installed(&[code("f g", &bytes[..1]), code("h\n", &bytes[1..])]);
        let start = bytes.as_ptr().addr();
        let expected = format!("{start:x} 1 wasm[m]::f g\n{:x} 10 wasm[m]::h?\n", start + 1);
        assert_eq!(fs::read_to_string(&path).expect("a file"), expected);
        assert_eq!(fs::read_to_string(&other).expect("a file"), "kept");
    }
}
