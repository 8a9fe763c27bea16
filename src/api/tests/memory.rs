//! Memories between host and wasm.

use terrace::{Caller, Error, Instance, Linker, Memory, MemoryType, Module, SharedMemory, Store, Trap};

use super::{default_engine, engine, instance, run};

#[test]
fn growth_in_a_host_function_shows_in_its_caller() {
    for explicit in [false, true] {
        let engine = engine(|config| config.explicit_bounds(explicit));
        let module = Module::new(
            &engine,
            r#"(module
                (import "" "grow" (func $grow))
                (memory (export "memory") 1)
                (func (export "run") (result i32)
                    (i32.store (i32.const 100) (i32.const 1))
                    (call $grow)
                    (i32.store (i32.const 0x2fffc) (i32.const 41))
                    (i32.add (i32.load (i32.const 100)) (i32.load (i32.const 0x2fffc)))))"#,
        )
        .unwrap();
        let mut linker = Linker::new(&engine);
        linker
            .func_wrap("", "grow", |mut caller: Caller<'_, ()>| -> Result<(), Error> {
                let memory = caller.get_export("memory").and_then(|item| item.into_memory());
                memory.ok_or(Error::msg("no memory"))?.grow(&mut caller, 2)?;
                Ok(())
            })
            .unwrap();
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &module).unwrap();
        assert_eq!(run::<_, i32>(&mut store, instance, ()).unwrap(), 42);
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        assert_eq!(memory.data_size(&store).unwrap(), 3 << 16);
        assert_eq!(memory.data(&store).unwrap()[100], 1);
    }
}

#[test]
fn bytes_are_the_same_on_both_sides() {
    let (mut store, instance) = instance(
        r#"(module
            (memory (export "memory") 1)
            (func (export "run") (param i32) (result i64)
                (i64.store offset=8 (local.get 0) (i64.load (local.get 0)))
                (i64.load offset=8 (local.get 0))))"#,
    );
    let memory = instance.get_memory(&mut store, "memory").unwrap();
    memory.data_mut(&mut store).unwrap()[16..24].copy_from_slice(&0x0807_0605_0403_0201u64.to_le_bytes());
    assert_eq!(run::<_, u64>(&mut store, instance, 16).unwrap(), 0x0807_0605_0403_0201);
    assert_eq!(memory.data(&store).unwrap()[24..32], [1, 2, 3, 4, 5, 6, 7, 8]);
    let mut buffer = [0; 3];
    memory.read(&store, 25, &mut buffer).unwrap();
    assert_eq!(buffer, [2, 3, 4]);
    assert!(matches!(memory.read(&store, 65534, &mut buffer), Err(Error::MemoryAccess)));
    assert!(matches!(memory.read(&store, usize::MAX, &mut buffer), Err(Error::MemoryAccess)));
}

#[test]
fn types_tell_the_current_size() {
    let mut store = Store::new(&default_engine(), ());
    let memory = Memory::new(&mut store, MemoryType::new64(1, Some(4))).unwrap();
    memory.grow(&mut store, 2).unwrap();
    let ty = memory.ty(&store).unwrap();
    assert_eq!((ty.minimum(), ty.maximum(), ty.is_64(), ty.is_shared()), (3, Some(4), true, false));
    assert!(Memory::new(&mut store, MemoryType::new(2, Some(1))).is_err());
    assert!(Memory::new(&mut store, MemoryType::new(65537, None)).is_err());
}

#[test]
fn pages_of_one_byte() {
    let engine = engine(|config| config.wasm_custom_page_sizes(true));
    let wat = r#"(module
        (memory (export "memory") 10 (pagesize 1))
        (func (export "run") (param i32) (result i32) (i32.load8_u (local.get 0))))"#;
    let (mut store, instance) = super::instance_in(&engine, wat);
    let memory = instance.get_memory(&mut store, "memory").unwrap();
    assert_eq!((memory.size(&store).unwrap(), memory.ty(&store).unwrap().page_size()), (10, 1));
    assert_eq!(run::<_, i32>(&mut store, instance, 9).unwrap(), 0);
    let error = run::<_, i32>(&mut store, instance, 10).unwrap_err();
    assert_eq!(error.trap(), Some(Trap::MemoryOutOfBounds));
    let ty = MemoryType::new(7, None).with_page_size_log2(0);
    assert_eq!(Memory::new(&mut store, ty).unwrap().data_size(&store).unwrap(), 7);
}

#[test]
fn the_last_byte_of_four_gibibytes() {
    let (mut store, instance) = instance(
        r#"(module
            (memory (export "memory") 65536)
            (func (export "run") (result i32)
                (i32.store8 (i32.const -1) (i32.const 77))
                (i32.load8_u (i32.const -1))))"#,
    );
    assert_eq!(run::<_, i32>(&mut store, instance, ()).unwrap(), 77);
    let memory = instance.get_memory(&mut store, "memory").unwrap();
    assert_eq!(memory.data(&store).unwrap().last(), Some(&77));
}

#[test]
fn shared_memories_are_not_borrowed() {
    let engine = default_engine();
    let wat = r#"(module (memory (export "memory") 1 2 shared))"#;
    let module = Module::new(&engine, wat).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    assert!(instance.get_memory(&mut store, "memory").is_none());
    let shared = instance.get_shared_memory(&mut store, "memory").unwrap();
    assert!(shared.ty().is_shared());
    shared.write(3, b"abc").unwrap();
    assert_eq!(shared.grow(1).unwrap(), 1);
    assert!(shared.grow(1).is_err());
    let again = instance.get_shared_memory(&mut store, "memory").unwrap();
    assert!(again.same(&shared));
    let mut buffer = [0; 3];
    again.read((1 << 16) - 1, &mut buffer).unwrap();
    again.read(3, &mut buffer).unwrap();
    assert_eq!(&buffer, b"abc");
    assert!(again.read(2 << 16, &mut buffer).is_err());

    let memory = Memory::new(&mut store, MemoryType::shared(1, 1)).unwrap();
    assert!(matches!(memory.data(&store), Err(Error::SharedMemory)));
    assert!(memory.as_shared(&store).unwrap().is_some());
    assert!(SharedMemory::new(&engine, MemoryType::new(1, None)).is_err());
    assert_eq!(shared.atomic_notify(0, 1).unwrap(), 0);
    assert_eq!(shared.atomic_notify(1, 1).unwrap_err().trap(), Some(Trap::UnalignedAtomic));
}

#[test]
fn data_of_the_host_beside_memory() {
    let mut store = Store::new(&default_engine(), vec![1, 2, 3]);
    let memory = Memory::new(&mut store, MemoryType::new(1, None)).unwrap();
    let (bytes, data) = memory.data_and_store_mut(&mut store).unwrap();
    bytes[..3].copy_from_slice(data);
    data.push(4);
    assert_eq!(memory.data(&store).unwrap()[..4], [1, 2, 3, 0]);
    assert_eq!(store.into_data(), [1, 2, 3, 4]);
}
