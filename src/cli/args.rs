//! The command line.
//!
//! What scripts rely on: our options come before FILE, and everything behind it belongs to the guest.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use terrace::PolicySpec;
use terrace_wasi::FsPerms;

/// A WebAssembly runtime.
#[derive(Debug, Parser)]
#[command(name = "terrace", version, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a module
    ///
    /// A WASI command runs its `_start`; a reactor is initialized; --invoke calls any exported function. The exit code is the
    /// guest's, 134 if it was stopped by a trap or a timeout, 1 if the module cannot be run and 2 if the command line is wrong.
    Run(Box<RunArgs>),
    /// Run a module, and print its hot functions and loops
    ///
    /// The guest is sampled: after each interval, where it next begins a function or an iteration of a loop. So a sample stands for what
    /// ran since the last such place, host functions included.
    Profile(Box<ProfileArgs>),
    /// Run scripts of the WebAssembly spec testsuite
    Wast(WastArgs),
    /// Check that a module is valid
    Validate(ValidateArgs),
    /// Show what a module is made of
    Inspect(InspectArgs),
    /// Show functions as wasm beside their bytecode, and as machine code
    Disasm(DisasmArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// How code is made and run.
#[derive(Debug, Args)]
pub struct EngineArgs {
    /// Execution tier (by default interp, or reference where the machine cannot run that)
    #[arg(long, value_name = "NAME")]
    pub tier: Option<String>,
    /// When functions are compiled: NAME[:PARAMETER=VALUE,...], or a TOML file
    #[arg(long, value_name = "POLICY", value_parser = PolicySpec::from_argument)]
    pub policy: Option<PolicySpec>,
    /// Proposals, as changes to the default: [+]NAME, -NAME, all, none, wasm1, wasm2, wasm3
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    pub features: Option<String>,
    /// How much the translator folds
    #[arg(long, value_enum)]
    pub level: Option<Level>,
    /// When functions are validated and translated
    #[arg(long, value_enum, value_name = "MODE")]
    pub translation: Option<Translation>,
    /// Check memory accesses explicitly instead of by guard pages
    #[arg(long)]
    pub explicit_bounds: bool,
    /// Give the same results on every machine and in every run: canonical NaNs, virtual clock, seeded random
    #[arg(long)]
    pub deterministic: bool,
    /// Most stack that wasm frames may take, in bytes (with k, m, g)
    #[arg(long, value_name = "N", value_parser = size)]
    pub max_stack: Option<usize>,
}

/// Arguments of `terrace run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub engine: EngineArgs,
    /// Call this export; ARGS are its arguments, as literals of the text format (v128 as 0x… or i32x4:1,2,3,4)
    #[arg(long, value_name = "FUNC")]
    pub invoke: Option<String>,
    /// Give the guest a directory, under the same name or as GUEST
    #[arg(long = "dir", value_name = "HOST[::GUEST[::ro]]", value_parser = OsStringValueParser::new().try_map(dir))]
    pub dirs: Vec<Dir>,
    /// Set an environment variable; K alone passes on ours
    #[arg(long = "env", value_name = "K=V", value_parser = OsStringValueParser::new().try_map(variable))]
    pub env: Vec<Variable>,
    /// The guest's argument 0 instead of FILE
    #[arg(long, value_name = "NAME")]
    pub argv0: Option<OsString>,
    /// Instantiate FILE first and give its exports to later modules as NAME
    #[arg(long = "preload", value_name = "NAME=FILE", value_parser = OsStringValueParser::new().try_map(preload))]
    pub preloads: Vec<Preload>,
    /// Give the guest a listening TCP socket
    #[arg(long, value_name = "ADDR")]
    pub tcp_listen: Vec<String>,
    /// Trap when this much fuel is used up
    #[arg(long, value_name = "N")]
    pub fuel: Option<u64>,
    /// Stop after a while (500ms, 2s, 1m)
    #[arg(long, value_name = "D", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// Most bytes of each memory (with k, m, g); more than that cannot be instantiated and not be grown to
    #[arg(long, value_name = "N", value_parser = size)]
    pub max_memory: Option<usize>,
    /// Go back to the interpreter for good behind N polls of machine code, which are at entries and loop heads
    #[arg(long, value_name = "N")]
    pub tier_down_at: Option<u64>,
    /// Write what happens to functions, and what the policy does about it, as lines of JSON
    #[arg(long, value_name = "FILE")]
    pub record_events: Option<PathBuf>,
    /// Write a timeline of compilation, in the format of Chrome's tracing
    #[arg(long, value_name = "FILE")]
    pub timeline: Option<PathBuf>,
    /// Tell the profiler perf of machine code: in /tmp/perf-PID.map, or with its bytes in ./jit-PID.dump for perf inject
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub perf: Option<PerfFormat>,
    /// Tell debuggers of machine code, so that GDB knows the names of functions
    #[arg(long)]
    pub debug_jit: bool,
    /// Print times and sizes to stderr
    #[arg(long, value_name = "FORMAT", num_args = 0..=1, require_equals = true, default_missing_value = "text")]
    pub stats: Option<StatsFormat>,
    /// The module (.wasm, .wat, or - for standard input), and the guest's arguments
    #[arg(value_names = ["FILE", "ARGS"], required = true, trailing_var_arg = true)]
    file_and_args: Vec<OsString>,
}

