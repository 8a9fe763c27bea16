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
mod compare;
mod handlers;
mod shapes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use compare::{Vm, compare, engine, requests, writes};
use handlers::Handlers;
use shapes::{VALUES, functions, module};
use terrace_abi::Op;
use terrace_core::bytecode::Instructions;
use terrace_core::runtime::Config;
use terrace_core::tier::Tier;
use terrace_interp::{Interp, probe};
use terrace_reference::Reference;

fn run(explicit: bool, handlers: &Handlers, linked: &mut BTreeSet<String>) -> usize {
    let tiers: [Arc<dyn Tier>; 2] = [Arc::new(Interp), Arc::new(Reference)];
    let [ours, theirs] = tiers.map(|tier| engine(tier, explicit, Config::default()));
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
        if writes(op) {
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
