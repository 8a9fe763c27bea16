//! Fuel, epochs and interruption.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use terrace::{
    Caller, Engine, Error, ExternRef, Func, Instance, Level, Linker, Module, Rooted, Store, Trap, UpdateDeadline,
};

use super::{config, default_engine, engine, instance_in, run};

const LOOP: &str = r#"(module (func (export "run") (loop (br 0))))"#;
const COUNT: &str = r#"(module
    (func (export "run") (param i32) (result i32) (local $sum i32)
        (loop
            (local.set $sum (i32.add (local.get $sum) (local.get 0)))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get $sum)))"#;

fn fuel() -> Engine {
    engine(|config| config.consume_fuel(true))
}

fn polls() -> Engine {
    engine(|config| config.epoch_interruption(true))
}

#[test]
fn fuel_runs_out_and_is_refilled() {
    let (mut store, instance) = instance_in(&fuel(), LOOP);
    assert_eq!(store.get_fuel().unwrap(), 0);
    assert_eq!(run::<_, ()>(&mut store, instance, ()).unwrap_err().trap(), Some(Trap::OutOfFuel));
    store.set_fuel(100_000).unwrap();
    assert_eq!(run::<_, ()>(&mut store, instance, ()).unwrap_err().trap(), Some(Trap::OutOfFuel));
    assert_eq!(store.get_fuel().unwrap(), 0);

    let (mut store, instance) = instance_in(&fuel(), COUNT);
    store.set_fuel(1_000_000).unwrap();
    assert_eq!(run::<_, i32>(&mut store, instance, 100).unwrap(), 5050);
    let used = 1_000_000 - store.get_fuel().unwrap();
    assert!((100..2_000).contains(&used), "{used}");
    store.set_fuel(used).unwrap();
    assert_eq!(run::<_, i32>(&mut store, instance, 100).unwrap(), 5050);
    assert_eq!(store.get_fuel().unwrap(), 0);
    store.set_fuel(used - 1).unwrap();
    assert_eq!(run::<_, i32>(&mut store, instance, 100).unwrap_err().trap(), Some(Trap::OutOfFuel));
}

#[test]
fn fuel_bounds_start_functions() {
    let engine = fuel();
    let module = Module::new(&engine, "(module (func $s (loop (br 0))) (start $s))").unwrap();
    let mut store = Store::new(&engine, ());
    store.set_fuel(10_000).unwrap();
    assert_eq!(Instance::new(&mut store, &module, &[]).unwrap_err().trap(), Some(Trap::OutOfFuel));
}

#[test]
fn host_functions_see_and_set_fuel() {
    let engine = fuel();
    let module =
        Module::new(&engine, r#"(module (import "" "f" (func $f)) (func (export "run") (loop (call $f) (br 0))))"#);
    let mut linker = Linker::new(&engine);
    linker
        .func_wrap("", "f", |mut caller: Caller<'_, ()>| -> Result<(), Error> {
            let left = caller.get_fuel()?;
            caller.set_fuel(left / 2)
        })
        .unwrap();
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module.unwrap()).unwrap();
    store.set_fuel(u64::MAX).unwrap();
    assert_eq!(run::<_, ()>(&mut store, instance, ()).unwrap_err().trap(), Some(Trap::OutOfFuel));
}

#[test]
fn fuel_needs_an_engine_that_measures_it() {
    let mut store = Store::new(&default_engine(), ());
    assert!(matches!(store.set_fuel(1), Err(Error::Fuel(_))));
    assert!(matches!(store.get_fuel(), Err(Error::Fuel(_))));
}

#[test]
fn epochs() {
    let engine = polls();
    let (mut store, instance) = instance_in(&engine, LOOP);
    store.set_epoch_deadline(1);
    engine.increment_epoch();
    assert_eq!(run::<_, ()>(&mut store, instance, ()).unwrap_err().trap(), Some(Trap::Interrupt));

    // From another thread, while wasm runs.
    store.set_epoch_deadline(2);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(5));
                engine.increment_epoch();
            }
        });
        let error = run::<_, ()>(&mut store, instance, ()).unwrap_err();
        done.store(true, Ordering::Relaxed);
        assert_eq!(error.trap(), Some(Trap::Interrupt));
    });
}

