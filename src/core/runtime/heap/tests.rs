use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use proptest::prelude::*;

use super::super::types::{TypeId, TypeKind};
use super::*;

/// Counts its drops.
struct Counted(Arc<AtomicUsize>, u32);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

fn heap(capacity: u32, stress: bool) -> Heap {
    Heap::new(HeapConfig { capacity, stress })
}

/// Collects with the slots as roots.
fn collect(heap: &mut Heap, slots: &mut [u64]) {
    heap.collect(&mut |visit| slots.iter_mut().for_each(visit), &NoLayouts).unwrap();
}

fn number(heap: &Heap, slot: u64) -> Option<u32> {
    heap.extern_data(HeapRef::from_slot(slot))?.downcast_ref::<Counted>().map(|counted| counted.1)
}

#[test]
fn unused_heaps_map_nothing_and_collect() {
    let mut heap = heap(1 << 20, true);
    collect(&mut heap, &mut [0, HeapRef::i31(5).to_slot()]);
    assert!(heap.space.is_none() && !heap.should_collect(8));
    assert!(heap.cursor().base.load(Relaxed).is_null());
    assert_eq!(heap.extern_data(HeapRef::from_slot(8)).map(|_| ()), None);
    fn send_and_sync<T: Send + Sync>(_: &T) {}
    send_and_sync(&heap);
}

#[test]
fn host_values_live_as_long_as_a_root_and_drop_once() {
    let drops = Arc::new(AtomicUsize::new(0));
    let mut heap = heap(1 << 20, false);
    let mut slots: Vec<u64> = (0..100)
        .map(|n| {
            let value = Box::new(Counted(Arc::clone(&drops), n));
            heap.alloc_extern(value).unwrap().to_slot()
        })
        .collect();
    let before = slots.clone();
    let mut kept: Vec<u64> = slots.drain(..).step_by(3).collect();
    kept.push(kept[0]);
    collect(&mut heap, &mut kept);
    assert_eq!(drops.load(Relaxed), 66);
    assert_eq!((heap.used(), heap.host_values()), (34 * 8, 34));
    for (index, &slot) in kept[..34].iter().enumerate() {
        assert_eq!(number(&heap, slot), Some(3 * index as u32));
        assert_ne!(slot, before[3 * index], "objects move");
        assert_eq!(number(&heap, before[3 * index]), None, "stale");
    }
    assert_eq!(kept[34], kept[0], "one object stays one");
    collect(&mut heap, &mut kept);
    assert_eq!(drops.load(Relaxed), 66);
    collect(&mut heap, &mut []);
    assert_eq!((drops.load(Relaxed), heap.used()), (100, 0));
    heap.alloc_extern(Box::new(Counted(Arc::clone(&drops), 0))).unwrap();
    drop(heap);
    assert_eq!(drops.load(Relaxed), 101);
}

#[test]
fn a_slot_may_be_visited_twice() {
    let mut heap = heap(1 << 20, true);
    let mut slots = [1, 2].map(|n| {
        let value = Box::new(Counted(Arc::default(), n));
        heap.alloc_extern(value).unwrap().to_slot()
    });
    for _ in 0..3 {
        let mut overlapping = |visit: &mut RootVisitor<'_>| {
            visit(&mut slots[1]);
            slots.iter_mut().for_each(&mut *visit);
            slots.iter_mut().for_each(visit);
        };
        heap.collect(&mut overlapping, &NoLayouts).unwrap();
        assert_eq!(slots.map(|slot| number(&heap, slot)), [Some(1), Some(2)]);
        assert_eq!(heap.used(), 16);
    }
}

#[test]
fn extern_data_can_be_changed() {
    let mut heap = heap(1 << 20, false);
    let reference = heap.alloc_extern(Box::new(1u8)).unwrap();
    *heap.extern_data_mut(reference).unwrap().downcast_mut::<u8>().unwrap() = 2;
    let data = heap.extern_data(reference).unwrap();
    assert_eq!(data.downcast_ref::<u8>(), Some(&2));
}

