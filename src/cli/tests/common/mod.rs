//! The program as scripts see it: arguments in, exit code and both outputs back.

#![allow(dead_code, reason = "each test crate uses a part")]

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A directory for a test's files.
pub struct Files(TempDir);

impl Files {
    pub fn new() -> Files {
        Files(TempDir::new().expect("a temporary directory"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file and returns its path.
    pub fn file(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, contents).expect("a writable directory");
        path
    }
}

/// What a run of the program gave.
pub struct Run {
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// Asserts that all went well, and returns the standard output.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!((self.code, &*self.stderr), (Some(0), ""), "stdout: {}", self.stdout);
        self.stdout
    }

    /// Asserts a failure of one line with these pieces in it.
    #[track_caller]
    pub fn fails(self, code: i32, pieces: &[&str]) {
        self.stops(code, pieces);
        assert_eq!(self.stderr.lines().count(), 1, "{}", self.stderr);
    }

    /// Asserts a failure whose first line has these pieces in it.
    #[track_caller]
    pub fn stops(&self, code: i32, pieces: &[&str]) {
        assert_eq!(self.code, Some(code), "stdout: {}, stderr: {}", self.stdout, self.stderr);
        let line = self.stderr.lines().next().unwrap_or_default();
        assert!(line.starts_with("error: "), "{}", self.stderr);
        for piece in pieces {
            assert!(line.contains(piece), "no `{piece}` in: {line}");
        }
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Run {
        Run {
            code: output.status.code(),
            signal: output.status.signal(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// The program with arguments, and without our environment.
pub fn command<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_terrace"));
    command.env_clear().args(args).stdin(Stdio::null());
    command
}

/// Runs the program with empty input.
pub fn terrace<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Run {
    command(args).output().expect("the program starts").into()
}

/// Runs the program with this input.
pub fn with_input<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>, input: &[u8]) -> Run {
    let mut command = command(args);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // Who does not read to the end closes the pipe, which is no failure here.
    let _ = stdin.write_all(input);
    drop(stdin);
    child.wait_with_output().expect("the program ends").into()
}

/// Runs the program with arguments written as one line; `FILE` stands for `file`.
pub fn line(line: &str, file: &Path) -> Run {
    terrace(line.split(' ').map(|word| if word == "FILE" { file.as_os_str() } else { OsStr::new(word) }))
}

/// One of our own WASI programs.
pub fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benches/programs").join(format!("{name}.wasm"))
}