#[test]
fn a_store_has_no_deadline_at_first() {
    let engine = polls();
    let (mut store, instance) = instance_in(&engine, COUNT);
    engine.increment_epoch();
    assert_eq!(run::<_, i32>(&mut store, instance, 10).unwrap(), 55);
}

#[test]
fn epoch_callbacks() {
    let engine = polls();
    let module = Module::new(&engine, LOOP).unwrap();
    let mut store = Store::new(&engine, 0);
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let endless = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap();
    store.epoch_deadline_callback(move |mut store| {
        *store.data_mut() += 1;
        match *store.data() {
            5 => Ok(UpdateDeadline::Interrupt),
            10 => Err(Error::msg("enough")),
            _ => Ok(UpdateDeadline::Continue(0)),
        }
    });
    store.set_epoch_deadline(0);
    assert_eq!(endless.call(&mut store, ()).unwrap_err().trap(), Some(Trap::Interrupt));
    assert_eq!(*store.data(), 5);
    let error = endless.call(&mut store, ()).unwrap_err();
    assert!(error.to_string().ends_with("enough"), "{error}");
    store.epoch_deadline_trap();
    assert_eq!(endless.call(&mut store, ()).unwrap_err().trap(), Some(Trap::Interrupt));
    assert_eq!(*store.data(), 10);
}

/// Interrupts after a while, and says how long `action` took from then.
fn interrupted(store: &mut Store<()>, action: impl FnOnce(&mut Store<()>) -> Error) {
    let handle = store.interrupt_handle();
    let from_there = handle.clone();
    let interrupter = thread::spawn(move || {
        thread::sleep(Duration::from_millis(30));
        from_there.interrupt();
        Instant::now()
    });
    let error = action(store);
    let late = interrupter.join().unwrap().elapsed();
    assert_eq!(error.trap(), Some(Trap::Interrupt), "{error}");
    assert!(late < Duration::from_secs(10), "{late:?}");
    assert!(handle.is_interrupted());
    handle.clear();
}

#[test]
fn interruption_from_another_thread() {
    let (mut store, instance) = instance_in(&polls(), LOOP);
    for _ in 0..2 {
        interrupted(&mut store, |store| run::<_, ()>(store, instance, ()).unwrap_err());
    }
}

#[test]
fn interruption_of_a_recursion() {
    let wat = r#"(module
        (func $f (param i32) (if (local.get 0) (then
            (call $f (i32.sub (local.get 0) (i32.const 1)))
            (call $f (i32.sub (local.get 0) (i32.const 1))))))
        (func (export "run") (call $f (i32.const 60))))"#;
    let (mut store, instance) = instance_in(&polls(), wat);
    interrupted(&mut store, |store| run::<_, ()>(store, instance, ()).unwrap_err());
}

#[test]
fn interruption_of_a_start_function() {
    let engine = polls();
    let module = Module::new(&engine, "(module (func $s (loop (br 0))) (start $s))").unwrap();
    let mut store = Store::new(&engine, ());
    interrupted(&mut store, |store| Instance::new(store, &module, &[]).unwrap_err());
}

#[test]
fn interruption_of_an_atomic_wait() {
    let wat = r#"(module
        (memory 1 1 shared)
        (func (export "run") (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))))"#;
    let (mut store, instance) = instance_in(&polls(), wat);
    interrupted(&mut store, |store| run::<_, ()>(store, instance, ()).unwrap_err());
}

#[test]
fn interruption_of_bulk_operations() {
    let wat = r#"(module
        (memory 16384)
        (func (export "run")
            (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 0x40000000)) (br 0))))"#;
    let (mut store, instance) = instance_in(&polls(), wat);
    interrupted(&mut store, |store| run::<_, ()>(store, instance, ()).unwrap_err());
}

