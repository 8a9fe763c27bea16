//! Scripts that are made rather than kept as files: those that are too large, and sweeps over operators and operands whose
//! expected results are Rust's own.

mod addresses;
mod immediates;
mod limits;

use std::fmt::{Arguments, Write};

use crate::suites::{ALL_FEATURES, Script};

/// Every generated script.
pub fn scripts() -> Vec<Script> {
    let script = |name: &str, text| Script { name: format!("generated/{name}.wast"), features: ALL_FEATURES, text };
    vec![
        script("many-locals", limits::many_locals()),
        script("many-vectors", limits::many_vectors()),
        script("many-params", limits::many_params()),
        script("large-br_table", limits::large_br_table()),
        script("deep-blocks", limits::deep_blocks()),
        script("immediates-i32", immediates::i32()),
        script("immediates-i64", immediates::i64()),
        script("addresses-32", addresses::memory32()),
        script("addresses-64", addresses::memory64()),
    ]
}

fn repeat(count: usize, mut item: impl FnMut(&mut String, usize)) -> String {
    let mut text = String::new();
    for i in 0..count {
        item(&mut text, i);
    }
    text
}

/// Appends to a text, which does not fail.
fn written(text: &mut String, arguments: Arguments<'_>) {
    let _ = text.write_fmt(arguments);
}