#[test]
fn null_and_i31_are_left_alone() {
    let mut heap = heap(1 << 20, true);
    heap.alloc_extern(Box::new(())).unwrap();
    let i31 = [0, 1, 0x3fff_ffff, 0x4000_0000, 0x7fff_ffff].map(|n| HeapRef::i31(n).to_slot());
    let mut slots = [&[0][..], &i31].concat();
    let before = slots.clone();
    collect(&mut heap, &mut slots);
    assert_eq!(slots, before);
    let values = i31.map(|slot| HeapRef::from_slot(slot).as_i31().unwrap());
    assert_eq!(values, [0, 1, 0x3fff_ffff, -0x4000_0000, -1]);
    assert_eq!(HeapRef::i31(u32::MAX), HeapRef::i31(0x7fff_ffff));
    assert!(!HeapRef::NULL.is_object() && !HeapRef::i31(8).is_object());
}

#[test]
fn exceptions_keep_what_they_hold() {
    let drops = Arc::new(AtomicUsize::new(0));
    let mut heap = heap(1 << 20, false);
    let held = heap.alloc_extern(Box::new(Counted(Arc::clone(&drops), 7))).unwrap();
    let inner = heap.alloc_exception(1, &[held.to_slot()], &[1]).unwrap();
    // Slots 1 and 66 are references; slot 2 looks like one but is a number.
    let mut payload = vec![u64::MAX; 67];
    payload[1] = held.to_slot();
    payload[2] = held.to_slot();
    payload[66] = inner.to_slot();
    let tag = 0xdead_beef_0000_1234;
    let outer = heap.alloc_exception(tag, &payload, &[2, 4]).unwrap();
    assert_eq!(heap.used(), 8 + 32 + (16 + 16 + 67 * 8));

    let mut roots = [outer.to_slot()];
    for _ in 0..3 {
        collect(&mut heap, &mut roots);
        let outer = HeapRef::from_slot(roots[0]);
        assert_eq!(heap.exn_tag(outer), Some(tag));
        let slots = heap.exn_payload(outer).unwrap().to_vec();
        assert_eq!(number(&heap, slots[1]), Some(7));
        assert_eq!(slots[2], held.to_slot());
        assert_eq!((slots[0], slots[65]), (u64::MAX, u64::MAX));
        let inner = HeapRef::from_slot(slots[66]);
        assert_eq!(heap.exn_payload(inner), Some(&[slots[1]][..]));
        assert_eq!(heap.exn_tag(inner), Some(1));
    }
    assert_eq!(drops.load(Relaxed), 0);
    let empty = heap.alloc_exception(3, &[], &[]).unwrap();
    assert_eq!(heap.exn_payload(empty), Some(&[][..]));
    collect(&mut heap, &mut []);
    assert_eq!(drops.load(Relaxed), 1);
}

#[test]
fn wrong_references_find_nothing() {
    let mut heap = heap(1 << 20, false);
    let host = heap.alloc_extern(Box::new(1u8)).unwrap();
    let exception = heap.alloc_exception(9, &[1, 2], &[]).unwrap();
    assert_eq!(heap.exn_tag(host), None);
    assert_eq!(heap.exn_payload(host), None);
    assert!(heap.extern_data(exception).is_none());
    assert_eq!(heap.object_type(exception), None);
    // A payload that looks like an exception larger than the heap.
    let forged = u64::from(KIND_EXCEPTION) | 0xffff_fff0 << 32;
    let liar = heap.alloc_exception(forged, &[forged; 4], &[]).unwrap();
    for offset in [8, 24, 32] {
        let inside = HeapRef(liar.bits() + offset);
        assert_eq!((heap.exn_tag(inside), heap.exn_payload(inside)), (None, None));
    }
    let top = heap.top();
    for bits in [0, 1, 4, top, top + 8, 1 << 20, 1 << 21, 1 << 31, u32::MAX - 7] {
        let reference = HeapRef(bits);
        assert!(heap.extern_data(reference).is_none());
        assert_eq!(heap.exn_payload(reference), None);
        assert_eq!(heap.bytes(reference, 0, 1), None);
        assert_eq!(heap.object_aux(reference), None);
    }
    assert_eq!(heap.bytes(liar, 0, top as usize), None);
    assert_eq!(heap.bytes_mut(liar, u32::MAX, 1), None);
}

