//! Calls between host and wasm, and how they stop.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;

use terrace_abi::TrapKind;
use terrace_abi::vm::ENTRY_CHARGE;

use super::super::heap::HeapRef;
use super::super::types::ValType::{self, I32};
use super::*;

const V128: ValType = ValType::V128;

fn stack_left(store: &Store) -> i64 {
    store.record().stack_left.load(Ordering::Relaxed)
}

/// Everything that a call takes is given back.
fn at_rest(store: &Store) -> bool {
    let max = store.engine().config().max_stack as i64;
    store.stack().frame_depth() == 0 && stack_left(store) == max && store.exception() == 0
}

#[test]
fn arguments_and_results_pass_in_place() {
    let mut store = store(&engine());
    let mut slots = [7, 1, 2];
    let swap = host(&mut store, &[I32, V128], &[V128, I32], |_, caller, slots| {
        assert!(caller.is_none());
        slots.rotate_left(1);
        Ok(())
    });
    store.call(swap, &mut slots).unwrap();
    assert_eq!(slots, [1, 2, 7]);
    // More slots than fit on the native stack.
    let many = vec![I32; 500];
    let reverse = host(&mut store, &many, &many, |_, _, slots| {
        slots.reverse();
        Ok(())
    });
    let mut slots: Vec<u64> = (0..500).collect();
    store.call(reverse, &mut slots).unwrap();
    assert!(slots.iter().copied().eq((0..500).rev()));
    assert!(at_rest(&store));
}

#[test]
fn host_and_wasm_call_each_other() {
    let mut store = store(&engine());
    // Takes n; calls back into wasm with n - 1 until 0.
    let back = host(&mut store, &[I32], &[I32], |store, caller, slots| {
        let caller = caller.unwrap();
        if slots[0] > 0 {
            slots[0] -= 1;
            store.call(func(caller, "f"), slots)?;
        }
        Ok(())
    });
    let text = r#"(module (import "" "" (func $back (param i32) (result i32)))
        (func (export "f") (param i32) (result i32) (i32.add (i32.const 2) (call $back (local.get 0)))))"#;
    let instance = instantiate(&mut store, text, &[Extern::Func(back)]).unwrap();
    let mut slots = [100];
    store.call(func(instance, "f"), &mut slots).unwrap();
    assert_eq!(slots, [202]);
    assert!(at_rest(&store));
}

#[test]
fn recursion_stops_at_the_limit_wherever_it_goes() {
    let engine = engine_with(|config| config.max_stack = 1 << 20);
    let mut store = store(&engine);
    let instance = instantiate(&mut store, r#"(module $m (func $f (export "f") call $f))"#, &[]).unwrap();
    let charge = i64::from(instance.code(0).unwrap().charge);
    let trap_ = trap(store.call(func(instance, "f"), &mut []));
    assert_eq!(trap_.kind, TrapKind::StackOverflow);
    let depth = ((1 << 20) - i64::from(ENTRY_CHARGE)) / charge;
    assert_eq!(trap_.backtrace.frames.len(), Backtrace::MAX_FRAMES);
    assert_eq!((trap_.backtrace.frames.len() + trap_.backtrace.omitted) as i64, depth);
    assert!(trap_.to_string().starts_with("wasm trap: call stack exhausted\nwasm backtrace:\n    0:"), "{trap_}");
    assert!(trap_.to_string().ends_with(&format!("... {} more frames", depth - 100)), "{trap_}");
    assert!(at_rest(&store));

    // Host functions have no frames, but each entry is charged.
    let again = Arc::new(std::sync::OnceLock::<FuncRef>::new());
    let this = Arc::clone(&again);
    let host = host(&mut store, &[], &[], move |store, _, _| Ok(store.call(*this.get().unwrap(), &mut [])?));
    again.set(host).unwrap();
    assert_eq!(trap(store.call(host, &mut [])).kind, TrapKind::StackOverflow);
    assert!(at_rest(&store));
}

#[test]
fn fifty_thousand_frames_fit_by_default() {
    let mut store = store(&engine());
    let text = r#"(module (import "" "" (func $next (param i32) (result i32)))
        (func $f (export "f") (param i32 i64 i64 i64) (result i32) unreachable))"#;
    let next = host(&mut store, &[I32], &[I32], |_, _, _| Ok(()));
    let instance = instantiate(&mut store, text, &[Extern::Func(next)]).unwrap();
    let charge = i64::from(instance.code(1).unwrap().charge);
    assert!(charge > 128 && 50_000 * charge < stack_left(&store), "{charge}");
}

#[test]
fn a_trap_says_where() {
    let mut store = store(&engine());
    let text = r#"(module $outer
        (func $leaf unreachable)
        (func $middle call $leaf)
        (func (export "f") call $middle))"#;
    let instance = instantiate(&mut store, text, &[]).unwrap();
    let trap = trap(store.call(func(instance, "f"), &mut []));
    assert_eq!(trap.kind, TrapKind::Unreachable);
    let frames: Vec<_> =
        trap.backtrace.frames.iter().map(|frame| (frame.func_index, frame.func_name.as_deref())).collect();
    assert_eq!(frames, [(0, Some("leaf")), (1, Some("middle")), (2, None)]);
    let body = instance.module().body_range(0);
    // The body begins with its number of locals.
    assert_eq!(trap.backtrace.frames[0].wasm_offset, Some(body.start as u32 + 1));
    let text = trap.to_string();
    assert!(text.starts_with("wasm trap: unreachable\nwasm backtrace:\n    0:"), "{text}");
    assert!(text.contains(&format!("{:#x} - outer!leaf", body.start + 1)), "{text}");
    assert!(text.ends_with("outer!<wasm function 2>"), "{text}");
    assert!(at_rest(&store));
}

