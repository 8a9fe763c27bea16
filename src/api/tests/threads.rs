//! Modules, linkers and memories between threads.

use std::thread;

use terrace::{Linker, MemoryType, Module, SharedMemory, Store};

use super::default_engine;

#[test]
fn instances_on_several_threads_share_a_module() {
    let engine = default_engine();
    let module = Module::new(
        &engine,
        r#"(module
            (import "" "next" (func $next (param i64) (result i64)))
            (memory 1)
            (func $fib (export "fib") (param i64) (result i64)
                (if (result i64) (i64.lt_u (local.get 0) (i64.const 2))
                    (then (local.get 0))
                    (else (i64.add
                        (call $fib (i64.sub (local.get 0) (i64.const 1)))
                        (call $fib (i64.sub (local.get 0) (i64.const 2)))))))
            (func (export "run") (param i64) (result i64)
                (i64.store (i32.const 0) (call $next (call $fib (local.get 0))))
                (i64.load (i32.const 0))))"#,
    )
    .unwrap();
    let mut linker = Linker::<u64>::new(&engine);
    linker.func_wrap("", "next", |caller: terrace::Caller<'_, u64>, x: u64| x + caller.data()).unwrap();
    thread::scope(|scope| {
        for thread in 0..8 {
            let (engine, module, linker) = (&engine, &module, &linker);
            scope.spawn(move || {
                for round in 0..20 {
                    let mut store = Store::new(engine, thread);
                    let instance = linker.instantiate(&mut store, module).unwrap();
                    let run = instance.get_typed_func::<u64, u64>(&mut store, "run").unwrap();
                    assert_eq!(run.call(&mut store, 10).unwrap(), 55 + thread, "round {round}");
                }
            });
        }
    });
}

#[test]
fn stores_move_between_threads() {
    let engine = default_engine();
    let module = Module::new(
        &engine,
        r#"(module
            (global $g (mut i32) (i32.const 0))
            (func (export "run") (result i32) (global.set $g (i32.add (global.get $g) (i32.const 1))) (global.get $g)))"#,
    )
    .unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine).instantiate(&mut store, &module).unwrap();
    for n in 1..=5 {
        store = thread::spawn(move || {
            let run = instance.get_typed_func::<(), i32>(&mut store, "run").unwrap();
            assert_eq!(run.call(&mut store, ()).unwrap(), n);
            store
        })
        .join()
        .unwrap();
    }
}

#[test]
fn threads_count_in_a_shared_memory() {
    let engine = default_engine();
    let module = Module::new(
        &engine,
        r#"(module
            (import "" "memory" (memory 1 1 shared))
            (func (export "run") (param i32)
                (loop
                    (drop (i32.atomic.rmw.add (i32.const 8) (i32.const 1)))
                    (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
                (drop (memory.atomic.notify (i32.const 16) (i32.const 1)))))"#,
    )
    .unwrap();
    let memory = SharedMemory::new(&engine, MemoryType::shared(1, 1)).unwrap();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (engine, module, memory) = (engine.clone(), module.clone(), memory.clone());
            thread::spawn(move || {
                let mut store = Store::new(&engine, ());
                let mut linker = Linker::new(&engine);
                linker.define(&store, "", "memory", memory).unwrap();
                let instance = linker.instantiate(&mut store, &module).unwrap();
                let run = instance.get_typed_func::<i32, ()>(&mut store, "run").unwrap();
                run.call(&mut store, 10_000).unwrap();
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let mut count = [0; 4];
    memory.read(8, &mut count).unwrap();
    assert_eq!(u32::from_le_bytes(count), 40_000);
}

#[test]
fn one_thread_waits_for_another() {
    let engine = default_engine();
    let module = Module::new(
        &engine,
        r#"(module
            (import "" "memory" (memory 1 1 shared))
            (func (export "wait") (result i32)
                (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 10000000000))))"#,
    )
    .unwrap();
    let memory = SharedMemory::new(&engine, MemoryType::shared(1, 1)).unwrap();
    let waiter = {
        let (engine, memory) = (engine.clone(), memory.clone());
        thread::spawn(move || {
            let mut store = Store::new(&engine, ());
            let mut linker = Linker::new(&engine);
            linker.define(&store, "", "memory", memory).unwrap();
            let instance = linker.instantiate(&mut store, &module).unwrap();
            instance.get_typed_func::<(), i32>(&mut store, "wait").unwrap().call(&mut store, ()).unwrap()
        })
    };
    while memory.atomic_notify(0, 1).unwrap() == 0 {
        thread::yield_now();
    }
    assert_eq!(waiter.join().unwrap(), 0);
}
