//! Interpreter and compiled code in the same activations: whichever functions are compiled, and wherever control changes sides, programs
//! do the same.
#![cfg(target_arch = "x86_64")]

mod compiler;

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use compiler::{Options, compile};
use terrace_abi::TrapKind;
use terrace_core::bytecode::Level;
use terrace_core::runtime::types::{FuncType, ValType};
use terrace_core::runtime::{Config, Engine, Extern, HostError, HostFunc, InstanceRef, Module, Stop, Store};
use terrace_core::tier::{Code, CompileRequest, Support, Tier, TierId, Unsupported};
use terrace_interp::{Interp, transition};
use wasmparser::WasmFeatures;

/// The interpreter, with room for compiled code.
struct Both;

impl Tier for Both {
    fn id(&self) -> TierId {
        TierId("both")
    }

    fn support(&self, features: WasmFeatures) -> Support {
        Interp.support(features)
    }

    fn compile(&self, request: &CompileRequest<'_>) -> Result<Code, Unsupported> {
        transition::prepare(request.module).unwrap();
        Interp.compile(request)
    }
}

const FIRST: &str = r#"(module $first
    (type $t (func (param i32) (result i32)))
    (import "" "host" (func $host (param i32) (result i32)))
    (import "" "tail" (func $tail_host (param i32) (result i32)))
    (tag $e (export "e") (param i32))
    (table $table (export "table") 9 funcref)
    (elem (i32.const 0) $up $down $throw $host $grow $even)
    (memory 1 3)
    ;; Mutual recursion.
    (func $up (export "up") (param i32) (result i32)
        (if (i32.eqz (local.get 0)) (then (return (i32.const 1))))
        (i32.add (call $down (i32.sub (local.get 0) (i32.const 1))) (i32.const 2)))
    (func $down (export "down") (param i32) (result i32)
        (if (i32.eqz (local.get 0)) (then (return (i32.const 5))))
        (i32.add (i32.const 10)
            (call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0))))
    ;; Tail calls.
    (func $even (export "even") (param i32) (result i32)
        (if (i32.eqz (local.get 0)) (then (return (i32.const 1))))
        (return_call $odd (i32.sub (local.get 0) (i32.const 1))))
    (func $odd (export "odd") (param i32) (result i32)
        (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
        (return_call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 5)))
    (func $twice (export "twice") (param i32) (result i32)
        (i32.add (call $even (local.get 0)) (i32.add (call $odd (local.get 0)) (call $to_host (local.get 0)))))
    (func $to_host (export "to_host") (param i32) (result i32) (return_call $tail_host (local.get 0)))
    ;; Exceptions.
    (func $throw (export "throw") (param i32) (result i32)
        (if (i32.eqz (local.get 0)) (then (throw $e (i32.const 77))))
        (call $throw (i32.sub (local.get 0) (i32.const 1))))
    (func $catch (export "catch") (param i32) (result i32)
        (block $h (result i32)
            (try_table (result i32) (catch $e $h) (i32.add (call $through (local.get 0)) (i32.const 1)))))
    (func $through (param i32) (result i32)
        (i32.add (call_indirect (type $t) (local.get 0) (i32.const 2)) (call $up (i32.const 3))))
    (func $catch_host (export "catch_host") (param i32) (result i32)
        (block $h (result i32)
            (try_table (result i32) (catch $e $h) (i32.add (call $host (i32.const 3)) (i32.const 1)))))
    ;; Loops.
    (func $sum (export "sum") (param i32) (result i32) (local i32 i32)
        (loop $outer
            (local.set 2 (i32.const 3))
            (loop $inner
                (local.set 1 (i32.add (local.get 1) (local.get 0)))
                (local.set 2 (i32.sub (local.get 2) (i32.const 1)))
                (br_if $inner (local.get 2)))
            (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
            (local.set 1 (i32.add (local.get 1) (call $even (local.get 0))))
            (br_if $outer (local.get 0)))
        (local.get 1))
    ;; Helpers, the host, memory.
    (func $grow (export "grow") (param i32) (result i32)
        (i32.store offset=4 (i32.const 16) (local.get 0))
        (i32.add (i32.add (memory.grow (local.get 0)) (memory.size)) (i32.load (i32.const 20))))
    (func $hosts (export "hosts") (param i32) (result i32)
        (i32.add (call $host (local.get 0)) (i32.add (call_indirect (type $t) (local.get 0) (i32.const 3)) (i32.const 1))))
    ;; Traps.
    (func $load (export "load") (param i32) (result i32)
        (i32.add (i32.const 1) (i32.load offset=8 (local.get 0))))
    (func $store (export "store") (param i32) (result i32)
        (i32.store offset=8 (local.get 0) (i32.const 1)) (i32.add (call $load (local.get 0)) (i32.const 4)))
    (func $indirect (export "indirect") (param i32) (result i32)
        (i32.add (i32.const 1) (call_indirect (type $t) (i32.const 2) (local.get 0))))
    (func $tail_indirect (export "tail_indirect") (param i32) (result i32)
        (return_call_indirect (type $t) (i32.const 2) (local.get 0)))
    (func $stop (export "stop") (param i32) (result i32) (drop (call $up (i32.const 2))) (unreachable))
    (func $stops (export "stops") (param i32) (result i32) (i32.add (call $stop (local.get 0)) (i32.const 1)))
    (func $deep (export "deep") (param i32) (result i32)
        (i32.add (call $deeper (local.get 0)) (i32.const 1)))
    (func $deeper (param i32) (result i32)
        (drop (call $even (i32.const 3)))
        (return_call $deepest (local.get 0) (i32.const 0) (i32.const 0)))
    (func $deepest (param i32 i32 i32) (result i32) (i32.add (call $deep (local.get 0)) (i32.const 1))))"#;

