//! Objects of another store or engine are refused with an error.

use terrace::{
    AnyRef, Engine, Error, ExnRef, Extern, ExternRef, Func, FuncType, Global, GlobalType, Instance, Linker, Memory,
    MemoryType, Module, Mutability, Ref, RefType, Rooted, SharedMemory, Store, Table, TableType, Tag, TagType, Val,
    ValType,
};

use super::default_engine;

fn refused<T>(result: Result<T, Error>) {
    match result {
        Err(Error::OtherStore) => {}
        Err(error) => assert!(matches!(error.downcast_ref(), Some(Error::OtherStore)), "{error}"),
        Ok(_) => panic!("an object was used with another store"),
    }
}

fn other_engine<T>(result: Result<T, Error>) {
    assert!(matches!(result.err().unwrap(), Error::OtherEngine));
}

/// Two stores of one engine, whose objects have the same numbers.
fn stores() -> (Engine, Store<()>, Store<()>) {
    let engine = default_engine();
    let (a, b) = (Store::new(&engine, ()), Store::new(&engine, ()));
    (engine, a, b)
}

#[test]
fn functions() {
    let (_, mut a, mut b) = stores();
    let func = Func::wrap(&mut a, || {});
    let same_place = Func::wrap(&mut b, || {});
    assert_ne!(func, same_place);
    refused(func.ty(&b));
    refused(func.call(&mut b, &[], &mut []));
    refused(func.typed::<(), ()>(&b));
    refused(func.typed::<(), ()>(&a).unwrap().call(&mut b, ()));
}

#[test]
fn memories_tables_globals_and_tags() {
    let (_, mut a, mut b) = stores();
    let null = Ref::Func(None);
    for store in [&mut a, &mut b] {
        Memory::new(&mut *store, MemoryType::new(1, None)).unwrap();
        Table::new(&mut *store, TableType::new(RefType::FUNCREF, 1, None), null).unwrap();
    }
    let memory = Memory::new(&mut a, MemoryType::new(1, None)).unwrap();
    refused(memory.ty(&b));
    refused(memory.data(&b));
    refused(memory.data_mut(&mut b));
    refused(memory.data_and_store_mut(&mut b));
    refused(memory.read(&b, 0, &mut []));
    refused(memory.write(&mut b, 0, &[]));
    refused(memory.size(&b));
    refused(memory.data_size(&b));
    refused(memory.grow(&mut b, 0));
    refused(memory.as_shared(&b));

    let table = Table::new(&mut a, TableType::new(RefType::FUNCREF, 1, None), null).unwrap();
    let own = Table::new(&mut b, TableType::new(RefType::FUNCREF, 1, None), null).unwrap();
    refused(table.ty(&b));
    refused(table.size(&b));
    refused(table.get(&mut b, 0));
    refused(table.set(&mut b, 0, null));
    refused(table.grow(&mut b, 0, null));
    refused(table.fill(&mut b, 0, null, 0));
    refused(Table::copy(&mut b, &own, 0, &table, 0, 0));
    refused(Table::copy(&mut b, &table, 0, &own, 0, 0));

    let global = Global::new(&mut a, GlobalType::new(ValType::I32, Mutability::Var), Val::I32(0)).unwrap();
    refused(global.ty(&b));
    refused(global.get(&mut b));
    refused(global.set(&mut b, Val::I32(0)));

    let tag = Tag::new(&mut a, &TagType::new(FuncType::new([], []))).unwrap();
    refused(tag.ty(&b));
    refused(ExnRef::new(&mut b, &tag, &[]));
    for item in [Extern::from(memory), table.into(), global.into(), tag.into()] {
        refused(item.ty(&b));
    }
}

