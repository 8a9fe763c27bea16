//! The module `spectest` that scripts import from, as the reference interpreter defines it.

use std::collections::HashMap;

use terrace::{
    Error, Extern, Func, Global, GlobalType, Memory, MemoryType, Mutability, Ref, RefType, SharedMemory, Store, Table,
    TableType, Val,
};

/// The module's exports, in a new store. A shared memory is among them if the engine has threads.
pub(crate) fn exports(store: &mut Store<()>, threads: bool) -> Result<HashMap<String, Extern>, Error> {
    let mut exports = HashMap::new();
    let mut define = |name: &str, object: Extern| exports.insert(name.to_owned(), object);

    define("print", Func::wrap(&mut *store, || ()).into());
    define("print_i32", Func::wrap(&mut *store, |_: i32| ()).into());
    define("print_i64", Func::wrap(&mut *store, |_: i64| ()).into());
    define("print_f32", Func::wrap(&mut *store, |_: f32| ()).into());
    define("print_f64", Func::wrap(&mut *store, |_: f64| ()).into());
    define("print_i32_f32", Func::wrap(&mut *store, |_: i32, _: f32| ()).into());
    define("print_f64_f64", Func::wrap(&mut *store, |_: f64, _: f64| ()).into());

    let globals = [
        ("global_i32", Val::from(666i32)),
        ("global_i64", Val::from(666i64)),
        ("global_f32", Val::from(666.6f32)),
        ("global_f64", Val::from(666.6f64)),
    ];
    for (name, value) in globals {
        let ty = GlobalType::new(value.ty(), Mutability::Const);
        define(name, Global::new(&mut *store, ty, value)?.into());
    }

    let table = TableType::new(RefType::FUNCREF, 10, Some(20));
    define("table", Table::new(&mut *store, table, Ref::Func(None))?.into());
    let table = TableType::new64(RefType::FUNCREF, 10, Some(20));
    define("table64", Table::new(&mut *store, table, Ref::Func(None))?.into());

    define("memory", Memory::new(&mut *store, MemoryType::new(1, Some(2)))?.into());
    if threads {
        let memory = SharedMemory::new(&store.engine().clone(), MemoryType::shared(1, 2))?;
        define("shared_memory", memory.into());
    }
    Ok(exports)
}
