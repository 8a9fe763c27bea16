//! The op matrix: every handler that an op, its forms and the classes of its operands give rise to is asked for by a
//! function of its own, which must do on this tier what it does on the reference tier (whose ops are held against their
//! meaning in its own tests).
//!
//! The cases follow from the op table and the operand classes, so that a new row or class is part of them; the handlers
//! that were linked are counted by their symbols.
#![cfg(target_arch = "x86_64")]

#[allow(dead_code, reason = "the linker and the generator use the rest")]
#[path = "../../classes.rs"]
mod classes;
mod handlers;
mod shapes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use classes::{JUMPS, numbers};
use handlers::Handlers;
use shapes::{Case, Request, VALUES, functions, module};
use terrace_abi::{Op, Shape, Ty};
use terrace_core::bytecode::{Instructions, Level};
use terrace_core::runtime::{Config, Engine, Extern, InstanceRef, Module, Stop, Store};
use terrace_core::tier::Tier;
use terrace_interp::{Interp, probe};
use terrace_reference::Reference;

/// Every request for a handler, by op.
fn requests(explicit: bool) -> BTreeMap<u16, Vec<Request>> {
    let mut all: BTreeMap<u16, Vec<Request>> = BTreeMap::new();
    for (op, form, dims) in numbers() {
        let dims = match explicit {
            true if dims.explicit => dims.with_explicit_bounds(),
            true => continue,
            false => dims,
        };
        for d in dims.d.iter() {
            for a in dims.a.iter() {
                for b in dims.b.iter() {
                    for &jump in &JUMPS[..dims.jump_count()] {
                        all.entry(op as u16).or_default().push(Request { op, form, d, a, b, jump });
                    }
                }
            }
        }
    }
    all
}

struct Vm {
    store: Box<Store>,
    instance: InstanceRef,
    module: Module,
}

fn engine(tier: Arc<dyn Tier>, explicit: bool) -> Engine {
    let mut config = Config { level: Level::Folded, ..Config::default() };
    config.memory.explicit_bounds = explicit;
    Engine::new(config, tier).unwrap()
}

impl Vm {
    fn new(engine: &Engine, wasm: &[u8]) -> Vm {
        let module = Module::new(engine, wasm.to_vec()).unwrap_or_else(|error| panic!("{error}"));
        let mut store = Store::new(engine).unwrap();
        let instance = store.instantiate(&module, &[]).unwrap();
        Vm { store, instance, module }
    }

