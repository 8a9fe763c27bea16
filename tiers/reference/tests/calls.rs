//! Calls, tail calls, indirect calls, returns, depth, and traps in the middle of all that.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use common::{LEVELS, Vm};
use terrace_abi::TrapKind;
use terrace_core::runtime::types::{FuncType, ValType};
use terrace_core::runtime::{Config, Extern, HostError, HostFunc, Stop, Store};

fn host(
    store: &mut Store,
    params: &[ValType],
    results: &[ValType],
    call: impl Fn(&mut Store, &mut [u64]) -> Result<(), HostError> + Send + Sync + 'static,
) -> Extern {
    let engine = store.engine().clone();
    let ty = FuncType::new(params.to_vec(), results.to_vec());
    let func = HostFunc::new(&engine, ty, move |store, _, slots| call(store, slots)).unwrap();
    Extern::Func(store.add_host_func(func).unwrap())
}

fn each(wat: &str, check: impl Fn(&mut Vm)) {
    for level in LEVELS {
        check(&mut Vm::new(wat, level));
    }
}

#[test]
fn recursion_and_multiple_results() {
    let wat = r#"(module
        (func $fib (export "fib") (param i32) (result i32)
            (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))
                (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1))) (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
        (func $swap (param i64 v128 f32) (result f32 v128 i64) (local.get 2) (local.get 1) (local.get 0))
        (func (export "swap") (result f32 i64 i64 i64)
            (local $v v128) (local $i i64)
            (call $swap (i64.const 7) (v128.const i64x2 8 9) (f32.const 1.5))
            (local.set $i) (local.set $v)
            (i64x2.extract_lane 0 (local.get $v)) (i64x2.extract_lane 1 (local.get $v)) (local.get $i))
        (func $dirty (param i64 i64 i64 i64) (result i64) (local.get 3))
        (func $fresh (param i64) (result i64) (local i64 i64 i64) (i64.or (local.get 1) (i64.or (local.get 2) (local.get 3))))
        (func (export "fresh") (result i64)
            (drop (call $dirty (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4))) (call $fresh (i64.const 5)))
        (func (export "constant") (result i64) (i64.const -3))
        (func (export "vector") (result v128) (v128.const i64x2 3 4))
        (func (export "early") (param i32) (result i32) (if (local.get 0) (then (return (i32.const 1)))) (i32.const 2)))"#;
    each(wat, |vm| {
        assert_eq!(vm.call("fib", &[20], 1), Ok(vec![6765]));
        assert_eq!(vm.call("swap", &[], 4), Ok(vec![1.5f32.to_bits().into(), 8, 9, 7]));
        assert_eq!(vm.call("fresh", &[], 1), Ok(vec![0]));
        assert_eq!(vm.call("constant", &[], 1), Ok(vec![-3i64 as u64]));
        assert_eq!(vm.call("vector", &[], 2), Ok(vec![3, 4]));
        assert_eq!(vm.call("early", &[1], 1), Ok(vec![1]));
        assert_eq!(vm.call("early", &[0], 1), Ok(vec![2]));
    });
}

#[test]
fn deep_recursion_succeeds_and_endless_recursion_traps() {
    let wat = r#"(module
        (func $down (export "down") (param i32) (result i32)
            (if (result i32) (local.get 0)
                (then (i32.add (i32.const 1) (call $down (i32.sub (local.get 0) (i32.const 1))))) (else (i32.const 0))))
        (func $for_ever (export "for_ever") (call $for_ever)))"#;
    each(wat, |vm| {
        let left = vm.store.record().stack_left.load(Ordering::Relaxed);
        assert_eq!(vm.call("down", &[50_000], 1), Ok(vec![50_000]));
        assert_eq!(vm.call("for_ever", &[], 0), Err(TrapKind::StackOverflow));
        assert_eq!(vm.call("down", &[50_000], 1), Ok(vec![50_000]));
        assert_eq!(vm.store.record().stack_left.load(Ordering::Relaxed), left);
        assert_eq!(vm.store.stack().frame_depth(), 0);
    });
}

