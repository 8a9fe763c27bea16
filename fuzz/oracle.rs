//! The verdict on a module: do all engines agree?

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, Once, PoisonError};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use terrace_abi::TrapKind;
use terrace_core::bytecode::Level;
use terrace_core::runtime::Translation;

use crate::engine::{Engine, LoadError, Outcome};
use crate::other::Wasmi;
use crate::terrace::{TIERS, Terrace, is_limit};
use crate::value::{Value, bytes_agree, edge_value};

/// The most calls of one export, and of one module.
const CALLS_PER_EXPORT: usize = 5;
const CALLS: usize = 60;

/// How many configurations of Terrace a module runs on, beside the one that decides and one for each tier.
const RANDOM_CONFIGURATIONS: usize = 3;

/// A disagreement, or a panic.
#[derive(Clone, Debug)]
pub struct Divergence {
    /// The engine that is held to be right.
    pub expected: String,
    /// The other one.
    pub actual: String,
    /// What differs.
    pub what: String,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  expected: {}\n  actual:   {}", self.what, self.expected, self.actual)
    }
}

/// What came of a module.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The number of calls, instantiations included, on all engines.
    pub executions: u64,
    /// The number of calls that returned on the engine that decides.
    pub returned: u64,
    /// Whether the other engine took part.
    pub other: bool,
    /// The first disagreement.
    pub divergence: Option<Divergence>,
}

type Call = (String, Vec<Value>);

#[derive(Clone, Debug)]
struct Step {
    outcome: Outcome,
    fuel: Option<u64>,
    globals: Vec<Value>,
}

/// A module's whole history on an engine.
#[derive(Clone, Debug, Default)]
struct Run {
    load: Option<LoadError>,
    steps: Vec<Step>,
    memories: Vec<Vec<u8>>,
    tables: Vec<Vec<bool>>,
}

impl Run {
    /// The number of calls before the first that reached a limit of the engine.
    fn unlimited(&self) -> usize {
        let limited =
            |step: &Step| step.outcome.trap().is_some_and(is_limit) || matches!(step.outcome, Outcome::Failed(_));
        self.steps.iter().position(limited).unwrap_or(self.steps.len())
    }
}

thread_local! {
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
    static SEED: Cell<u64> = const { Cell::new(0) };
}

/// Remembers a panic's message. The first at each place is printed with its seed as well: where a panic cannot unwind,
/// it is the last thing that is seen.
fn quiet_panics() {
    static ONCE: Once = Once::new();
    static SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    ONCE.call_once(|| {
        panic::set_hook(Box::new(|info| {
            let message = info.to_string();
            let place = info.location().map(ToString::to_string).unwrap_or_default();
            if SEEN.lock().unwrap_or_else(PoisonError::into_inner).insert(place) {
                eprintln!("seed {}: {message}", SEED.get());
            }
            PANIC.with(|panic| *panic.borrow_mut() = Some(message));
        }));
    });
}

/// Runs `run`, with a panic as an error.
pub fn catching<R>(run: impl FnOnce() -> R) -> Result<R, String> {
    quiet_panics();
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| {
        let message = PANIC.with(|panic| panic.borrow_mut().take());
        message.unwrap_or_else(|| "a panic".to_owned())
    })
}

fn plan(instance: &dyn crate::engine::Instance, seed: u64) -> Vec<Call> {
    let functions = instance.functions();
    let mut calls = Vec::new();
    let per_export = (CALLS / functions.len().max(1)).clamp(1, CALLS_PER_EXPORT);
    for (index, function) in functions.into_iter().enumerate().take(CALLS) {
        // Arguments do not depend on the other functions, so that a smaller module is called in the same way.
        let mut rng = ChaCha8Rng::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(index as u64));
        for _ in 0..if function.params.is_empty() { 1 } else { per_export } {
            let args: Option<Vec<Value>> = function.params.iter().map(|&ty| edge_value(&mut rng, ty)).collect();
            if let Some(args) = args {
                calls.push((function.name.clone(), args));
            }
        }
    }
    calls
}

