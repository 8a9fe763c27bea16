//! The op matrix of the interpreter on machine code: every op with every class of operands does what it does on the reference tier.
//!
//! The second configuration takes all ways between the interpreter and machine code: functions are interpreted up to their entry's
//! counter, where their activation goes over, and every other poll leaves again.
#![cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]

#[allow(dead_code, reason = "the interpreter uses the rest")]
#[path = "../../../interp/classes.rs"]
mod classes;
#[path = "../../../interp/tests/matrix/compare.rs"]
mod compare;
#[path = "../../../interp/tests/matrix/shapes.rs"]
mod shapes;

use std::num::NonZeroU32;
use std::sync::Arc;

use compare::{Vm, compare, engine, requests, writes};
use shapes::{VALUES, functions, module};
use terrace_abi::Op;
use terrace_core::runtime::{Config, TierDown};
use terrace_core::tier::Tier;
use terrace_jit::{Jit, Tiered};
use terrace_reference::Reference;

fn run(explicit: bool) -> usize {
    let policy = "counter:threshold=0".parse().unwrap();
    let tier_down = TierDown::Every(NonZeroU32::new(2).unwrap());
    let tiered = Config { policy: Some(policy), tier_down, ..Config::default() };
    let tiers: [(Arc<dyn Tier>, Config); 3] =
        [(Arc::new(Jit), Config::default()), (Arc::new(Tiered), tiered), (Arc::new(Reference), Config::default())];
    let [jit, tiered, reference] = tiers.map(|(tier, config)| engine(tier, explicit, config));
    let mut calls = 0;
    for (op, requests) in requests(explicit) {
        let op = Op::from_index(op).unwrap();
        let cases = functions(op, &requests);
        if cases.is_empty() {
            continue;
        }
        let wasm = module(&cases);
        for ours in [&jit, &tiered] {
            let (mut ours, mut theirs) = (Vm::new(ours, &wasm), Vm::new(&reference, &wasm));
            for (index, case) in cases.iter().enumerate() {
                for round in 0..2 * VALUES {
                    compare(case, &index.to_string(), &case.arguments(index + 13 * round), &mut ours, &mut theirs);
                    calls += 1;
                }
            }
            if writes(op) {
                assert!(ours.memories() == theirs.memories(), "memories after {}", op.text());
            }
            let compiled =
                (0..ours.module.defined_funcs()).filter(|&func| ours.module.code(func).unwrap().is_compiled());
            assert_eq!(compiled.count(), cases.len(), "functions of {} with machine code", op.text());
        }
    }
    calls
}

#[test]
fn machine_code_does_what_the_reference_tier_does() {
    let calls: usize = [false, true].into_iter().map(run).sum();
    println!("{calls} calls");
    assert!(calls > LEAST, "only {calls} calls");
}

/// The number of calls that the cases make at least.
const LEAST: usize = 400_000;