const SECOND: &str = r#"(module $second
    (type $t (func (param i32) (result i32)))
    (import "" "up" (func $up (param i32) (result i32)))
    (import "" "even" (func $even (param i32) (result i32)))
    (import "" "throw" (func $throw (param i32) (result i32)))
    (import "" "load" (func $load (param i32) (result i32)))
    (import "" "e" (tag $e (param i32)))
    (import "" "table" (table $table 9 funcref))
    (memory 1)
    (data (i32.const 8) "\11\22\33\44")
    (elem (i32.const 7) $back)
    ;; Every load tells which instance is current.
    (func $which (param i32) (result i32) (i32.load (i32.const 8)))
    (func $calls (export "calls") (param i32) (result i32)
        (i32.add (call $up (local.get 0)) (i32.add (call $which (i32.const 0)) (call $load (i32.const 0)))))
    (func $tails (export "tails") (param i32) (result i32)
        (if (i32.eqz (local.get 0)) (then (return (call $which (i32.const 0)))))
        (return_call $even (local.get 0)))
    (func $around (export "around") (param i32) (result i32)
        (i32.add (call $tails (local.get 0)) (call $which (i32.const 0))))
    (func $catches (export "catches") (param i32) (result i32)
        (block $h (result i32)
            (try_table (result i32) (catch $e $h) (call $throw (local.get 0))))
        (i32.add (call $which (i32.const 0))))
    ;; Back and forth between the instances, by the table.
    (func $back (export "back") (param i32) (result i32)
        (if (i32.eqz (local.get 0)) (then (return (call $which (i32.const 0)))))
        (return_call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 8)))
    (func $traps (export "traps") (param i32) (result i32)
        (i32.add (call $load (i32.const -100)) (call $which (i32.const 0)))))"#;

const THIRD: &str = r#"(module $third
    (type $t (func (param i32) (result i32)))
    (import "" "table" (table $table 9 funcref))
    (memory 1)
    (data (i32.const 8) "\01\00\00\00")
    (elem (i32.const 8) $forth)
    (func $which (export "which") (param i32) (result i32) (i32.load (i32.const 8)))
    (func $forth (export "forth") (param i32) (result i32)
        (if (i32.eqz (local.get 0)) (then (return (call $which (i32.const 0)))))
        (return_call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 7)))
    (func $sums (export "sums") (param i32) (result i32)
        (i32.add (call_indirect (type $t) (local.get 0) (i32.const 7)) (call $which (i32.const 0)))))"#;

