//! Functions of the host: closures, the store's data, errors, and functions whose types are made at run time.

use terrace::{Caller, Engine, Error, FuncType, Linker, Module, Result, Store, Val, ValType};

/// What the host functions work on.
#[derive(Default)]
struct State {
    stack: Vec<f64>,
}

#[derive(Debug, thiserror::Error)]
#[error("the stack is empty")]
struct Empty;

fn main() -> Result<()> {
    let engine = Engine::default();
    let mut linker = Linker::<State>::new(&engine);
    linker
        .func_wrap("stack", "push", |mut caller: Caller<'_, State>, x: f64| caller.data_mut().stack.push(x))?
        .func_wrap("stack", "pop", |mut caller: Caller<'_, State>| caller.data_mut().stack.pop().ok_or(Empty))?
        .func_wrap("math", "pow", f64::powf)?;
    let show = FuncType::new([ValType::F64], []);
    linker.func_new("io", "show", show, |_, params, _| {
        println!("{}", params[0].f64().unwrap_or(f64::NAN));
        Ok(())
    })?;

    let module = Module::new(
        &engine,
        r#"(module
            (import "stack" "push" (func $push (param f64)))
            (import "stack" "pop" (func $pop (result f64)))
            (import "math" "pow" (func $pow (param f64 f64) (result f64)))
            (import "io" "show" (func $show (param f64)))
            (func (export "push") (param f64) (call $push (local.get 0)))
            (func (export "pow")
                (call $push (call $pow (call $pop) (call $pop))))
            (func (export "show") (call $show (call $pop))))"#,
    )?;
    let mut store = Store::new(&engine, State::default());
    let instance = linker.instantiate(&mut store, &module)?;
    let mut call = |name: &str, params: &[Val]| -> Result<()> {
        let func = instance.get_func(&mut store, name).ok_or_else(|| Error::msg("no such function"))?;
        func.call(&mut store, params, &mut [])
    };
    call("push", &[10.0.into()])?;
    call("push", &[2.0.into()])?;
    call("pow", &[])?;
    call("show", &[])?;
    match call("show", &[]) {
        Err(error) if error.is::<Empty>() => println!("{error}"),
        other => other?,
    }
    Ok(())
}
