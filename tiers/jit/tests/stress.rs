//! Threads with a store each run one module, while code is compiled, installed, evicted and freed all the time: results are always those of
//! the reference. `TERRACE_STRESS_SECONDS` says for how long `longer` does it.
#![cfg(all(any(target_os = "linux", target_os = "macos"), any(target_arch = "x86_64", target_arch = "aarch64")))]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use terrace_core::runtime::mmap::page_size;
use terrace_core::runtime::types::{FuncType, ValType};
use terrace_core::runtime::{Config, Engine, Extern, HostFunc, InstanceRef, Module, Stop, Store};
use terrace_core::tier::policy::Event;
use terrace_core::tier::{Tier, code};
use terrace_jit::Tiered;
use terrace_reference::Reference;
use wasmparser::WasmFeatures;

const TEXT: &str = r#"(module
    (type $t (func (param i32) (result i32)))
    (import "" "host" (func $host (param i32) (result i32)))
    (tag $e (param i32))
    (memory 1)
    (table 7 funcref)
    (elem (i32.const 0) $leaf $fib $even $sum $fill $catch $host)
    (func $leaf (export "leaf") (type $t) (i32.xor (i32.mul (local.get 0) (i32.const 31)) (i32.const 0x55)))
    (func $fib (export "fib") (type $t)
        (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))
            (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1))) (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
    (func $even (export "even") (type $t)
        (if (i32.eqz (local.get 0)) (then (return (i32.const 1))))
        (return_call $odd (i32.sub (local.get 0) (i32.const 1))))
    (func $odd (export "odd") (type $t)
        (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
        (return_call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 2)))
    (func $sum (export "sum") (type $t) (local $s i32) (local $i i32)
        (loop $outer
            (local.set $i (i32.const 7))
            (loop $inner
                (local.set $s (i32.add (local.get $s) (i32.mul (local.get 0) (local.get $i))))
                (br_if $inner (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
            (local.set $s (i32.add (local.get $s) (call $leaf (local.get 0))))
            (br_if $outer (i32.gt_s (local.tee 0 (i32.sub (local.get 0) (i32.const 1))) (i32.const 0))))
        (local.get $s))
    (func $fill (export "fill") (type $t) (local $i i32) (local $s i64)
        (loop $write
            (i64.store (i32.shl (local.get $i) (i32.const 3)) (i64.extend_i32_u (i32.add (local.get 0) (local.get $i))))
            (br_if $write (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 64))))
        (loop $read
            (local.set $i (i32.sub (local.get $i) (i32.const 1)))
            (local.set $s (i64.add (i64.rotl (local.get $s) (i64.const 3)) (i64.load (i32.shl (local.get $i) (i32.const 3)))))
            (br_if $read (local.get $i)))
        (i32.wrap_i64 (i64.xor (local.get $s) (i64.shr_u (local.get $s) (i64.const 32)))))
    (func $throw (export "throw") (type $t)
        (if (i32.eqz (local.get 0)) (then (throw $e (i32.const 77))))
        (call $throw (i32.sub (local.get 0) (i32.const 1))))
    (func $catch (export "catch") (type $t)
        (block $h (result i32)
            (try_table (result i32) (catch $e $h) (i32.add (call $throw (i32.and (local.get 0) (i32.const 15))) (i32.const 1))))
        (i32.add (call $leaf (local.get 0))))
    (func $nested (export "nested") (type $t)
        (i32.add (call $host (local.get 0)) (call_indirect (type $t) (local.get 0) (i32.const 6))))
    (func $mix (export "mix") (type $t) (local $i i32) (local $s i32)
        (local.set $i (i32.const 40))
        (loop $again
            (local.set $s (i32.add (i32.rotl (local.get $s) (i32.const 1))
                (call_indirect (type $t) (i32.rem_u (local.get $i) (i32.const 5))
                    (i32.rem_u (i32.add (local.get 0) (local.get $i)) (i32.const 7)))))
            (br_if $again (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
        (local.get $s))
    (func $long (export "long") (type $t) (local $s i32)
        (loop $again
            (local.set $s (i32.xor (i32.add (local.get $s) (call $mix (local.get 0))) (call $catch (local.get 0))))
            (if (i32.eqz (i32.and (local.get 0) (i32.const 15)))
                (then (local.set $s (i32.add (local.get $s) (call $nested (local.get 0))))))
            (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get $s))
    (func $divide (export "divide") (type $t) (i32.add (i32.const 1) (i32.div_u (i32.const 1000) (local.get 0))))
    (func $bounds (export "bounds") (type $t)
        (i32.add (call $leaf (local.get 0)) (i32.load (i32.mul (local.get 0) (i32.const 0x8000)))))
    (func $traps (export "traps") (type $t)
        (i32.add (call $fill (i32.const 1))
            (i32.add (call $divide (local.get 0)) (call $bounds (i32.sub (local.get 0) (i32.const 1)))))))"#;

/// What is called, with which argument.
const CALLS: &[(&str, u32)] = &[
    ("leaf", 3),
    ("fib", 12),
    ("even", 301),
    ("odd", 301),
    ("sum", 50),
    ("sum", 300),
    ("fill", 9),
    ("throw", 3),
    ("catch", 5),
    ("catch", 12),
    ("nested", 4),
    ("mix", 6),
    ("long", 40),
    ("divide", 0),
    ("divide", 7),
    ("bounds", 3),
    ("traps", 0),
    ("traps", 2),
    ("traps", 4),
];

struct World {
    store: Box<Store>,
    instance: InstanceRef,
}

fn module(config: Config, tier: Arc<dyn Tier>) -> Module {
    let engine = Engine::new(Config { features: WasmFeatures::WASM3, ..config }, tier).unwrap();
    Module::new(&engine, wat::parse_str(TEXT).unwrap()).unwrap()
}

impl World {
    fn new(module: &Module) -> World {
        let mut store = Store::new(module.engine()).unwrap();
        let ty = FuncType::new([ValType::I32], [ValType::I32]);
        let host = HostFunc::new(module.engine(), ty, |store, caller, slots| {
            if slots[0] % 32 == 0 {
                thread::sleep(Duration::from_micros(50));
            }
            let name = if slots[0] % 2 == 0 { "fib" } else { "sum" };
            let Some(Extern::Func(func)) = caller.unwrap().export(name) else { panic!("{name} is exported") };
            let mut nested = [slots[0] % 8 + 1];
            store.call(func, &mut nested)?;
            slots[0] = nested[0];
            Ok(())
        });
        let host = Extern::Func(store.add_host_func(host.unwrap()).unwrap());
        let instance = store.instantiate(module, &[host]).unwrap();
        World { store, instance }
    }

    /// What a call gives.
    fn call(&mut self, (name, argument): (&str, u32)) -> String {
        let Some(Extern::Func(func)) = self.instance.export(name) else { panic!("{name} is exported") };
        let mut slots = [argument.into()];
        match self.store.call(func, &mut slots) {
            Ok(()) => format!("{:#x}", slots[0]),
            Err(Stop::Trap(trap)) => trap.to_string(),
            Err(stop) => stop.to_string(),
        }
    }
}

fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// How often code came and went.
#[derive(Default)]
struct Counts {
    calls: AtomicU64,
    compiled: AtomicU64,
    evicted: AtomicU64,
    refused: AtomicU64,
}

/// Eight threads for a while.
fn round(seed: u64, time: Duration, expected: &[String], counts: &Arc<Counts>) {
    let policy = match seed % 4 {
        1 => "counter:threshold=100,entry=1,mode=background".to_owned(),
        3 => "lazy:mode=background".to_owned(),
        remainder => format!("random:seed={seed},max={}", 20 + 90 * remainder),
    };
    let max_code = [3, 5, 8][seed as usize % 3] * page_size();
    let config = Config {
        policy: Some(policy.parse().unwrap()),
        compile_threads: 2,
        max_code,
        polls: seed % 8 >= 4,
        ..Config::default()
    };
    let module = module(config, Arc::new(Tiered));
    let manager = module.engine().manager().unwrap();
    let sink = Arc::clone(counts);
    manager.record_events(Some(Box::new(move |record| {
        let count = match record.event {
            Event::Compiled { .. } => &sink.compiled,
            Event::Evicted { .. } => &sink.evicted,
            Event::Refused { .. } => &sink.refused,
            _ => return,
        };
        count.fetch_add(1, Ordering::Relaxed);
    })));
    // The sink gets modules that are loaded from now on.
    let module = Module::new(module.engine(), Arc::clone(module.bytes())).unwrap();
    let manager = module.engine().manager().unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for number in 1..=8 {
            let (module, done, policy) = (&module, &done, &policy);
            scope.spawn(move || {
                let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number;
                let mut world = World::new(module);
                while !done.load(Ordering::Relaxed) {
                    if random(&mut state).is_multiple_of(512) {
                        world = World::new(module);
                    }
                    let index = random(&mut state) as usize % CALLS.len();
                    let outcome = world.call(CALLS[index]);
                    assert_eq!(outcome, expected[index], "{:?} with {policy}", CALLS[index]);
                    counts.calls.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        thread::sleep(time);
        done.store(true, Ordering::Relaxed);
    });
    manager.wait_idle();
    assert!(module.compile_stats().memory_bytes as usize <= max_code);
    for defined in 0..module.defined_funcs() {
        code::uninstall(&module, defined);
    }
    code::reclaim(&module);
    assert_eq!(module.compile_stats().memory_bytes, 0, "nothing is in use");
}

fn stress(time: Duration) {
    let start = Instant::now();
    let mut reference = World::new(&module(Config::default(), Arc::new(Reference)));
    let expected: Vec<String> = CALLS.iter().map(|&call| reference.call(call)).collect();
    let counts = Arc::<Counts>::default();
    let mut rounds = 0;
    while start.elapsed() < time {
        round(rounds, Duration::from_millis(800), &expected, &counts);
        rounds += 1;
    }
    let Counts { calls, compiled, evicted, refused } = &*counts;
    let [calls, compiled, evicted, refused] =
        [calls, compiled, evicted, refused].map(|count| count.load(Ordering::Relaxed));
    println!("{rounds} rounds, {calls} calls, {compiled} compiled, {evicted} evicted, {refused} refused");
    assert!(compiled > 10 * rounds && evicted > 10 * rounds, "{compiled} compiled, {evicted} evicted");
}

#[test]
fn the_oldest_code_gives_way() {
    let policy = Some("lazy".parse().unwrap());
    let first = module(Config { policy, max_code: 4 * page_size(), ..Config::default() }, Arc::new(Tiered));
    let (sender, events) = std::sync::mpsc::channel();
    first.engine().manager().unwrap().record_events(Some(Box::new(move |record| match record.event {
        Event::Compiled { function, .. } => sender.send(("compiled", function)).unwrap(),
        Event::Evicted { function } => sender.send(("evicted", function)).unwrap(),
        Event::Refused { function } => sender.send(("refused", function)).unwrap(),
        _ => {}
    })));
    let module = Module::new(first.engine(), Arc::clone(first.bytes())).unwrap();
    let mut world = World::new(&module);
    let [leaf, fib, fill, divide] = [0, 1, 5, 11];
    for call in [("leaf", 1), ("divide", 7), ("fill", 9), ("fib", 5), ("leaf", 1)] {
        world.call(call);
    }
    let expected = [
        ("compiled", leaf),
        ("compiled", divide),
        ("compiled", fill),
        ("evicted", leaf),
        ("compiled", fib),
        ("evicted", divide),
        ("compiled", leaf),
    ];
    assert_eq!(events.try_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn code_comes_and_goes() {
    stress(Duration::from_secs(5));
}

#[test]
#[ignore = "takes as long as TERRACE_STRESS_SECONDS says"]
fn longer() {
    let seconds = std::env::var("TERRACE_STRESS_SECONDS").map_or(60, |text| text.parse().expect("a number of seconds"));
    stress(Duration::from_secs(seconds));
}
