//! Limits on resources.

use terrace::{
    BoxError, Engine, Error, Instance, LimitError, Linker, Memory, MemoryType, Module, ObjectError, Ref, RefType,
    ResourceLimiter, Store, StoreLimits, StoreLimitsBuilder, Table, TableType,
};

use super::default_engine;

const GROW: &str = r#"(module
    (memory (export "memory") 1)
    (table 1 funcref)
    (func (export "memory.grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "table.grow") (param i32) (result i32) (table.grow (ref.null func) (local.get 0))))"#;

fn limited(limits: StoreLimits) -> (Engine, Store<StoreLimits>) {
    let engine = default_engine();
    let mut store = Store::new(&engine, limits);
    store.limiter(|limits| limits);
    (engine, store)
}

#[test]
fn growth() {
    let limits = StoreLimitsBuilder::new().memory_size(3 << 16).table_elements(5).build();
    let (engine, mut store) = limited(limits);
    let instance = Instance::new(&mut store, &Module::new(&engine, GROW).unwrap(), &[]).unwrap();
    for (name, allowed) in [("memory.grow", 2), ("table.grow", 4)] {
        let grow = instance.get_typed_func::<i32, i32>(&mut store, name).unwrap();
        assert_eq!(grow.call(&mut store, allowed + 1).unwrap(), -1, "{name}");
        assert_eq!(grow.call(&mut store, allowed).unwrap(), 1, "{name}");
        assert_eq!(grow.call(&mut store, 1).unwrap(), -1, "{name}");
    }
    let memory = instance.get_memory(&mut store, "memory").unwrap();
    assert!(matches!(memory.grow(&mut store, 1), Err(Error::MemoryGrow(1))));
}

#[test]
fn growth_that_traps() {
    let limits = StoreLimitsBuilder::new().memory_size(3 << 16).table_elements(5).trap_on_grow_failure(true).build();
    let (engine, mut store) = limited(limits);
    let instance = Instance::new(&mut store, &Module::new(&engine, GROW).unwrap(), &[]).unwrap();
    let grow = instance.get_typed_func::<i32, i32>(&mut store, "memory.grow").unwrap();
    let error = grow.call(&mut store, 3).unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&LimitError::Memory(4 << 16)));
    assert_eq!(error.backtrace().unwrap().frames.len(), 1);
    let grow = instance.get_typed_func::<i32, i32>(&mut store, "table.grow").unwrap();
    assert_eq!(grow.call(&mut store, 5).unwrap_err().downcast_ref(), Some(&LimitError::Table(6)));
    let memory = instance.get_memory(&mut store, "memory").unwrap();
    assert!(memory.grow(&mut store, 3).unwrap_err().is::<LimitError>());
    assert_eq!(memory.grow(&mut store, 2).unwrap(), 1);
}

#[test]
fn creation() {
    let (engine, mut store) = limited(StoreLimitsBuilder::new().memory_size(1 << 16).table_elements(5).build());
    let size = |error: Error| assert!(matches!(error, Error::Object(ObjectError::Size { .. })), "{error}");
    size(Instance::new(&mut store, &Module::new(&engine, "(module (memory 2))").unwrap(), &[]).unwrap_err());
    size(Instance::new(&mut store, &Module::new(&engine, "(module (table 6 funcref))").unwrap(), &[]).unwrap_err());
    size(Memory::new(&mut store, MemoryType::new(2, None)).unwrap_err());
    size(Table::new(&mut store, TableType::new(RefType::FUNCREF, 6, None), Ref::Func(None)).unwrap_err());
    Memory::new(&mut store, MemoryType::new(1, None)).unwrap();
}

#[test]
fn counts() {
    for (wat, limits) in [
        ("(module)", StoreLimitsBuilder::new().instances(2)),
        ("(module (memory 0))", StoreLimitsBuilder::new().memories(2)),
        ("(module (table 0 funcref))", StoreLimitsBuilder::new().tables(2)),
    ] {
        let (engine, mut store) = limited(limits.build());
        let module = Module::new(&engine, wat).unwrap();
        let linker = Linker::new(&engine);
        linker.instantiate(&mut store, &module).unwrap();
        linker.instantiate(&mut store, &module).unwrap();
        let error = linker.instantiate(&mut store, &module).unwrap_err();
        assert!(matches!(error, Error::Object(ObjectError::Count { limit: 2, .. })), "{error}");
    }
}

/// Counts what it is asked.
#[derive(Default)]
struct Counting {
    asked: Vec<(usize, usize, Option<usize>)>,
    failed: usize,
}

impl ResourceLimiter for Counting {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool, BoxError> {
        self.asked.push((current >> 16, desired >> 16, maximum.map(|maximum| maximum >> 16)));
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _: BoxError) -> Result<(), BoxError> {
        self.failed += 1;
        Ok(())
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> Result<bool, BoxError> {
        Err("no tables".into())
    }
}

#[test]
fn limiters_of_the_embedder() {
    let engine = default_engine();
    let mut store = Store::new(&engine, Counting::default());
    store.limiter(|counting| counting);
    let memory = Memory::new(&mut store, MemoryType::new(1, Some(3))).unwrap();
    memory.grow(&mut store, 1).unwrap();
    assert!(memory.grow(&mut store, 5).is_err());
    assert_eq!(store.data().asked, [(0, 1, Some(3)), (1, 2, Some(3)), (2, 7, Some(3))]);
    assert_eq!(store.data().failed, 1);
    let error = Table::new(&mut store, TableType::new(RefType::FUNCREF, 1, None), Ref::Func(None)).unwrap_err();
    assert!(error.to_string().contains("no tables"), "{error}");
}
