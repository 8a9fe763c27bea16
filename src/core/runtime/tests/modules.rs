//! Loading modules.

use std::time::Instant;

use proptest::prelude::*;
use wasmparser::WasmFeatures;

use super::super::types::ValType;
use super::*;
use crate::translate::TranslateError;

const MODES: [Translation; 4] =
    [Translation::Eager, Translation::Parallel, Translation::Lazy, Translation::LazyValidation];

/// LEB128.
fn leb(mut value: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn section(id: u8, contents: &[u8]) -> Vec<u8> {
    [&[id][..], &leb(contents.len() as u32), contents].concat()
}

/// A module of `count` functions of type `[] -> []` with this body.
fn many(count: u32, body: &[u8]) -> Vec<u8> {
    let repeated = |item: &[u8]| [leb(count), item.repeat(count as usize)].concat();
    let body = [leb(body.len() as u32), body.to_vec()].concat();
    [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, &[1, 0x60, 0, 0]),
        section(3, &repeated(&[0])),
        section(10, &repeated(&body)),
    ]
    .concat()
}

#[test]
fn broken_binaries_are_refused_with_offsets() {
    let engine = engine();
    let valid = many(3, &[0, 0x0b]);
    assert!(Module::new(&engine, valid.clone()).is_ok());
    for len in 0..valid.len() {
        // A prefix that ends before or behind a section can only be complete without functions.
        let result = Module::new(&engine, &valid[..len]);
        let complete = len == 8 || len == 14;
        assert_eq!(result.is_ok(), complete, "{len}");
        if let Err(error) = result {
            let ModuleError::Invalid { offset, .. } = &error else { panic!("{error:?}") };
            assert!(*offset <= len, "{error}");
            assert!(error.to_string().contains("(at offset 0x"), "{error}");
        }
    }
    let component = Module::new(&engine, b"\0asm\x0d\0\x01\0".to_vec()).unwrap_err();
    assert!(matches!(component, ModuleError::Component), "{component:?}");
    assert!(component.to_string().contains("component"));
    assert!(Module::validate(&engine, b"\0asm\x0d\0\x01\0").unwrap_err().to_string().contains("component"));
    assert!(Module::validate(&engine, &valid).is_ok());
}

