//! Running a module: preloads, instantiation, initialization, then its entry.

use std::io::Write;
use std::path::Path;

use terrace::{
    Engine, Error, ExternType, Instance, Linker, Module, Store, StoreLimits, StoreLimitsBuilder, TierDown,
    TranslateError, Trap, Val,
};
use terrace_wasi::{Exit, WasiCtx};

use crate::args::RunArgs;
use crate::engine;
use crate::failure::{Failure, Result};
use crate::literal;
use crate::load::load;
use crate::observe;
use crate::profile::Profiler;
use crate::stats::{Stats, timed};
use crate::timeout::Timeout;
use crate::trace::Trace;
use crate::wasi_setup;

/// What the store holds for the guest.
struct Host {
    wasi: WasiCtx,
    limits: StoreLimits,
}

/// Runs `terrace run` and returns the exit code.
pub fn run(args: &RunArgs) -> Result<i32> {
    run_profiled(args, None)
}

/// Runs a module under a profiler, if there is one.
pub fn run_profiled(args: &RunArgs, profiler: Option<&Profiler>) -> Result<i32> {
    let timeout = args.timeout.map(Timeout::start).transpose().map_err(Failure::bad)?;
    let mut config = engine::config(&args.engine)?;
    config.consume_fuel(args.fuel.is_some()).epoch_interruption(timeout.is_some() || profiler.is_some());
    if let Some(polls) = args.tier_down_at {
        config.tier_down(TierDown::After(polls));
    }
    observe::add_listeners(args, &mut config)?;
    let engine = engine::engine(&config)?;
    let trace = Trace::start(&engine, args)?;

    let mut stats = Stats::default();
    let mut load = |file: &Path| load_module(&engine, file, &mut stats);
    let preloads = args.preloads.iter().map(|preload| load(&preload.file)).collect::<Result<Vec<_>>>()?;
    let module = load(&args.file())?;
    let entry = entry(args, &module)?;
    stats.wasm_bytes = module.bytes().len();
    stats.functions = module.function_count();
    let modules: Vec<&Module> = preloads.iter().chain([&module]).collect();
    stats.count_translation(&modules, |stats| &mut stats.validate);
    stats.count_compilation(&modules, engine.tier() == "jit");

    let limits = match args.max_memory {
        Some(bytes) => StoreLimitsBuilder::new().memory_size(bytes).build(),
        None => StoreLimits::default(),
    };
    let host = Host { wasi: wasi_setup::context(args, timeout.as_ref())?, limits };
    let mut store = Store::try_new(&engine, host).map_err(Failure::bad)?;
    store.limiter(|host| &mut host.limits);
    if let Some(fuel) = args.fuel {
        store.set_fuel(fuel).map_err(Failure::bad)?;
    }
    if let Some(timeout) = &timeout {
        timeout.guard(store.interrupt_handle());
    }
    if let Some(profiler) = profiler {
        profiler.attach(&mut store, &modules).map_err(Failure::bad)?;
    }

    let mut running = Running { args, timeout, linker: Linker::new(&engine), store };
    let mut ended = timed(&mut stats.execute, || running.run(&preloads, &module, entry));
    if let Some(trace) = trace {
        // What the guest has to say goes first.
        ended = ended.and_then(|code| trace.finish(&modules).map(|()| code));
    }
    if let Some(format) = args.stats {
        stats.count_translation(&modules, |stats| &mut stats.execute);
        stats.count_compilation(&modules, false);
        stats.fuel_left = running.store.get_fuel().ok();
        stats.print(format);
    }
    // The process is about to end and all of this with it; to take it apart would only cost time.
    std::mem::forget((running, preloads, module, engine));
    ended
}

/// Reads and loads a module.
fn load_module(engine: &Engine, file: &Path, stats: &mut Stats) -> Result<Module> {
    let bytes = timed(&mut stats.load, || load(file))?;
    timed(&mut stats.validate, || Module::from_binary(engine, &bytes)).map_err(|error| Failure::file(file, error))
}

/// What is called once the module is instantiated.
enum Entry {
    /// A WASI command.
    Start,
    /// What --invoke names.
    Function { name: String, params: Vec<Val>, results: Vec<Val> },
    /// Instantiation was all.
    Nothing,
}

