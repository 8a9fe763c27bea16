//! Roots: whatever still leads to an object keeps it alive through collections that move everything.

use std::sync::atomic::Ordering;

use terrace_abi::TrapKind;

use super::super::heap::{HeapConfig, HeapRef};
use super::super::table::TableLimits;
use super::super::types::{GlobalType, RefType, TableType, ValType};
use super::*;

fn stressed() -> Box<Store> {
    store(&engine_with(|config| config.heap.stress = true))
}

fn number(store: &Store, slot: u64) -> Option<u32> {
    store.heap().extern_data(HeapRef::from_slot(slot))?.downcast_ref().copied()
}

fn new(store: &mut Store, value: u32) -> u64 {
    store.new_extern(Box::new(value)).unwrap().to_slot()
}

#[test]
fn globals_tables_and_handles_are_roots() {
    let mut store = store(&engine());
    let externref =
        TableType { element: RefType::EXTERNREF, limits: TableLimits { minimum: 2, maximum: None, table64: false } };
    let table = store.create_table(externref, 0).unwrap();
    let ty = GlobalType { content: ValType::EXTERNREF, mutable: true };
    let value = new(&mut store, 1);
    let global = store.create_global(ty, [value, 0]).unwrap();
    let value = new(&mut store, 2);
    store.table_mut(table).set(1, value).unwrap();
    let value = new(&mut store, 3);
    let handle = store.heap_mut().roots_mut().root_owned(HeapRef::from_slot(value));
    let lost = new(&mut store, 4);
    // What looks like a reference in a global of another type is none.
    let number_global = GlobalType { content: ValType::I64, mutable: true };
    let unrelated = store.create_global(number_global, [lost, 0]).unwrap();
    for _ in 0..3 {
        store.collect();
    }
    assert_eq!(store.heap().host_values(), 3);
    let slot = store.global(global).value[0].load(Ordering::Relaxed);
    assert_eq!(number(&store, slot), Some(1));
    let slot = store.table(table).get(1).unwrap();
    assert_eq!(number(&store, slot), Some(2));
    let slot = store.heap().roots().get_owned(&handle).unwrap().to_slot();
    assert_eq!(number(&store, slot), Some(3));
    assert_eq!(store.global(unrelated).value[0].load(Ordering::Relaxed), lost);
}

#[test]
fn frames_are_roots() {
    let mut store = stressed();
    let collects = host(&mut store, &[], &[], |store, _, _| {
        for value in 0..10 {
            new(store, value);
        }
        Ok(())
    });
    // The caller's local survives the callee's collections, and the callee's parameter the host's.
    let text = r#"(module (import "" "" (func $collect))
        (func $callee (param externref i64) (result externref) (call $collect) (local.get 0))
        (func (export "f") (param i64 externref) (result externref externref)
            (call $callee (local.get 1) (local.get 0))
            (local.get 1)))"#;
    let instance = instantiate(&mut store, text, &[Extern::Func(collects)]).unwrap();
    let value = new(&mut store, 77);
    let mut slots = [5, value];
    let before = store.heap().collections();
    store.call(func(instance, "f"), &mut slots).unwrap();
    assert!(store.heap().collections() >= before + 10);
    assert_eq!(slots[0], slots[1]);
    assert_eq!(number(&store, slots[0]), Some(77));
}

#[test]
fn arguments_and_results_of_host_functions_survive_stress() {
    let mut store = stressed();
    let echo = host(&mut store, &[ValType::I64, ValType::EXTERNREF], &[ValType::EXTERNREF], |store, _, slots| {
        let handle = store.heap_mut().roots_mut().root_owned(HeapRef::from_slot(slots[1]));
        new(store, 1);
        slots[0] = store.heap().roots().get_owned(&handle).unwrap().to_slot();
        Ok(())
    });
    let value = new(&mut store, 5);
    let mut slots = [0, value];
    let before = store.heap().collections();
    store.call(echo, &mut slots).unwrap();
    assert!(store.heap().collections() >= before + 3);
    assert_eq!(number(&store, slots[0]), Some(5));
}

#[test]
fn payloads_of_new_exceptions_survive_the_collection_that_makes_room() {
    let mut store = stressed();
    let text = r#"(module (tag (export "e") (param externref i64 exnref externref)))"#;
    let instance = instantiate(&mut store, text, &[]).unwrap();
    let value = new(&mut store, 8);
    let exception = store.new_exception(instance.tag(0), &[value, value, 0, 0]).unwrap();
    assert_eq!(store.heap().exn_payload(HeapRef::from_slot(exception)).unwrap()[1], value, "a number stays");
    let outer = store.new_exception(instance.tag(0), &[0, 1, exception, 0]).unwrap();
    store.throw(outer);
    store.collect();
    let outer = HeapRef::from_slot(store.take_exception());
    let inner = HeapRef::from_slot(store.heap().exn_payload(outer).unwrap()[2]);
    let slot = store.heap().exn_payload(inner).unwrap()[0];
    assert_eq!(number(&store, slot), Some(8));
    assert_eq!(store.exception(), 0);
}

#[test]
fn a_full_heap_traps() {
    let engine = engine_with(|config| config.heap = HeapConfig { capacity: 64 << 10, stress: false });
    let mut store = store(&engine);
    // Garbage is no problem.
    for value in 0..100_000 {
        new(&mut store, value);
    }
    let mut kept = Vec::new();
    let error = loop {
        match store.new_extern(Box::new(0u32)) {
            Ok(reference) => kept.push(store.heap_mut().roots_mut().root_owned(reference)),
            Err(kind) => break kind,
        }
    };
    assert_eq!(error, TrapKind::HeapExhausted);
    kept.clear();
    new(&mut store, 1);
}
