//! Bounds what wasm may use: fuel, time, memory and stack.

use std::thread;
use std::time::Duration;

use terrace::{Config, Engine, Instance, Module, Result, Store, StoreLimits, StoreLimitsBuilder, Trap};

const PROGRAM: &str = r#"(module
    (memory (export "memory") 1)
    (func (export "spin") (loop (br 0)))
    (func $recurse (export "recurse") (call $recurse))
    (func (export "grow") (result i32)
        (loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
        (memory.size)))"#;

fn main() -> Result<()> {
    let mut config = Config::new();
    config.consume_fuel(true).epoch_interruption(true).max_stack(256 << 10);
    let engine = Engine::new(&config)?;
    let module = Module::new(&engine, PROGRAM)?;

    let limits = StoreLimitsBuilder::new().memory_size(4 << 20).build();
    let mut store: Store<StoreLimits> = Store::new(&engine, limits);
    store.limiter(|limits| limits);
    let instance = Instance::new(&mut store, &module, &[])?;
    let spin = instance.get_typed_func::<(), ()>(&mut store, "spin")?;

    store.set_fuel(1_000_000)?;
    let error = spin.call(&mut store, ()).unwrap_err();
    assert_eq!(error.trap(), Some(Trap::OutOfFuel));
    println!("{error}\n");

    store.set_fuel(u64::MAX)?;
    let handle = store.interrupt_handle();
    let watchdog = thread::spawn({
        let handle = handle.clone();
        move || {
            thread::sleep(Duration::from_millis(100));
            handle.interrupt();
        }
    });
    let error = spin.call(&mut store, ()).unwrap_err();
    assert_eq!(error.trap(), Some(Trap::Interrupt));
    println!("{error}\n");
    let _ = watchdog.join();
    handle.clear();

    let recurse = instance.get_typed_func::<(), ()>(&mut store, "recurse")?;
    let error = recurse.call(&mut store, ()).unwrap_err();
    assert_eq!(error.trap(), Some(Trap::StackOverflow));
    println!("{} frames deep: {}", error.backtrace().map_or(0, |b| b.frames.len() + b.omitted), Trap::StackOverflow);

    let pages = instance.get_typed_func::<(), u32>(&mut store, "grow")?.call(&mut store, ())?;
    println!("memory stopped growing at {pages} pages");
    Ok(())
}