impl RunArgs {
    /// The module's file.
    pub fn file(&self) -> PathBuf {
        self.file_and_args.first().map(PathBuf::from).unwrap_or_default()
    }

    /// The guest's arguments.
    pub fn guest_args(&self) -> &[OsString] {
        self.file_and_args.get(1..).unwrap_or_default()
    }
}

/// Arguments of `terrace profile`.
#[derive(Debug, Args)]
pub struct ProfileArgs {
    /// How long it is from one sample to the next (1ms, 10ms)
    #[arg(long, value_name = "D", value_parser = duration, default_value = "1ms")]
    pub interval: Duration,
    /// How many functions and loops to print
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub top: usize,
    /// Write a flame graph
    #[arg(long, value_name = "FILE")]
    pub flame_graph: Option<PathBuf>,
    /// Write the stacks, one per line with its number of samples
    #[arg(long, value_name = "FILE")]
    pub folded: Option<PathBuf>,
    #[command(flatten)]
    pub run: RunArgs,
}

/// Arguments of `terrace wast`.
#[derive(Debug, Args)]
pub struct WastArgs {
    /// Execution tier (by default interp, or reference where the machine cannot run that)
    #[arg(long, value_name = "NAME")]
    pub tier: Option<String>,
    /// How much the translator folds
    #[arg(long, value_enum)]
    pub level: Option<Level>,
    /// Files and directories
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

/// Arguments of `terrace validate`.
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// Proposals, as for run
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    pub features: Option<String>,
    /// The module (.wasm, .wat, or -)
    pub file: PathBuf,
}

/// Arguments of `terrace inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// The module (.wasm, .wat, or -)
    pub file: PathBuf,
}

/// Arguments of `terrace disasm`.
#[derive(Debug, Args)]
pub struct DisasmArgs {
    /// Only this function, by its name, the name of its export, or its index
    #[arg(long, value_name = "NAME|INDEX")]
    pub func: Option<String>,
    /// Which tier's code: the bytecode that interpreters run, or also the machine code that it is compiled to
    #[arg(long, value_enum, default_value = "interp", value_name = "NAME")]
    pub tier: DisasmTier,
    /// How much the translator folds
    #[arg(long, value_enum, default_value = "folded")]
    pub level: Level,
    /// Proposals, as for run
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    pub features: Option<String>,
    /// The module (.wasm, .wat, or -)
    pub file: PathBuf,
}

/// What is shown of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DisasmTier {
    /// Bytecode
    Interp,
    /// Bytecode and machine code
    Jit,
}

