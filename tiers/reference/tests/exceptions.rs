//! Exceptions: thrown and caught in one frame, across frames, and across the host.

mod common;

use common::{LEVELS, Vm};
use terrace_abi::TrapKind;
use terrace_core::runtime::heap::HeapConfig;
use terrace_core::runtime::types::FuncType;
use terrace_core::runtime::{Config, Extern, HostError, HostFunc, Stop, Store};

/// The module of these tests; `again` calls the export that its argument numbers.
fn vm(body: &str, config: Config) -> Vm {
    let wat = format!(
        r#"(module
            (import "" "again" (func $again (param i32)))
            (tag $e (export "e") (param i32 v128 i64)) (tag $f) (tag $r (param externref))
            (func $throw (param i32) (result i32)
                (if (local.get 0) (then (throw $e (local.get 0) (v128.const i64x2 7 8) (i64.const 9))))
                (throw $f))
            (func $between (param i32) (result i32) (local v128 i64 i64) (i32.add (i32.const 1) (call $throw (local.get 0))))
            {body})"#
    );
    Vm::with(&wat, config, |store| {
        let engine = store.engine().clone();
        let ty = FuncType::new([terrace_core::runtime::types::ValType::I32], []);
        let func = HostFunc::new(&engine, ty, |store: &mut Store, _, slots: &mut [u64]| {
            let instance = store.instances().next().unwrap();
            let Some(Extern::Func(func)) = instance.export(&format!("f{}", slots[0])) else {
                return Err(HostError::Error("no such export".into()));
            };
            Ok(store.call(func, &mut [0; 8])?)
        });
        vec![Extern::Func(store.add_host_func(func.unwrap()).unwrap())]
    })
}

fn each(body: &str, check: impl Fn(&mut Vm)) {
    for level in LEVELS {
        for stress in [false, true] {
            let heap = HeapConfig { stress, ..HeapConfig::default() };
            check(&mut vm(body, Config { level, heap, ..Config::default() }));
        }
    }
}

#[test]
fn payloads_arrive_across_frames() {
    let body = r#"(func (export "f") (param i32) (result i32 v128 i64)
        (block $other
            (block $e (result i32 v128 i64)
                (drop (try_table (result i32) (catch $e $e) (catch $f $other) (call $between (local.get 0))))
                (unreachable))
            (return))
        (i32.const -1) (v128.const i64x2 0 0) (i64.const 0))"#;
    each(body, |vm| {
        assert_eq!(vm.call("f", &[5], 4), Ok(vec![5, 7, 8, 9]));
        assert_eq!(vm.call("f", &[0], 4), Ok(vec![u32::MAX.into(), 0, 0, 0]));
        assert_eq!(vm.store.exception(), 0);
    });
}

#[test]
fn inner_handlers_come_first_and_catch_all_takes_everything() {
    let body = r#"
        (func (export "nested") (param i32) (result i32)
            (block $outer (try_table (catch_all $outer)
                (block $inner (try_table (catch $f $inner) (drop (call $throw (local.get 0)))) (unreachable))
                (return (i32.const 1))))
            (i32.const 2))
        (func (export "after") (result i32)
            (block $h (try_table (catch_all $h)) (drop (call $throw (i32.const 1)))) (i32.const 3))"#;
    each(body, |vm| {
        assert_eq!(vm.call("nested", &[0], 1), Ok(vec![1]));
        assert_eq!(vm.call("nested", &[1], 1), Ok(vec![2]));
        assert!(matches!(vm.try_call("after", &[], 1), Err(Stop::Exception(_))));
        assert_eq!(vm.store.stack().frame_depth(), 0);
    });
}

#[test]
fn references_are_thrown_again() {
    let body = r#"
        (func (export "rethrow") (param i32) (result i32 v128 i64) (local $x exnref)
            (block $all (result exnref) (try_table (result i32) (catch_all_ref $all) (call $between (local.get 0))) (unreachable))
            (local.set $x)
            (block $e (result i32 v128 i64 exnref)
                (try_table (catch_ref $e $e) (throw_ref (local.get $x))) (unreachable))
            (drop))
        (func (export "null") (throw_ref (ref.null exn)))
        (func (export "carries") (param externref) (result externref)
            (block $h (result externref exnref) (try_table (catch_ref $r $h) (throw $r (local.get 0))) (unreachable))
            (drop))"#;
    each(body, |vm| {
        assert_eq!(vm.call("rethrow", &[3], 4), Ok(vec![3, 7, 8, 9]));
        assert!(matches!(vm.try_call("rethrow", &[0], 4), Err(Stop::Exception(_))));
        assert_eq!(vm.call("null", &[], 0), Err(TrapKind::NullExceptionReference));
        let value = vm.store.new_extern(Box::new(123u32)).unwrap();
        let carried = vm.call("carries", &[value.to_slot()], 1).unwrap()[0];
        let carried = terrace_core::runtime::heap::HeapRef::from_slot(carried);
        assert_eq!(vm.store.heap().extern_data(carried).and_then(|data| data.downcast_ref()), Some(&123u32));
    });
}

#[test]
fn exceptions_cross_the_host_and_traps_are_not_caught() {
    let body = r#"
        (func (export "f0") (drop (call $throw (i32.const 4))))
        (func (export "f1") (unreachable))
        (func (export "f2") (call $again (i32.const 0)))
        (func (export "catch") (param i32) (result i32)
            (block $e (result i32 v128 i64) (try_table (catch $e $e) (call $again (local.get 0))) (return (i32.const -1)))
            (drop) (drop))
        (func (export "tail") (param i32) (block $h (try_table (catch_all $h) (return_call $again (local.get 0)))))"#;
    each(body, |vm| {
        assert_eq!(vm.call("catch", &[0], 1), Ok(vec![4]));
        assert_eq!(vm.call("catch", &[2], 1), Ok(vec![4]));
        assert_eq!(vm.call("catch", &[1], 1), Err(TrapKind::Unreachable));
        assert!(matches!(vm.try_call("catch", &[9], 1), Err(Stop::Error { .. })));
        // A tail call leaves its frame, handlers included.
        assert!(matches!(vm.try_call("tail", &[0], 0), Err(Stop::Exception(_))));
        assert_eq!(vm.store.stack().frame_depth(), 0);
    });
}
