//! What goes on after a trap: the same store, the frames below a host function, other instances.

use terrace::{Caller, Engine, Error, Func, Instance, Level, Linker, Module, Store, Trap, Val};

use super::{config, default_engine, engine, run};

/// Traps of every way out of the tier: a fault, a check, a helper.
const TRAPS: [(&str, Trap); 6] = [
    ("(drop (i32.load (i32.const 65536)))", Trap::MemoryOutOfBounds),
    ("(drop (i32.div_u (i32.const 1) (i32.load (i32.const 0))))", Trap::IntegerDivideByZero),
    ("(drop (i64.atomic.load (i32.const 1)))", Trap::UnalignedAtomic),
    ("(call_indirect (i32.const 0))", Trap::UninitializedElement),
    ("(memory.fill (i32.const 65536) (i32.const 0) (i32.const 1))", Trap::MemoryOutOfBounds),
    ("(call $again)", Trap::StackOverflow),
];

fn functions() -> String {
    let body = |(index, (body, _)): (usize, &(&str, Trap))| {
        let body = body.replace("$again", &format!("$trap{index}"));
        format!(r#"(func $trap{index} (export "trap{index}") {body})"#)
    };
    TRAPS.iter().enumerate().map(body).collect()
}

#[test]
fn a_store_outlives_many_traps() {
    let wat = format!(
        r#"(module (memory 1) (table 1 funcref) {}
            (global $count (mut i64) (i64.const 0))
            (func (export "run") (result i64)
                (global.set $count (i64.add (global.get $count) (i64.const 1))) (global.get $count)))"#,
        functions()
    );
    let (mut store, instance) = super::instance(&wat);
    for round in 1..=200 {
        for (index, (_, kind)) in TRAPS.iter().enumerate() {
            let func = instance.get_func(&mut store, &format!("trap{index}")).unwrap();
            assert_eq!(func.call(&mut store, &[], &mut []).unwrap_err().trap(), Some(*kind));
        }
        assert_eq!(run::<_, i64>(&mut store, instance, ()).unwrap(), round);
    }
}

/// wasm calls the host, which calls wasm that traps, takes the trap for an answer, and returns to wasm.
#[test]
fn hosts_take_traps_of_nested_calls() {
    for level in [Level::Plain, Level::Folded] {
        let engine = engine(|config| config.level(level));
        let wat = format!(
            r#"(module
                (import "" "try" (func $try (param i32) (result i32)))
                (memory 1) (table 1 funcref) {}
                (func (export "run") (param $n i32) (result i64 f64) (local $sum i64) (local $f f64)
                    (loop
                        (local.set $f (f64.add (local.get $f) (f64.convert_i32_s (call $try (i32.rem_u (local.get $n) (i32.const 6))))))
                        (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 3)) (i64.extend_i32_u (local.get $n))))
                        (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
                    (local.get $sum) (local.get $f))
                ;; The same from deeper down, each level by way of the host.
                (func (export "deeper") (param $n i32) (result i32)
                    (if (result i32) (local.get $n)
                        (then (i32.add (i32.const 1000) (call $try (i32.add (i32.const 100) (i32.sub (local.get $n) (i32.const 1))))))
                        (else (call $trap0) (i32.const 1)))))"#,
            functions()
        );
        let module = Module::new(&engine, &wat).unwrap();
        let mut linker = Linker::<Vec<Trap>>::new(&engine);
        linker
            .func_wrap("", "try", |mut caller: Caller<'_, Vec<Trap>>, which: i32| -> Result<i32, Error> {
                let (name, args) = match which {
                    100.. => ("deeper".to_owned(), vec![Val::I32(which - 100)]),
                    _ => (format!("trap{which}"), vec![]),
                };
                let func = caller.get_export(&name).and_then(|export| export.into_func()).unwrap();
                let mut results = vec![Val::I32(0); args.len()];
                match func.call(&mut caller, &args, &mut results) {
                    Ok(()) => Ok(results[0].i32().unwrap()),
                    Err(error) => {
                        caller.data_mut().push(error.trap().unwrap());
                        Ok(which)
                    }
                }
            })
            .unwrap();
        let mut store = Store::new(&engine, Vec::new());
        let instance = linker.instantiate(&mut store, &module).unwrap();
        let func = instance.get_typed_func::<i32, (i64, f64)>(&mut store, "run").unwrap();
        for _ in 0..10 {
            let (sum, f) = func.call(&mut store, 30).unwrap();
            let expected = (1..=30).rev().fold(0i64, |sum, n| sum.wrapping_mul(3).wrapping_add(n));
            assert_eq!((sum, f), (expected, 75.0));
            let kinds = std::mem::take(store.data_mut());
            let all: Vec<_> = (1..=30).rev().map(|n| TRAPS[n % 6].1).collect();
            assert_eq!(kinds, all);
        }
        let deeper = instance.get_typed_func::<i32, i32>(&mut store, "deeper").unwrap();
        assert_eq!(deeper.call(&mut store, 9).unwrap(), 9 * 1000 + 100);
        assert_eq!(store.data().as_slice(), [Trap::MemoryOutOfBounds]);
    }
}

