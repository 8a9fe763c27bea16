use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use terrace_abi::vm::{FuncRecord, Status};
use wasmparser::WasmFeatures;

use super::*;
use crate::runtime::{Config, Engine, EngineError, Store};
use crate::tier::events::replay;
use crate::tier::profile::State;
use crate::tier::{Code, CompileRequest, Support, Tier, TierId, Unsupported};

unsafe extern "C" fn entry(_: *mut Store, _: *const FuncRecord, _: *mut u64) -> Status {
    unreachable!("nothing runs here")
}

/// Pretends to compile: odd functions from 100 on fail, 200 does not fit as long as the others are in use, 201 never does.
#[derive(Default)]
struct Pretender {
    compiled: Mutex<Vec<u32>>,
    installed: Mutex<Vec<u32>>,
    running: AtomicUsize,
}

impl Compiler for Pretender {
    fn compile(&self, _: &Module, function: u32) -> Result<MachineCode, CompileError> {
        self.running.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(Duration::from_micros(50));
        lock(&self.compiled).push(function);
        if (100..200).contains(&function) && function % 2 == 1 {
            return Err(CompileError::Unsupported("odd functions".to_owned()));
        }
        let time = Duration::from_nanos(7);
        Ok(MachineCode { bytes: vec![0; 10 + function as usize], time, ..MachineCode::default() })
    }

    fn install(&self, _: &Module, functions: Vec<(u32, MachineCode)>) -> Result<(), CodeError> {
        for &(function, ref code) in &functions {
            if function >= 200 {
                let limit = if function == 200 { 1 << 20 } else { code.bytes.len() };
                return Err(CodeError::Limit { bytes: limit + 1, limit });
            }
        }
        lock(&self.installed).extend(functions.iter().map(|&(function, _)| function));
        Ok(())
    }
}

struct Pretended(Arc<Pretender>);

impl Tier for Pretended {
    fn id(&self) -> TierId {
        TierId("pretended")
    }

    fn support(&self, _: WasmFeatures) -> Support {
        Support::Full
    }

    fn compile(&self, request: &CompileRequest<'_>) -> Result<Code, Unsupported> {
        code::prepare(request.module, std::ptr::null());
        Ok(Code { entry })
    }

    fn compiler(&self) -> Option<Arc<dyn Compiler>> {
        Some(Arc::clone(&self.0) as Arc<dyn Compiler>)
    }
}

type Trace = Arc<Mutex<Vec<Record>>>;

/// A module of so many functions, each with a loop.
fn load(policy: &str, functions: usize) -> (Module, Arc<Pretender>, Trace) {
    let pretender = Arc::<Pretender>::default();
    let config = Config { policy: Some(policy.parse().unwrap()), compile_threads: 3, ..Config::default() };
    let engine = Engine::new(config, Arc::new(Pretended(Arc::clone(&pretender)))).unwrap();
    let trace = Trace::default();
    let sink = Arc::clone(&trace);
    let manager = engine.manager().unwrap();
    manager.record_events(Some(Box::new(move |record| lock(&sink).push(record.clone()))));
    let wat = format!("(module {})", "(func (loop (br_if 0 (i32.const 0))))".repeat(functions));
    (Module::new(&engine, wat::parse_str(wat).unwrap()).unwrap(), pretender, trace)
}

fn wait(module: &Module) {
    module.engine().manager().unwrap().wait_idle();
}

fn sorted(functions: &Mutex<Vec<u32>>) -> Vec<u32> {
    let mut functions = lock(functions).clone();
    functions.sort_unstable();
    functions
}

