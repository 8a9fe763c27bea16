//! How deep calls go.

use terrace::{Engine, Level, Trap};

use super::{config, default_engine, engine, instance, instance_in, run};

#[test]
fn infinite_recursion_is_a_trap() {
    for body in ["(call $f)", "(call_indirect (type $t) (i32.const 0))", "(call $f) (call $f)"] {
        let wat =
            format!(r#"(module (type $t (func)) (table funcref (elem $f)) (func $f (export "run") (type $t) {body}))"#);
        let (mut store, instance) = instance(&wat);
        for _ in 0..2 {
            assert_eq!(run::<_, ()>(&mut store, instance, ()).unwrap_err().trap(), Some(Trap::StackOverflow));
        }
    }
}

#[test]
fn fifty_thousand_nested_calls() {
    let (mut store, instance) = instance(
        r#"(module (func $f (export "run") (param i32) (result i32)
            (if (result i32) (local.get 0)
                (then (i32.add (i32.const 1) (call $f (i32.sub (local.get 0) (i32.const 1)))))
                (else (i32.const 0)))))"#,
    );
    assert_eq!(run::<_, i32>(&mut store, instance, 50_000).unwrap(), 50_000);
}

#[test]
fn ten_million_tail_calls() {
    let (mut store, instance) = instance(
        r#"(module
            (type $t (func (param i32 i32) (result i32)))
            (table funcref (elem $odd))
            (func $even (export "run") (type $t)
                (if (local.get 0) (then
                    (return_call_indirect (type $t)
                        (i32.sub (local.get 0) (i32.const 1)) (local.get 1) (i32.const 0))))
                (local.get 1))
            (func $odd (type $t)
                (if (local.get 0) (then (return_call $even (i32.sub (local.get 0) (i32.const 1)) (local.get 1))))
                (i32.const -1)))"#,
    );
    assert_eq!(run::<_, i32>(&mut store, instance, (10_000_000, 7)).unwrap(), 7);
}

#[test]
fn tail_calls_to_the_host_and_back() {
    let engine = default_engine();
    let wat = r#"(module
        (import "" "same" (func $same (param i32) (result i32)))
        (func $next (param i32) (result i32) (return_call $same (local.get 0)))
        (func (export "run") (param i32) (result i32)
            (loop (local.set 0 (call $next (i32.sub (local.get 0) (i32.const 1)))) (br_if 0 (local.get 0)))
            (local.get 0)))"#;
    let module = terrace::Module::new(&engine, wat).unwrap();
    let mut linker = terrace::Linker::new(&engine);
    linker.func_wrap("", "same", |x: i32| x).unwrap();
    let mut store = terrace::Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module).unwrap();
    assert_eq!(run::<_, i32>(&mut store, instance, 10_000).unwrap(), 0);
}

#[test]
fn depth_is_the_same_on_every_level() {
    let depth = |level| {
        let engine = engine(|config| config.level(level).max_stack(1 << 20));
        let (mut store, instance) = instance_in(
            &engine,
            r#"(module
                (global $depth (export "depth") (mut i32) (i32.const 0))
                (func $f (export "run") (local i64 v128)
                    (global.set $depth (i32.add (global.get $depth) (i32.const 1)))
                    (call $f)))"#,
        );
        assert_eq!(run::<_, ()>(&mut store, instance, ()).unwrap_err().trap(), Some(Trap::StackOverflow));
        instance.get_global(&mut store, "depth").unwrap().get(&mut store).unwrap().i32().unwrap()
    };
    let plain = depth(Level::Plain);
    assert!((1_000..10_000).contains(&plain), "{plain}");
    assert_eq!(plain, depth(Level::Folded));
}

#[test]
fn stack_limits_have_a_range() {
    for bytes in [0, usize::MAX] {
        let mut config = config();
        config.max_stack(bytes);
        assert!(Engine::new(&config).is_err());
    }
}