#[test]
fn tail_calls_run_in_constant_space() {
    let wat = r#"(module
        (type $t (func (param i64 i64) (result i64)))
        (table funcref (elem $indirect $ref))
        (func $direct (export "direct") (param i64 i64) (result i64)
            (if (i64.eqz (local.get 0)) (then (return (local.get 1))))
            (return_call $direct (i64.sub (local.get 0) (i64.const 1)) (i64.add (local.get 1) (i64.const 1))))
        (func $indirect (export "indirect") (param i64 i64) (result i64) (local i64 i64)
            (if (i64.eqz (local.get 0)) (then (return (i64.add (local.get 3) (local.get 1)))))
            (local.set 3 (i64.const 9))
            (return_call_indirect (type $t) (i64.sub (local.get 0) (i64.const 1)) (i64.add (local.get 1) (i64.const 1)) (i32.const 1)))
        (func $ref (export "ref") (param i64 i64) (result i64)
            (if (i64.eqz (local.get 0)) (then (return (local.get 1))))
            (return_call_ref $t (i64.sub (local.get 0) (i64.const 1)) (i64.add (local.get 1) (i64.const 1)) (ref.func $indirect)))
        (elem declare func $indirect))"#;
    each(wat, |vm| {
        assert_eq!(vm.call("direct", &[10_000_000, 5], 1), Ok(vec![10_000_005]));
        assert_eq!(vm.call("indirect", &[1_000_000, 5], 1), Ok(vec![1_000_005]));
        assert_eq!(vm.call("ref", &[1_000_001, 5], 1), Ok(vec![1_000_006]));
    });
}

#[test]
fn indirect_calls_check_what_they_call() {
    let wat = r#"(module
        (type $f (func (param i32) (result i32))) (type $g (func (result i32)))
        (rec (type $open (sub (func (result i64))))) (rec (type $sub (sub $open (func (result i64)))))
        (table $t 4 funcref) (elem (i32.const 0) func $inc $seven)
        (table $typed 2 (ref null $open)) (elem (table $typed) (i32.const 0) (ref null $open) (ref.func $special) (ref.null $open))
        (func $inc (type $f) (i32.add (local.get 0) (i32.const 1)))
        (func $seven (type $g) (i32.const 7))
        (func $special (type $sub) (i64.const 77))
        (func (export "f") (param i32) (result i32) (call_indirect $t (type $f) (i32.const 5) (local.get 0)))
        (func (export "tail") (param i32) (result i32) (return_call_indirect $t (type $f) (i32.const 5) (local.get 0)))
        (func (export "sub") (param i32) (result i64) (call_indirect $typed (type $open) (local.get 0)))
        (func (export "ref") (param i32) (result i64) (call_ref $open (table.get $typed (local.get 0))))
        (func (export "non_null") (param i32) (result i64) (call_ref $open (ref.as_non_null (table.get $typed (local.get 0))))))"#;
    each(wat, |vm| {
        for name in ["f", "tail"] {
            assert_eq!(vm.call(name, &[0], 1), Ok(vec![6]));
            assert_eq!(vm.call(name, &[1], 1), Err(TrapKind::IndirectCallTypeMismatch));
            assert_eq!(vm.call(name, &[2], 1), Err(TrapKind::UninitializedElement));
            assert_eq!(vm.call(name, &[4], 1), Err(TrapKind::UndefinedElement));
            assert_eq!(vm.call(name, &[u32::MAX.into()], 1), Err(TrapKind::UndefinedElement));
        }
        assert_eq!(vm.call("sub", &[0], 1), Ok(vec![77]));
        assert_eq!(vm.call("ref", &[0], 1), Ok(vec![77]));
        assert_eq!(vm.call("ref", &[1], 1), Err(TrapKind::NullFunctionReference));
        assert_eq!(vm.call("ref", &[2], 1), Err(TrapKind::TableOutOfBounds));
        assert_eq!(vm.call("non_null", &[1], 1), Err(TrapKind::NullReference));
    });
}

