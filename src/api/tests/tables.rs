//! Tables and globals between host and wasm.

use terrace::{Error, Func, Ref, RefType, Store, Table, TableType, Val};

use super::{default_engine, instance, run};

#[test]
fn tables_are_seen_from_both_sides() {
    let (mut store, instance) = instance(
        r#"(module
            (type $f (func (result i32)))
            (table (export "table") 2 4 funcref)
            (elem (i32.const 0) $one)
            (func $one (result i32) (i32.const 1))
            (func (export "run") (param i32) (result i32) (call_indirect (type $f) (local.get 0))))"#,
    );
    let table = instance.get_table(&mut store, "table").unwrap();
    assert_eq!(run::<_, i32>(&mut store, instance, 0).unwrap(), 1);
    let two = Func::wrap(&mut store, || 2);
    table.set(&mut store, 1, two.into()).unwrap();
    assert_eq!(run::<_, i32>(&mut store, instance, 1).unwrap(), 2);
    let one = table.get(&mut store, 0).unwrap();
    assert_eq!(table.grow(&mut store, 2, one).unwrap(), 2);
    assert_eq!(run::<_, i32>(&mut store, instance, 3).unwrap(), 1);
    assert!(matches!(table.grow(&mut store, 1, one), Err(Error::TableGrow(1))));
    Table::copy(&mut store, &table, 0, &table, 1, 3).unwrap();
    assert_eq!(run::<_, i32>(&mut store, instance, 0).unwrap(), 2);
    table.fill(&mut store, 0, Ref::Func(None), 4).unwrap();
    assert!(table.get(&mut store, 3).unwrap().is_null());
    assert!(table.fill(&mut store, 3, Ref::Func(None), 2).is_err());
    let ty = table.ty(&store).unwrap();
    assert_eq!((ty.minimum(), ty.maximum(), ty.is_64()), (4, Some(4), false));
}

#[test]
fn copies_between_tables() {
    let mut store = Store::new(&default_engine(), ());
    let func = Func::wrap(&mut store, || {});
    let from = Table::new(&mut store, TableType::new(RefType::FUNCREF, 3, None), func.into()).unwrap();
    let to = Table::new(&mut store, TableType::new64(RefType::FUNCREF, 3, None), Ref::Func(None)).unwrap();
    Table::copy(&mut store, &to, 1, &from, 0, 2).unwrap();
    assert!(to.get(&mut store, 0).unwrap().is_null());
    assert_eq!(to.get(&mut store, 2).unwrap().as_func(), Some(Some(func)));
    assert!(matches!(Table::copy(&mut store, &to, 1, &from, 2, 2), Err(Error::TableAccess)));
    assert!(matches!(Table::copy(&mut store, &to, 2, &from, 0, 2), Err(Error::TableAccess)));
    assert!(matches!(Table::copy(&mut store, &to, 0, &from, u64::MAX, 2), Err(Error::TableAccess)));
    let externs = Table::new(&mut store, TableType::new(RefType::EXTERNREF, 3, None), Ref::Extern(None)).unwrap();
    assert!(matches!(Table::copy(&mut store, &to, 0, &externs, 0, 0), Err(Error::TypeMismatch { .. })));
}

#[test]
fn globals_are_seen_from_both_sides() {
    let (mut store, instance) = instance(
        r#"(module
            (global $g (export "mutable") (mut i64) (i64.const 1))
            (global (export "constant") f32 (f32.const 1.5))
            (func (export "run") (result i64)
                (global.set $g (i64.add (global.get $g) (i64.const 1))) (global.get $g)))"#,
    );
    let global = instance.get_global(&mut store, "mutable").unwrap();
    global.set(&mut store, Val::I64(41)).unwrap();
    assert_eq!(run::<_, i64>(&mut store, instance, ()).unwrap(), 42);
    assert_eq!(global.get(&mut store).unwrap().i64(), Some(42));
    let constant = instance.get_global(&mut store, "constant").unwrap();
    assert_eq!(constant.get(&mut store).unwrap().f32(), Some(1.5));
    assert!(matches!(constant.set(&mut store, Val::from(2.5f32)), Err(Error::ImmutableGlobal)));
}