#[test]
fn the_heap_grows_with_what_lives_and_shrinks_again() {
    let mut heap = heap(16 << 20, false);
    let mut roots = Vec::new();
    while heap.used() < 4 << 20 {
        if heap.should_collect(1000 * 8 + 200) {
            collect(&mut heap, &mut roots);
        }
        let payload = vec![roots.len() as u64; 1000];
        let exception = heap.alloc_exception(5, &payload, &[]).unwrap();
        roots.push(exception.to_slot());
    }
    for (index, &slot) in roots.iter().enumerate() {
        let payload = heap.exn_payload(HeapRef::from_slot(slot)).unwrap();
        assert_eq!((payload[0], payload[999]), (index as u64, index as u64));
    }
    // Doubling: far fewer collections than allocations.
    assert!((2..12).contains(&heap.collections()), "{heap:?}");
    collect(&mut heap, &mut roots[..1]);
    assert_eq!(heap.end - heap.first() + ALIGN, INITIAL_BUDGET);
    collect(&mut heap, &mut roots[..1]);
    let space = heap.space.as_ref().unwrap();
    let committed = space.committed(Half::Low) + space.committed(Half::High);
    assert!(committed <= 2 * INITIAL_BUDGET, "large halves are given back: {committed}");
}

#[test]
fn garbage_alone_never_exhausts() {
    let mut heap = heap(64 * 1024, false);
    for n in 0..100_000u64 {
        if heap.should_collect(40) {
            collect(&mut heap, &mut []);
        }
        heap.alloc_exception(n, &[n], &[]).unwrap();
    }
    assert!(heap.used() <= heap.capacity());
    assert!(heap.collections() > 10);
}

#[test]
fn a_full_heap_fails_and_recovers() {
    let mut heap = heap(64 * 1024, false);
    let mut roots = Vec::new();
    let error = loop {
        if heap.should_collect(32) {
            collect(&mut heap, &mut roots);
        }
        match heap.alloc_exception(0, &[1], &[]) {
            Ok(exception) => roots.push(exception.to_slot()),
            Err(error) => break error,
        }
    };
    let capacity = 64 * 1024;
    assert_eq!(error, HeapError::Exhausted { capacity });
    assert!(roots.len() * 32 > 60 * 1024);
    assert!(heap.collections() < 4, "no thrashing: {heap:?}");
    let drops = Arc::new(AtomicUsize::new(0));
    let refused = heap.alloc_extern(Box::new(Counted(Arc::clone(&drops), 0)));
    assert!(refused.is_err() || heap.used() <= capacity);
    assert!(heap.should_collect(32));
    roots.truncate(10);
    collect(&mut heap, &mut roots);
    heap.alloc_exception(0, &[1], &[]).unwrap();

    let huge = vec![0; 10_000];
    assert_eq!(heap.alloc_exception(0, &huge, &[]), Err(HeapError::Exhausted { capacity }));
    let ty = TypeId::from_bits(3).unwrap();
    for size in [64 * 1024, u64::from(u32::MAX), u64::MAX] {
        assert!(heap.alloc_object(ty, 0, size).is_err());
    }
}

#[test]
fn stress_collects_always_and_takes_old_objects_away() {
    let mut heap = heap(1 << 20, true);
    let mut roots = vec![];
    for n in 0..50 {
        assert_eq!(heap.should_collect(8), n > 0);
        collect(&mut heap, &mut roots);
        let value = Box::new(Counted(Arc::default(), n));
        let stale = heap.alloc_extern(value).unwrap();
        let limit = heap.cursor().limit.load(Relaxed);
        assert_eq!(limit, heap.cursor().top.load(Relaxed), "no room for machine code");
        roots.push(stale.to_slot());
        collect(&mut heap, &mut roots);
        let space = heap.space.as_ref().unwrap();
        assert_eq!(space.load_u32(stale.bits()), None);
    }
    for (n, &slot) in roots.iter().enumerate() {
        assert_eq!(number(&heap, slot), Some(n as u32));
    }
    heap.set_stress(false);
    assert!(!heap.should_collect(8));
    assert_eq!(heap.cursor().limit.load(Relaxed), heap.end);
}