#[test]
fn start_functions_trap_and_the_store_goes_on() {
    let engine = default_engine();
    let mut store = Store::new(&engine, ());
    for (index, (_, kind)) in TRAPS.iter().enumerate().cycle().take(60) {
        let wat = format!("(module (memory 1) (table 1 funcref) {} (start $trap{index}))", functions());
        let error = Instance::new(&mut store, &Module::new(&engine, &wat).unwrap(), &[]).unwrap_err();
        assert_eq!(error.trap(), Some(*kind));
        assert!(!error.backtrace().unwrap().frames.is_empty());
    }
}

/// How deep calls go until the stack overflows, on the tier under test and on the reference tier.
fn depths(level: Level, wat: [&str; 2], host: bool) -> [i32; 2] {
    let mut reference = terrace::Config::new();
    reference.tier("reference").unwrap();
    [config(), reference].map(|mut config| {
        let engine = Engine::new(config.level(level).max_stack(1 << 19)).unwrap();
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        if host {
            linker
                .func_wrap("", "host", |mut caller: Caller<'_, ()>, x: i64| -> Result<i64, Error> {
                    let func = caller.get_export("run").and_then(|export| export.into_func()).unwrap();
                    func.typed::<i64, i64>(&caller)?.call(&mut caller, x)
                })
                .unwrap();
        }
        let mut last = None;
        for wat in wat.into_iter().filter(|wat| !wat.is_empty()) {
            let instance = linker.instantiate(&mut store, &Module::new(&engine, wat).unwrap()).unwrap();
            linker.instance(&mut store, "before", instance).unwrap();
            last = Some(instance);
        }
        let instance = last.unwrap();
        for _ in 0..3 {
            let error = run::<_, i64>(&mut store, instance, 7i64).unwrap_err();
            assert_eq!(error.trap(), Some(Trap::StackOverflow), "{error}");
        }
        let depth = instance.get_global(&mut store, "depth").unwrap().get(&mut store).unwrap().i32().unwrap();
        assert!(depth % 3 == 0 && depth > 100, "{depth}");
        depth
    })
}

const COUNT: &str = r#"(global $depth (export "depth") (mut i32) (i32.const 0))
    (func $count (global.set $depth (i32.add (global.get $depth) (i32.const 1))))"#;

#[test]
fn stacks_are_as_deep_as_on_the_reference_tier() {
    for level in [Level::Plain, Level::Folded] {
        for body in [
            "(call $run (local.get 0))",
            "(i64.add (call $run (local.get 0)) (local.get 1))",
            "(call $wide (local.get 0))",
            "(call_indirect (type $f) (local.get 0) (i32.const 0))",
            "(call_ref $f (local.get 0) (ref.func $run))",
            "(return_call $wide (local.get 0))",
        ] {
            let wat = format!(
                r#"(module {COUNT} (type $f (func (param i64) (result i64)))
                    (table funcref (elem $run))
                    (func $wide (type $f) (local i64 v128 v128 f32) (call $run (local.get 0)))
                    (func $run (export "run") (type $f) (local i64 f64) (call $count) {body}))"#
            );
            let [this, reference] = depths(level, [&wat, ""], false);
            assert_eq!(this, reference, "{body} {level:?}");
        }
    }
}

