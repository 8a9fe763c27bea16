//! Loads a module and calls a function.

use terrace::{Engine, Instance, Module, Result, Store};

fn main() -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(
        &engine,
        r#"(module
            (func (export "gcd") (param i32 i32) (result i32)
                (if (i32.eqz (local.get 1)) (then (return (local.get 0))))
                (return_call 0 (local.get 1) (i32.rem_u (local.get 0) (local.get 1)))))"#,
    )?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let gcd = instance.get_typed_func::<(u32, u32), u32>(&mut store, "gcd")?;
    println!("gcd(48, 36) = {}", gcd.call(&mut store, (48, 36))?);
    Ok(())
}
