//! Several instances of one module on threads, with a memory of their own each and one that they share.

use std::thread;

use terrace::{Engine, Linker, MemoryType, Module, Result, SharedMemory, Store};

fn main() -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(
        &engine,
        r#"(module
            (import "host" "shared" (memory $shared 1 1 shared))
            (memory $own 1)
            (func (export "count_primes") (param $from i32) (param $to i32) (local $divisor i32)
                (loop $number
                    (local.set $divisor (i32.const 2))
                    (block $composite
                        (loop $divide
                            (if (i32.le_u (i32.mul (local.get $divisor) (local.get $divisor)) (local.get $from)) (then
                                (br_if $composite (i32.eqz (i32.rem_u (local.get $from) (local.get $divisor))))
                                (local.set $divisor (i32.add (local.get $divisor) (i32.const 1)))
                                (br $divide))))
                        (drop (i32.atomic.rmw.add $shared (i32.const 0) (i32.const 1)))
                        (i32.store $own (i32.const 0) (i32.add (i32.load $own (i32.const 0)) (i32.const 1))))
                    (local.set $from (i32.add (local.get $from) (i32.const 1)))
                    (br_if $number (i32.lt_u (local.get $from) (local.get $to))))))"#,
    )?;
    let shared = SharedMemory::new(&engine, MemoryType::shared(1, 1))?;
    thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|n| {
                let (engine, module, shared) = (&engine, &module, shared.clone());
                scope.spawn(move || -> Result<()> {
                    let mut store = Store::new(engine, ());
                    let mut linker = Linker::new(engine);
                    linker.define(&store, "host", "shared", shared)?;
                    let instance = linker.instantiate(&mut store, module)?;
                    let count = instance.get_typed_func::<(u32, u32), ()>(&mut store, "count_primes")?;
                    let start = 2.max(n * 5_000);
                    count.call(&mut store, (start, (n + 1) * 5_000))
                })
            })
            .collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("a worker panicked"))
    })?;
    let mut count = [0; 4];
    shared.read(0, &mut count)?;
    println!("{} primes below 20000", u32::from_le_bytes(count));
    assert_eq!(u32::from_le_bytes(count), 2262);
    Ok(())
}