/// What is called, with which argument.
const CALLS: &[(&str, u32)] = &[
    ("up", 7),
    ("down", 8),
    ("even", 20_001),
    ("odd", 20_001),
    ("twice", 6),
    ("to_host", 4),
    ("throw", 3),
    ("catch", 3),
    ("catch", 0),
    ("catch_host", 0),
    ("sum", 9),
    ("grow", 1),
    ("grow", 5),
    ("hosts", 5),
    ("hosts", 0),
    ("hosts", 1),
    ("load", 100),
    ("load", 0xffff_fff0),
    ("store", 0x7fff_0000),
    ("store", 65524),
    ("indirect", 0),
    ("indirect", 4),
    ("indirect", 6),
    ("indirect", 9),
    ("tail_indirect", 2),
    ("tail_indirect", 3),
    ("tail_indirect", 6),
    ("tail_indirect", 7),
    ("stop", 0),
    ("stops", 0),
    ("deep", 0),
    ("calls", 5),
    ("tails", 0),
    ("tails", 5),
    ("around", 6),
    ("around", 0),
    ("catches", 2),
    ("back", 1001),
    ("forth", 1001),
    ("sums", 1000),
    ("sums", 1001),
    ("traps", 0),
];

struct World {
    store: Box<Store>,
    /// How often compiled code has called the host.
    compiled_calls: Arc<AtomicU32>,
    instances: Vec<InstanceRef>,
    modules: Vec<Module>,
}

fn world(polls: bool) -> World {
    let features = WasmFeatures::WASM3;
    let config = Config {
        level: Level::Plain,
        features,
        polls,
        max_stack: 256 << 10,
        verify_bytecode: true,
        ..Config::default()
    };
    let engine = Engine::new(config, Arc::new(Both)).unwrap();
    let mut store = Store::new(&engine).unwrap();
    if polls {
        // Every poll asks, so that each is a chance to go over to compiled code.
        store.set_epoch_callback(Some(Box::new(|_| Ok(0))));
        store.set_epoch_deadline(0);
    }
    let ty = || FuncType::new([ValType::I32], [ValType::I32]);
    // 0 traps, 1 is an error; 3 throws by way of an export, else calls itself by an export.
    let compiled_calls = Arc::new(AtomicU32::new(0));
    let count = compiled_calls.clone();
    let host = HostFunc::new(&engine, ty(), move |store, caller, slots| {
        let caller = caller.unwrap();
        if store.stack().top_frame().unwrap().compiled().is_some() {
            count.fetch_add(1, Relaxed);
        }
        match slots[0] {
            0 => Err(HostError::Trap(TrapKind::IntegerOverflow)),
            1 => Err(HostError::Error("an error of the host".into())),
            n => {
                let (name, argument) = if n == 3 { ("throw", 2) } else { ("up", n - 2) };
                let Some(Extern::Func(func)) = caller.export(name) else { return Ok(()) };
                let mut nested = [argument];
                store.call(func, &mut nested)?;
                slots[0] = nested[0] + 1000;
                Ok(())
            }
        }
    });
    let tail = HostFunc::new(&engine, ty(), |_, _, slots| {
        slots[0] += 9;
        Ok(())
    });
    let host = Extern::Func(store.add_host_func(host.unwrap()).unwrap());
    let tail = Extern::Func(store.add_host_func(tail.unwrap()).unwrap());
    let mut world = World { store, compiled_calls, instances: vec![], modules: vec![] };
    for text in [FIRST, SECOND, THIRD] {
        let module = Module::new(&engine, wat::parse_str(text).unwrap()).unwrap();
        let instances = world.instances.clone();
        let imports = world.store.resolve_imports(&module, |_, import| match import.name {
            "host" => Some(host),
            "tail" => Some(tail),
            name => instances.iter().find_map(|instance| instance.export(name)),
        });
        let instance = world.store.instantiate(&module, &imports.unwrap()).unwrap();
        world.instances.push(instance);
        world.modules.push(module);
    }
    world
}

impl World {
    /// Compiles the functions whose bits are set, counted through all modules.
    fn install(&self, mut mask: u64, options: Options) {
        for module in &self.modules {
            let mut functions = Vec::new();
            for defined in 0..module.defined_funcs() {
                if mask & 1 != 0 {
                    functions.push((defined, compile(module, module.code(defined).unwrap(), options)));
                }
                mask >>= 1;
            }
            // SAFETY: the compiler keeps to the rules.
            unsafe { transition::install(module, functions) }.unwrap();
        }
    }

