//! The `terrace` program.

mod args;
mod disasm;
mod engine;
mod failure;
mod features;
mod inspect;
mod literal;
mod load;
#[cfg(target_arch = "x86_64")]
mod machine;
mod observe;
mod profile;
#[cfg(target_arch = "x86_64")]
mod records;
mod run;
mod stats;
mod timeout;
mod trace;
mod validate;
mod wasi_setup;
mod wast;

use std::io::{BufWriter, Write};

use clap::{CommandFactory, Parser};

use args::{Cli, Command};
use failure::{Failure, Result};

// The unwinder as part of the program. Loading the shared one, and what that asks of the processor before `main`, would take a
// tenth of the time of a small guest.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[link(name = "gcc_eh", kind = "static", modifiers = "-bundle")]
unsafe extern "C" {}

fn main() {
    end_quietly_with_the_pipe();
    let code = match dispatch(Cli::parse()) {
        Ok(code) => code,
        Err(Failure { code, message }) => {
            let _ = writeln!(std::io::stderr(), "error: {message}");
            code
        }
    };
    std::process::exit(code);
}

/// Runs the command and returns the exit code.
fn dispatch(cli: Cli) -> Result<i32> {
    match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Profile(args) => profile::profile(&args),
        Command::Wast(args) => wast::wast(&args),
        Command::Validate(args) => validate::validate(&args).map(|()| 0),
        Command::Inspect(args) => print(|out| inspect::inspect(&args, out)),
        Command::Disasm(args) => print(|out| disasm::disasm(&args, out)),
        Command::Completions { shell } => print(|out| {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "terrace", &mut script);
            out.write_all(&script).map_err(Failure::output)
        }),
    }
}

/// Gives `command` a buffered standard output.
fn print(command: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<i32> {
    let mut out = BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    command(&mut out)?;
    out.flush().map_err(Failure::output)?;
    Ok(0)
}

/// Lets a closed pipe end the process, as it ends every other program of a pipeline. Rust's runtime has that ignored, and a
/// guest that does not look at its errors would go on for ever.
fn end_quietly_with_the_pipe() {
    // SAFETY: no other thread runs yet, and the default action is no handler that could do anything wrong.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
    }
}
