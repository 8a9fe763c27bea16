//! What host functions do that is no return: errors, traps, panics, calls back into wasm.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use terrace::{BoxError, Caller, Engine, Error, ExternRef, Func, Instance, Linker, Module, Store, Trap};

use super::{config, default_engine, run};

const PASS: &str = r#"(module $m
    (import "" "f" (func $f (param i32) (result i32)))
    (func $inner (param i32) (result i32) (i32.add (call $f (local.get 0)) (i32.const 1)))
    (func $run (export "run") (param i32) (result i32) (call $inner (local.get 0)))
    (func $trap (export "trap") (param i32) (result i32) unreachable))"#;

fn linked<Params, Results>(f: impl terrace::IntoFunc<(), Params, Results>) -> (Store<()>, Instance) {
    let engine = default_engine();
    let module = Module::new(&engine, PASS).unwrap();
    let mut linker = Linker::new(&engine);
    linker.func_wrap("", "f", f).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module).unwrap();
    (store, instance)
}

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("host says no to {0}")]
struct No(i32);

#[test]
fn errors_pass_through_wasm() {
    let (mut store, instance) = linked(|x: i32| if x < 0 { Err(No(x)) } else { Ok(x) });
    assert_eq!(run::<_, i32>(&mut store, instance, 5).unwrap(), 6);
    let error = run::<_, i32>(&mut store, instance, -5).unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&No(-5)));
    let names: Vec<_> = error.backtrace().unwrap().frames.iter().map(|frame| frame.func_name.as_deref()).collect();
    assert_eq!(names, [Some("inner"), Some("run")]);
    assert!(error.to_string().ends_with("host says no to -5"), "{error}");
    assert_eq!(run::<_, i32>(&mut store, instance, 5).unwrap(), 6);
}

#[test]
fn any_error_will_do() {
    let (mut store, instance) = linked(|_: i32| Err::<i32, _>("just text"));
    let error = run::<_, i32>(&mut store, instance, 0).unwrap_err();
    assert!(error.to_string().ends_with("just text"));
    let (mut store, instance) = linked(|_: i32| Err::<i32, BoxError>(Box::new(No(1))));
    assert!(run::<_, i32>(&mut store, instance, 0).unwrap_err().is::<No>());
    let (mut store, instance) = linked(|_: i32| Err::<i32, _>(Error::host(No(2))));
    assert_eq!(run::<_, i32>(&mut store, instance, 0).unwrap_err().downcast_ref(), Some(&No(2)));
}

#[test]
fn host_functions_trap() {
    for (mut store, instance) in [
        linked(|_: i32| Err::<i32, _>(Trap::IntegerOverflow)),
        linked(|_: i32| Err::<i32, _>(Error::from(Trap::IntegerOverflow))),
    ] {
        let error = run::<_, i32>(&mut store, instance, 0).unwrap_err();
        assert_eq!(error.trap(), Some(Trap::IntegerOverflow));
        assert_eq!(error.backtrace().unwrap().frames.len(), 2);
    }
}

#[test]
fn a_trap_in_a_callback_in_wasm() {
    // The host calls wasm, which calls the host, which calls wasm, which traps.
    let (mut store, instance) = linked(|mut caller: Caller<'_, ()>, x: i32| -> Result<i32, Error> {
        let trap = caller.get_export("trap").and_then(|item| item.into_func()).ok_or(Error::msg("no export"))?;
        trap.typed::<i32, i32>(&caller)?.call(&mut caller, x)
    });
    let error = run::<_, i32>(&mut store, instance, 0).unwrap_err();
    assert_eq!(error.trap(), Some(Trap::Unreachable));
    let names: Vec<_> = error.backtrace().unwrap().frames.iter().map(|frame| frame.func_name.as_deref()).collect();
    assert_eq!(names, [Some("trap"), Some("inner"), Some("run")]);

    // A host function may handle it.
    let (mut store, instance) = linked(|mut caller: Caller<'_, ()>, x: i32| -> Result<i32, Error> {
        let trap = caller.get_export("trap").and_then(|item| item.into_func()).ok_or(Error::msg("no export"))?;
        let error = trap.typed::<i32, i32>(&caller)?.call(&mut caller, x).unwrap_err();
        Ok(if error.trap() == Some(Trap::Unreachable) { 41 } else { 0 })
    });
    assert_eq!(run::<_, i32>(&mut store, instance, 0).unwrap(), 42);
}

