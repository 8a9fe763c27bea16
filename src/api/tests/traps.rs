//! Traps: kinds, places, names, messages.

use terrace::{Engine, Error, Func, Instance, Level, LinkError, Module, Store, Translation, Trap, Val};

use super::{config, default_engine, engine, instance, instance_in, run};

#[test]
fn kinds() {
    for (body, kind) in [
        ("unreachable", Trap::Unreachable),
        ("(drop (i32.load (i32.const 65533)))", Trap::MemoryOutOfBounds),
        ("(i64.store offset=4294967295 (i32.const -1) (i64.const 0))", Trap::MemoryOutOfBounds),
        ("(memory.fill (i32.const 65536) (i32.const 0) (i32.const 1))", Trap::MemoryOutOfBounds),
        ("(drop (table.get $t (i32.const 3)))", Trap::TableOutOfBounds),
        ("(call_indirect $t (type $v) (i32.const 3))", Trap::UndefinedElement),
        ("(call_indirect $t (type $v) (i32.const 1))", Trap::UninitializedElement),
        ("(call_indirect $t (type $v) (i32.const 0))", Trap::IndirectCallTypeMismatch),
        ("(drop (i32.div_s (i32.const 1) (i32.const 0)))", Trap::IntegerDivideByZero),
        ("(drop (i64.rem_u (i64.const 1) (i64.const 0)))", Trap::IntegerDivideByZero),
        ("(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))", Trap::IntegerOverflow),
        ("(drop (i32.trunc_f64_s (f64.const 1e10)))", Trap::IntegerOverflow),
        ("(drop (i32.trunc_f32_s (f32.const nan)))", Trap::InvalidConversion),
        ("(call $run)", Trap::StackOverflow),
        ("(drop (i32.atomic.load (i32.const 2)))", Trap::UnalignedAtomic),
        ("(drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 0)))", Trap::ExpectedSharedMemory),
        ("(drop (ref.as_non_null (ref.null func)))", Trap::NullReference),
        ("(call_ref $v (ref.null $v))", Trap::NullFunctionReference),
        ("(throw_ref (ref.null exn))", Trap::NullExceptionReference),
    ] {
        for level in [Level::Plain, Level::Folded] {
            let wat = format!(
                r#"(module $m
                    (type $v (func))
                    (memory 1)
                    (table $t 3 funcref)
                    (elem (table $t) (i32.const 0) func $other)
                    (func $other (param i32))
                    (func $run (export "run") {body}))"#
            );
            let engine = engine(|config| config.level(level));
            let (mut store, instance) = instance_in(&engine, &wat);
            let error = run::<_, ()>(&mut store, instance, ()).unwrap_err();
            assert_eq!(error.trap(), Some(kind), "{body}: {error}");
            assert!(error.to_string().ends_with(&format!("wasm trap: {kind}")), "{error}");
            let frame = &error.backtrace().unwrap().frames[0];
            assert_eq!((frame.module.as_deref(), frame.func_name.as_deref()), (Some("m"), Some("run")));
            // The store is as good as before.
            assert_eq!(run::<_, ()>(&mut store, instance, ()).unwrap_err().trap(), Some(kind));
        }
    }
}

#[test]
fn backtraces_have_names_and_offsets() {
    let engine = default_engine();
    let module = Module::new(
        &engine,
        r#"(module $calc
            (func $divide (param i32) (result i32) (i32.div_u (i32.const 100) (local.get 0)))
            (func (param i32) (result i32) (call $divide (local.get 0)))
            (func $run (export "run") (param i32) (result i32) (call 1 (local.get 0))))"#,
    )
    .unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    assert_eq!(run::<_, i32>(&mut store, instance, 5).unwrap(), 20);
    let error = run::<_, i32>(&mut store, instance, 0).unwrap_err();
    let frames = &error.backtrace().unwrap().frames;
    let names: Vec<_> = frames.iter().map(|frame| (frame.func_index, frame.func_name.as_deref())).collect();
    assert_eq!(names, [(0, Some("divide")), (1, None), (2, Some("run"))]);
    let operators: Vec<u8> = frames.iter().map(|frame| module.bytes()[frame.wasm_offset.unwrap() as usize]).collect();
    const DIV_U: u8 = 0x6e;
    const CALL: u8 = 0x10;
    assert_eq!(operators, [DIV_U, CALL, CALL]);

    let text = error.to_string();
    let offset = frames[0].wasm_offset.unwrap();
    assert!(text.starts_with("error while executing at wasm backtrace:\n"), "{text}");
    assert!(text.contains(&format!("0: {offset:#6x} - calc!divide\n")), "{text}");
    assert!(text.contains("calc!<wasm function 1>\n"), "{text}");
    assert!(text.ends_with("wasm trap: integer divide by zero"), "{text}");
}