#[test]
fn references() {
    let (_, mut a, mut b) = stores();
    let func = Func::wrap(&mut a, || {});
    let extern_ref = ExternRef::new(&mut a, 1).unwrap();
    ExternRef::new(&mut b, 2).unwrap();
    refused(extern_ref.data(&b));
    refused(extern_ref.data_mut(&mut b));
    refused(extern_ref.to_owned_rooted(&mut b));
    refused(Rooted::ref_eq(&b, &extern_ref, &extern_ref));
    refused(AnyRef::convert_extern(&b, extern_ref));
    let owned = extern_ref.to_owned_rooted(&mut a).unwrap();
    refused(owned.to_rooted(&mut b));
    let any = AnyRef::from_i31(&mut a, 1);
    refused(any.as_i31(&b));
    refused(ExternRef::convert_any(&b, any));
    let tag = Tag::new(&mut a, &TagType::new(FuncType::new([], []))).unwrap();
    let exn = ExnRef::new(&mut a, &tag, &[]).unwrap();
    refused(exn.tag(&mut b));
    refused(exn.fields(&mut b));
    refused(b.throw::<()>(exn));

    // As arguments, results, elements and values.
    let identity = Func::wrap(&mut b, |x: Option<Rooted<ExternRef>>| x);
    refused(identity.call(&mut b, &[extern_ref.into()], &mut [Val::I32(0)]));
    let typed = identity.typed::<Rooted<ExternRef>, Option<Rooted<ExternRef>>>(&b).unwrap();
    refused(typed.call(&mut b, extern_ref));
    let foreign = Func::wrap(&mut b, move || Some(extern_ref));
    refused(foreign.call(&mut b, &[], &mut [Val::I32(0)]));
    let foreign = Func::wrap(&mut b, move || func);
    refused(foreign.call(&mut b, &[], &mut [Val::I32(0)]));
    refused(Table::new(&mut b, TableType::new(RefType::FUNCREF, 1, None), func.into()));
    let table = Table::new(&mut b, TableType::new(RefType::FUNCREF, 1, None), Ref::Func(None)).unwrap();
    refused(table.set(&mut b, 0, func.into()));
    refused(table.grow(&mut b, 1, func.into()));
    refused(table.fill(&mut b, 0, func.into(), 1));
    refused(Global::new(&mut b, GlobalType::new(ValType::FUNCREF, Mutability::Var), func.into()));
    let global =
        Global::new(&mut b, GlobalType::new(ValType::EXTERNREF, Mutability::Var), Val::ExternRef(None)).unwrap();
    refused(global.set(&mut b, extern_ref.into()));
}

#[test]
fn a_thrown_exception_of_another_store() {
    let (_, mut a, mut b) = stores();
    let tag = Tag::new(&mut a, &TagType::new(FuncType::new([], []))).unwrap();
    let exn = ExnRef::new(&mut a, &tag, &[]).unwrap();
    let error = a.throw::<()>(exn).unwrap_err();
    let thrown = error.exception().unwrap().clone();
    refused(thrown.rooted(&mut b));
    let throws = Func::wrap(&mut b, move || Err::<(), _>(thrown.clone()));
    refused(throws.call(&mut b, &[], &mut []));
}

#[test]
fn instances_and_imports() {
    let (engine, mut a, mut b) = stores();
    let module = Module::new(&engine, r#"(module (func (export "f")) (memory (export "m") 1))"#).unwrap();
    let importer = Module::new(&engine, r#"(module (import "" "f" (func)))"#).unwrap();
    let instance = Instance::new(&mut a, &module, &[]).unwrap();
    let func = instance.get_func(&mut a, "f").unwrap();
    assert!(instance.get_export(&mut b, "f").is_none());
    assert!(instance.get_memory(&mut b, "m").is_none());
    refused(instance.exports(&mut b).map(|_| ()));
    refused(instance.module(&b));
    refused(instance.get_typed_func::<(), ()>(&mut b, "f"));
    refused(Instance::new(&mut b, &importer, &[func.into()]));

    let mut linker = Linker::new(&engine);
    refused(linker.define(&b, "", "f", func).map(|_| ()));
    refused(linker.instance(&mut b, "", instance).map(|_| ()));
    linker.define(&a, "", "f", func).unwrap();
    refused(linker.get(&mut b, "", "f"));
    refused(linker.instantiate(&mut b, &importer));
    let ready = linker.instantiate_pre(&importer).unwrap();
    refused(ready.instantiate(&mut b));
    assert!(ready.instantiate(&mut a).is_ok());
}

#[test]
fn engines() {
    let (one, two) = (default_engine(), default_engine());
    let module = Module::new(&one, "(module)").unwrap();
    let importer = Module::new(&two, r#"(module (import "" "m" (memory 1 1 shared)) (import "" "f" (func)))"#).unwrap();
    let mut store = Store::new(&two, ());
    other_engine(Instance::new(&mut store, &module, &[]));
    let mut linker = Linker::<()>::new(&one);
    other_engine(linker.instantiate_pre(&importer));
    other_engine(linker.define_unknown_imports_as_traps(&importer).map(|_| ()));
    let func = Func::wrap(&mut store, || {});
    other_engine(linker.define(&store, "", "f", func).map(|_| ()));
    other_engine(linker.instantiate_pre(&module).unwrap().instantiate(&mut store));
    other_engine(Linker::<()>::new(&two).instantiate(&mut store, &module));

    let shared = SharedMemory::new(&one, MemoryType::shared(1, 1)).unwrap();
    other_engine(Linker::<()>::new(&two).define(&store, "", "m", shared.clone()).map(|_| ()));
    other_engine(Instance::new(&mut store, &importer, &[shared.into(), func.into()]));

    linker.func_wrap("", "f", || {}).unwrap();
    assert!(linker.get(&mut store, "", "f").is_err());
}
