//! Names, imports and their errors.

use terrace::{
    Error, Extern, ExternType, Func, FuncType, Global, GlobalType, Instance, LinkError, Linker, Memory, MemoryType,
    Module, Mutability, Store, Val, ValType,
};

use super::{default_engine, run};

#[test]
fn unknown_imports_are_named() {
    let engine = default_engine();
    let module = Module::new(&engine, r#"(module (import "env" "missing" (func)))"#).unwrap();
    let mut store = Store::new(&engine, ());
    let error = Linker::new(&engine).instantiate(&mut store, &module).unwrap_err();
    assert_eq!(error.to_string(), "unknown import: `env::missing` has not been defined");
    assert!(matches!(error.downcast_ref(), Some(LinkError::UnknownImport { .. })));
    let error = Instance::new(&mut store, &module, &[]).unwrap_err();
    assert!(matches!(error, Error::Count { what: "imports", expected: 1, actual: 0 }));
}

#[test]
fn incompatible_imports_are_named() {
    let engine = default_engine();
    let mut store = Store::new(&engine, ());
    let func: Extern = Func::wrap(&mut store, |_: i32| 0i64).into();
    let ty = GlobalType::new(ValType::I32, Mutability::Const);
    let global: Extern = Global::new(&mut store, ty, Val::I32(1)).unwrap().into();
    let memory: Extern = Memory::new(&mut store, MemoryType::new(1, Some(10))).unwrap().into();
    for (import, item, message) in [
        (r#"(func (param i32))"#, &func, "expected (func (param i32)), found (func (param i32) (result i64))"),
        (r#"(memory 1)"#, &func, "expected (memory 1), found (func (param i32) (result i64))"),
        (r#"(global (mut i32))"#, &global, "expected (global (mut i32)), found (global i32)"),
        (r#"(memory 2)"#, &memory, "expected (memory 2), found (memory 1 10)"),
        (r#"(memory 1 9)"#, &memory, "expected (memory 1 9), found (memory 1 10)"),
        (r#"(memory i64 1)"#, &memory, "expected (memory i64 1), found (memory 1 10)"),
    ] {
        let module = Module::new(&engine, format!(r#"(module (import "a" "b" {import}))"#)).unwrap();
        let error = Instance::new(&mut store, &module, std::slice::from_ref(item)).unwrap_err();
        assert_eq!(error.to_string(), format!("incompatible import type for `a::b`: {message}"));
    }
}

#[test]
fn names_are_defined_once_unless_shadowing_is_allowed() {
    let engine = default_engine();
    let mut linker = Linker::<()>::new(&engine);
    linker.func_wrap("m", "f", || 1i32).unwrap();
    let error = linker.func_wrap("m", "f", || 2i32).unwrap_err();
    assert_eq!(error.to_string(), "import of `m::f` defined twice");
    linker.allow_shadowing(true).func_wrap("m", "f", || 3i32).unwrap();
    let module = Module::new(
        &engine,
        r#"(module (import "m" "f" (func $f (result i32))) (func (export "run") (result i32) (call $f)))"#,
    );
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module.unwrap()).unwrap();
    assert_eq!(run::<_, i32>(&mut store, instance, ()).unwrap(), 3);
}

#[test]
fn instances_modules_and_aliases() {
    let engine = default_engine();
    let library = Module::new(
        &engine,
        r#"(module
            (global $ready (mut i32) (i32.const 0))
            (memory (export "memory") 1)
            (func (export "_initialize") (global.set $ready (i32.const 1)))
            (func (export "ready") (result i32) (global.get $ready)))"#,
    )
    .unwrap();
    let program = Module::new(
        &engine,
        r#"(module
            (import "lib" "ready" (func $a (result i32)))
            (import "alias" "ready" (func $b (result i32)))
            (import "raw" "ready" (func $c (result i32)))
            (import "lib" "memory" (memory 1))
            (func (export "run") (result i32 i32 i32) (call $a) (call $b) (call $c)))"#,
    )
    .unwrap();
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    linker.module(&mut store, "lib", &library).unwrap().alias_module("lib", "alias").unwrap();
    assert!(linker.alias_module("nothing", "alias").is_err());
    let raw = Instance::new(&mut store, &library, &[]).unwrap();
    linker.instance(&mut store, "raw", raw).unwrap();
    let instance = linker.instantiate(&mut store, &program).unwrap();
    assert_eq!(run::<_, (i32, i32, i32)>(&mut store, instance, ()).unwrap(), (1, 1, 0));
    assert_eq!(linker.names().count(), 9);
    assert!(linker.get(&mut store, "lib", "nothing").unwrap().is_none());
}

#[test]
fn unknown_imports_as_traps() {
    let engine = default_engine();
    let module = Module::new(
        &engine,
        r#"(module
            (import "a" "f" (func $f (param i64) (result f32)))
            (func (export "run") (drop (call $f (i64.const 0))))
            (func (export "fine") (result i32) (i32.const 1)))"#,
    )
    .unwrap();
    let mut linker = Linker::new(&engine);
    linker.define_unknown_imports_as_traps(&module).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let fine = instance.get_typed_func::<(), i32>(&mut store, "fine").unwrap();
    assert_eq!(fine.call(&mut store, ()).unwrap(), 1);
    let error = run::<_, ()>(&mut store, instance, ()).unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(LinkError::UnknownImport { .. })), "{error}");
}

#[test]
fn one_linker_serves_many_stores() {
    let engine = default_engine();
    let mut linker = Linker::<u64>::new(&engine);
    linker
        .func_new("", "count", FuncType::new([ValType::I64], []), |mut caller, params, _| {
            *caller.data_mut() += params[0].i64().unwrap_or(0) as u64;
            Ok(())
        })
        .unwrap();
    let module = Module::new(
        &engine,
        r#"(module (import "" "count" (func $f (param i64))) (func (export "run") (call $f (i64.const 5))))"#,
    )
    .unwrap();
    let ready = linker.instantiate_pre(&module).unwrap();
    for n in 0..10 {
        let mut store = Store::new(&engine, n);
        let instance = ready.instantiate(&mut store).unwrap();
        instance.get_typed_func::<(), ()>(&mut store, "run").unwrap().call(&mut store, ()).unwrap();
        assert_eq!(*store.data(), n + 5);
    }
}

#[test]
fn host_functions_that_ignore_the_data_serve_any_linker() {
    let engine = default_engine();
    let mut text = Linker::<String>::new(&engine);
    let mut none = Linker::<()>::new(&engine);
    let double = |x: i32| 2 * x;
    text.func_wrap("", "double", double).unwrap();
    none.func_wrap("", "double", double).unwrap();
    let clone = text.clone();
    assert_eq!(clone.names().collect::<Vec<_>>(), none.names().collect::<Vec<_>>());
}

#[test]
fn exports_have_an_order_and_types() {
    let engine = default_engine();
    let module = Module::new(
        &engine,
        r#"(module
            (func (export "z") (param i32))
            (global (export "a") (mut f64) (f64.const 1.5))
            (table (export "t") 1 2 externref)
            (memory (export "m") 3)
            (tag (export "e") (param i64)))"#,
    )
    .unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let declared: Vec<(String, ExternType)> =
        module.exports().map(|export| (export.name().to_owned(), export.ty().clone())).collect();
    let actual: Vec<_> = instance.exports(&mut store).unwrap().collect();
    let actual: Vec<(String, ExternType)> =
        actual.into_iter().map(|export| (export.name().to_owned(), export.into_extern().ty(&store).unwrap())).collect();
    assert_eq!(declared, actual);
    let names: Vec<&str> = declared.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["z", "a", "t", "m", "e"]);
    assert_eq!(instance.module(&store).unwrap().name(), None);
    assert!(instance.module(&store).unwrap().same(&module));
}
