//! Validation against that of the library alone, which reads every operator by itself.

use std::fs;
use std::ops::Range;

use proptest::prelude::*;
use proptest::sample::Index;
use wasmparser::{BinaryReaderError, FuncValidatorAllocations, Parser, Payload, ValidPayload, Validator, WasmFeatures};

use super::load::{ModuleError, validate};

const MODULES: [&str; 6] = ["callindirect", "dot_simd", "exceptions", "json", "mixing", "nbody"];

fn module(name: &str) -> Vec<u8> {
    fs::read(format!("{}/../../benches/workloads/{name}.wasm", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn code(wasm: &[u8]) -> Range<usize> {
    let mut payloads = Parser::new(0).parse_all(wasm).map(Result::unwrap);
    payloads
        .find_map(|payload| match payload {
            Payload::CodeSectionStart { unchecked_range: range, .. } => Some(range.start as usize..range.end as usize),
            _ => None,
        })
        .unwrap()
}

fn expected(features: WasmFeatures, wasm: &[u8]) -> Result<(), BinaryReaderError> {
    let mut validator = Validator::new_with_features(features);
    let mut allocations = FuncValidatorAllocations::default();
    let mut parser = Parser::new(0);
    parser.set_features(features);
    for payload in parser.parse_all(wasm) {
        let ValidPayload::Func(func, body) = validator.payload(&payload?)? else { continue };
        let mut func = func.into_validator(allocations);
        let mut reader = body.get_binary_reader();
        func.read_locals(&mut reader)?;
        while !reader.eof() {
            reader.visit_operator(&mut func.visitor(reader.original_position()))??;
        }
        reader.finish_expression(&func.visitor(reader.original_position()))?;
        allocations = func.into_allocations();
    }
    Ok(())
}

fn agree(features: WasmFeatures, wasm: &[u8]) -> bool {
    let expected = expected(features, wasm).map_err(|error| (error.message().to_owned(), error.offset() as usize));
    let actual = validate(features, wasm).map_err(|error| match error {
        ModuleError::Invalid { message, offset } => (message, offset),
        error => panic!("{error}"),
    });
    assert_eq!(actual, expected);
    actual.is_ok()
}

#[test]
fn modules_are_valid_as_they_are() {
    for name in MODULES {
        assert!(agree(WasmFeatures::all(), &module(name)), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// The same modules are refused, for the same reasons at the same places.
    #[test]
    fn mutated_code_is_judged_alike(
        name in prop::sample::select(&MODULES[..]),
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..4),
        mvp in any::<bool>(),
    ) {
        let mut wasm = module(name);
        let code = code(&wasm);
        for (place, value) in changes {
            wasm[code.start + place.index(code.len())] = value;
        }
        agree(if mvp { WasmFeatures::WASM1 } else { WasmFeatures::all() }, &wasm);
    }
}