/// Translation levels by name.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Level {
    /// One op per wasm operator
    Plain,
    /// Operands, immediates, addresses and compares are folded
    Folded,
}

/// Translation modes by name.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Translation {
    /// Both at load
    Eager,
    /// Both at load, on all processors
    Parallel,
    /// Validated at load, translated at the first call (the default)
    Lazy,
    /// Both at the first call
    LazyValidation,
}

/// Files for perf.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum PerfFormat {
    /// Names and addresses
    Map,
    /// Names, addresses and bytes
    Jitdump,
}

/// How statistics are printed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum StatsFormat {
    /// For people
    Text,
    /// One object
    Json,
}

/// A directory that the guest is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dir {
    pub host: PathBuf,
    pub guest: String,
    pub perms: FsPerms,
}

/// An environment variable, with its value or ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    pub name: OsString,
    pub value: Option<OsString>,
}

/// A module that is instantiated first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preload {
    pub name: String,
    pub file: PathBuf,
}

/// Both sides of the first `separator`.
fn split<'a>(text: &'a OsStr, separator: &str) -> Option<(&'a OsStr, &'a OsStr)> {
    let bytes = text.as_bytes();
    let at = bytes.windows(separator.len()).position(|window| window == separator.as_bytes())?;
    Some((OsStr::from_bytes(&bytes[..at]), OsStr::from_bytes(&bytes[at + separator.len()..])))
}

fn utf8(text: &OsStr) -> Result<String, String> {
    text.to_str().map(str::to_owned).ok_or_else(|| format!("{} is not UTF-8", text.display()))
}

fn dir(text: OsString) -> Result<Dir, String> {
    let (host, rest) = split(&text, "::").unwrap_or((&text, &text));
    let (guest, perms) = match split(rest, "::") {
        None => (rest, FsPerms::ReadWrite),
        Some((guest, mode)) if mode == "ro" => (guest, FsPerms::ReadOnly),
        Some((_, mode)) => return Err(format!("expected `ro` instead of `{}`", mode.display())),
    };
    match host.is_empty() || guest.is_empty() {
        true => Err("a directory has an empty name".to_owned()),
        false => Ok(Dir { host: host.into(), guest: utf8(guest)?, perms }),
    }
}

fn variable(text: OsString) -> Result<Variable, String> {
    let variable = match split(&text, "=") {
        Some((name, value)) => Variable { name: name.to_owned(), value: Some(value.to_owned()) },
        None => Variable { name: text, value: None },
    };
    match variable.name.is_empty() {
        true => Err("a variable has an empty name".to_owned()),
        false => Ok(variable),
    }
}

fn preload(text: OsString) -> Result<Preload, String> {
    match split(&text, "=") {
        Some((name, file)) if !file.is_empty() => {
            Ok(Preload { name: utf8(name)?, file: OsString::from_vec(file.as_bytes().to_vec()).into() })
        }
        _ => Err("expected NAME=FILE".to_owned()),
    }
}

/// A number and what follows it.
fn number_and_unit(text: &str) -> Result<(u64, &str), String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    match number.parse() {
        Ok(number) => Ok((number, unit)),
        Err(_) if number.is_empty() => Err("expected a number".to_owned()),
        Err(_) => Err("the number is too large".to_owned()),
    }
}

