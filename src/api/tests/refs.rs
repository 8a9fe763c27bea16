//! References and their collection. Everything runs with collections at every opportunity too.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use terrace::{
    AnyRef, Caller, Engine, Error, ExternRef, Global, GlobalType, Instance, Linker, Module, Mutability, OwnedRooted,
    Ref, RefType, RootScope, Rooted, Store, Table, TableType, Val, ValType,
};

use super::{default_engine, engine, run};

type Extern = Rooted<ExternRef>;

fn engines() -> [Engine; 2] {
    [default_engine(), engine(|config| config.gc_stress(true))]
}

fn number(store: &Store<()>, reference: Extern) -> i32 {
    *reference.data(store).unwrap().unwrap().downcast_ref().unwrap()
}

#[test]
fn references_pass_through() {
    for engine in engines() {
        let module = Module::new(
            &engine,
            r#"(module
                (import "" "same" (func $same (param externref i32 externref) (result externref externref)))
                (import "" "make" (func $make (param i32) (result externref)))
                (func (export "run") (param externref externref) (result externref externref externref) (local externref)
                    (local.set 2 (call $make (i32.const 3)))
                    (call $same (local.get 1) (i32.const 0) (local.get 0))
                    (drop (call $make (i32.const 99)))
                    (local.get 2)))"#,
        )
        .unwrap();
        let mut linker = Linker::new(&engine);
        linker
            .func_wrap("", "same", |mut caller: Caller<'_, ()>, a: Option<Extern>, _: i32, b: Option<Extern>| {
                caller.gc();
                let _garbage = ExternRef::new(&mut caller, 0);
                (a, b)
            })
            .unwrap();
        linker
            .func_wrap("", "make", |mut caller: Caller<'_, ()>, n: i32| -> Result<Option<Extern>, Error> {
                let _garbage = ExternRef::new(&mut caller, -1)?;
                let made = ExternRef::new(&mut caller, n)?;
                let _garbage = ExternRef::new(&mut caller, -2)?;
                Ok(Some(made))
            })
            .unwrap();
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &module).unwrap();
        let (one, two) = (ExternRef::new(&mut store, 1).unwrap(), ExternRef::new(&mut store, 2).unwrap());
        type Results = (Option<Extern>, Option<Extern>, Option<Extern>);
        let (a, b, c) = run::<_, Results>(&mut store, instance, (one, two)).unwrap();
        let [a, b, c] = [a, b, c].map(Option::unwrap);
        assert_eq!([a, b, c].map(|reference| number(&store, reference)), [2, 1, 3]);
        assert!(Rooted::ref_eq(&store, &a, &two).unwrap());
        assert!(!Rooted::ref_eq(&store, &a, &b).unwrap());
    }
}

#[test]
fn references_live_in_locals_tables_and_globals() {
    for engine in engines() {
        let module = Module::new(
            &engine,
            r#"(module
                (import "" "make" (func $make (param i32) (result externref)))
                (table $t (export "table") 100 externref)
                (global $g (export "global") (mut externref) (ref.null extern))
                (func (export "run") (result externref) (local $i i32) (local $keep externref)
                    (local.set $keep (call $make (i32.const 1000)))
                    (global.set $g (call $make (i32.const 2000)))
                    (loop
                        (table.set $t (local.get $i) (call $make (local.get $i)))
                        (drop (call $make (i32.const -1)))
                        (local.set $i (i32.add (local.get $i) (i32.const 1)))
                        (br_if 0 (i32.lt_u (local.get $i) (i32.const 100))))
                    (local.get $keep)))"#,
        )
        .unwrap();
        let mut linker = Linker::new(&engine);
        linker.func_wrap("", "make", |caller: Caller<'_, ()>, n: i32| ExternRef::new(caller, n).map(Some)).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &module).unwrap();
        let kept = run::<_, Option<Extern>>(&mut store, instance, ()).unwrap().unwrap();
        store.gc();
        assert_eq!(number(&store, kept), 1000);
        let global = instance.get_global(&mut store, "global").unwrap().get(&mut store).unwrap();
        assert_eq!(number(&store, global.extern_ref().unwrap().unwrap()), 2000);
        let table = instance.get_table(&mut store, "table").unwrap();
        for i in 0..100 {
            let element = table.get(&mut store, i).unwrap().as_extern().unwrap().unwrap();
            assert_eq!(number(&store, element), i as i32);
        }
    }
}