/// Finds the entry, before anything runs.
fn entry(args: &RunArgs, module: &Module) -> Result<Entry> {
    let file = args.file();
    let Some(name) = &args.invoke else {
        return match module.get_export("_start") {
            None => Ok(Entry::Nothing),
            Some(ty) if is_procedure(&ty) => Ok(Entry::Start),
            Some(_) => {
                Err(Failure::file(&file, "the export `_start` is not a function without parameters and results"))
            }
        };
    };
    let ty = match module.get_export(name) {
        Some(ExternType::Func(ty)) => ty,
        Some(_) => return Err(Failure::file(&file, format_args!("the export `{name}` is not a function"))),
        None => return Err(Failure::file(&file, format_args!("no export is named `{name}`"))),
    };
    let literals = args.guest_args();
    if literals.len() != ty.params().len() {
        let types: Vec<_> = ty.params().iter().map(|ty| ty.to_string()).collect();
        let message = format!("`{name}` takes {} arguments ({}), got {}", types.len(), types.join(" "), literals.len());
        return Err(Failure::usage(message));
    }
    let read = |(position, (literal, &ty)): (usize, (&std::ffi::OsString, _))| {
        literal::parse(&literal.to_string_lossy(), ty)
            .map_err(|error| Failure::usage(format_args!("argument {} of `{name}`: {error}", position + 1)))
    };
    let params = literals.iter().zip(ty.params()).enumerate().map(read).collect::<Result<_>>()?;
    let results = vec![Val::I32(0); ty.results().len()];
    Ok(Entry::Function { name: name.clone(), params, results })
}

/// A function that takes and returns nothing.
fn is_procedure(ty: &ExternType) -> bool {
    ty.func().is_some_and(|ty| ty.params().is_empty() && ty.results().is_empty())
}

/// Everything that exists while a guest runs.
struct Running<'a> {
    args: &'a RunArgs,
    timeout: Option<Timeout>,
    linker: Linker<Host>,
    store: Store<Host>,
}

impl<'a> Running<'a> {
    fn run(&mut self, preloads: &[Module], module: &Module, entry: Entry) -> Result<i32> {
        terrace_wasi::add_to_linker(&mut self.linker, |host| &mut host.wasi).map_err(Failure::bad)?;
        let file = self.args.file();
        match self.run_all(preloads, module, entry) {
            Ok(()) => Ok(0),
            Err((error, at)) => self.ended(&error, at.unwrap_or(&file)),
        }
    }

    /// An error comes with the file at fault, if it is not the main one.
    fn run_all(&mut self, preloads: &[Module], module: &Module, entry: Entry) -> Result<(), (Error, Option<&'a Path>)> {
        let args = self.args;
        // What the user names goes before what we provide.
        self.linker.allow_shadowing(true);
        for (preload, module) in args.preloads.iter().zip(preloads) {
            let at = |error| (error, Some(&*preload.file));
            let instance = self.instantiate(module).map_err(at)?;
            self.linker.instance(&mut self.store, &preload.name, instance).map_err(at)?;
        }
        let at = |error| (error, None);
        let instance = self.instantiate(module).map_err(at)?;
        match entry {
            Entry::Nothing => Ok(()),
            Entry::Start => self.call(instance, "_start", &[], &mut []).map_err(at),
            Entry::Function { name, params, mut results } => {
                self.call(instance, &name, &params, &mut results).map_err(at)?;
                let lines: String = results.iter().map(|value| literal::print(value) + "\n").collect();
                let mut out = std::io::stdout().lock();
                out.write_all(lines.as_bytes()).and_then(|()| out.flush()).map_err(|error| at(Error::host(error)))
            }
        }
    }

    /// Instantiates a module, and initializes it if it is a reactor.
    fn instantiate(&mut self, module: &Module) -> Result<Instance, Error> {
        let instance = self.linker.instantiate(&mut self.store, module)?;
        if module.get_export("_initialize").is_some_and(|ty| is_procedure(&ty)) {
            self.call(instance, "_initialize", &[], &mut [])?;
        }
        Ok(instance)
    }

    fn call(&mut self, instance: Instance, name: &str, params: &[Val], results: &mut [Val]) -> Result<(), Error> {
        let func = instance.get_func(&mut self.store, name);
        let func = func.ok_or_else(|| Error::NoExport { name: name.to_owned(), kind: "function" })?;
        func.call(&mut self.store, params, results)
    }

    /// What an error means for us: the guest's own end, ours, or a fault of `file`.
    fn ended(&self, error: &Error, file: &Path) -> Result<i32> {
        if let Some(Exit(code)) = error.downcast_ref() {
            return Ok(*code);
        }
        // Functions of a valid module may have operators that are not supported; with lazy validation, anything.
        if let Some(error) = error.downcast_ref::<TranslateError>() {
            return Err(Failure::file(file, error));
        }
        let trap = error.trap();
        let message = match (error, trap, &self.timeout) {
            (_, Some(Trap::Interrupt), Some(timeout)) if timeout.expired() => timeout.message(),
            (_, Some(trap), _) => format!("wasm trap: {trap}"),
            (Error::Exception(exception), ..) => exception.to_string(),
            (Error::Host(failure), ..) => failure.error.to_string(),
            _ => return Err(Failure::file(file, error)),
        };
        match error.backtrace().filter(|backtrace| !backtrace.frames.is_empty()) {
            Some(backtrace) => Err(Failure::trap(format_args!("{message}\n{backtrace}"))),
            None => Err(Failure::trap(message)),
        }
    }
}