#[test]
fn a_policy_that_compiles_needs_a_compiler() {
    struct Plain;

    impl Tier for Plain {
        fn id(&self) -> TierId {
            TierId("plain")
        }

        fn support(&self, _: WasmFeatures) -> Support {
            Support::Full
        }

        fn compile(&self, _: &CompileRequest<'_>) -> Result<Code, Unsupported> {
            Ok(Code { entry })
        }
    }

    let engine = |policy: &str| {
        Engine::new(Config { policy: Some(policy.parse().unwrap()), ..Config::default() }, Arc::new(Plain))
    };
    assert!(engine("fixed:tier=interp").unwrap().manager().is_none());
    let error = engine("lazy").unwrap_err();
    assert_eq!(error, EngineError::NoCompiler { policy: "lazy", tier: TierId("plain") });
    let tier = Arc::new(Pretended(Arc::default()));
    let config = Config { policy: Some("oracle:/nowhere".parse().unwrap()), ..Config::default() };
    assert!(matches!(Engine::new(config, tier), Err(EngineError::Policy(PolicyError::File { .. }))));
}

#[test]
fn all_functions_are_compiled_before_anything_runs() {
    let (module, pretender, _) = load("fixed:tier=jit", 150);
    assert_eq!(sorted(&pretender.compiled), (0..150).collect::<Vec<u32>>());
    assert_eq!(lock(&pretender.installed).len(), 125);
    let profile = module.tiering().unwrap().profile();
    let view = profile.view();
    assert_eq!((view.compiled(), view.nanoseconds()), (125, 125 * 7));
    assert_eq!((view.function(101).state, view.function(100).state), (State::Failed, State::Compiled));
}

#[test]
fn all_functions_are_compiled_in_the_background() {
    let (module, pretender, trace) = load("background-all", 150);
    wait(&module);
    assert_eq!(sorted(&pretender.compiled), (0..150).collect::<Vec<u32>>());
    assert_eq!(module.tiering().unwrap().profile().view().compiled(), 125);
    assert!(lock(&trace).iter().skip(1).all(|record| (1..=3).contains(&record.thread)));
}

#[test]
fn a_function_is_compiled_once_whoever_asks() {
    for policy in ["lazy", "lazy:mode=background", "counter:threshold=1"] {
        let (module, pretender, _) = load(policy, 20);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for function in 0..20 {
                        module.tiering().unwrap().hot(&module, function, Site::Entry);
                    }
                });
            }
        });
        wait(&module);
        assert_eq!(sorted(&pretender.compiled), (0..20).collect::<Vec<u32>>(), "{policy}");
        assert_eq!(module.tiering().unwrap().profile().view().compiled(), 20, "{policy}");
    }
}

#[test]
fn what_does_not_fit_stays_interpreted() {
    let (module, pretender, trace) = load("lazy", 202);
    let tiering = module.tiering().unwrap();
    for _ in 0..2 {
        for function in [99, 101, 200, 201] {
            assert!(!tiering.hot(&module, function, Site::Loop(0)));
        }
    }
    // What may fit later is hot again.
    assert_eq!(sorted(&pretender.compiled), [99, 101, 200, 200, 201]);
    let events: Vec<Event> = lock(&trace).iter().skip(1).map(|record| record.event).collect();
    let hot = |function| Event::Hot { function, at: Site::Loop(0) };
    let expected = [
        hot(99),
        Event::Compiled { function: 99, bytes: 109, nanoseconds: 7 },
        hot(101),
        Event::Failed { function: 101 },
        hot(200),
        Event::Refused { function: 200 },
        hot(201),
        Event::Refused { function: 201 },
        hot(200),
        Event::Refused { function: 200 },
    ];
    assert_eq!(events, expected);
    assert_eq!([200, 201].map(|function| tiering.counters.get(function)), [RECHECK, FOREVER]);
}

#[test]
fn budgets_are_the_policys() {
    let (module, pretender, _) = load("counter:threshold=70,loop=3,entry=4", 2);
    let tiering = module.tiering().unwrap();
    assert_eq!(tiering.cell(1).load(Ordering::Relaxed), 70);
    let function = module.code(1).unwrap();
    assert_eq!((tiering.weight(function, Site::Entry), tiering.weight(function, Site::Loop(0))), (4, 3));
    let (bytes, ..) = load("bytes", 2);
    let function = bytes.code(1).unwrap();
    let weight = |site| bytes.tiering().unwrap().weight(function, site);
    assert_eq!(weight(Site::Entry), 8 * function.code.len() as u32);
    assert!(0 < weight(Site::Loop(0)) && weight(Site::Loop(0)) < weight(Site::Entry));
    assert!(lock(&pretender.compiled).is_empty());
}