/// Counts how many of it there are.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Counted {
        count.fetch_add(1, Ordering::Relaxed);
        Counted(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[test]
fn values_are_dropped_with_their_last_reference() {
    let count = Arc::new(AtomicUsize::new(0));
    let alive = || count.load(Ordering::Relaxed);
    let mut store = Store::new(&default_engine(), ());
    let owned: OwnedRooted<ExternRef>;
    {
        let mut scope = RootScope::new(&mut store);
        let rooted = ExternRef::new(&mut scope, Counted::new(&count)).unwrap();
        ExternRef::new(&mut scope, Counted::new(&count)).unwrap();
        owned = rooted.to_owned_rooted(&mut scope).unwrap();
    }
    assert_eq!(alive(), 2);
    store.gc();
    assert_eq!(alive(), 1);
    let clone = owned.clone();
    drop(owned);
    store.gc();
    assert_eq!(alive(), 1);
    {
        let mut scope = RootScope::new(&mut store);
        let rooted = clone.to_rooted(&mut scope).unwrap();
        drop(clone);
        terrace::AsContextMut::as_context_mut(&mut scope).gc();
        assert!(rooted.data(&scope).unwrap().unwrap().is::<Counted>());
        assert_eq!(alive(), 1);
    }
    store.gc();
    assert_eq!(alive(), 0);
    ExternRef::new(&mut store, Counted::new(&count)).unwrap();
    drop(store);
    assert_eq!(alive(), 0);
}

#[test]
fn calls_of_host_functions_are_scopes() {
    for engine in engines() {
        let count = Arc::new(AtomicUsize::new(0));
        let mut store = Store::new(&engine, None::<Extern>);
        let counted = Arc::clone(&count);
        let make =
            terrace::Func::wrap(&mut store, move |mut caller: Caller<'_, Option<Extern>>| -> Result<(), Error> {
                let rooted = ExternRef::new(&mut caller, Counted::new(&counted))?;
                *caller.data_mut() = Some(rooted);
                Ok(())
            });
        make.call(&mut store, &[], &mut []).unwrap();
        let escaped = store.data().unwrap();
        assert!(matches!(escaped.data(&store), Err(Error::Unrooted)));
        store.gc();
        assert_eq!(count.load(Ordering::Relaxed), 0);
    }
}

#[test]
fn loops_do_not_pile_up_references() {
    let engine = engine(|config| config.max_gc_heap(1 << 20));
    let module = Module::new(
        &engine,
        r#"(module
            (import "" "make" (func $make (result externref)))
            (func (export "run") (param i32)
                (loop
                    (drop (call $make))
                    (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))"#,
    )
    .unwrap();
    let mut linker = Linker::new(&engine);
    linker.func_wrap("", "make", |caller: Caller<'_, ()>| ExternRef::new(caller, [0u64; 4]).map(Some)).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module).unwrap();
    run::<_, ()>(&mut store, instance, 300_000).unwrap();

    // The host's own references do, unless there are scopes.
    let full = (0..300_000).find_map(|_| ExternRef::new(&mut store, 0).err()).unwrap();
    assert_eq!(full.trap(), Some(terrace::Trap::HeapExhausted));
}

#[test]
fn host_values_are_changed_in_place() {
    let mut store = Store::new(&default_engine(), ());
    let reference = ExternRef::new(&mut store, 1).unwrap();
    *reference.data_mut(&mut store).unwrap().unwrap().downcast_mut::<i32>().unwrap() += 1;
    assert_eq!(number(&store, reference), 2);
}

#[test]
fn conversions() {
    for engine in engines() {
        let mut store = Store::new(&engine, ());
        let reference = ExternRef::new(&mut store, 5).unwrap();
        let any = AnyRef::convert_extern(&store, reference).unwrap();
        assert_eq!(any.as_i31(&store).unwrap(), None);
        let back = ExternRef::convert_any(&store, any).unwrap();
        assert!(Rooted::ref_eq(&store, &back, &reference).unwrap());
        let small = AnyRef::from_i31(&mut store, u32::MAX);
        assert_eq!(small.as_i31(&store).unwrap(), Some(-1));
        let outside = ExternRef::convert_any(&store, small).unwrap();
        assert!(outside.data(&store).unwrap().is_none());
    }
}

#[test]
fn elements_and_values_have_types() {
    let mut store = Store::new(&default_engine(), ());
    let reference = ExternRef::new(&mut store, 5).unwrap();
    let mismatch = |error: Error| assert!(matches!(error, Error::TypeMismatch { .. }), "{error}");
    let ty = TableType::new(RefType::FUNCREF, 1, None);
    mismatch(Table::new(&mut store, ty, reference.into()).unwrap_err());
    let table = Table::new(&mut store, ty, Ref::Func(None)).unwrap();
    mismatch(table.set(&mut store, 0, Ref::Extern(None)).unwrap_err());
    let non_null = RefType::new(false, terrace::HeapType::Extern);
    let ty = GlobalType::new(ValType::Ref(non_null), Mutability::Var);
    mismatch(Global::new(&mut store, ty, Val::ExternRef(None)).unwrap_err());
    let global = Global::new(&mut store, ty, reference.into()).unwrap();
    mismatch(global.set(&mut store, Val::ExternRef(None)).unwrap_err());
    let value = global.get(&mut store).unwrap().extern_ref().unwrap().unwrap();
    assert_eq!(number(&store, value), 5);
    let instance = Instance::new(&mut store, &Module::new(&default_engine(), "(module)").unwrap(), &[]);
    assert!(matches!(instance, Err(Error::OtherEngine)));
}