#[test]
fn long_backtraces_are_cut() {
    let (mut store, instance) = instance(r#"(module (func $f (export "run") (call $f)))"#);
    let error = run::<_, ()>(&mut store, instance, ()).unwrap_err();
    let backtrace = error.backtrace().unwrap();
    assert!(backtrace.omitted > 50_000, "{}", backtrace.omitted);
    assert!(error.to_string().lines().count() < 200);
}

#[test]
fn start_functions_and_segments_trap() {
    let engine = default_engine();
    for (wat, kind) in [
        ("(module (func $s unreachable) (start $s))", Trap::Unreachable),
        ("(module (memory 1) (data (i32.const 65536) \"x\"))", Trap::MemoryOutOfBounds),
        ("(module (table 1 funcref) (func $f) (elem (i32.const 1) $f))", Trap::TableOutOfBounds),
    ] {
        let mut store = Store::new(&engine, ());
        let module = Module::new(&engine, wat).unwrap();
        let error = Instance::new(&mut store, &module, &[]).unwrap_err();
        assert_eq!(error.trap(), Some(kind), "{error}");
    }
}

#[test]
fn segments_before_a_trap_stay_written() {
    let engine = default_engine();
    let mut store = Store::new(&engine, ());
    let ty = terrace::MemoryType::new(1, None);
    let memory = terrace::Memory::new(&mut store, ty).unwrap();
    let wat = r#"(module (import "" "m" (memory 1)) (data (i32.const 0) "ok") (data (i32.const 65536) "x"))"#;
    let module = Module::new(&engine, wat).unwrap();
    assert!(Instance::new(&mut store, &module, &[memory.into()]).is_err());
    assert_eq!(&memory.data(&store).unwrap()[..2], b"ok");
}

#[test]
fn unsupported_operators_are_named() {
    let wat = r#"(module
        (type $s (struct (field i32)))
        (func (export "ok") (result i32) (i32.const 1))
        (func (export "run") (drop (struct.new $s (i32.const 1)))))"#;
    let (mut store, instance) = instance(wat);
    let ok = instance.get_typed_func::<(), i32>(&mut store, "ok").unwrap();
    assert_eq!(ok.call(&mut store, ()).unwrap(), 1);
    let error = run::<_, ()>(&mut store, instance, ()).unwrap_err();
    assert!(error.is::<terrace::TranslateError>(), "{error:?}");
    assert!(error.to_string().contains("unsupported operator struct.new"), "{error}");
    let module = Module::new(&default_engine(), wat).unwrap();
    assert!(module.translate().unwrap_err().to_string().contains("struct.new"));
}

#[test]
fn errors_compare_equal_on_all_translations() {
    let mut texts = Vec::new();
    for translation in [Translation::Eager, Translation::Parallel, Translation::Lazy, Translation::LazyValidation] {
        let mut config = config();
        config.translation(translation);
        let (mut store, instance) = instance_in(
            &Engine::new(&config).unwrap(),
            r#"(module (func $run (export "run") (drop (i32.div_u (i32.const 1) (i32.const 0)))))"#,
        );
        texts.push(run::<_, ()>(&mut store, instance, ()).unwrap_err().to_string());
    }
    texts.dedup();
    assert_eq!(texts.len(), 1);
}

#[test]
fn typed_causes_are_found() {
    let engine = default_engine();
    let mut store = Store::new(&engine, ());
    let module = Module::new(&engine, r#"(module (import "a" "b" (func)))"#).unwrap();
    let wrong = Func::wrap(&mut store, |_: i32| {});
    let error = Instance::new(&mut store, &module, &[wrong.into()]).unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(LinkError::Incompatible { .. })));
    assert!(error.downcast_ref::<Trap>().is_none());
    let error = Error::host(std::fmt::Error);
    assert!(error.is::<std::fmt::Error>());
    assert!(Val::I32(0).i64().is_none());
}