#[test]
fn the_hosts_handles_are_roots() {
    let mut heap = heap(1 << 20, true);
    let values = [1, 2, 3].map(|n| {
        let value = Box::new(Counted(Arc::default(), n));
        heap.alloc_extern(value).unwrap()
    });
    let outer = heap.roots_mut().root(values[0]);
    let scope = heap.roots().enter_scope();
    let inner = heap.roots_mut().root(values[1]);
    let owned = heap.roots_mut().root_owned(values[2]);
    collect(&mut heap, &mut []);
    let get = |heap: &Heap, reference: Option<HeapRef>| number(heap, reference?.to_slot());
    assert_eq!(get(&heap, heap.roots().get(outer)), Some(1));
    assert_eq!(get(&heap, heap.roots().get(inner)), Some(2));
    assert_eq!(get(&heap, heap.roots().get_owned(&owned)), Some(3));
    heap.roots_mut().exit_scope(scope);
    collect(&mut heap, &mut []);
    assert_eq!(heap.host_values(), 2);
    drop(owned);
    collect(&mut heap, &mut []);
    assert_eq!(heap.host_values(), 1);
    assert_eq!(get(&heap, heap.roots().get(outer)), Some(1));
}

#[test]
fn a_destructor_that_panics_leaves_the_heap_in_order() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("host destructor");
        }
    }
    let mut heap = heap(1 << 20, false);
    heap.alloc_extern(Box::new(Bomb)).unwrap();
    let mut roots = [heap.alloc_extern(Box::new(5u8)).unwrap().to_slot()];
    let collection = std::panic::AssertUnwindSafe(|| collect(&mut heap, &mut roots));
    assert!(std::panic::catch_unwind(collection).is_err());
    let reference = HeapRef::from_slot(roots[0]);
    let data = heap.extern_data(reference).unwrap();
    assert_eq!(data.downcast_ref::<u8>(), Some(&5));
    assert_eq!((heap.used(), heap.host_values()), (8, 1));
}

#[test]
#[should_panic(expected = "internal error")]
fn a_root_that_is_none_is_caught() {
    let mut heap = heap(1 << 20, false);
    heap.alloc_extern(Box::new(())).unwrap();
    collect(&mut heap, &mut [0x8_0000]);
}

#[test]
#[should_panic(expected = "internal error")]
fn a_stale_root_is_caught() {
    let mut heap = heap(1 << 20, false);
    let stale = heap.alloc_extern(Box::new(())).unwrap();
    collect(&mut heap, &mut [stale.to_slot()]);
    collect(&mut heap, &mut [stale.to_slot()]);
}

/// Structure type 0: two references at 8 and 16, a number between. Array type 1: references.
struct TestLayouts;

impl TestLayouts {
    fn pair() -> TypeId {
        TypeId::from_bits(1 << 29).unwrap()
    }

    fn array() -> TypeId {
        TypeId::from_bits(2 << 29 | 1).unwrap()
    }
}

impl Layouts for TestLayouts {
    fn layout(&self, ty: TypeId) -> Option<Layout<'_>> {
        match ty.kind() {
            TypeKind::Struct => Some(Layout::Struct { size: 20, refs: &[8, 16] }),
            TypeKind::Array => Some(Layout::Array { element_size: 4, refs: true }),
            TypeKind::Func => None,
        }
    }
}

fn set(heap: &mut Heap, object: HeapRef, offset: u32, value: u32) {
    let field = heap.bytes_mut(object, offset, 4).unwrap();
    field.copy_from_slice(&value.to_le_bytes());
}

fn get(heap: &Heap, object: HeapRef, offset: u32) -> u32 {
    let field = heap.bytes(object, offset, 4).unwrap();
    u32::from_le_bytes(field.try_into().unwrap())
}