#[test]
fn panics_pass_through_wasm_and_leave_the_store_usable() {
    let (mut store, instance) = linked(|x: i32| if x == 0 { panic!("host panics") } else { x });
    for _ in 0..3 {
        let panic = catch_unwind(AssertUnwindSafe(|| run::<_, i32>(&mut store, instance, 0))).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"host panics"));
        assert_eq!(run::<_, i32>(&mut store, instance, 1).unwrap(), 2);
    }
}

#[test]
fn panics_leave_no_references_behind() {
    let alive = Arc::new(());
    let held = Arc::clone(&alive);
    let (mut store, instance) = linked(move |caller: Caller<'_, ()>, x: i32| -> i32 {
        let reference = ExternRef::new(caller, Arc::clone(&held));
        panic!("{x} {reference:?}")
    });
    assert!(catch_unwind(AssertUnwindSafe(|| run::<_, i32>(&mut store, instance, 0))).is_err());
    assert_eq!(Arc::strong_count(&alive), 3);
    store.gc();
    assert_eq!(Arc::strong_count(&alive), 2);
}

#[test]
fn panics_pass_through_nested_entries() {
    let (mut store, instance) = linked(|mut caller: Caller<'_, ()>, x: i32| -> Result<i32, Error> {
        if x == 0 {
            panic!("deep");
        }
        let run = caller.get_export("run").and_then(|item| item.into_func()).ok_or(Error::msg("no export"))?;
        run.typed::<i32, i32>(&caller)?.call(&mut caller, x - 1)
    });
    let panic = catch_unwind(AssertUnwindSafe(|| run::<_, i32>(&mut store, instance, 10))).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"deep"));
    // Nothing of the stack has been lost.
    for _ in 0..1000 {
        assert!(catch_unwind(AssertUnwindSafe(|| run::<_, i32>(&mut store, instance, 10))).is_err());
    }
}

#[test]
fn reentrancy_is_bounded() {
    let (mut store, instance) = linked(|mut caller: Caller<'_, ()>, x: i32| -> Result<i32, Error> {
        if x == 0 {
            return Ok(0);
        }
        let run = caller.get_export("run").and_then(|item| item.into_func()).ok_or(Error::msg("no export"))?;
        run.typed::<i32, i32>(&caller)?.call(&mut caller, x - 1)
    });
    assert_eq!(run::<_, i32>(&mut store, instance, 1000).unwrap(), 1001);
    let error = run::<_, i32>(&mut store, instance, i32::MAX).unwrap_err();
    assert_eq!(error.trap(), Some(Trap::StackOverflow));
    assert_eq!(run::<_, i32>(&mut store, instance, 1000).unwrap(), 1001);
}

#[test]
fn host_functions_calling_host_functions_are_bounded() {
    let mut config = config();
    config.max_stack(1 << 20);
    let mut store = Store::new(&Engine::new(&config).unwrap(), None::<Func>);
    let recurse = Func::wrap(&mut store, |mut caller: Caller<'_, Option<Func>>, depth: i32| -> Result<i32, Error> {
        let Some(func) = *caller.data() else { return Ok(depth) };
        func.typed::<i32, i32>(&caller)?.call(&mut caller, depth + 1)
    });
    *store.data_mut() = Some(recurse);
    let error = recurse.typed::<i32, i32>(&store).unwrap().call(&mut store, 0).unwrap_err();
    assert_eq!(error.trap(), Some(Trap::StackOverflow));
}

#[test]
fn host_functions_instantiate_modules() {
    let engine = default_engine();
    let module = Module::new(&engine, PASS).unwrap();
    let inner = Module::new(&engine, r#"(module (func (export "seven") (result i32) (i32.const 7)))"#).unwrap();
    let mut linker = Linker::new(&engine);
    linker
        .func_wrap("", "f", move |mut caller: Caller<'_, ()>, _: i32| -> Result<i32, Error> {
            let instance = Instance::new(&mut caller, &inner, &[])?;
            instance.get_typed_func::<(), i32>(&mut caller, "seven")?.call(&mut caller, ())
        })
        .unwrap();
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module).unwrap();
    assert_eq!(run::<_, i32>(&mut store, instance, 0).unwrap(), 8);
}
