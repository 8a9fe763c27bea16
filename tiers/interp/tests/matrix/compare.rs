//! Cases on a tier, held against another.
#![allow(dead_code, reason = "each test program uses a part")]

use std::collections::BTreeMap;
use std::sync::Arc;

use terrace_abi::{Op, Shape, Ty};
use terrace_core::bytecode::Level;
use terrace_core::runtime::{Config, Engine, Extern, InstanceRef, Module, Stop, Store};
use terrace_core::tier::Tier;

use crate::classes::{JUMPS, numbers};
use crate::shapes::{Case, Request};

/// Every request for a handler, by op.
pub fn requests(explicit: bool) -> BTreeMap<u16, Vec<Request>> {
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

/// An instance in a store of its own.
pub struct Vm {
    pub store: Box<Store>,
    instance: InstanceRef,
    pub module: Module,
}

/// Whether an op writes memory, of which every bit is compared.
pub fn writes(op: Op) -> bool {
    op.info().shape.accesses_memory() && op.info().shape != Shape::load
}

/// An engine on a tier.
pub fn engine(tier: Arc<dyn Tier>, explicit: bool, config: Config) -> Engine {
    let mut config = Config { level: Level::Folded, ..config };
    config.memory.explicit_bounds = explicit;
    Engine::new(config, tier).unwrap()
}

impl Vm {
    pub fn new(engine: &Engine, wasm: &[u8]) -> Vm {
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

    pub fn memories(&mut self) -> Vec<Vec<u8>> {
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

/// A function does the same on both.
pub fn compare(case: &Case, name: &str, args: &[u64], ours: &mut Vm, theirs: &mut Vm) {
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