fn size(text: &str) -> Result<usize, String> {
    let (number, unit) = number_and_unit(text)?;
    let shift = match unit {
        "" => 0,
        "k" | "K" => 10,
        "m" | "M" => 20,
        "g" | "G" => 30,
        _ => return Err(format!("unknown unit `{unit}`; there are k, m and g")),
    };
    let bytes = number.checked_mul(1 << shift).and_then(|bytes| usize::try_from(bytes).ok());
    bytes.ok_or_else(|| "the size is too large".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = number_and_unit(text)?;
    let minutes = |minutes: u64| minutes.checked_mul(60).map(Duration::from_secs);
    let duration = match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" | "" => Some(Duration::from_secs(number)),
        "m" => minutes(number),
        "h" => number.checked_mul(60).and_then(minutes),
        _ => return Err(format!("unknown unit `{unit}`; there are ms, s, m and h")),
    };
    duration.ok_or_else(|| "the time is too long".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(args: &[&str]) -> RunArgs {
        let cli = Cli::try_parse_from(["terrace", "run"].iter().chain(args)).expect("valid arguments");
        match cli.command {
            Command::Run(run) => *run,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_definition_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn nothing_behind_the_file_is_ours() {
        let args = run(&["--fuel", "5", "f.wasm", "--fuel", "6", "--", "-x", "--stats", "--help"]);
        assert_eq!(args.fuel, Some(5));
        assert_eq!(args.file(), PathBuf::from("f.wasm"));
        assert_eq!(args.guest_args(), ["--fuel", "6", "--", "-x", "--stats", "--help"]);
        assert!(args.stats.is_none());
    }

    #[test]
    fn stdin_and_odd_names_are_files() {
        assert_eq!(run(&["-", "-1"]).file(), PathBuf::from("-"));
        let args = run(&["--", "-f.wasm", "-1"]);
        assert_eq!((args.file(), args.guest_args().len()), (PathBuf::from("-f.wasm"), 1));
    }

    #[test]
    fn unknown_options_before_the_file_are_refused() {
        assert!(Cli::try_parse_from(["terrace", "run", "--frob", "f.wasm"]).is_err());
        assert!(Cli::try_parse_from(["terrace", "run"]).is_err());
        assert!(Cli::try_parse_from(["terrace", "run", "--stats=xml", "f.wasm"]).is_err());
    }

    #[test]
    fn statistics_do_not_swallow_the_file() {
        let args = run(&["--stats", "f.wasm"]);
        assert!(matches!(args.stats, Some(StatsFormat::Text)));
        assert_eq!(args.file(), PathBuf::from("f.wasm"));
        assert!(matches!(run(&["--stats=json", "f.wasm"]).stats, Some(StatsFormat::Json)));
    }

    #[test]
    fn directories() {
        let dir = |text: &str| dir(text.into()).map(|dir| (dir.host, dir.guest, dir.perms));
        let (rw, ro) = (FsPerms::ReadWrite, FsPerms::ReadOnly);
        assert_eq!(dir("a/b"), Ok(("a/b".into(), "a/b".into(), rw)));
        assert_eq!(dir("a::/b"), Ok(("a".into(), "/b".into(), rw)));
        assert_eq!(dir("a::b::ro"), Ok(("a".into(), "b".into(), ro)));
        for wrong in ["a::b::rw", "a::b::ro::", "", "a::", "::b"] {
            assert!(dir(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn variables_and_preloads() {
        assert_eq!(variable("A=b=c".into()), Ok(Variable { name: "A".into(), value: Some("b=c".into()) }));
        assert_eq!(variable("A=".into()), Ok(Variable { name: "A".into(), value: Some("".into()) }));
        assert_eq!(variable("A".into()), Ok(Variable { name: "A".into(), value: None }));
        assert!(variable("=b".into()).is_err());
        assert_eq!(preload("m=f=g".into()), Ok(Preload { name: "m".into(), file: "f=g".into() }));
        assert_eq!(preload("=f".into()), Ok(Preload { name: "".into(), file: "f".into() }));
        assert!(preload("m".into()).is_err() && preload("m=".into()).is_err());
    }

    #[test]
    fn sizes_and_durations() {
        assert_eq!((size("17"), size("2k"), size("3M"), size("4g")), (Ok(17), Ok(2048), Ok(3 << 20), Ok(4 << 30)));
        for wrong in ["", "k", "-1", "1kb", "99999999999999999999", "99999999999999g", "1 k", "½"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!((duration("2s"), duration("1m")), (Ok(Duration::from_secs(2)), Ok(Duration::from_secs(60))));
        for wrong in ["", "s", "1d", "-1s", "99999999999999999999s", "9999999999999999999h", "1.5s"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