#[test]
fn the_host_is_called_and_tail_called() {
    let wat = r#"(module
        (import "" "add" (func $add (param i32 i64) (result i64)))
        (table funcref (elem $add))
        (func (export "call") (result i64) (i64.mul (i64.const 2) (call $add (i32.const 3) (i64.const 4))))
        (func $tail (export "tail") (result i64) (local i64 i64 i64 i64) (return_call $add (i32.const 3) (i64.const 5)))
        (func (export "below") (result i64) (i64.add (call $tail) (i64.const 100)))
        (func (export "indirect") (result i64)
            (i64.add (i64.const 1) (call_indirect (param i32 i64) (result i64) (i32.const 3) (i64.const 6) (i32.const 0)))))"#;
    for level in LEVELS {
        let imports = |store: &mut Store| {
            vec![host(store, &[ValType::I32, ValType::I64], &[ValType::I64], |_, slots| {
                slots[0] += slots[1];
                Ok(())
            })]
        };
        let mut vm = Vm::with(wat, Config { level, ..Config::default() }, imports);
        assert_eq!(vm.call("call", &[], 1), Ok(vec![14]));
        assert_eq!(vm.call("tail", &[], 1), Ok(vec![8]));
        assert_eq!(vm.call("below", &[], 1), Ok(vec![108]));
        assert_eq!(vm.call("indirect", &[], 1), Ok(vec![10]));
    }
}

#[test]
fn host_calls_nest_and_their_errors_unwind_everything() {
    let wat = r#"(module
        (import "" "again" (func $again (param i32) (result i32)))
        (func (export "down") (param i32) (result i32)
            (if (result i32) (local.get 0)
                (then (i32.add (i32.const 1) (call $again (i32.sub (local.get 0) (i32.const 1))))) (else (unreachable))))
        (func (export "leaf") (result i32) (i32.const 40)))"#;
    for level in LEVELS {
        let depth = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&depth);
        let imports = |store: &mut Store| {
            vec![host(store, &[ValType::I32], &[ValType::I32], move |store, slots| {
                seen.fetch_add(1, Ordering::Relaxed);
                let instance = store.instances().next().unwrap();
                let name = if slots[0] == 0 { "leaf" } else { "down" };
                let Some(Extern::Func(func)) = instance.export(name) else { panic!("no {name}") };
                store.call(func, &mut slots[..1])?;
                Ok(())
            })]
        };
        let mut vm = Vm::with(wat, Config { level, ..Config::default() }, imports);
        assert_eq!(vm.call("down", &[30], 1), Ok(vec![70]));
        assert_eq!(depth.load(Ordering::Relaxed), 30);
        assert_eq!(vm.call("down", &[0], 1), Err(TrapKind::Unreachable));
        assert_eq!(vm.store.stack().frame_depth(), 0);
    }
}

#[test]
fn traps_name_their_place() {
    let wat = r#"(module $m
        (memory 1)
        (func $inner (param i32) (result i32) (i32.load offset=65536 (local.get 0)))
        (func (export "outer") (result i32) (i32.add (i32.const 1) (call $inner (i32.const 0)))))"#;
    for level in LEVELS {
        let mut vm = Vm::new(wat, level);
        let Err(Stop::Trap(trap)) = vm.try_call("outer", &[], 1) else { panic!("no trap") };
        assert_eq!(trap.kind, TrapKind::MemoryOutOfBounds);
        let bytes = wat::parse_str(wat).unwrap();
        let at = |frame: usize| bytes[trap.backtrace.frames[frame].wasm_offset.unwrap() as usize];
        assert_eq!((at(0), at(1)), (0x28, 0x10));
        assert_eq!(trap.backtrace.frames[0].func_name.as_deref(), Some("inner"));
        assert_eq!(trap.backtrace.frames.len(), 2);
    }
}