#[test]
fn modes_differ_only_in_when_errors_show() {
    // The second function leaves a value on the stack.
    let invalid = wat::parse_str(r#"(module (func) (func i32.const 1) (func (result i32) i32.const 1))"#).unwrap();
    for mode in MODES {
        let engine = engine_with(|config| config.translation = mode);
        let result = Module::new(&engine, invalid.clone());
        if mode == Translation::LazyValidation {
            let module = result.unwrap();
            assert!(module.translated(1).is_none());
            assert!(module.code(0).is_ok());
            let error: *const TranslateError = module.code(1).unwrap_err();
            assert!(matches!(module.code(1), Err(TranslateError::Invalid { .. })));
            assert!(std::ptr::eq(error, module.code(1).unwrap_err()), "errors are cached");
        } else {
            let error = result.unwrap_err();
            assert!(matches!(error, ModuleError::Invalid { .. }), "{mode:?}: {error:?}");
        }
    }
    let valid = many(5, &[0, 0x0b]);
    for mode in MODES {
        let engine = engine_with(|config| config.translation = mode);
        let module = Module::new(&engine, valid.clone()).unwrap();
        let eager = matches!(mode, Translation::Eager | Translation::Parallel);
        assert!((0..5).all(|index| module.translated(index).is_some() == eager), "{mode:?}");
        assert!((0..5).all(|index| module.code(index).is_ok()));
        assert!((0..5).all(|index| module.translated(index).is_some()));
    }
}

#[test]
fn an_unsupported_function_fails_when_it_is_called_in_every_mode() {
    let text = r#"(module (type $s (struct)) (func (export "f") struct.new $s drop) (func (export "g")))"#;
    for mode in MODES {
        let engine = engine_with(|config| config.translation = mode);
        let mut store = store(&engine);
        let instance = instantiate(&mut store, text, &[]).unwrap();
        assert!(store.call(func(instance, "g"), &mut []).is_ok());
        let Err(Stop::Error { error, .. }) = store.call(func(instance, "f"), &mut []) else { panic!() };
        assert!(error.to_string().contains("unsupported operator struct.new"), "{error}");
    }
}

#[test]
fn a_frame_that_no_stack_holds_is_refused() {
    let results = "v128 ".repeat(1000);
    let text = |calls: usize, rest: &str| {
        let body = "call $many ".repeat(calls);
        format!(
            "(module (func $many (result {results}) unreachable)
                (func (export \"f\") (block {body} {rest} unreachable) (block {body} br 0)))"
        )
    };
    let engine = engine_with(|config| config.verify_bytecode = false);
    assert!(module(&engine, &text(4000, "")).code(1).is_ok());
    // Blocks behind the one that is too large are translated against the right heights.
    for rest in ["br 0", "(block br 1) (if (i32.const 1) (then) (else))", "i32.const 0 br_if 0 return"] {
        let module = module(&engine, &text(6000, rest));
        let error = module.code(1).unwrap_err();
        assert!(matches!(error, TranslateError::TooLarge { .. }), "{error}");
    }
}

#[test]
fn a_million_functions_load_lazily_and_one_more_is_refused() {
    let engine = engine_with(|config| config.translation = Translation::LazyValidation);
    let bytes = many(1_000_000, &[0, 0x0b]);
    let start = Instant::now();
    let module = Module::new(&engine, bytes).unwrap();
    println!("loaded in {:?}", start.elapsed());
    assert_eq!(module.defined_funcs(), 1_000_000);
    assert!(module.code(999_999).is_ok());
    let mut store = store(&engine);
    let instance = store.instantiate(&module, &[]).unwrap();
    assert_eq!(instance.func_ref(999_999).index(), 999_999);
    assert_eq!(instance.func_ref(999_999), instance.func_ref(999_999));

    let error = Module::new(&engine, many(1_000_001, &[0, 0x0b])).unwrap_err();
    assert!(error.to_string().contains("functions count exceeds limit"), "{error}");
}

#[test]
fn imports_exports_names_and_custom_sections_are_described() {
    let engine = engine();
    let module = module(
        &engine,
        r#"(module $m
            (import "a" "f" (func $imported (param i32)))
            (import "a" "m" (memory 1 2))
            (import "b" "g" (global (mut i64)))
            (table $t (export "t") 3 funcref)
            (tag (export "e") (param i32))
            (func $defined (export "x") (result i32) unreachable)
            (func (export ""))
            (export "again" (func $imported))
            (@custom "other" "data"))"#,
    );
    let imports: Vec<_> = module.imports().map(|import| (import.module, import.name, import.index)).collect();
    assert_eq!(
        imports,
        [("a", "f", ExternIndex::Func(0)), ("a", "m", ExternIndex::Memory(0)), ("b", "g", ExternIndex::Global(0))]
    );
    let types: Vec<_> = module.imports().map(|import| import.ty.display(engine.types()).to_string()).collect();
    assert_eq!(types, ["(func (param i32))", "(memory 1 2)", "(global (mut i64))"]);
    let names: Vec<_> = module.exports().map(|export| export.name).collect();
    assert_eq!(names, ["t", "e", "x", "", "again"]);
    assert_eq!(module.export("x"), Some(ExternIndex::Func(1)));
    assert_eq!(module.export(""), Some(ExternIndex::Func(2)));
    assert_eq!(module.export("again"), Some(ExternIndex::Func(0)));
    assert_eq!(module.export("nothing"), None);
    assert_eq!(module.func_type(1).unwrap().results(), [ValType::I32]);
    assert_eq!(module.name(), Some("m"));
    assert_eq!(module.function_name(0), Some("imported"));
    assert_eq!(module.function_name(1), Some("defined"));
    assert_eq!(module.function_name(2), None);
    assert!(module.custom_sections().any(|custom| custom == ("other", b"data")));
}

#[test]
fn a_broken_name_section_names_nothing() {
    let engine = engine();
    let mut bytes = many(1, &[0, 0x0b]);
    bytes.extend(section(0, &[4, b'n', b'a', b'm', b'e', 1, 200, 1]));
    let module = Module::new(&engine, bytes).unwrap();
    assert_eq!((module.name(), module.function_name(0)), (None, None));
}

#[test]
fn features_are_the_engines() {
    let simd = wat::parse_str("(module (func (param v128)))").unwrap();
    assert!(Module::new(&engine(), simd.clone()).is_ok());
    let without = engine_with(|config| config.features.remove(WasmFeatures::SIMD | WasmFeatures::RELAXED_SIMD));
    assert!(matches!(Module::new(&without, simd), Err(ModuleError::Invalid { .. })));

    let refused = |features, tier| {
        let config = Config { features, ..Config::default() };
        Engine::new(config, Arc::new(Toy(tier))).unwrap_err().to_string()
    };
    let none = WasmFeatures::empty();
    assert_eq!(refused(WasmFeatures::STACK_SWITCHING, none), "unsupported features: stack_switching");
    assert_eq!(refused(WasmFeatures::WASM3, WasmFeatures::MULTI_MEMORY), "unsupported features: multi_memory");
}

#[test]
fn a_tier_may_refuse_a_module() {
    let module = Module::new(&engine(), wat::parse_str(r#"(module (@custom "no toy" ""))"#).unwrap());
    assert_eq!(module.unwrap_err().to_string(), "tier toy does not support this module");
}

#[test]
fn constant_expressions_of_gc_are_refused_by_name() {
    let text = "(module (type $s (struct)) (global (ref $s) (struct.new $s)))";
    let error = Module::new(&engine(), wat::parse_str(text).unwrap()).unwrap_err();
    assert!(matches!(error, ModuleError::UnsupportedConst { operator: "struct.new", .. }), "{error:?}");
}

proptest! {
    /// Whatever is done to a module, it loads, or there is an error: in every mode, and when its functions are asked for.
    #[test]
    fn mutated_modules_load_or_fail(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
        mode in prop::sample::select(&MODES[..]),
    ) {
        let text = r#"(module $m
            (import "a" "f" (func (param i32))) (import "a" "g" (global i32))
            (memory 1) (table 3 funcref) (tag (param i64))
            (global (mut i64) (i64.add (i64.const 1) (i64.const 2)))
            (elem (i32.const 0) 0 1) (elem funcref (ref.null func) (ref.func 1)) (data (i32.const 0) "data")
            (func $f (export "f") (param i32) (result i32) (local f64 externref)
                (block (br_if 0 (i32.lt_s (local.get 0) (i32.const 3))) (call 0 (local.get 0)))
                (i32.load offset=4 (local.get 0)))
            (func (export "g") (loop (br 0))))"#;
        let mut bytes = wat::parse_str(text).unwrap();
        for (place, value) in flips {
            let place = place.index(bytes.len());
            bytes[place] ^= value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let engine = engine_with(|config| config.translation = mode);
        if let Ok(module) = Module::new(&engine, bytes) {
            for defined in 0..module.defined_funcs().min(1000) {
                let _ = module.code(defined);
            }
            let _ = (module.name(), module.function_name(1), module.imports().count(), module.exports().count());
            let mut store = store(&engine);
            let limits = StoreLimitsBuilder::new().memory_size(1 << 24).build();
            store.set_data(Box::new(limits));
            store.set_limiter(Some(Box::new(|data| data.downcast_mut::<StoreLimits>().unwrap())));
            if module.start().is_none() && module.imports().len() == 0 {
                let _ = store.instantiate(&module, &[]);
            }
        }
    }
}
