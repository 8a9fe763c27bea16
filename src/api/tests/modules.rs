//! Loading modules.

use terrace::{Config, Engine, Error, Instance, Module, ModuleError, Store, Translation};

use super::{default_engine, engine, run};

#[test]
fn text_and_binaries() {
    let engine = default_engine();
    let text = Module::new(&engine, "(module $name (func))").unwrap();
    assert_eq!(text.name(), Some("name"));
    let binary = Module::new(&engine, text.bytes()).unwrap();
    assert_eq!(binary.name(), Some("name"));
    assert!(!binary.same(&text));
    assert!(Module::from_binary(&engine, text.bytes()).is_ok());
    assert!(Module::validate(&engine, text.bytes()).is_ok());
    assert!(Module::from_binary(&engine, b"(module)").is_err());
}

#[test]
fn files() {
    let directory = std::env::temp_dir();
    let path = directory.join(format!("terrace-api-test-{}.wat", std::process::id()));
    std::fs::write(&path, "(module)").unwrap();
    assert!(Module::from_file(&default_engine(), &path).is_ok());
    std::fs::remove_file(&path).unwrap();
    let error = Module::from_file(&default_engine(), &path).unwrap_err();
    assert!(error.is::<std::io::Error>());
    assert!(error.to_string().starts_with("cannot read "), "{error}");
}

#[test]
fn errors_have_a_place() {
    let engine = default_engine();
    let error = Module::new(&engine, "(module\n  (func (i32.cosnt 1)))").unwrap_err();
    assert!(matches!(error, Error::Text(_)) && error.to_string().contains("cosnt"), "{error}");
    let error = Module::new(&engine, "(module (func (result i32)))").unwrap_err();
    assert!(matches!(error, Error::Module(ModuleError::Invalid { .. })));
    assert!(error.to_string().contains("(at offset 0x"), "{error}");
    let component = b"\0asm\x0d\0\x01\0";
    assert!(matches!(Module::new(&engine, component), Err(Error::Module(ModuleError::Component))));
    for junk in [&b""[..], b"\0", b"\0asm", b"\xff\xff", b"junk"] {
        assert!(Module::new(&engine, junk).is_err());
    }
}

#[test]
fn invalid_functions_show_when_they_are_validated() {
    let wat = "(module (func (export \"run\") (result i32)) (func (export \"ok\")))";
    for translation in [Translation::Eager, Translation::Parallel, Translation::Lazy] {
        let engine = engine(|config| config.translation(translation));
        assert!(Module::new(&engine, wat).is_err());
    }
    let engine = engine(|config| config.translation(Translation::LazyValidation));
    let module = Module::new(&engine, wat).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let ok = instance.get_typed_func::<(), ()>(&mut store, "ok").unwrap();
    ok.call(&mut store, ()).unwrap();
    let error = run::<_, i32>(&mut store, instance, ()).unwrap_err();
    assert!(error.to_string().contains("type mismatch"), "{error}");
    assert!(module.translate().is_err());
}

#[test]
fn proposals_can_be_switched_off() {
    let simd = "(module (func (drop (v128.const i64x2 0 0))))";
    let tail = "(module (func $f (return_call $f)))";
    let custom = "(module (memory 1 (pagesize 1)))";
    let wide = "(module (func (param i64) (result i64 i64)
        (i64.add128 (local.get 0) (local.get 0) (local.get 0) (local.get 0))))";
    let all = engine(|config| config.wasm_custom_page_sizes(true).wasm_wide_arithmetic(true));
    let none = engine(|config| config.wasm_simd(false).wasm_relaxed_simd(false).wasm_tail_call(false));
    for (wat, by_default) in [(simd, true), (tail, true), (custom, false), (wide, false)] {
        assert!(Module::new(&all, wat).is_ok(), "{wat}");
        assert!(Module::new(&none, wat).is_err(), "{wat}");
        assert_eq!(Module::new(&default_engine(), wat).is_ok(), by_default, "{wat}");
    }
}

#[test]
fn tiers_are_chosen_by_name() {
    let mut config = Config::new();
    for name in Engine::tiers() {
        assert_eq!(Engine::new(config.tier(name).unwrap()).unwrap().tier(), name);
    }
    let error = config.tier("no such tier").unwrap_err();
    let expected = format!("unknown tier `no such tier`; there are: {}", Engine::tiers().join(", "));
    assert_eq!(error.to_string(), expected);
}

#[test]
fn the_default_tier_is_the_first_that_the_machine_can_run() {
    assert_eq!(Engine::default().tier(), Engine::tiers()[0]);
    assert_eq!(Engine::tiers().last(), Some(&"reference"));
    if Engine::tiers().contains(&"interp") {
        assert_eq!(Engine::tiers()[0], "interp");
    }
}

#[test]
fn custom_sections() {
    let engine = default_engine();
    let module = Module::new(&engine, r#"(module (@custom "notes" "one") (@custom "notes" "two"))"#).unwrap();
    assert_eq!(module.custom_sections("notes").collect::<Vec<_>>(), [b"one", b"two"]);
    assert_eq!(module.custom_sections("other").count(), 0);
}
