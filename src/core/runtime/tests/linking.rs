//! Instantiation: imports, constant expressions, segments, start functions.

use std::sync::atomic::Ordering;

use terrace_abi::TrapKind;

use super::super::types::{GlobalType, ValType};
use super::*;

fn global(store: &Store, instance: InstanceRef, name: &str) -> [u64; 2] {
    let Some(Extern::Global(global)) = instance.export(name) else { panic!("{name}") };
    store.global(global).value.each_ref().map(|half| half.load(Ordering::Relaxed))
}

/// What a module with this import says to the provider's export.
fn link(store: &mut Store, provider: &str, import: &str) -> Result<InstanceRef, String> {
    let provider = instantiate(store, &format!("(module {provider})"), &[]).unwrap();
    let given = provider.export("x").unwrap();
    match instantiate(store, &format!(r#"(module (import "m" "x" {import}))"#), &[given]) {
        Ok(instance) => Ok(instance),
        Err(InstantiateError::Link(error)) => Err(error.to_string()),
        Err(error) => panic!("{error:?}"),
    }
}

#[test]
fn imports_match_by_type() {
    let mut store = store(&engine());
    let fits = [
        (r#"(func (export "x") (param i32))"#, "(func (param i32))"),
        (r#"(memory (export "x") 2 3)"#, "(memory 1)"),
        (r#"(memory (export "x") 2 3)"#, "(memory 2 3)"),
        (r#"(memory (export "x") i64 2 3)"#, "(memory i64 2 4)"),
        (r#"(memory (export "x") 1 1 shared)"#, "(memory 1 1 shared)"),
        (r#"(memory (export "x") 5 (pagesize 1))"#, "(memory 4 (pagesize 1))"),
        (r#"(table (export "x") 2 3 funcref)"#, "(table 1 funcref)"),
        (r#"(table (export "x") i64 2 3 externref)"#, "(table i64 2 3 externref)"),
        (r#"(global (export "x") i32 (i32.const 0))"#, "(global i32)"),
        (r#"(func $f) (global (export "x") (ref func) (ref.func $f))"#, "(global funcref)"),
        (r#"(global (export "x") (mut funcref) (ref.null func))"#, "(global (mut funcref))"),
        (r#"(tag (export "x") (param i32))"#, "(tag (param i32))"),
        (
            r#"(type $a (sub (func))) (type $b (sub $a (func))) (func (export "x") (type $b))"#,
            "(func (type $a))) (type $a (sub (func))",
        ),
    ];
    for (provider, import) in fits {
        assert_eq!(link(&mut store, provider, import).map(drop), Ok(()), "{provider} as {import}");
    }
    let differs = [
        (
            r#"(func (export "x") (param i32))"#,
            "(func (param i64))",
            "expected (func (param i64)), found (func (param i32))",
        ),
        (r#"(func (export "x"))"#, "(memory 0)", "expected (memory 0), found (func)"),
        (r#"(memory (export "x") 1)"#, "(memory 2)", "expected (memory 2), found (memory 1)"),
        (r#"(memory (export "x") 1)"#, "(memory 1 2)", "expected (memory 1 2), found (memory 1)"),
        (r#"(memory (export "x") 1 3)"#, "(memory 1 2)", "found (memory 1 3)"),
        (r#"(memory (export "x") 1)"#, "(memory i64 1)", "expected (memory i64 1)"),
        (r#"(memory (export "x") 1 1)"#, "(memory 1 1 shared)", "expected (memory 1 1 shared)"),
        (r#"(memory (export "x") 1 (pagesize 1))"#, "(memory 1)", "found (memory 1 (pagesize 1))"),
        (r#"(table (export "x") 1 funcref)"#, "(table 1 externref)", "expected (table 1 externref)"),
        (r#"(table (export "x") 1 (ref null func))"#, "(table i64 1 funcref)", "expected (table i64 1 funcref)"),
        (r#"(global (export "x") i32 (i32.const 0))"#, "(global i64)", "expected (global i64), found (global i32)"),
        (r#"(global (export "x") i32 (i32.const 0))"#, "(global (mut i32))", "found (global i32)"),
        (r#"(func $f) (global (export "x") (mut (ref func)) (ref.func $f))"#, "(global (mut funcref))", "expected"),
        (r#"(tag (export "x") (param i32))"#, "(tag)", "expected (tag (func)), found (tag (func (param i32)))"),
        (
            r#"(type $a (sub (func))) (func (export "x") (type $a))"#,
            "(func (type $b))) (type $a (sub (func))) (type $b (sub $a (func))",
            "expected (func), found (func)",
        ),
    ];
    for (provider, import, says) in differs {
        let error = link(&mut store, provider, import).expect_err(import);
        assert!(error.starts_with("incompatible import type for `m::x`: "), "{error}");
        assert!(error.contains(says), "{error} / {says}");
    }
}

#[test]
fn a_grown_memory_is_matched_by_its_current_size() {
    let mut store = store(&engine());
    let provider = instantiate(&mut store, r#"(module (memory (export "x") 1 5) (table (export "t") 0 funcref))"#, &[]);
    let provider = provider.unwrap();
    let (Some(Extern::Memory(memory)), Some(Extern::Table(table))) = (provider.export("x"), provider.export("t"))
    else {
        panic!()
    };
    assert_eq!(store.memory_grow(memory, 2), Ok(1));
    assert_eq!(store.table_grow(table, 2, 0), Ok(0));
    let text = r#"(module (import "" "" (memory 3 5)) (import "" "" (table 2 funcref)))"#;
    instantiate(&mut store, text, &[Extern::Memory(memory), Extern::Table(table)]).unwrap();
}

#[test]
fn missing_imports_are_named() {
    let engine = engine();
    let mut store = store(&engine);
    let module = module(&engine, r#"(module (import "env" "there" (func)) (import "env" "missing" (func)))"#);
    let f = host(&mut store, &[], &[], |_, _, _| Ok(()));
    let resolve = |_: &mut Store, import: &Import<'_>| (import.name == "there").then_some(Extern::Func(f));
    let error = store.resolve_imports(&module, resolve).unwrap_err();
    assert!(error.to_string().starts_with("unknown import: `env::missing`"), "{error}");
    let error = store.instantiate(&module, &[Extern::Func(f)]).unwrap_err();
    assert!(error.to_string().starts_with("unknown import: `env::missing`"), "{error}");
    store.instantiate(&module, &[Extern::Func(f); 2]).unwrap();
    assert!(matches!(self::store(&self::engine()).instantiate(&module, &[]), Err(InstantiateError::OtherEngine)));
}

#[test]
fn constant_expressions_are_evaluated() {
    let mut store = store(&engine());
    let ty = GlobalType { content: ValType::I32, mutable: false };
    let imported = store.create_global(ty, [40, 0]).unwrap();
    let text = r#"(module
        (import "" "" (global $g i32))
        (global (export "a") i32 (i32.add (global.get $g) (i32.const 2)))
        (global $b (export "b") i64 (i64.mul (i64.const -1) (i64.sub (i64.const 3) (i64.const 5))))
        (global (export "c") i64 (i64.add (global.get $b) (i64.const 1)))
        (global (export "d") i32 (i32.sub (i32.const 0) (i32.const 1)))
        (global (export "e") f32 (f32.const -0))
        (global (export "f") f64 (f64.const 1))
        (global (export "v") v128 (v128.const i64x2 5 6))
        (global (export "n") externref (ref.null extern))
        (func $f (export "func"))
        (global (export "r") funcref (ref.func $f))
        (table (export "t") 3 funcref (ref.func $f)))"#;
    let instance = instantiate(&mut store, text, &[Extern::Global(imported)]).unwrap();
    let record = func(instance, "func").to_slot();
    let expected = [
        ("a", [42, 0]),
        ("b", [2, 0]),
        ("c", [3, 0]),
        ("d", [0xffff_ffff, 0]),
        ("e", [0x8000_0000, 0]),
        ("f", [1f64.to_bits(), 0]),
        ("v", [5, 6]),
        ("n", [0, 0]),
        ("r", [record, 0]),
    ];
    for (name, value) in expected {
        assert_eq!(global(&store, instance, name), value, "{name}");
    }
    assert_eq!(store.table(instance.table(0)).elements(), [record; 3]);
}

#[test]
fn segments_are_copied_and_dropped() {
    let mut store = store(&engine());
    let text = r#"(module
        (memory 1) (table 4 funcref) (table $e 2 externref)
        (func $f) (func $g)
        (elem (i32.const 1) $f $g)
        (elem $passive func $g $f)
        (elem (table $e) (i32.const 0) externref (ref.null extern))
        (elem declare func $f)
        (elem $exprs funcref (ref.null func) (ref.func $g))
        (data (i32.const 65530) "active")
        (data $data "passive"))"#;
    let instance = instantiate(&mut store, text, &[]).unwrap();
    let (f, g) = (instance.func_ref(0).to_slot(), instance.func_ref(1).to_slot());
    let table = instance.table(0);
    assert_eq!(store.table(table).elements(), [0, f, g, 0]);
    assert_eq!(&store.memory(instance.memory(0)).data().unwrap()[65530..], b"active");
    assert_eq!((instance.data(0), instance.data(1)), (&b""[..], &b"passive"[..]));
    let dropped: Vec<_> = (0..5).map(|segment| instance.is_elem_dropped(segment)).collect();
    assert_eq!(dropped, [true, false, true, true, false]);

    assert!(store.table_init(instance, 0, 1, 2, 0, 2).is_ok());
    assert!(store.table_init(instance, 0, 4, 0, 1, 1).is_ok());
    assert_eq!(store.table(table).elements(), [g, f, g, f]);
    for (dst, src, len) in [(3, 0, 2), (0, 1, 2), (u64::MAX, 0, 1), (5, 0, 0), (0, u32::MAX, u32::MAX)] {
        assert!(store.table_init(instance, 0, 1, dst, src, len).is_err(), "{dst} {src} {len}");
    }
    assert_eq!(store.table(table).elements(), [g, f, g, f]);
    instance.elem_drop(1);
    assert!(store.table_init(instance, 0, 1, 0, 0, 0).is_ok());
    assert!(store.table_init(instance, 0, 1, 0, 0, 1).is_err());
    instance.data_drop(1);
    assert!(instance.data(1).is_empty());
}

#[test]
fn a_failed_instantiation_keeps_what_it_wrote() {
    let mut store = store(&engine());
    let provider = instantiate(&mut store, r#"(module (memory (export "m") 1) (table (export "t") 2 funcref))"#, &[]);
    let provider = provider.unwrap();
    let imports = [provider.export("m").unwrap(), provider.export("t").unwrap()];
    let header = r#"(import "" "" (memory 1)) (import "" "" (table 2 funcref)) (func $f)"#;
    let stop = |result: Result<InstanceRef, InstantiateError>| match result {
        Err(InstantiateError::Stop(Stop::Trap(trap))) => trap.kind,
        other => panic!("{other:?}"),
    };
    let text =
        format!(r#"(module {header} (elem (i32.const 0) $f) (data (i32.const 0) "x") (data (i32.const 65536) "y"))"#);
    assert_eq!(stop(instantiate(&mut store, &text, &imports)), TrapKind::MemoryOutOfBounds);
    assert_eq!(store.memory(provider.memory(0)).data().unwrap()[0], b'x');
    // The table refers to a function of the instance that failed, which can be called.
    let slot = store.table(provider.table(0)).get(0).unwrap();
    // SAFETY: the table is one of functions of this store.
    let f = unsafe { FuncRef::from_slot(slot) }.unwrap();
    store.call(f, &mut []).unwrap();

    let text = format!(r#"(module {header} (elem (i32.const 1) $f $f) (data (i32.const 1) "z"))"#);
    assert_eq!(stop(instantiate(&mut store, &text, &imports)), TrapKind::TableOutOfBounds);
    assert_eq!(store.memory(provider.memory(0)).data().unwrap()[1], 0, "data segments come second");

    let text = format!(r#"(module {header} (data (i32.const 2) "s") (func $s unreachable) (start $s))"#);
    assert_eq!(stop(instantiate(&mut store, &text, &imports)), TrapKind::Unreachable);
    assert_eq!(store.memory(provider.memory(0)).data().unwrap()[2], b's');
}
