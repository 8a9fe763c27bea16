//! Executes a script, directive by directive.
//!
//! What the engine refuses by the name of an operator is not a failure, and never silent: the directive is skipped with that
//! name, and so is every later one that needs the module. A plain `invoke` that is refused leaves its instance without the
//! effects that later directives count on, so these are skipped too.

use std::cell::Cell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::thread::{self, ScopedJoinHandle};

use terrace::{
    Config, Engine, Error, Extern, Instance, Level, Module, ModuleError, PolicySpec, Store, ThrownException, TierDown,
    TranslateError, Trap, Val,
};
use wast::lexer::Lexer;
use wast::parser::{self, ParseBuffer};
use wast::token::Id;
use wast::{QuoteWat, Wast, WastDirective, WastExecute, WastInvoke, WastThread, Wat};

use crate::messages::trap_matches;
use crate::report::{Failure, Location, Report, Skip, SkipReason};
use crate::spectest;
use crate::suites::{SUPERSEDED, Script, not_implemented};
use crate::values::{argument, check_results};

/// How scripts are run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The name of the tier; the default tier if there is none.
    pub tier: Option<String>,
    /// How much the translator folds.
    pub level: Level,
    /// When functions are compiled; as the tier has it if there is none.
    pub policy: Option<PolicySpec>,
    /// When activations leave compiled code.
    pub tier_down: TierDown,
    /// Whether references are collected at every opportunity.
    pub gc_stress: bool,
}

impl Options {
    fn config(&self, script: &Script) -> Result<Config, Error> {
        let mut config = Config::new();
        config.features(script.features).level(self.level).gc_stress(self.gc_stress).verify_bytecode(true);
        config.tier_down(self.tier_down);
        if let Some(policy) = &self.policy {
            config.policy(policy.clone());
        }
        if let Some(tier) = &self.tier {
            config.tier(tier)?;
        }
        Ok(config)
    }
}

/// How a directive ended that did not pass.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It failed.
    Fail(String),
    /// It does not count.
    Skip(SkipReason),
}

impl Verdict {
    /// It failed, with this message.
    pub(crate) fn fail(message: impl Into<String>) -> Verdict {
        Verdict::Fail(message.into())
    }

    /// It depends on what was refused by the name of an operator.
    fn refused(operator: impl Into<String>) -> Verdict {
        Verdict::Skip(SkipReason::Operator(operator.into()))
    }
}

/// The operator by whose name the engine refused something.
fn refused_operator(error: &Error) -> Option<&'static str> {
    if let Some(TranslateError::Unsupported { operator, .. }) = error.downcast_ref() {
        return Some(operator);
    }
    match error.downcast_ref() {
        Some(ModuleError::UnsupportedConst { operator, .. }) => Some(operator),
        _ => None,
    }
}

/// Separates what the engine refuses by name from what scripts may expect.
fn accepted<T>(result: Result<T, Error>) -> Result<Result<T, Error>, Verdict> {
    match result.as_ref().err().and_then(refused_operator) {
        Some(operator) => Err(Verdict::refused(operator)),
        None => Ok(result),
    }
}

/// The first line of an error: what follows is its backtrace.
fn summary(error: &Error) -> String {
    match error.trap() {
        Some(trap) => format!("trap: {trap}"),
        None => error.to_string(),
    }
}

/// A module that instances can be made of, or the operator by whose name it was refused.
#[derive(Clone)]
enum Definition {
    Module(Module),
    Refused(String),
}

/// What can be imported from and called.
#[derive(Clone)]
enum Linked {
    /// An instance.
    Instance(Instance),
    /// Objects that are not an instance's.
    Objects(Rc<HashMap<String, Extern>>),
    /// An instance that lacks what depends on this operator.
    Refused(String),
}

/// Finds the lines of offsets.
struct Lines(Vec<usize>);

impl Lines {
    fn new(text: &str) -> Lines {
        Lines(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(i, _)| i).collect())
    }

    /// The line, from 1, of a byte.
    fn of(&self, offset: usize) -> usize {
        1 + self.0.partition_point(|end| *end < offset)
    }
}