#[test]
fn stacks_are_as_deep_across_instances_and_the_host() {
    // The first instance calls what the second puts into its table.
    let first = r#"(module
        (table (export "t") 1 funcref)
        (func (export "f") (param i64) (result i64) (local v128)
            (call_indirect (param i64) (result i64) (local.get 0) (i32.const 0))))"#;
    let second = format!(
        r#"(module
            (import "before" "t" (table 1 funcref))
            (import "before" "f" (func $f (param i64) (result i64)))
            (elem (i32.const 0) $run)
            {COUNT}
            (func $run (export "run") (param i64) (result i64) (local f32) (call $count) (i64.add (call $f (local.get 0)) (i64.const 1))))"#
    );
    let host = format!(
        r#"(module (import "" "host" (func $host (param i64) (result i64))) {COUNT}
            (func (export "run") (param i64) (result i64) (local f32) (call $count) (call $host (local.get 0))))"#
    );
    for level in [Level::Plain, Level::Folded] {
        let [this, reference] = depths(level, [first, &second], false);
        assert_eq!(this, reference, "{level:?}");
        let [this, reference] = depths(level, [&host, ""], true);
        assert_eq!(this, reference, "{level:?}");
    }
}

/// Thrown in one instance, through the host and another instance: uncaught, or caught at the far end.
#[test]
fn exceptions_cross_instances_and_the_host() {
    for level in [Level::Plain, Level::Folded] {
        let engine = engine(|config| config.level(level));
        let mut store = Store::new(&engine, None::<Func>);
        let mut linker = Linker::<Option<Func>>::new(&engine);
        linker
            .func_wrap("", "host", |mut caller: Caller<'_, Option<Func>>, x: i32| -> Result<i32, Error> {
                let func = caller.data().unwrap();
                func.typed::<i32, i32>(&caller)?.call(&mut caller, x)
            })
            .unwrap();
        let thrower = r#"(module (tag $e (export "e") (param i32 f64))
            (func $throw (param i32) (result i32) (throw $e (local.get 0) (f64.const 2.5)))
            (func (export "f") (param i32) (result i32) (local i64) (i32.add (call $throw (local.get 0)) (i32.const 1))))"#;
        let caller = r#"(module
            (import "thrower" "e" (tag $e (param i32 f64)))
            (import "thrower" "f" (func $f (param i32) (result i32)))
            (import "" "host" (func $host (param i32) (result i32)))
            (func (export "near") (param i32) (result i32) (i32.mul (call $f (local.get 0)) (i32.const 2)))
            (func $far (export "far") (param i32) (result i32) (i32.mul (call $host (local.get 0)) (i32.const 2)))
            (func (export "run") (param $n i32) (result i32 f64) (local $sum f64)
                (loop
                    (block $caught (result i32 f64)
                        (drop (try_table (result i32) (catch $e $caught) (call $far (local.get $n))))
                        (unreachable))
                    (local.set $sum (f64.add (local.get $sum)))
                    (br_if 0 (i32.lt_s (local.tee $n (i32.add (i32.const 1))) (i32.const 20))))
                (local.get $n) (local.get $sum)))"#;
        let thrower = linker.instantiate(&mut store, &Module::new(&engine, thrower).unwrap()).unwrap();
        linker.instance(&mut store, "thrower", thrower).unwrap();
        let instance = linker.instantiate(&mut store, &Module::new(&engine, caller).unwrap()).unwrap();
        *store.data_mut() = instance.get_func(&mut store, "near");
        for name in ["near", "far"] {
            for _ in 0..10 {
                let func = instance.get_typed_func::<i32, i32>(&mut store, name).unwrap();
                let error = func.call(&mut store, 5).unwrap_err();
                assert!(error.exception().is_some() && error.trap().is_none(), "{name}: {error}");
            }
        }
        let func = instance.get_typed_func::<i32, (i32, f64)>(&mut store, "run").unwrap();
        assert_eq!(func.call(&mut store, 0).unwrap(), (20, 50.0));
    }
}
