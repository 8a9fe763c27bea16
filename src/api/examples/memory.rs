//! Passes a string to wasm through its memory, and reads one back.

use terrace::{Engine, Error, Instance, Module, Result, Store};

fn main() -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(
        &engine,
        r#"(module
            (memory (export "memory") 1)
            (global $top (mut i32) (i32.const 1024))
            (func (export "allocate") (param $size i32) (result i32)
                (global.get $top)
                (global.set $top (i32.add (global.get $top) (local.get $size))))
            (func (export "reverse") (param $start i32) (param $len i32) (local $end i32) (local $byte i32)
                (local.set $end (i32.add (local.get $start) (local.get $len)))
                (loop $next
                    (local.set $end (i32.sub (local.get $end) (i32.const 1)))
                    (if (i32.lt_s (local.get $start) (local.get $end)) (then
                        (local.set $byte (i32.load8_u (local.get $start)))
                        (i32.store8 (local.get $start) (i32.load8_u (local.get $end)))
                        (i32.store8 (local.get $end) (local.get $byte))
                        (local.set $start (i32.add (local.get $start) (i32.const 1)))
                        (br $next))))))"#,
    )?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let memory = instance.get_memory(&mut store, "memory").ok_or_else(|| Error::msg("no memory"))?;
    let allocate = instance.get_typed_func::<u32, u32>(&mut store, "allocate")?;
    let reverse = instance.get_typed_func::<(u32, u32), ()>(&mut store, "reverse")?;

    let text = "stressed desserts: not quite a palindrome";
    let len = text.len() as u32;
    let start = allocate.call(&mut store, len)?;
    memory.write(&mut store, start as usize, text.as_bytes())?;
    reverse.call(&mut store, (start, len))?;
    let bytes = &memory.data(&store)?[start as usize..][..text.len()];
    println!("{}", String::from_utf8_lossy(bytes));
    Ok(())
}