/// Runs a script.
///
/// A script of a proposal that is not implemented is not run, and counts as one directive that is skipped. A panic of the
/// engine is a failure of the directive that caused it, and ends the script.
pub fn run_script(script: &Script, options: &Options) -> Report {
    if let Some(proposal) = not_implemented(&script.name) {
        let location = Location { file: script.name.clone(), line: 1 };
        let skips = vec![Skip { location, reason: SkipReason::Proposal(proposal) }];
        return Report { directives: 1, skips, ..Report::default() };
    }
    let lines = Lines::new(&script.text);
    let mut lexer = Lexer::new(&script.text);
    lexer.allow_confusing_unicode(true);
    let buffer = ParseBuffer::new_with_lexer(lexer);
    let wast = buffer
        .as_ref()
        .map_err(|error| (error.span(), error.message()))
        .and_then(|buffer| parser::parse::<Wast<'_>>(buffer).map_err(|error| (error.span(), error.message())));
    match wast {
        Ok(wast) => match options.config(script).and_then(|config| Engine::new(&config)) {
            Ok(engine) => run_directives(script, &engine, &lines, wast.directives, HashMap::new()),
            Err(error) => not_run(script, 1, error.to_string()),
        },
        Err((span, message)) => not_run(script, lines.of(span.offset()), message),
    }
}

/// The report of a script that could not be run: it counts as one directive.
fn not_run(script: &Script, line: usize, message: String) -> Report {
    let location = Location { file: script.name.clone(), line };
    Report { directives: 1, failures: vec![Failure { location, message }], ..Report::default() }
}

fn run_directives(
    script: &Script,
    engine: &Engine,
    lines: &Lines,
    directives: Vec<WastDirective<'_>>,
    shared: HashMap<String, Rc<HashMap<String, Extern>>>,
) -> Report {
    let line = Cell::new(1);
    let mut report = Report::default();
    let ended = catch_unwind(AssertUnwindSafe(|| {
        thread::scope(|scope| {
            let mut runner = match Runner::new(script, engine, lines, scope, shared) {
                Ok(runner) => runner,
                Err(error) => return report = not_run(script, 1, error.to_string()),
            };
            for directive in directives {
                line.set(lines.of(directive.span().offset()));
                report.directives += 1;
                let asserts = is_assertion(&directive);
                report.assertions += usize::from(asserts);
                let location = Location { file: script.name.clone(), line: line.get() };
                let superseded = SUPERSEDED
                    .iter()
                    .find(|superseded| (superseded.script, superseded.line) == (&*location.file, location.line));
                match (runner.run(directive), superseded) {
                    (Ok(()), None) => {
                        report.passed += 1;
                        report.assertions_passed += usize::from(asserts);
                    }
                    (Ok(()), Some(_)) => {
                        let message = "passes, but is listed as superseded".to_owned();
                        report.failures.push(Failure { location, message });
                    }
                    (Err(Verdict::Fail(message)), Some(superseded)) if message.contains(superseded.instead) => {
                        let reason = SkipReason::Superseded(superseded.sentence);
                        report.skips.push(Skip { location, reason });
                    }
                    (Err(Verdict::Fail(message)), _) => report.failures.push(Failure { location, message }),
                    (Err(Verdict::Skip(reason)), _) => report.skips.push(Skip { location, reason }),
                }
                for finished in runner.finished.drain(..) {
                    report.merge(finished);
                }
            }
            for (_, thread) in std::mem::take(&mut runner.threads) {
                report.merge(join(thread));
            }
        });
    }));
    if let Err(panic) = ended {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        let message = format!("panicked: {}", text.unwrap_or("for no stated reason"));
        let location = Location { file: script.name.clone(), line: line.get() };
        report.failures.push(Failure { location, message });
    }
    report
}

fn join(thread: ScopedJoinHandle<'_, Report>) -> Report {
    match thread.join() {
        Ok(report) => report,
        Err(_) => unreachable!("panics of scripts are caught"),
    }
}

fn is_assertion(directive: &WastDirective<'_>) -> bool {
    !matches!(
        directive,
        WastDirective::Module(_)
            | WastDirective::ModuleDefinition(_)
            | WastDirective::ModuleInstance { .. }
            | WastDirective::Register { .. }
            | WastDirective::Invoke(_)
            | WastDirective::Thread(_)
            | WastDirective::Wait { .. }
    )
}

/// A script's world.
struct Runner<'scope, 'env> {
    script: &'env Script,
    engine: &'env Engine,
    lines: &'env Lines,
    scope: &'scope thread::Scope<'scope, 'env>,
    store: Store<()>,
    /// Definitions by name; the latest one is also without.
    definitions: HashMap<Option<String>, Definition>,
    /// Instances by name; the current one is also without.
    instances: HashMap<Option<String>, Linked>,
    /// What modules import from.
    registered: HashMap<String, Linked>,
    threads: HashMap<String, ScopedJoinHandle<'scope, Report>>,
    /// The reports of threads that were waited for.
    finished: Vec<Report>,
}

fn key(id: Option<Id<'_>>) -> Option<String> {
    id.map(|id| id.name().to_owned())
}

impl<'scope, 'env> Runner<'scope, 'env> {
    fn new(
        script: &'env Script,
        engine: &'env Engine,
        lines: &'env Lines,
        scope: &'scope thread::Scope<'scope, 'env>,
        shared: HashMap<String, Rc<HashMap<String, Extern>>>,
    ) -> Result<Self, Error> {
        let mut store = Store::try_new(engine, ())?;
        let spectest = spectest::exports(&mut store, script.features.threads())?;
        let registered = HashMap::from([("spectest".to_owned(), Linked::Objects(Rc::new(spectest)))]);
        let instances = shared.into_iter().map(|(name, objects)| (Some(name), Linked::Objects(objects))).collect();
        Ok(Runner {
            script,
            engine,
            lines,
            scope,
            store,
            definitions: HashMap::new(),
            instances,
            registered,
            threads: HashMap::new(),
            finished: Vec::new(),
        })
    }

    fn run(&mut self, directive: WastDirective<'env>) -> Result<(), Verdict> {
        match directive {
            WastDirective::Module(mut module) => self.module(&mut module),
            WastDirective::ModuleDefinition(mut module) => self.define(&mut module),
            WastDirective::ModuleInstance { instance, module, .. } => {
                let Some(definition) = self.definitions.get(&key(module)).cloned() else {
                    return Err(Verdict::fail("no such module definition"));
                };
                self.bind(instance, definition)
            }
            WastDirective::Register { name, module, .. } => {
                let instance = self.instance(module)?;
                self.registered.insert(name.to_owned(), instance.clone());
                match instance {
                    Linked::Refused(operator) => Err(Verdict::refused(operator)),
                    _ => Ok(()),
                }
            }
            WastDirective::Invoke(invoke) => self.action(&invoke),
            WastDirective::AssertReturn { exec, results, .. } => match self.execute(exec)? {
                Ok(values) => check_results(&self.store, &values, &results),
                Err(error) => Err(Verdict::fail(summary(&error))),
            },
            WastDirective::AssertTrap { exec, message, .. } => expect_trap(self.execute(exec)?, message),
            WastDirective::AssertExhaustion { call, message, .. } => expect_trap(self.invoke(&call)?, message),
            WastDirective::AssertException { exec, .. } => match self.execute(exec)? {
                Err(error) if error.is::<ThrownException>() => Ok(()),
                other => Err(unexpected("an exception", other)),
            },
            WastDirective::AssertMalformed { mut module, message, .. }
            | WastDirective::AssertInvalid { mut module, message, .. } => self.expect_rejected(&mut module, message),
            // Custom sections whose content is wrong are ignored by engines; only the text format can object.
            WastDirective::AssertMalformedCustom { mut module, message, .. }
            | WastDirective::AssertInvalidCustom { mut module, message, .. } => match module.encode() {
                Err(_) => Ok(()),
                Ok(_) => Err(Verdict::fail(format!("expected a malformed custom section ({message})"))),
            },
            WastDirective::AssertUnlinkable { module, message, .. } => self.expect_unlinkable(module, message),
            WastDirective::AssertSuspension { .. } => {
                Err(Verdict::Skip(SkipReason::Proposal("stack switching".to_owned())))
            }
            WastDirective::Thread(thread) => self.thread(thread),
            WastDirective::Wait { thread, .. } => match self.threads.remove(thread.name()) {
                Some(thread) => {
                    self.finished.push(join(thread));
                    Ok(())
                }
                None => Err(Verdict::fail("no such thread")),
            },
        }
    }

    // ---- Modules ----

    fn module(&mut self, module: &mut QuoteWat<'_>) -> Result<(), Verdict> {
        let id = module.name();
        // What follows must not meet the module before, if this one fails.
        self.instances.remove(&None);
        let binary = encode(module)?;
        match self.load(&binary) {
            Ok(module) => self.bind(id, Definition::Module(module)),
            Err(Verdict::Skip(SkipReason::Operator(operator))) => self.bind(id, Definition::Refused(operator)),
            Err(verdict) => Err(verdict),
        }
    }

    fn define(&mut self, module: &mut QuoteWat<'_>) -> Result<(), Verdict> {
        let id = module.name();
        let binary = encode(module)?;
        let loaded = self.load(&binary);
        let definition = match &loaded {
            Ok(module) => Definition::Module(module.clone()),
            Err(Verdict::Skip(SkipReason::Operator(operator))) => Definition::Refused(operator.clone()),
            Err(_) => return loaded.map(drop),
        };
        self.definitions.insert(None, definition.clone());
        self.definitions.insert(key(id), definition);
        loaded.map(drop)
    }

    /// Loads a module, and translates all of it: some scripts call few of their functions.
    fn load(&self, binary: &[u8]) -> Result<Module, Verdict> {
        let module = accepted(Module::from_binary(self.engine, binary))?;
        let module = module.map_err(|error| Verdict::fail(format!("module rejected: {error}")))?;
        match module.translate() {
            Err(error) if refused_operator(&error).is_none() => {
                Err(Verdict::fail(format!("module not translated: {error}")))
            }
            _ => Ok(module),
        }
    }

    /// Makes an instance and makes it the current one.
    fn bind(&mut self, id: Option<Id<'_>>, definition: Definition) -> Result<(), Verdict> {
        let made = match definition {
            Definition::Refused(operator) => Err(Verdict::refused(operator)),
            Definition::Module(module) => match self.instantiate(&module)? {
                Ok(instance) => Ok(Linked::Instance(instance)),
                Err(error) => return Err(Verdict::fail(format!("not instantiated: {}", summary(&error)))),
            },
        };
        let linked = match &made {
            Ok(linked) => linked.clone(),
            Err(Verdict::Skip(SkipReason::Operator(operator))) => Linked::Refused(operator.clone()),
            Err(_) => return made.map(drop),
        };
        self.instances.insert(None, linked.clone());
        self.instances.insert(key(id), linked);
        made.map(drop)
    }

    /// Makes an instance, importing by name from what is registered.
    fn instantiate(&mut self, module: &Module) -> Result<Result<Instance, Error>, Verdict> {
        let mut imports = Vec::new();
        for import in module.imports() {
            let found = match self.registered.get(import.module()).cloned() {
                Some(linked) => self.export(&linked, import.name())?,
                None => None,
            };
            match found {
                Some(object) => imports.push(object),
                None => return Ok(Err(Error::msg(format!("unknown import: {}.{}", import.module(), import.name())))),
            }
        }
        accepted(Instance::new(&mut self.store, module, &imports))
    }

    /// The instance of this name, or the current one.
    fn instance(&self, id: Option<Id<'_>>) -> Result<Linked, Verdict> {
        self.instances.get(&key(id)).cloned().ok_or_else(|| Verdict::fail("no such instance"))
    }

    fn export(&mut self, linked: &Linked, name: &str) -> Result<Option<Extern>, Verdict> {
        match linked {
            Linked::Instance(instance) => Ok(instance.get_export(&mut self.store, name)),
            Linked::Objects(objects) => Ok(objects.get(name).cloned()),
            Linked::Refused(operator) => Err(Verdict::refused(operator)),
        }
    }

    // ---- Actions ----

    /// An `invoke` that stands alone.
    fn action(&mut self, invoke: &WastInvoke<'_>) -> Result<(), Verdict> {
        match self.invoke(invoke) {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Verdict::fail(summary(&error))),
            Err(verdict) => {
                if let Verdict::Skip(SkipReason::Operator(operator)) = &verdict {
                    self.instances.insert(key(invoke.module), Linked::Refused(operator.clone()));
                }
                Err(verdict)
            }
        }
    }

    fn execute(&mut self, exec: WastExecute<'_>) -> Result<Result<Vec<Val>, Error>, Verdict> {
        match exec {
            WastExecute::Invoke(invoke) => self.invoke(&invoke),
            WastExecute::Wat(module) => {
                let binary = encode(&mut QuoteWat::Wat(module))?;
                let module = self.load(&binary)?;
                Ok(self.instantiate(&module)?.map(|_| Vec::new()))
            }
            WastExecute::Get { module, global, .. } => {
                let instance = self.instance(module)?;
                match self.export(&instance, global)? {
                    Some(Extern::Global(global)) => Ok(global.get(&mut self.store).map(|value| vec![value])),
                    _ => Err(Verdict::fail(format!("no global {global:?}"))),
                }
            }
        }
    }

    fn invoke(&mut self, invoke: &WastInvoke<'_>) -> Result<Result<Vec<Val>, Error>, Verdict> {
        let instance = self.instance(invoke.module)?;
        let Some(Extern::Func(func)) = self.export(&instance, invoke.name)? else {
            return Err(Verdict::fail(format!("no function {:?}", invoke.name)));
        };
        let args = invoke.args.iter().map(|arg| argument(&mut self.store, arg)).collect::<Result<Vec<_>, _>>()?;
        let mut results =
            vec![Val::I32(0); func.ty(&self.store).map_err(|e| Verdict::fail(e.to_string()))?.results().len()];
        accepted(func.call(&mut self.store, &args, &mut results).map(|()| results))
    }

    // ---- Modules that are wrong ----

    fn expect_rejected(&mut self, module: &mut QuoteWat<'_>, message: &str) -> Result<(), Verdict> {
        let Ok(binary) = module.encode() else { return Ok(()) };
        if Module::validate(self.engine, &binary).is_ok() {
            return Err(Verdict::fail(format!("expected the module to be rejected ({message}), but it validates")));
        }
        match Module::from_binary(self.engine, &binary) {
            Ok(_) => Err(Verdict::fail(format!("expected the module to be rejected ({message}), but it loads"))),
            Err(_) => Ok(()),
        }
    }

    fn expect_unlinkable(&mut self, module: Wat<'_>, message: &str) -> Result<(), Verdict> {
        let binary = encode(&mut QuoteWat::Wat(module))?;
        let module = self.load(&binary)?;
        match self.instantiate(&module)? {
            Err(error) if error.to_string().starts_with(message) => Ok(()),
            other => Err(unexpected(message, other.map(|_| Vec::new()))),
        }
    }

    // ---- Threads ----

    /// Starts a thread with a store of its own, which shares the exported memories of one instance.
    fn thread(&mut self, thread: WastThread<'env>) -> Result<(), Verdict> {
        let mut memories = HashMap::new();
        let shared = key(thread.shared_module);
        if thread.shared_module.is_some()
            && let Linked::Instance(instance) = self.instance(thread.shared_module)?
        {
            for export in instance.exports(&mut self.store).map_err(|error| Verdict::fail(error.to_string()))? {
                let name = export.name().to_owned();
                if let Extern::SharedMemory(memory) = export.into_extern() {
                    memories.insert(name, memory);
                }
            }
        }
        let (script, engine, lines) = (self.script, self.engine, self.lines);
        let directives = thread.directives;
        let run = move || {
            let objects = memories.into_iter().map(|(name, memory)| (name, memory.into())).collect();
            let shared = shared.map(|name| (name, Rc::new(objects)));
            run_directives(script, engine, lines, directives, shared.into_iter().collect())
        };
        self.threads.insert(thread.name.name().to_owned(), self.scope.spawn(run));
        Ok(())
    }
}

fn encode(module: &mut QuoteWat<'_>) -> Result<Vec<u8>, Verdict> {
    module.encode().map_err(|error| Verdict::fail(format!("module malformed: {}", error.message())))
}

fn expect_trap(result: Result<Vec<Val>, Error>, message: &str) -> Result<(), Verdict> {
    match result {
        Err(error) if error.downcast_ref::<Trap>().is_some_and(|trap| trap_matches(message, trap.message())) => Ok(()),
        other => Err(unexpected(&format!("trap: {message}"), other)),
    }
}

fn unexpected(expected: &str, result: Result<Vec<Val>, Error>) -> Verdict {
    match result {
        Ok(values) => Verdict::fail(format!("expected {expected}, but it succeeded with {values:?}")),
        Err(error) => Verdict::fail(format!("expected {expected}, got {}", summary(&error))),
    }
}