#[test]
fn a_tail_call_goes_through_the_trampoline() {
    let mut store = store(&engine());
    let add = host(&mut store, &[I32], &[I32], |_, _, slots| {
        slots[0] += 1;
        Ok(())
    });
    let text = r#"(module (import "" "" (func $add (param i32) (result i32)))
        (func $g (param i32) (result i32) (return_call $add (local.get 0)))
        (func (export "f") (param i32) (result i32) (return_call $g (i32.add (local.get 0) (i32.const 10)))))"#;
    let instance = instantiate(&mut store, text, &[Extern::Func(add)]).unwrap();
    let mut slots = [5];
    // The toy tier leaves the frame to `entry`, which pops it before the callee runs.
    store.call(func(instance, "f"), &mut slots).unwrap();
    assert_eq!(slots, [16]);
    assert!(at_rest(&store));
}

const RELAY: &str = r#"(module (import "" "" (func $host)) (func (export "f") call $host))"#;

#[test]
fn errors_of_the_host_come_back_as_they_are() {
    #[derive(Debug, PartialEq, thiserror::Error)]
    #[error("out of cheese")]
    struct OutOfCheese;

    let mut store = store(&engine());
    let failing = host(&mut store, &[], &[], |_, _, _| Err(HostError::Error(OutOfCheese.into())));
    let inner = instantiate(&mut store, RELAY, &[Extern::Func(failing)]).unwrap();
    // Through a second host frame that passes it on.
    let relay = host(&mut store, &[], &[], move |store, _, _| Ok(store.call(func(inner, "f"), &mut [])?));
    let outer = instantiate(&mut store, RELAY, &[Extern::Func(relay)]).unwrap();
    let Err(Stop::Error { error, backtrace }) = store.call(func(outer, "f"), &mut []) else { panic!() };
    assert_eq!(error.downcast_ref(), Some(&OutOfCheese));
    assert_eq!(backtrace.frames.len(), 2);

    let trapping = host(&mut store, &[], &[], |_, _, _| Err(TrapKind::IntegerOverflow.into()));
    let instance = instantiate(&mut store, RELAY, &[Extern::Func(trapping)]).unwrap();
    let trap = trap(store.call(func(instance, "f"), &mut []));
    assert_eq!((trap.kind, trap.backtrace.frames.len()), (TrapKind::IntegerOverflow, 1));
    assert!(at_rest(&store));
}

#[test]
fn a_panic_of_the_host_goes_on_behind_wasm() {
    let mut store = store(&engine());
    let panicking = host(&mut store, &[], &[], |_, _, _| std::panic::resume_unwind(Box::new("payload")));
    let instance = instantiate(&mut store, RELAY, &[Extern::Func(panicking)]).unwrap();
    // The host function between sees the panic like any other of its own.
    let relay = host(&mut store, &[], &[], move |store, _, _| Ok(store.call(func(instance, "f"), &mut [])?));
    let outer = instantiate(&mut store, RELAY, &[Extern::Func(relay)]).unwrap();
    let payload = catch_unwind(AssertUnwindSafe(|| store.call(func(outer, "f"), &mut []))).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"payload"));
    assert!(at_rest(&store));
    // The store still works.
    let fine = host(&mut store, &[], &[], |_, _, _| Ok(()));
    store.call(fine, &mut []).unwrap();
}

#[test]
fn an_exception_passes_through_the_host() {
    let mut store = store(&engine());
    let text = r#"(module (tag $e (export "e") (param i32 externref i32))
        (func (export "f") (param externref) (throw $e (i32.const 3) (local.get 0) (i32.const 4))))"#;
    let thrower = instantiate(&mut store, text, &[]).unwrap();
    let value = store.new_extern(Box::new(9u8)).unwrap();
    let relay =
        host(&mut store, &[ValType::EXTERNREF], &[], move |store, _, slots| Ok(store.call(func(thrower, "f"), slots)?));
    let text = r#"(module (import "" "" (func $host (param externref))) (func (export "f") (param externref) (call $host (local.get 0))))"#;
    let outer = instantiate(&mut store, text, &[Extern::Func(relay)]).unwrap();
    let Err(Stop::Exception(exception)) = store.call(func(outer, "f"), &mut [value.to_slot()]) else { panic!() };
    store.collect();
    let exception = store.heap().roots().get_owned(&exception).unwrap();
    let Some(Extern::Tag(tag)) = thrower.export("e") else { panic!() };
    let identity = store.heap().exn_tag(exception).unwrap();
    assert_eq!(store.tag_by_identity(identity), Some(tag));
    let &[a, reference, b] = store.heap().exn_payload(exception).unwrap() else { panic!() };
    assert_eq!((a, b), (3, 4));
    let value = store.heap().extern_data(HeapRef::from_slot(reference)).unwrap();
    assert_eq!(value.downcast_ref(), Some(&9u8));
    assert!(at_rest(&store));
}

#[test]
fn a_call_needs_enough_slots() {
    let mut store = store(&engine());
    let f = host(&mut store, &[I32], &[I32, I32], |_, _, _| Ok(()));
    assert!(catch_unwind(AssertUnwindSafe(|| store.call(f, &mut [0]))).is_err());
    assert!(at_rest(&store));
}