/// Instantiates a module and makes the calls.
fn run(engine: &dyn Engine, wasm: &[u8], calls: Option<&[Call]>, seed: u64) -> Result<(Run, Vec<Call>), String> {
    catching(|| {
        let mut instance = match engine.instantiate(wasm) {
            Ok(instance) => instance,
            Err(error) => return (Run { load: Some(error), ..Run::default() }, Vec::new()),
        };
        let calls = calls.map_or_else(|| plan(&*instance, seed), <[_]>::to_vec);
        let mut run = Run::default();
        for (name, args) in &calls {
            let outcome = instance.call(name, args);
            run.steps.push(Step { outcome, fuel: instance.fuel_used(), globals: instance.globals() });
        }
        run.memories = instance.memories();
        run.tables = instance.tables();
        (run, calls)
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Closeness {
    /// Two configurations of Terrace with canonical NaNs: to the bit.
    Exact,
    /// But for the bits of NaNs, wherever they may lie.
    Nans,
    /// But for the bits of values that are NaNs. What may be one in memory may as well be something else that depends on one.
    Values,
    /// Another engine: positions and fuel are not compared either, and traps only as far as it tells them apart.
    Other,
}

struct Comparison<'a> {
    closeness: Closeness,
    calls: &'a [Call],
}

impl Comparison<'_> {
    fn values(&self, a: &[Value], b: &[Value]) -> bool {
        a.len() == b.len()
            && a.iter().zip(b).all(|(&a, &b)| match self.closeness {
                Closeness::Exact => a == b,
                Closeness::Values => a.agrees_by_lane(b),
                Closeness::Nans | Closeness::Other => a.agrees(b),
            })
    }

    fn traps(&self, a: TrapKind, b: TrapKind) -> bool {
        let class = |kind| match kind {
            TrapKind::UndefinedElement => TrapKind::TableOutOfBounds,
            TrapKind::NullFunctionReference | TrapKind::NullReference => TrapKind::UninitializedElement,
            kind => kind,
        };
        a == b || self.closeness == Closeness::Other && class(a) == class(b)
    }

    fn outcomes(&self, a: &Outcome, b: &Outcome) -> bool {
        match (a, b) {
            (Outcome::Returned(a), Outcome::Returned(b)) => self.values(a, b),
            (Outcome::Trapped { kind: a, position: at }, Outcome::Trapped { kind: b, position: bt }) => {
                self.traps(*a, *b) && (self.closeness == Closeness::Other || at == bt)
            }
            (Outcome::Thrown, Outcome::Thrown) => true,
            (Outcome::Failed(a), Outcome::Failed(b)) => self.closeness == Closeness::Other || a == b,
            _ => false,
        }
    }

    /// The first difference.
    fn difference(&self, a: &Run, b: &Run) -> Option<String> {
        match (&a.load, &b.load) {
            (None, None) => {}
            (Some(LoadError::Stopped(a)), Some(LoadError::Stopped(b))) if self.outcomes(a, b) => return None,
            // Which error is found first depends on when functions are validated.
            (Some(LoadError::Invalid(_)), Some(LoadError::Invalid(_))) => return None,
            (Some(a), Some(b)) if a == b => return None,
            (a, b) => return Some(format!("load: {a:?} != {b:?}")),
        }
        for ((call, a), b) in self.calls.iter().zip(&a.steps).zip(&b.steps) {
            let call = format!("{}({:?})", call.0, call.1);
            let limit = b.outcome.trap().is_some_and(is_limit) || matches!(b.outcome, Outcome::Failed(_));
            if self.closeness == Closeness::Other && limit {
                return None;
            }
            if !self.outcomes(&a.outcome, &b.outcome) {
                return Some(format!("{call}: {:?} != {:?}", a.outcome, b.outcome));
            }
            if let (Some(a), Some(b)) = (a.fuel, b.fuel)
                && a != b
            {
                return Some(format!("{call}: fuel {a} != {b}"));
            }
            if !self.values(&a.globals, &b.globals) {
                return Some(format!("globals after {call}: {:?} != {:?}", a.globals, b.globals));
            }
        }
        for (index, (a, b)) in a.memories.iter().zip(&b.memories).enumerate() {
            let same = match self.closeness {
                Closeness::Exact | Closeness::Values => a == b,
                Closeness::Nans | Closeness::Other => bytes_agree(a, b),
            };
            if !same {
                let at = a.iter().zip(b).position(|(a, b)| a != b).unwrap_or(a.len().min(b.len()));
                let show = |bytes: &[u8]| format!("{:02x?}", &bytes[at.min(bytes.len())..(at + 8).min(bytes.len())]);
                return Some(format!(
                    "memory {index}, {} and {} bytes, at {at:#x}: {} != {}",
                    a.len(),
                    b.len(),
                    show(a),
                    show(b)
                ));
            }
        }
        if a.tables != b.tables {
            return Some("tables".to_owned());
        }
        None
    }
}

/// Runs a module on all engines and compares.
pub fn check(wasm: &[u8], seed: u64) -> Report {
    SEED.set(seed);
    let mut report = Report::default();
    report.divergence = compare(wasm, seed, &mut report).err();
    report
}

fn compare(wasm: &[u8], seed: u64, report: &mut Report) -> Result<(), Divergence> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let canonicalize = rng.random_ratio(3, 4);
    // The one is reached by recursion, the other has room for frames out of reach of 16 bits.
    let max_stack = if rng.random() { 96 << 10 } else { 2 << 20 };
    let base = Terrace { canonicalize, max_stack, ..Terrace::BASE };
    let fixed = |tier| Terrace { tier, level: Level::Folded, ..base };
    let mut others: Vec<_> = (0..TIERS.len()).map(fixed).collect();
    others.extend((0..RANDOM_CONFIGURATIONS).map(|_| base.vary(&mut rng)));

    let panicked = |engine: &dyn Engine, message: String| Divergence {
        expected: base.name(),
        actual: engine.name(),
        what: message,
    };
    let (expected, calls) = run(&base, wasm, None, seed).map_err(|message| panicked(&base, message))?;
    report.executions += 1 + expected.steps.len() as u64;
    report.returned = expected.steps.iter().filter(|step| matches!(step.outcome, Outcome::Returned(_))).count() as u64;

    // What does not measure fuel makes only the calls before the first that reaches a limit.
    let unlimited = expected.unlimited();
    let start_limited = match &expected.load {
        Some(LoadError::Stopped(outcome)) => outcome.trap().is_some_and(is_limit),
        _ => false,
    };
    let short_calls = &calls[..unlimited];
    let short = if unlimited == calls.len() {
        expected.clone()
    } else {
        run(&base, wasm, Some(short_calls), seed).map_err(|message| panicked(&base, message))?.0
    };

    for engine in others {
        if start_limited && !engine.fuel {
            continue;
        }
        let (expected, calls) = if engine.fuel { (&expected, &calls[..]) } else { (&short, short_calls) };
        let given = expected.load.is_none().then_some(calls);
        let (actual, _) = run(&engine, wasm, given, seed).map_err(|message| panicked(&engine, message))?;
        report.executions += 1 + actual.steps.len() as u64;
        if engine.translation == Translation::LazyValidation && matches!(expected.load, Some(LoadError::Invalid(_))) {
            continue;
        }
        let closeness = if canonicalize { Closeness::Exact } else { Closeness::Nans };
        if let Some(what) = (Comparison { closeness, calls }).difference(expected, &actual)
            && (canonicalize || !leaks_nans(&[base, engine], wasm, calls, seed))
        {
            return Err(Divergence { expected: base.name(), actual: engine.name(), what });
        }
    }

    if expected.load.is_none() {
        let actual = match run(&Wasmi, wasm, Some(short_calls), seed) {
            Ok((actual, _)) => actual,
            // Its panics are not ours.
            Err(_) => return Ok(()),
        };
        if actual.load.is_some() {
            return match &actual.load {
                Some(LoadError::Stopped(outcome)) if !outcome.trap().is_some_and(is_limit) => {
                    Err(Divergence { expected: base.name(), actual: Wasmi.name(), what: format!("load: {outcome:?}") })
                }
                _ => Ok(()),
            };
        }
        report.other = true;
        report.executions += 1 + actual.steps.len() as u64;
        if let Some(what) = (Comparison { closeness: Closeness::Other, calls: short_calls }).difference(&short, &actual)
            && !leaks_nans(&[base], wasm, short_calls, seed)
        {
            return Err(Divergence { expected: base.name(), actual: Wasmi.name(), what });
        }
    }
    Ok(())
}

/// Whether what a module does on one of these engines, or on them with another tier, depends on the bits of the NaNs that operators
/// make.
fn leaks_nans(engines: &[Terrace], wasm: &[u8], calls: &[Call], seed: u64) -> bool {
    let leaks = |engine: Terrace| {
        let engine = |canonicalize| Terrace { canonicalize, ..engine };
        let (one, other) = (run(&engine(false), wasm, Some(calls), seed), run(&engine(true), wasm, Some(calls), seed));
        match (one, other) {
            // An operator's own fuel and position do not depend on NaNs.
            (Ok((one, _)), Ok((other, _))) => {
                (Comparison { closeness: Closeness::Values, calls }).difference(&one, &other).is_some()
            }
            _ => false,
        }
    };
    engines.iter().any(|&engine| leaks(engine) || (0..TIERS.len()).any(|tier| leaks(Terrace { tier, ..engine })))
}
