//! Probes see what runs, and change nothing.
#![cfg(target_arch = "x86_64")]

mod vm;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use terrace_abi::{Op, Word};
use terrace_core::bytecode::{Instruction, Instructions, Level};
use terrace_core::runtime::{Extern, InstanceRef, Module, Stop, Store};
use terrace_interp::probe::{self, Sites};
use terrace_reference::Reference;
use vm::{LEVELS, call, engine, engine_on, func, module, store};

thread_local! {
    /// Function and pc of what has run, and how many frames there were.
    static SEEN: RefCell<Vec<(u32, u32, usize)>> = const { RefCell::new(Vec::new()) };
}

fn record(store: &Store) {
    let frame = store.stack().top().expect("an instruction has a frame");
    SEEN.with_borrow_mut(|seen| seen.push((frame.function.index, frame.pc, store.stack().frames().count())));
}

/// As [`record`], where there may be many frames.
fn record_place(store: &Store) {
    let frame = store.stack().top().expect("an instruction has a frame");
    SEEN.with_borrow_mut(|seen| seen.push((frame.function.index, frame.pc, 0)));
}

fn seen() -> Vec<(u32, u32, usize)> {
    SEEN.take()
}

fn code(module: &Module, defined: u32) -> &[Word] {
    &module.code(defined).unwrap().code
}

/// The pcs that run in code without calls whose back edges are taken so many times.
fn walk(code: &[Word], mut taken: usize) -> Vec<u32> {
    let (mut pcs, mut pc) = (Vec::new(), 0);
    loop {
        let instruction = Instruction::at(code, pc).unwrap();
        pcs.push(pc);
        pc = match instruction.targets().next() {
            Some(target) if instruction.op == Op::Jump => target.pc,
            Some(target) if target.pc <= pc && taken > 0 => {
                taken -= 1;
                target.pc
            }
            _ if instruction.info().traits.ends => return pcs,
            _ => instruction.next_pc(),
        };
    }
}

const LOOP: &str = r#"(module (func (export "run") (param i32) (result i32) (local i32)
    (loop
        (local.set 1 (i32.add (i32.mul (local.get 1) (i32.const 3)) (i32.xor (local.get 0) (i32.const 5))))
        (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1)))"#;

#[test]
fn every_instruction_is_seen_once_and_in_order() {
    for level in LEVELS {
        let engine = engine(level);
        let module = module(&engine, LOOP);
        let mut store = store(&engine);
        let instance = store.instantiate(&module, &[]).unwrap();
        let plain = call(&mut store, instance, "run", &[10], 1).unwrap();
        assert_eq!(seen(), []);
        probe::set(&mut store, Some(record));
        for n in [1, 10] {
            let results = call(&mut store, instance, "run", &[n], 1).unwrap();
            let pcs: Vec<u32> = seen().into_iter().map(|(_, pc, _)| pc).collect();
            assert_eq!(pcs, walk(code(&module, 0), n as usize - 1), "{level:?}");
            assert!(n == 1 || results == plain);
        }
        probe::set(&mut store, None);
        assert_eq!(call(&mut store, instance, "run", &[10], 1).unwrap(), plain);
        assert_eq!(seen(), []);
    }
}