#[test]
fn defined_types_are_traced_by_layout_and_cycles_end() {
    let mut heap = heap(1 << 20, true);
    let a = heap.alloc_object(TestLayouts::pair(), 0, 20).unwrap();
    let b = heap.alloc_object(TestLayouts::pair(), 0, 20).unwrap();
    let garbage = heap.alloc_object(TestLayouts::array(), 100, 408).unwrap();
    let array = heap.alloc_object(TestLayouts::array(), 3, 20).unwrap();
    assert_eq!(heap.used(), 24 + 24 + 408 + 24);
    set(&mut heap, a, 8, b.bits());
    set(&mut heap, a, 12, garbage.bits());
    set(&mut heap, a, 16, HeapRef::i31(4).bits());
    set(&mut heap, b, 8, a.bits());
    set(&mut heap, b, 16, array.bits());
    set(&mut heap, array, 16, array.bits());
    let mut root = a.to_slot();
    for _ in 0..3 {
        heap.collect(&mut |visit| visit(&mut root), &TestLayouts).unwrap();
        let a = HeapRef::from_slot(root);
        let b = HeapRef(get(&heap, a, 8));
        let array = HeapRef(get(&heap, b, 16));
        assert_eq!(heap.object_type(a), Some(TestLayouts::pair()));
        assert_eq!(get(&heap, b, 8), a.bits());
        assert_eq!(get(&heap, a, 12), garbage.bits(), "not a reference");
        assert_eq!(HeapRef(get(&heap, a, 16)).as_i31(), Some(4));
        assert_eq!(heap.object_type(array), Some(TestLayouts::array()));
        assert_eq!(heap.object_aux(array), Some(3));
        let elements = [8, 12, 16].map(|offset| get(&heap, array, offset));
        assert_eq!(elements, [0, 0, array.bits()]);
        assert_eq!(heap.used(), 72);
    }
}

#[test]
fn machine_code_allocates_by_the_cursor() {
    let mut heap = heap(1 << 20, false);
    heap.alloc_object(TestLayouts::array(), 3, 20).unwrap();
    let top = heap.cursor().top.load(Relaxed);
    assert!(heap.cursor().limit.load(Relaxed) - top >= 8);
    heap.cursor().top.store(top + 8, Relaxed);
    let object = HeapRef(top);
    set(&mut heap, object, INFO, TestLayouts::array().bits());
    set(&mut heap, object, AUX, 0);
    let mut root = object.to_slot();
    heap.collect(&mut |visit| visit(&mut root), &TestLayouts).unwrap();
    assert_eq!(heap.used(), 8);
    let moved = HeapRef::from_slot(root);
    assert_eq!(heap.object_type(moved), Some(TestLayouts::array()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Against a model: exceptions that refer to earlier ones, some of them rooted.
    #[test]
    fn graphs_survive(steps in proptest::collection::vec((0usize..8, 0usize..8, any::<bool>()), 1..200), stress: bool) {
        #[derive(Clone)]
        enum Model { Null, Node(u64, Box<[Model; 2]>) }
        fn same(heap: &Heap, slot: u64, model: &Model, depth: usize) -> bool {
            let reference = HeapRef::from_slot(slot);
            match model {
                _ if depth == 0 => true,
                Model::Null => reference.is_null(),
                Model::Node(tag, fields) => heap.exn_tag(reference) == Some(*tag)
                    && heap.exn_payload(reference).is_some_and(|payload| {
                        same(heap, payload[0], &fields[0], depth - 1)
                            && same(heap, payload[2], &fields[1], depth - 1)
                    }),
            }
        }
        fn cut(model: &Model, depth: usize) -> Model {
            match model {
                Model::Node(tag, fields) if depth > 0 => {
                    Model::Node(*tag, Box::new([cut(&fields[0], depth - 1), cut(&fields[1], depth - 1)]))
                }
                Model::Node(..) => Model::Null,
                Model::Null => Model::Null,
            }
        }
        const DEPTH: usize = 5;
        let mut heap = heap(64 * 1024, stress);
        let mut slots = [0u64; 8];
        let mut models: [Model; 8] = std::array::from_fn(|_| Model::Null);
        for (n, (a, b, clear)) in steps.into_iter().enumerate() {
            if clear {
                slots[a] = 0;
                models[a] = Model::Null;
            }
            if heap.should_collect(48) || n % 16 == 0 {
                collect(&mut heap, &mut slots);
            }
            let payload = [slots[a], n as u64, slots[b]];
            let node = Model::Node(n as u64, Box::new([cut(&models[a], DEPTH - 1), cut(&models[b], DEPTH - 1)]));
            slots[b] = heap.alloc_exception(n as u64, &payload, &[0b101]).unwrap().to_slot();
            models[b] = node;
            for (slot, model) in slots.iter().zip(&models) {
                prop_assert!(same(&heap, *slot, model, DEPTH));
            }
        }
    }
}
