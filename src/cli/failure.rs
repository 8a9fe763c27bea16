//! How the program fails: a message of one line and an exit code that scripts can tell apart.

use std::fmt::Display;
use std::path::Path;

/// The exit code for a trap, or a timeout, which is one: what a shell makes of SIGABRT.
pub const TRAP: i32 = 134;

/// An error for the user.
#[derive(Debug)]
pub struct Failure {
    /// The program's exit code.
    pub code: i32,
    /// What is printed behind `error: `.
    pub message: String,
}

pub type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    /// The command line asks for something that makes no sense.
    pub fn usage(message: impl Display) -> Failure {
        Failure { code: 2, message: one_line(message) }
    }

    /// Something that the program was given is unreadable, invalid or incomplete.
    pub fn bad(message: impl Display) -> Failure {
        Failure { code: 1, message: one_line(message) }
    }

    /// A file is at fault.
    pub fn file(path: &Path, message: impl Display) -> Failure {
        Failure::bad(format_args!("{}: {message}", path.display()))
    }

    /// The output cannot be written.
    pub fn output(error: impl Display) -> Failure {
        Failure::bad(format_args!("cannot write the output: {error}"))
    }

    /// The guest was stopped.
    pub fn trap(message: impl Display) -> Failure {
        Failure { code: TRAP, message: message.to_string() }
    }
}

/// Some messages of libraries have several lines.
fn one_line(message: impl Display) -> String {
    let message = message.to_string();
    let lines: Vec<&str> = message.lines().map(str::trim).collect();
    lines.join(" ")
}