/// Programs whose values are in accumulators and pinned locals of every kind, and that go everywhere.
const EVERYTHING: &str = r#"(module $m
    (import "other" "mix" (func $mix (param i64 f64 i32) (result i64 f64)))
    (import "other" "throw" (func $throw (param i32)))
    (import "other" "e" (tag $e (param i32 f32)))
    (import "other" "divide" (func $divide (param i32) (result i32)))
    (type $unary (func (param i32) (result i32)))
    (memory 1)
    (table funcref (elem $fib $divide $even))
    (func $fib (export "fib") (type $unary)
        (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))
            (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1))) (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
    (func $even (type $unary)
        (if (i32.eqz (local.get 0)) (then (return (i32.const 1))))
        (return_call $odd (i32.sub (local.get 0) (i32.const 1))))
    (func $odd (type $unary)
        (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
        (return_call_indirect (type $unary) (i32.sub (local.get 0) (i32.const 1)) (i32.const 2)))
    (func (export "floats") (param $n i32) (result f64 f32) (local $sum f64) (local $s f32)
        (local.set $s (f32.const 1))
        (loop
            (local.set $sum (f64.add (f64.mul (local.get $sum) (f64.const 1.0625))
                (f64.sqrt (f64.add (f64.convert_i32_u (local.get $n)) (f64.promote_f32 (local.get $s))))))
            (local.set $s (f32.sub (f32.mul (local.get $s) (f32.const 0.75)) (f32.demote_f64 (local.get $sum))))
            (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $sum) (local.get $s))
    (func (export "vectors") (param $n i32) (result v128) (local $v v128)
        (local.set $v (v128.const i32x4 1 2 3 4))
        (loop
            (local.set $v (i32x4.add (i32x4.mul (local.get $v) (local.get $v)) (i32x4.splat (local.get $n))))
            (v128.store offset=64 (i32.shl (local.get $n) (i32.const 4)) (v128.xor (local.get $v) (v128.load (i32.const 16))))
            (local.set $v (v128.or (local.get $v) (v128.load offset=64 (i32.shl (local.get $n) (i32.const 4)))))
            (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $v))
    (func (export "across") (param $n i32) (result i64 f64 i64) (local $i i64) (local $f f64) (local $k i64)
        (local.set $f (f64.const 0.5))
        (loop
            (call $mix (i64.add (local.get $i) (i64.extend_i32_u (local.get $n))) (local.get $f) (local.get $n))
            (local.set $f (f64.add (local.get $f)))
            (local.set $k (i64.add (local.get $k) (local.tee $i)))
            (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $i) (local.get $f) (local.get $k))
    (func (export "indirect") (param $n i32) (result i32)
        (i32.add (call_indirect (type $unary) (local.get $n) (i32.const 0))
            (i32.add (call_indirect (type $unary) (local.get $n) (i32.const 1))
                (call_indirect (type $unary) (local.get $n) (i32.const 2)))))
    (func (export "catches") (param $n i32) (result i32 f32) (local $sum i32) (local $f f32)
        (loop $again
            (block $caught (result i32 f32)
                (try_table (catch $e $caught) (call $throw (local.get $n)))
                (unreachable))
            (local.set $f (f32.add (local.get $f)))
            (local.set $sum (i32.add (local.get $sum)))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $sum) (local.get $f))
    (func (export "uncaught") (param i32) (call $throw (i32.add (local.get 0) (i32.const 1))))
    (func (export "divides") (param i32) (result i32) (i32.add (call $divide (local.get 0)) (i32.const 1)))
    (func (export "outside") (param i32) (result i32) (i32.add (i32.load offset=65530 (local.get 0)) (i32.const 1)))
    (func $deep (export "deep") (param i32) (result i32) (i32.add (call $deep (local.get 0)) (call $fib (i32.const 1)))))"#;

const OTHER: &str = r#"(module $other
    (tag $e (export "e") (param i32 f32))
    (func (export "mix") (param i64 f64 i32) (result i64 f64)
        (i64.mul (i64.rotl (local.get 0) (i64.extend_i32_u (local.get 2))) (i64.const 0x9e3779b97f4a7c15))
        (f64.div (f64.add (local.get 1) (f64.const 1)) (f64.const 3)))
    (func (export "throw") (param i32) (throw $e (local.get 0) (f32.convert_i32_s (local.get 0))))
    (func (export "divide") (param i32) (result i32) (i32.div_s (i32.const 1000) (i32.sub (local.get 0) (i32.const 3)))))"#;

/// The exports of [`EVERYTHING`], and how many slots they give.
const CALLS: [(&str, &[u64], usize); 14] = [
    ("fib", &[12], 1),
    ("floats", &[50], 2),
    ("vectors", &[40], 2),
    ("across", &[30], 3),
    ("indirect", &[7], 1),
    ("indirect", &[8], 1),
    ("catches", &[20], 2),
    ("uncaught", &[20], 0),
    ("divides", &[20], 1),
    ("divides", &[3], 1),
    ("outside", &[0], 1),
    ("outside", &[3], 1),
    ("deep", &[1], 1),
    ("floats", &[1], 2),
];

/// What came of a call, traps with all their frames.
fn outcome(result: Result<Vec<u64>, Stop>) -> String {
    match result {
        Ok(slots) => format!("{slots:x?}"),
        Err(Stop::Exception(_)) => "exception".to_owned(),
        Err(stop) => stop.to_string(),
    }
}

fn everything(store: &mut Store) -> InstanceRef {
    let engine = store.engine().clone();
    let other = store.instantiate(&module(&engine, OTHER), &[]).unwrap();
    let module = module(&engine, EVERYTHING);
    let imports: Vec<Extern> = module.imports().map(|import| other.export(import.name).unwrap()).collect();
    store.instantiate(&module, &imports).unwrap()
}

#[test]
fn results_traps_and_exceptions_are_the_same() {
    let outcomes = |store: &mut Store, instance| {
        CALLS.map(|(name, args, results)| outcome(call(store, instance, name, args, results)))
    };
    for level in LEVELS {
        let mut reference = store(&engine_on(level, Arc::new(Reference)));
        let instance = everything(&mut reference);
        let expected = outcomes(&mut reference, instance);
        let mut store = store(&engine(level));
        let instance = everything(&mut store);
        // Functions are linked in probed runs, too.
        for probed in [true, false, true] {
            probe::set(&mut store, probed.then_some(record_place as fn(&Store)));
            let found = outcomes(&mut store, instance);
            for (index, (name, ..)) in CALLS.iter().enumerate() {
                assert_eq!(found[index], expected[index], "{name} {level:?} {probed}");
            }
            assert_eq!(seen().is_empty(), !probed);
        }
    }
}

/// An instance of [`LOOP`]'s or another module with the copy's probe installed.
fn probed_sites(store: &mut Store, module: &Module, defined: u32, sites: &[u32]) -> (InstanceRef, Sites) {
    let instance = store.instantiate(module, &[]).unwrap();
    let sites = Sites::new(module, defined, sites, record).unwrap();
    (instance, sites)
}

#[test]
fn calls_are_seen_where_they_go() {
    let engine = engine(Level::Folded);
    let mut store = store(&engine);
    let instance = everything(&mut store);
    probe::set(&mut store, Some(record));
    call(&mut store, instance, "across", &[2], 3).unwrap();
    let trace = seen();
    let calls: Vec<_> =
        trace.iter().filter(|(_, pc, _)| *pc == 0).map(|&(function, _, depth)| (function, depth)).collect();
    // `across` calls the first function of the other module twice.
    let across = func(instance, "across").index();
    assert_eq!(calls, [(across, 1), (0, 2), (0, 2)], "{trace:?}");
    // Also an instruction that runs again, when its callee is linked, is seen once.
    assert!(trace.windows(2).all(|pair| pair[0] != pair[1]), "{trace:?}");
}

#[test]
fn a_site_is_seen_whenever_it_runs_and_nothing_else_is() {
    for level in LEVELS {
        let engine = engine(level);
        let module = module(&engine, LOOP);
        let mut store = store(&engine);
        let expected = walk(code(&module, 0), 9);
        let mut counts = HashMap::new();
        for pc in expected {
            *counts.entry(pc).or_insert(0usize) += 1;
        }
        let mut result = None;
        for site in Instructions::new(code(&module, 0)).map(|instruction| instruction.unwrap().pc) {
            let (instance, sites) = probed_sites(&mut store, &module, 0, &[site]);
            // SAFETY: no call is active when the copy goes.
            unsafe { sites.install() };
            let results = call(&mut store, instance, "run", &[10], 1).unwrap();
            assert_eq!(seen(), vec![(0, site, 1); counts[&site]], "{level:?}");
            // Both kinds together: the site is seen once more.
            probe::set(&mut store, Some(record));
            let both = call(&mut store, instance, "run", &[10], 1).unwrap();
            let pcs = seen();
            assert_eq!(pcs.iter().filter(|(_, pc, _)| *pc == site).count(), 2 * counts[&site]);
            assert_eq!(pcs.len(), counts.values().sum::<usize>() + counts[&site]);
            probe::set(&mut store, None);
            sites.remove();
            let after = call(&mut store, instance, "run", &[10], 1).unwrap();
            assert_eq!(seen(), []);
            assert_eq!((&results, &both), (&after, &after));
            assert_eq!(*result.get_or_insert(after.clone()), after);
        }
    }
}

#[test]
fn callers_run_a_copy_from_their_next_call_on() {
    let wat = r#"(module
        (func $leaf (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3)))
        (table funcref (elem $leaf))
        (func (export "direct") (param i32) (result i32) (call $leaf (local.get 0)))
        (func (export "tail") (param i32) (result i32) (return_call $leaf (local.get 0)))
        (func (export "indirect") (param i32) (result i32) (call_indirect (param i32) (result i32) (local.get 0) (i32.const 0)))
        (func (export "leaf") (param i32) (result i32) (call $leaf (local.get 0))))"#;
    let engine = engine(Level::Folded);
    let module = module(&engine, wat);
    let mut store = store(&engine);
    let (instance, sites) = probed_sites(&mut store, &module, 0, &[0]);
    let names = ["direct", "tail", "indirect", "leaf"];
    let all = |store: &mut Store| {
        for name in names {
            assert_eq!(call(store, instance, name, &[5], 1).unwrap(), [15]);
        }
        seen().len()
    };
    assert_eq!(all(&mut store), 0);
    for _ in 0..2 {
        // SAFETY: no call is active when the copy goes.
        unsafe { sites.install() };
        assert_eq!(all(&mut store), names.len());
        sites.remove();
        assert_eq!(all(&mut store), 0);
    }
    // Another copy takes the first one's place, and its end does not.
    let other = Sites::new(&module, 0, &[], record).unwrap();
    // SAFETY: as above.
    unsafe {
        other.install();
        sites.install();
    }
    drop(other);
    assert_eq!(all(&mut store), names.len());
    drop(sites);
    assert_eq!(all(&mut store), 0);
}

#[test]
fn sites_are_instructions() {
    let engine = engine(Level::Folded);
    let module = module(&engine, LOOP);
    let len = code(&module, 0).len() as u32;
    assert!(Sites::new(&module, 0, &[len], record).is_none());
    let extension = Instructions::new(code(&module, 0)).flatten().find(|instruction| instruction.len() > 1).unwrap();
    assert!(Sites::new(&module, 0, &[0, extension.pc + 1], record).is_none());
}

#[test]
fn running_forms_stand_for_their_bytecode() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../benches");
    let (mut modules, mut functions) = (0, 0);
    for folder in ["programs", "workloads"] {
        for entry in std::fs::read_dir(format!("{root}/{folder}")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "wasm") {
                continue;
            }
            modules += 1;
            for level in LEVELS {
                let module = Module::new(&engine(level), std::fs::read(&path).unwrap()).unwrap();
                for defined in 0..module.defined_funcs() {
                    let canonical = terrace_interp::canonical(&module, defined).unwrap();
                    assert!(canonical == code(&module, defined), "{}: function {defined}", path.display());
                    functions += 1;
                }
            }
        }
    }
    assert!(modules > 50 && functions > 800, "{modules} modules, {functions} functions");
}