#[test]
fn traces_replay() {
    for policy in ["random:seed=3,max=5", "random:seed=4", "lazy", "scaled:threshold=3", "fixed:tier=jit"] {
        let (module, _, trace) = load(policy, 40);
        for turn in 0..400 {
            module.tiering().unwrap().hot(&module, turn * 7 % 40, Site::Loop(0));
        }
        wait(&module);
        let records = lock(&trace).clone();
        let make = policy.parse::<PolicySpec>().unwrap().load().unwrap();
        let answers: Vec<Action> = records.iter().map(|record| record.action).collect();
        assert_eq!(replay(&records, &make), answers, "{policy}");
    }
}

#[test]
fn traces_begin_with_modules() {
    let (module, _, trace) = load("lazy", 2);
    let later = Trace::default();
    let sink = Arc::clone(&later);
    let engine = module.engine();
    engine.manager().unwrap().record_events(Some(Box::new(move |record| lock(&sink).push(record.clone()))));
    module.tiering().unwrap().hot(&module, 0, Site::Entry);
    let other = Module::new(engine, wat::parse_str("(module (func))").unwrap()).unwrap();
    other.tiering().unwrap().hot(&other, 0, Site::Entry);
    let modules = |trace: &Trace| -> Vec<u32> { lock(trace).iter().map(|record| record.module).collect() };
    assert_eq!(modules(&trace), [0]);
    assert_eq!(modules(&later), [1, 1, 1]);
    assert!(lock(&later)[0].bodies.is_some());
}

#[test]
fn an_oracle_compiles_what_its_trace_says() {
    let (module, _, trace) = load("lazy", 10);
    for function in [3, 7] {
        module.tiering().unwrap().hot(&module, function, Site::Entry);
    }
    let mut text = Vec::new();
    for record in lock(&trace).iter() {
        crate::tier::events::write(&mut text, record).unwrap();
    }
    let path = std::env::temp_dir().join(format!("terrace-oracle-{}", std::process::id()));
    std::fs::write(&path, text).unwrap();
    let (module, pretender, _) = load(&format!("oracle:{}", path.display()), 10);
    let (other, ..) = load(&format!("oracle:{}", path.display()), 11);
    std::fs::remove_file(&path).unwrap();
    let budgets = |module: &Module| -> Vec<u32> {
        (0..10).filter(|&function| module.tiering().unwrap().counters.get(function) == 0).collect()
    };
    assert_eq!(budgets(&module), [3, 7]);
    assert!(budgets(&other).is_empty());
    for function in 0..10 {
        module.tiering().unwrap().hot(&module, function, Site::Entry);
    }
    assert_eq!(sorted(&pretender.compiled), [3, 7]);
}

#[test]
fn evicted_functions_are_compiled_again() {
    let (module, _, trace) = load("random:seed=1,max=1", 40);
    for turn in 0..4000 {
        module.tiering().unwrap().hot(&module, turn % 40, Site::Loop(0));
        wait(&module);
    }
    let records = lock(&trace).clone();
    let evicted = records.iter().enumerate().find_map(|(index, record)| match record.event {
        Event::Evicted { function } => Some((index, function)),
        _ => None,
    });
    let (index, victim) = evicted.unwrap();
    let compiled = |record: &Record| matches!(record.event, Event::Compiled { function, .. } if function == victim);
    assert!(records[..index].iter().any(compiled) && records[index..].iter().any(compiled));
    let counted = records.iter().fold(0, |count, record| match record.event {
        Event::Compiled { .. } => count + 1,
        Event::Evicted { .. } => count - 1,
        _ => count,
    });
    assert_eq!(module.tiering().unwrap().profile().view().compiled(), counted);
}

#[test]
fn modules_may_go_while_they_are_compiled() {
    for _ in 0..20 {
        let (module, pretender, _) = load("background-all", 300);
        drop(module);
        assert!(pretender.running.load(Ordering::Relaxed) <= 300);
    }
}