    fn call(&mut self, name: &str, args: &[u64], results: usize) -> Result<Vec<u64>, String> {
        let Some(Extern::Func(func)) = self.instance.export(name) else { panic!("{name} is exported") };
        let mut slots = args.to_vec();
        slots.resize(args.len().max(results), 0);
        match self.store.call(func, &mut slots) {
            Ok(()) => Ok(slots[..results].to_vec()),
            Err(Stop::Trap(trap)) => {
                Err(format!("{:?} {:?}", trap.kind, trap.backtrace.frames.first().map(|f| f.wasm_offset)))
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    fn memories(&mut self) -> Vec<Vec<u8>> {
        let mut contents = Vec::new();
        for name in ["memory 0", "memory 1"] {
            let Some(Extern::Memory(memory)) = self.instance.export(name) else { continue };
            let memory = self.store.memory_mut(memory);
            let mut bytes = vec![0; memory.byte_len()];
            memory.read(0, &mut bytes).unwrap();
            contents.push(bytes);
        }
        contents
    }
}

/// Equal, where all NaNs of some width are.
fn same(ty: Ty, a: &[u64], b: &[u64]) -> bool {
    let f32s = |x: u64| [x as u32, (x >> 32) as u32];
    let same64 = |a: u64, b: u64| a == b || f64::from_bits(a).is_nan() && f64::from_bits(b).is_nan();
    let same32 = |a: u32, b: u32| a == b || f32::from_bits(a).is_nan() && f32::from_bits(b).is_nan();
    let all32 = |a: &[u64], b: &[u64]| {
        a.iter().zip(b).all(|(&a, &b)| f32s(a).into_iter().zip(f32s(b)).all(|(a, b)| same32(a, b)))
    };
    match ty {
        Ty::F64 => same64(a[0], b[0]),
        Ty::F32 => all32(a, b),
        Ty::V128 => all32(a, b) || a.iter().zip(b).all(|(&a, &b)| same64(a, b)),
        _ => a == b,
    }
}

fn compare(case: &Case, name: &str, args: &[u64], ours: &mut Vm, theirs: &mut Vm) {
    let slots: usize = case.results.iter().map(|ty| ty.slots() as usize).sum();
    let (actual, expected) = (ours.call(name, args, slots), theirs.call(name, args, slots));
    let agree = match (&actual, &expected) {
        (Ok(actual), Ok(expected)) => {
            let mut at = 0;
            case.results.iter().all(|&ty| {
                let range = at..at + ty.slots() as usize;
                at = range.end;
                same(ty, &actual[range.clone()], &expected[range])
            })
        }
        (actual, expected) => actual == expected,
    };
    assert!(agree, "{name} {:?} of {args:x?}: {actual:x?} instead of {expected:x?}", case.request);
}

fn run(explicit: bool, handlers: &Handlers, linked: &mut BTreeSet<String>) -> usize {
    let (ours, theirs) = (engine(Arc::new(Interp), explicit), engine(Arc::new(Reference), explicit));
    let mut calls = 0;
    for (op, requests) in requests(explicit) {
        let op = Op::from_index(op).unwrap();
        let cases = functions(op, &requests);
        if cases.is_empty() {
            continue;
        }
        let wasm = module(&cases);
        // Probed, every instruction runs by its own handler; otherwise, two in a row may share one.
        let (mut ours, mut probed) = (Vm::new(&ours, &wasm), Vm::new(&ours, &wasm));
        probe::set(&mut probed.store, Some(|_| {}));
        let mut theirs = [Vm::new(&theirs, &wasm), Vm::new(&theirs, &wasm)];
        for (index, case) in cases.iter().enumerate() {
            for round in 0..2 * VALUES {
                let args = case.arguments(index + 13 * round);
                for (ours, theirs) in [&mut ours, &mut probed].into_iter().zip(&mut theirs) {
                    compare(case, &index.to_string(), &args, ours, theirs);
                    calls += 1;
                }
            }
        }
        if op.info().shape.accesses_memory() && op.info().shape != Shape::load {
            assert!(ours.memories() == theirs[0].memories(), "memories after {}", op.text());
        }
        for func in 0..ours.module.defined_funcs() {
            let function = ours.module.code(func).unwrap();
            let Some(running) = function.running.get() else { continue };
            let header = running.len() - function.code.len();
            for instruction in Instructions::new(&function.code).flatten() {
                linked.extend(handlers.name(running[header + instruction.pc as usize].number()).map(str::to_owned));
            }
        }
    }
    calls
}

#[test]
fn handlers_do_what_the_reference_tier_does() {
    let handlers = Handlers::of_this_program();
    let mut linked = BTreeSet::new();
    let mut calls = 0;
    for explicit in [false, true] {
        calls += run(explicit, &handlers, &mut linked);
    }
    let all = handlers.all();
    let mut families: BTreeMap<&str, (usize, Vec<&str>)> = BTreeMap::new();
    for &name in &all {
        let family = handlers::family(name);
        let (count, missing) = families.entry(family).or_default();
        *count += 1;
        if !linked.contains(name) {
            missing.push(name);
        }
    }
    for (family, (count, missing)) in &families {
        if !missing.is_empty() {
            println!(
                "{family}: {} of {count} never linked, e.g. {:?}",
                missing.len(),
                &missing[..missing.len().min(4)]
            );
        }
    }
    let covered = all.iter().filter(|name| linked.contains(**name)).count();
    println!("{calls} calls; {covered} of {} handlers linked", all.len());
    assert!(covered * 100 >= all.len() * LEAST, "only {covered} of {} handlers were linked", all.len());
}

/// Per cent of the handlers that the cases reach.
const LEAST: usize = 90;