#[test]
fn interruption_of_a_host_function_that_asks() {
    let mut store = Store::new(&polls(), ());
    let wait = Func::wrap(&mut store, |mut caller: Caller<'_, ()>| -> Result<(), Error> {
        loop {
            caller.check_interrupt()?;
            thread::sleep(Duration::from_millis(1));
        }
    });
    interrupted(&mut store, |store| wait.call(store, &[], &mut []).unwrap_err());
    assert!(store.check_interrupt().is_ok());
}

#[test]
fn settings_can_be_combined() {
    let mut config = config();
    config.consume_fuel(true).epoch_interruption(true).deterministic(true).explicit_bounds(true);
    let (mut store, instance) = instance_in(&Engine::new(&config).unwrap(), COUNT);
    store.set_fuel(10_000).unwrap();
    assert_eq!(run::<_, i32>(&mut store, instance, 10).unwrap(), 55);
}

#[test]
fn references_survive_collections_at_the_deadline() {
    const WAT: &str = r#"(module
        (memory 40 40 shared)
        (table $t 70000 funcref)
        (func $id (param externref) (result externref) (local.get 0))
        ;; What is on the operand stack lies in no local.
        (func (export "fill") (param externref) (result externref)
            (call $id (local.get 0)) (local.set 0 (ref.null extern))
            (memory.fill (i32.const 0) (i32.const 0) (i32.const 0x280000)))
        (func (export "copy") (param externref) (result externref)
            (call $id (local.get 0)) (local.set 0 (ref.null extern))
            (memory.copy (i32.const 0) (i32.const 1) (i32.const 0x27ffff)))
        (func (export "init") (param externref) (result externref)
            (call $id (local.get 0)) (local.set 0 (ref.null extern))
            (table.init $t $long (i32.const 0) (i32.const 0) (i32.const 70000)))
        (func (export "wait32") (param externref) (result externref)
            (call $id (local.get 0)) (local.set 0 (ref.null extern))
            (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 30000000))))
        (func (export "wait64") (param externref) (result externref)
            (call $id (local.get 0)) (local.set 0 (ref.null extern))
            (drop (memory.atomic.wait64 (i32.const 0) (i64.const 0) (i64.const 30000000))))
        (elem $long func LONG))"#;
    for level in [Level::Plain, Level::Folded] {
        let engine = engine(|config| config.epoch_interruption(true).gc_stress(true).level(level));
        let module = Module::new(&engine, WAT.replace("LONG", &"$id ".repeat(70_000))).unwrap();
        let mut store = Store::new(&engine, ());
        store.set_epoch_deadline(0);
        store.epoch_deadline_callback(|mut store| {
            ExternRef::new(&mut store, 0)?;
            store.gc();
            Ok(UpdateDeadline::Continue(0))
        });
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        for name in ["fill", "copy", "init", "wait32", "wait64"] {
            let run = instance
                .get_typed_func::<Option<Rooted<ExternRef>>, Option<Rooted<ExternRef>>>(&mut store, name)
                .unwrap();
            let value = ExternRef::new(&mut store, 42).unwrap();
            let result = run.call(&mut store, Some(value)).unwrap().unwrap();
            assert!(Rooted::ref_eq(&store, &result, &value).unwrap(), "{name} at level {level:?}");
            let number = result.data(&store).unwrap().and_then(|data| data.downcast_ref::<i32>());
            assert_eq!(number, Some(&42), "{name}");
        }
    }
}

#[test]
fn references_of_a_deadline_callback_end_with_it() {
    let engine = polls();
    let module = Module::new(&engine, COUNT).unwrap();
    let mut store = Store::new(&engine, None::<Rooted<ExternRef>>);
    store.set_epoch_deadline(0);
    store.epoch_deadline_callback(|mut store| {
        let reference = ExternRef::new(&mut store, 7)?;
        *store.data_mut() = Some(reference);
        Ok(UpdateDeadline::Continue(0))
    });
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let run = instance.get_typed_func::<i32, i32>(&mut store, "run").unwrap();
    assert_eq!(run.call(&mut store, 10).unwrap(), 55);
    let reference = store.data().unwrap();
    assert!(matches!(reference.data(&store), Err(Error::Unrooted)));
}
