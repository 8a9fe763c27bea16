//! Profiles: what is counted, when functions are hot, and that nothing else changes.
#![cfg(target_arch = "x86_64")]

mod vm;

use std::sync::{Arc, Mutex};

use terrace_abi::Op;
use terrace_core::bytecode::{Instructions, Level};
use terrace_core::runtime::{Config, Engine, InstanceRef, Module, Store};
use terrace_core::tier::code::{CodeError, MachineCode};
use terrace_core::tier::manager::{CompileError, Compiler};
use terrace_core::tier::policy::{Event, Site};
use terrace_core::tier::{Code, CompileRequest, Support, Tier, TierId, Unsupported};
use terrace_interp::Interp;
use vm::{LEVELS, call, module, store};
use wasmparser::WasmFeatures;

/// The interpreter beside a compiler that can compile nothing.
struct Interpreted;

impl Tier for Interpreted {
    fn id(&self) -> TierId {
        Interp.id()
    }

    fn support(&self, features: WasmFeatures) -> Support {
        Interp.support(features)
    }

    fn compile(&self, request: &CompileRequest<'_>) -> Result<Code, Unsupported> {
        Interp.compile(request)
    }

    fn compiler(&self) -> Option<Arc<dyn Compiler>> {
        Some(Arc::new(Interpreted))
    }
}

impl Compiler for Interpreted {
    fn compile(&self, _: &Module, _: u32) -> Result<MachineCode, CompileError> {
        Err(CompileError::Unsupported("anything".to_owned()))
    }

    fn install(&self, _: &Module, _: Vec<(u32, MachineCode)>) -> Result<(), CodeError> {
        Ok(())
    }
}

/// Places where a function was hot.
type Hot = Arc<Mutex<Vec<(u32, Site)>>>;

fn engine(level: Level, policy: &str) -> (Engine, Hot) {
    let config = Config { level, policy: Some(policy.parse().unwrap()), verify_bytecode: true, ..Config::default() };
    let engine = Engine::new(config, Arc::new(Interpreted)).unwrap();
    let hot = Hot::default();
    let sink = Arc::clone(&hot);
    engine.manager().unwrap().record_events(Some(Box::new(move |record| {
        if let Event::Hot { function, at } = record.event {
            sink.lock().unwrap().push((function, at));
        }
    })));
    (engine, hot)
}

fn instantiate(engine: &Engine, wat: &str) -> (Box<Store>, InstanceRef, Module) {
    let module = module(engine, wat);
    let mut store = store(engine);
    let instance = store.instantiate(&module, &[]).unwrap();
    (store, instance, module)
}

fn left(module: &Module, function: u32) -> i32 {
    module.tiering().unwrap().cell(function).load(std::sync::atomic::Ordering::Relaxed)
}

/// `run(n)` has a loop that turns n times, with one inside that turns 3 times.
const LOOPS: &str = r#"(module
    (import "" "f" (func))
    (func $other)
    (func (export "run") (param $n i32) (result i32) (local $i i32) (local $sum i32)
        (loop $outer
            (local.set $i (i32.const 3))
            (loop $inner
                (local.set $sum (i32.add (local.get $sum) (local.get $n)))
                (br_if $inner (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
            (br_if $outer (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $sum)))"#;

fn loops() -> String {
    LOOPS.replace(r#"(import "" "f" (func))"#, "")
}

#[test]
fn entries_and_turns_are_counted() {
    for level in LEVELS {
        let (engine, hot) = engine(level, "counter:threshold=100000,entry=1000,loop=7");
        let (mut store, instance, module) = instantiate(&engine, &loops());
        for calls in 1..=3 {
            assert_eq!(call(&mut store, instance, "run", &[4], 1).unwrap(), [3 * (4 + 3 + 2 + 1)]);
            assert_eq!(left(&module, 1), 100_000 - calls * (1000 + 7 * (4 + 4 * 3)), "{level:?}");
        }
        assert_eq!(left(&module, 0), 100_000);
        assert!(hot.lock().unwrap().is_empty());
    }
}

#[test]
fn functions_are_hot_when_the_budget_is_gone() {
    let cases = [
        // The entry takes all there is, then the outer loop asks for more.
        ("counter:threshold=10,entry=10,loop=1", Site::Loop(0)),
        // Entry, outer, and four turns of the inner loop with one of the outer in between.
        ("counter:threshold=6,entry=1,loop=1", Site::Loop(1)),
        ("counter:threshold=5,entry=1,loop=1", Site::Loop(0)),
        ("counter:threshold=0", Site::Entry),
        ("lazy", Site::Entry),
    ];
    for level in LEVELS {
        for (policy, site) in cases {
            let (engine, hot) = engine(level, policy);
            let (mut store, instance, module) = instantiate(&engine, &loops());
            for _ in 0..2 {
                assert_eq!(call(&mut store, instance, "run", &[4], 1).unwrap(), [30]);
            }
            // A function that cannot be compiled is hot but once.
            assert_eq!(*hot.lock().unwrap(), [(1, site)], "{policy}");
            assert!(left(&module, 1) > 1 << 30);
        }
    }
}

#[test]
fn imported_functions_are_not_counted_among_the_defined() {
    let (engine, hot) = engine(Level::Folded, "lazy");
    let module = module(&engine, LOOPS);
    let mut store = store(&engine);
    let other = instantiate_other(&mut store, &engine);
    let instance = store.instantiate(&module, &[other]).unwrap();
    call(&mut store, instance, "run", &[1], 1).unwrap();
    assert_eq!(*hot.lock().unwrap(), [(1, Site::Entry)]);
}

fn instantiate_other(store: &mut Store, engine: &Engine) -> terrace_core::runtime::Extern {
    let module = module(engine, r#"(module (func (export "f")))"#);
    let instance = store.instantiate(&module, &[]).unwrap();
    instance.export("f").unwrap()
}

#[test]
fn random_budgets_change_no_result() {
    let mut asked = 0;
    for level in LEVELS {
        for seed in 0..20 {
            let (engine, hot) = engine(level, &format!("random:seed={seed},max=5"));
            let (mut store, instance, _) = instantiate(&engine, &loops());
            assert_eq!(call(&mut store, instance, "run", &[50], 1).unwrap(), [3 * 50 * 51 / 2]);
            asked += usize::from(!hot.lock().unwrap().is_empty());
        }
    }
    // The others gave up at the start.
    assert!(asked > 20);
}

#[test]
fn the_running_form_can_be_undone() {
    for level in LEVELS {
        let (engine, _) = engine(level, "bytes");
        let module = module(&engine, &loops());
        for defined in 0..module.defined_funcs() {
            let function = module.code(defined).unwrap();
            assert!(terrace_interp::canonical(&module, defined).unwrap() == *function.code);
            let counted =
                Instructions::new(&function.code).flatten().filter(|instruction| instruction.op == Op::Profile).count();
            assert_eq!(counted, 1 + function.loops.len());
        }
    }
}

#[test]
fn policies_that_watch_nothing_cost_nothing() {
    let (engine, _) = engine(Level::Folded, "fixed:tier=jit");
    let module = module(&engine, &loops());
    let code = &module.code(1).unwrap().code;
    assert!(Instructions::new(code).flatten().all(|instruction| instruction.op != Op::Profile));
}
