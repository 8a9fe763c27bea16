//! The generators together make the translator emit every form of every op.

use std::collections::BTreeSet;
use std::sync::Arc;

use terrace_abi::{Form, Op};
use terrace_core::bytecode::{Instructions, Level};
use terrace_core::runtime::{Config, Engine, Module};
use terrace_fuzz::generate::GENERATORS;
use terrace_reference::Reference;

/// What no generator is expected to reach.
fn is_exempt(op: Op, form: Form) -> bool {
    // Modules import nothing, and fuel, polls and profiles are off here. Constants go to the right where the op allows it.
    let left = form == Form::IMM64_LEFT && (op.info().traits.commutative || op.swapped().is_some());
    left || matches!(op, Op::CallImport | Op::ReturnCallImport | Op::Fuel | Op::Poll | Op::Profile)
}

#[test]
fn every_form_is_emitted() {
    let mut seen = BTreeSet::new();
    for (level, canonicalize_nans) in [(Level::Folded, true), (Level::Plain, false)] {
        let config = Config { level, canonicalize_nans, ..Config::default() };
        let engine = Engine::new(config, Arc::new(Reference)).unwrap();
        for generator in GENERATORS.iter().filter(|generator| generator.name != "mutate") {
            for seed in 0..6000 {
                let Ok(module) = Module::new(&engine, generator.module(seed)) else { continue };
                for func in 0..module.defined_funcs() {
                    let Ok(function) = module.code(func) else { continue };
                    for instruction in Instructions::new(&function.code).flatten() {
                        seen.insert((instruction.op as u16, instruction.form));
                    }
                }
            }
        }
    }
    let mut missing = Vec::new();
    for &op in Op::ALL {
        for form in (0..=Form::MASK).map(Form) {
            if op.layout(form).is_some() && !is_exempt(op, form) && !seen.contains(&(op as u16, form)) {
                missing.push(format!("{} form {}", op.text(), form.0));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "{} forms of {} are not emitted: {missing:#?}",
        missing.len(),
        missing.len() + seen.len()
    );
}