#[test]
fn instances_call_each_other() {
    for level in LEVELS {
        let engine = common::engine(Config { level, ..Config::default() });
        let a = common::module(
            &engine,
            r#"(module (memory 1) (global $g (mut i32) (i32.const 5))
                (func (export "f") (param i32) (result i32) (i32.store (i32.const 0) (local.get 0)) (i32.add (global.get $g) (i32.load (i32.const 0)))))"#,
        );
        let b = common::module(
            &engine,
            r#"(module (import "a" "f" (func $f (param i32) (result i32))) (memory 1) (data (i32.const 0) "\07")
                (func (export "g") (result i32) (i32.add (call $f (i32.const 30)) (i32.load (i32.const 0))))
                (func (export "tail") (result i32) (return_call $f (i32.const 31))))"#,
        );
        let mut store = Store::new(&engine).unwrap();
        let f = store.instantiate(&a, &[]).unwrap().export("f").unwrap();
        let instance = store.instantiate(&b, &[f]).unwrap();
        let mut vm = Vm { store, instance };
        assert_eq!(vm.call("g", &[], 1), Ok(vec![42]));
        assert_eq!(vm.call("tail", &[], 1), Ok(vec![36]));
    }
}

#[test]
fn branches_through_tables() {
    let wat = r#"(module (func (export "f") (param i32) (result i32)
        (block $c (result i32) (block $b (result i32) (block $a (result i32)
            (br_table $a $b $c $a $b (i32.const 1) (local.get 0)))
            (i32.add (i32.const 10))) (i32.add (i32.const 100)))))"#;
    each(wat, |vm| {
        for (index, expected) in [(0, 111), (1, 101), (2, 1), (3, 111), (4, 101), (5, 101), (u32::MAX, 101)] {
            assert_eq!(vm.call("f", &[index.into()], 1), Ok(vec![expected]), "index {index}");
        }
    });
}

#[test]
fn fuel_is_consumed_and_ends() {
    let wat = r#"(module (memory 16)
        (func (export "loop") (param i32) (loop $l (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
        (func (export "fill") (param i32) (memory.fill (i32.const 0) (i32.const 1) (local.get 0))))"#;
    let mut consumed = vec![];
    for level in LEVELS {
        let mut vm = Vm::with(wat, Config { level, fuel: true, ..Config::default() }, |_| vec![]);
        vm.store.set_fuel(100_000).unwrap();
        assert_eq!(vm.call("loop", &[1000], 0), Ok(vec![]));
        let after_loop = vm.store.fuel().unwrap();
        assert!(after_loop <= 99_000);
        assert_eq!(vm.call("fill", &[640_001], 0), Ok(vec![]));
        let after_fill = vm.store.fuel().unwrap();
        assert!((10_001..10_020).contains(&(after_loop - after_fill)));
        assert_eq!(vm.call("loop", &[0], 0), Err(TrapKind::OutOfFuel));
        vm.store.set_fuel(500).unwrap();
        assert_eq!(vm.call("fill", &[1 << 20], 0), Err(TrapKind::OutOfFuel));
        consumed.push((after_loop, after_fill));
    }
    assert_eq!(consumed[0], consumed[1]);
}

#[test]
fn polls_end_loops_and_calls() {
    let wat = r#"(module (func (export "loop") (loop $l (br $l)))
        (func $r (export "recurse") (call $r)) (func $t (export "tail") (return_call $t)))"#;
    for level in LEVELS {
        let mut vm = Vm::with(wat, Config { level, polls: true, ..Config::default() }, |_| vec![]);
        vm.store.interrupt_handle().interrupt();
        for name in ["loop", "recurse", "tail"] {
            assert_eq!(vm.call(name, &[], 0), Err(TrapKind::Interrupt));
        }
    }
}