    /// What a call gives.
    fn call(&mut self, name: &str, argument: u32) -> String {
        let Some(Extern::Func(func)) = self.instances.iter().find_map(|instance| instance.export(name)) else {
            panic!("{name} is exported");
        };
        let mut slots = [argument.into()];
        let left = self.store.record().stack_left.load(Relaxed);
        let outcome = match self.store.call(func, &mut slots) {
            Ok(()) => format!("{:#x}", slots[0]),
            Err(Stop::Trap(trap)) => trap.to_string(),
            Err(Stop::Error { error, backtrace }) => format!("{error}\n{backtrace}"),
            Err(stop @ Stop::Exception(_)) => stop.to_string(),
        };
        assert_eq!(self.store.stack().frame_depth(), 0);
        assert_eq!(self.store.record().stack_left.load(Relaxed), left);
        outcome
    }

    fn calls(&mut self) -> Vec<String> {
        CALLS.iter().map(|&(name, argument)| self.call(name, argument)).collect()
    }
}

/// All functions, and more.
const ALL: u64 = (1 << 40) - 1;

/// Sets of functions: all, each one, all but each one, and some more.
fn masks() -> Vec<u64> {
    let mut masks = vec![0, ALL];
    for function in 0..33 {
        masks.extend([1 << function, ALL & !(1 << function)]);
    }
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    for _ in 0..100 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        masks.push(state & ALL);
    }
    masks
}

fn check(options: Options, polls: bool) {
    let expected = world(polls).calls();
    for mask in masks() {
        let mut world = world(polls);
        world.install(mask, options);
        for ((name, argument), expected) in CALLS.iter().zip(&expected) {
            let outcome = world.call(name, *argument);
            assert_eq!(&outcome, expected, "{name} {argument} with {mask:#x}, {options:?}");
        }
        if mask == ALL && !options.leave_calls {
            assert_eq!(world.compiled_calls.load(Relaxed), 6);
        }
    }
}

#[test]
fn expectations() {
    let mut world = world(false);
    let mut expect = |name: &str, argument, expected: &str| {
        let outcome = world.call(name, argument);
        assert!(outcome.starts_with(expected), "{name} {argument}: {outcome}");
    };
    expect("up", 7, "0x2b");
    expect("odd", 20_001, "0x1");
    expect("catch", 3, "0x4d");
    expect("deep", 0, "wasm trap: call stack exhausted");
    expect("load", 0xffff_fff0, "wasm trap: out of bounds memory access");
    expect("back", 1001, "0x1");
    expect("sums", 1001, "0x2");
    expect("hosts", 1, "an error of the host");
}

#[test]
fn any_functions_may_be_compiled() {
    check(Options::default(), false);
}

#[test]
fn loops_are_left() {
    check(Options { leave_loops: true, ..Options::default() }, false);
}

#[test]
fn calls_are_left() {
    check(Options { leave_calls: true, ..Options::default() }, false);
}

#[test]
fn handlers_without_landing_pads_run_in_the_interpreter() {
    check(Options { no_landings: true, ..Options::default() }, false);
}

#[test]
fn polls_go_over() {
    check(Options::default(), true);
}

#[test]
fn loops_go_to_and_fro() {
    check(Options { leave_loops: true, ..Options::default() }, true);
}

/// A function that is compiled while it runs goes over at its next poll.
#[test]
fn running_functions_go_over() {
    let mut plain = world(true);
    let mut world = world(true);
    let module = world.modules[0].clone();
    let sum = (0..module.defined_funcs())
        .find(|&defined| module.function_name(defined + module.imported_funcs()) == Some("sum"));
    let sum = sum.unwrap();
    let mut polls = 0;
    world.store.set_epoch_callback(Some(Box::new(move |_| {
        polls += 1;
        if polls == 10 {
            let options = Options { leave_loops: false, ..Options::default() };
            let code = compile(&module, module.code(sum).unwrap(), options);
            // SAFETY: the compiler keeps to the rules.
            unsafe { transition::install(&module, vec![(sum, code)]) }.unwrap();
        }
        Ok(0)
    })));
    assert_eq!(world.call("sum", 50), plain.call("sum", 50));
    assert!(world.modules[0].code(sum).unwrap().is_compiled());
}
