use std::sync::Arc;
use std::thread;
use std::time::Instant;

use wasmparser::{Parser, Payload, RecGroup, Validator, WasmFeatures};

use super::*;

/// The recursive groups of a module in the text format, which is validated.
fn groups(fields: &str) -> Vec<RecGroup> {
    let wasm = wat::parse_str(format!("(module {fields})")).unwrap();
    Validator::new_with_features(WasmFeatures::all()).validate_all(&wasm).unwrap();
    type_section(&wasm)
}

fn type_section(wasm: &[u8]) -> Vec<RecGroup> {
    Parser::new(0)
        .parse_all(wasm)
        .find_map(|payload| match payload.unwrap() {
            Payload::TypeSection(section) => Some(section.into_iter().map(Result::unwrap)),
            _ => None,
        })
        .unwrap()
        .collect()
}

fn register(registry: &TypeRegistry, fields: &str) -> ModuleTypes {
    registry.register(&groups(fields)).unwrap()
}

fn ids(types: &ModuleTypes) -> Vec<TypeId> {
    types.types().iter().map(|ty| ty.id()).collect()
}

#[test]
fn equal_groups_are_one_across_modules() {
    let registry = TypeRegistry::new();
    let one = register(
        &registry,
        "(type (func (param i32)))
         (rec (type $a (struct (field (ref null $b)))) (type $b (array (mut (ref $a)))))
         (type (func (result (ref $b))))",
    );
    let two = register(
        &registry,
        "(type (func))
         (rec (type $x (struct (field (ref null $y)))) (type $y (array (mut (ref $x)))))
         (rec (type $p (struct (field (ref null $q)))) (type $q (array (mut (ref $p)))))
         (type (func (result (ref $q))))
         (type (func (param i32)))",
    );
    let (one, two) = (ids(&one), ids(&two));
    assert_eq!(one, [two[6], two[1], two[2], two[5]]);
    assert_eq!(two[1..3], two[3..5]);
    assert_eq!(registry.len(), 5);
    let kinds = [1, 2, 5].map(|index| two[index].kind());
    assert_eq!(kinds, [TypeKind::Struct, TypeKind::Array, TypeKind::Func]);
}

#[test]
fn what_tells_groups_apart() {
    let registry = TypeRegistry::new();
    // The same first type in ever another setting.
    let variants = [
        "(type $t (struct (field (ref null $t))))",
        "(type $t (sub (struct (field (ref null $t)))))",
        "(type $t (sub (struct (field (mut (ref null $t))))))",
        "(type $t (sub (struct (field (ref $t)))))",
        "(rec (type $t (struct (field (ref null $t)))) (type (struct)))",
        "(rec (type $t (struct (field (ref null $u)))) (type $u (struct (field (ref null $t)))))",
        "(type $t (func (param (ref null $t))))",
        "(type $t (func (result (ref null $t))))",
        "(type $t (array i8))",
        "(type $t (array i16))",
        "(type $t (array i32))",
        "(type $t (array (mut i8)))",
        "(rec (type $t (struct)) (type $u (struct)))",
        "(type $t (struct))",
    ];
    let modules = variants.map(|variant| register(&registry, variant));
    let mut ids: Vec<TypeId> = modules.iter().map(|module| module.id(0).unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), variants.len());

    let supertypes = register(
        &registry,
        "(type $a (sub (struct))) (type $b (sub (struct (field i32))))
         (type (sub (struct (field i32)))) (type (sub $a (struct (field i32))))
         (type (sub $b (struct (field i32)))) (type (sub final $b (struct (field i32))))",
    );
    let ids = self::ids(&supertypes);
    assert_eq!(ids[1], ids[2]);
    let mut distinct = ids[2..].to_vec();
    distinct.dedup();
    assert_eq!(distinct.len(), 4);
    // Members of one group differ by position even if they look the same.
    let pair = modules[12].types();
    assert_ne!(pair[0].id(), pair[1].id());
    // An explicit group of one type is that type.
    let single = register(&registry, "(rec (type (struct)))");
    assert_eq!(single.id(0), modules[13].id(0));
}

#[test]
fn a_group_refers_outside_by_id_and_inside_by_position() {
    let registry = TypeRegistry::new();
    let module = register(
        &registry,
        "(type $s (sub (struct)))
         (type $outside (struct (field (ref null $s))))
         (type $inside (struct (field (ref null $inside))))
         (rec (type $sub (sub $s (struct (field (ref $leaf))))) (type $leaf (sub $sub (struct (field (ref $leaf))))))",
    );
    let field = |index: u32, at: usize| match module.get(index).unwrap().as_struct().unwrap().fields[at].storage {
        StorageType::Val(ValType::Ref(RefType { heap: HeapType::Concrete(id), .. })) => id,
        other => panic!("{other}"),
    };
    let ids = ids(&module);
    assert_eq!([field(1, 0), field(2, 0)], [ids[0], ids[2]]);
    assert_eq!([field(3, 0), field(4, 0)], [ids[4], ids[4]]);
    assert_eq!(module.get(4).unwrap().supertype, Some(ids[3]));
    assert_eq!(module.get(4).unwrap().ancestors(), [ids[0], ids[3]]);
}

#[test]
fn declared_subtyping() {
    let registry = TypeRegistry::new();
    let mut text = String::from("(type $t0 (sub (struct)))");
    for n in 1..=60 {
        text += &format!("(type $t{n} (sub $t{} (struct)))", n - 1);
    }
    text += "(type $branch (sub $t30 (struct (field i32)))) (type $alone (sub (struct (field i64))))
             (type $f (sub (func))) (type $g (sub $f (func)))";
    let module = register(&registry, &text);
    let ids = ids(&module);
    for a in 0..=60 {
        for b in 0..=60 {
            assert_eq!(registry.is_subtype(ids[a], ids[b]), a >= b, "{a} <: {b}");
        }
    }
    let (branch, alone, f, g) = (ids[61], ids[62], ids[63], ids[64]);
    assert!(registry.is_subtype(branch, ids[30]) && registry.is_subtype(branch, ids[0]));
    assert!(!registry.is_subtype(branch, ids[31]) && !registry.is_subtype(ids[31], branch));
    assert!(!registry.is_subtype(alone, ids[0]) && !registry.is_subtype(ids[60], alone));
    assert!(registry.is_subtype(g, f) && !registry.is_subtype(f, g) && !registry.is_subtype(f, ids[0]));
    let (one, two) = (module.get(61).unwrap(), module.get(30).unwrap());
    assert!(one.is_subtype_of(two) && !two.is_subtype_of(one));

    let concrete = |nullable, id| ValType::Ref(RefType::new(nullable, HeapType::Concrete(id)));
    assert!(registry.val_subtype(concrete(false, g), concrete(true, f)));
    assert!(!registry.val_subtype(concrete(true, g), concrete(false, f)));
    let narrow = FuncType::new([concrete(true, f)], [concrete(true, g)]);
    let wide = FuncType::new([concrete(true, g)], [concrete(true, f)]);
    assert!(registry.func_subtype(&narrow, &wide) && !registry.func_subtype(&wide, &narrow));
    assert!(!registry.func_subtype(&narrow, &FuncType::new([concrete(true, g)], [])));
}

#[test]
fn the_lattice_of_heap_types() {
    use HeapType::*;
    let registry = TypeRegistry::new();
    let module = register(&registry, "(type (func)) (type (struct)) (type (array i8))");
    let [f, s, a] = [0, 1, 2].map(|index| Concrete(module.id(index).unwrap()));
    // Each type with everything above it.
    let above: [(HeapType, &[HeapType]); 15] = [
        (Func, &[]),
        (f, &[Func]),
        (NoFunc, &[Func, f]),
        (Extern, &[]),
        (NoExtern, &[Extern]),
        (Exn, &[]),
        (NoExn, &[Exn]),
        (Any, &[]),
        (Eq, &[Any]),
        (I31, &[Eq, Any]),
        (Struct, &[Eq, Any]),
        (Array, &[Eq, Any]),
        (s, &[Struct, Eq, Any]),
        (a, &[Array, Eq, Any]),
        (None, &[I31, Struct, Array, s, a, Eq, Any]),
    ];
    for (low, uppers) in above {
        for (high, _) in above {
            let expected = low == high || uppers.contains(&high);
            assert_eq!(registry.heap_subtype(low, high), expected, "{low} <: {high}");
        }
        assert!(registry.heap_subtype(low, low.top()), "{low}");
        assert!(registry.heap_subtype(low.bottom(), low), "{low}");
        let nullable = [(true, false), (false, false), (true, true), (false, true)];
        let below = nullable.map(|(from, to)| registry.ref_subtype(RefType::new(from, low), RefType::new(to, low)));
        assert_eq!(below, [false, true, true, true]);
        assert_eq!(RefType::new(true, low).is_heap_ref(), low.top() != Func);
    }
    assert!(!registry.val_subtype(ValType::I32, ValType::I64));
    assert!(registry.val_subtype(ValType::V128, ValType::V128));
}

#[test]
fn types_are_freed_with_their_last_holder() {
    let registry = TypeRegistry::new();
    let text = "(type $a (func (param i32))) (type $b (func (param (ref $a)))) (type (func (param (ref $b))))";
    let one = register(&registry, text);
    let two = register(&registry, text);
    assert_eq!(registry.len(), 3);
    drop(one);
    assert_eq!(registry.len(), 3);
    // The last type keeps those that it mentions.
    let last = registry.hold(two.id(2).unwrap()).unwrap();
    let first = two.id(0).unwrap();
    drop(two);
    assert_eq!(registry.len(), 3);
    assert_eq!(registry.func_type(first), Some(FuncType::new([ValType::I32], [])));
    let clone = last.clone();
    drop(last);
    assert_eq!(registry.len(), 3);
    drop(clone);
    assert!(registry.is_empty());
    assert_eq!(registry.get(first).map(|_| ()), None);
    assert_eq!(registry.hold(first).err(), Some(TypeError::Unregistered(first)));
    assert!(!registry.is_subtype(first, TypeId::new(TypeKind::Func, 1)));

    // Ids are used again, under another kind if need be.
    let reused = register(&registry, "(type (struct)) (type (struct)) (type (array i8))");
    assert!(reused.types().iter().all(|ty| ty.id().index() < 3));
    assert_eq!(registry.func_type(first), None);
}

#[test]
fn host_types_equal_a_modules() {
    let registry = TypeRegistry::new();
    let module =
        register(&registry, "(type $f (func (param i32 externref) (result f64))) (type (func (param (ref $f))))");
    let ty = FuncType::new([ValType::I32, ValType::EXTERNREF], [ValType::F64]);
    let host = registry.register_func_type(ty).unwrap();
    assert_eq!(Some(host.id()), module.id(0));
    let reference = ValType::Ref(RefType::new(false, HeapType::Concrete(host.id())));
    let higher = registry.register_func_type(FuncType::new([reference], [])).unwrap();
    assert_eq!(Some(higher.id()), module.id(1));
    assert!(higher.registry().is_same(&registry));
    drop((module, host));
    assert_eq!(registry.len(), 2);

    let unknown = TypeId::new(TypeKind::Func, 1000);
    let reference = ValType::Ref(RefType::new(true, HeapType::Concrete(unknown)));
    let refused = registry.register_func_type(FuncType::new([reference], []));
    assert_eq!(refused.err(), Some(TypeError::Unregistered(unknown)));
}

#[test]
fn what_the_engine_lacks_is_refused_and_leaves_nothing() {
    let registry = TypeRegistry::new();
    for text in [
        "(type $f (func)) (type (cont $f))",
        "(type (func)) (type (func (param contref)))",
        "(type (func)) (type (shared (func)))",
        "(type (func)) (type (func (param (ref null (shared any)))))",
    ] {
        let error = registry.register(&groups(text)).unwrap_err();
        assert!(matches!(error, TypeError::Unsupported(_)), "{text}: {error}");
        assert!(registry.is_empty(), "{text}");
    }
    // Types that were not validated.
    for text in [
        "(type (func (param (ref 7))))",
        "(type (sub 0 (struct)))",
        "(rec (type (sub 1 (struct))) (type (sub (struct))))",
    ] {
        let wasm = wat::parse_str(format!("(module {text})")).unwrap();
        let error = registry.register(&type_section(&wasm)).unwrap_err();
        assert!(matches!(error, TypeError::InvalidIndex(_)), "{text}: {error}");
        assert!(registry.is_empty(), "{text}");
    }
}

#[test]
fn conversions_follow_the_modules_indices() {
    let registry = TypeRegistry::new();
    let text = "(type (func (param f32))) (type (func))";
    let module = register(&registry, text);
    let index = |index| wasmparser::PackedIndex::from_module_index(index).unwrap();
    let parsed = wasmparser::RefType::concrete(false, index(1));
    let ty = module.ref_type(parsed).unwrap();
    assert_eq!(ty, RefType::new(false, HeapType::Concrete(module.id(1).unwrap())));
    assert_eq!(module.val_type(wasmparser::ValType::FUNCREF), Ok(ValType::FUNCREF));
    let outside = wasmparser::RefType::concrete(false, index(2));
    assert_eq!(module.ref_type(outside), Err(TypeError::InvalidIndex(2)));
    let global =
        wasmparser::GlobalType { content_type: wasmparser::ValType::Ref(parsed), mutable: true, shared: false };
    let expected = GlobalType { content: ValType::Ref(ty), mutable: true };
    assert_eq!(module.global_type(global), Ok(expected));
    assert!(module.global_type(wasmparser::GlobalType { shared: true, ..global }).is_err());
    assert_eq!(module.func_type(0).unwrap().params(), [ValType::F32]);
    assert_eq!((ValType::V128.slots(), ValType::EXNREF.slots()), (2, 1));
}

#[test]
fn threads_register_and_drop_at_once() {
    let registry = TypeRegistry::new();
    let groups: Arc<[Vec<RecGroup>]> = (0..4)
        .map(|n| {
            groups(&format!(
                "(type $own (sub (func (param {}))))
                 (type $shared (sub (func (param i32))))
                 (rec (type $x (sub (struct (field (ref null $y))))) (type $y (sub $x (struct (field (ref null $y))))))
                 (type $z (sub $shared (func (param i32))))",
                "i64 ".repeat(n + 1)
            ))
        })
        .collect();
    thread::scope(|scope| {
        for thread in 0..4 {
            let (registry, groups) = (registry.clone(), Arc::clone(&groups));
            scope.spawn(move || {
                for round in 0..500 {
                    let n = (thread + round) % 4;
                    let one = registry.register(&groups[n]).unwrap();
                    let two = registry.register(&groups[(n + 1) % 4]).unwrap();
                    assert_ne!(one.id(0), two.id(0));
                    assert_eq!(ids(&one)[1..], ids(&two)[1..]);
                    let held = registry.hold(one.id(4).unwrap()).unwrap();
                    drop(one);
                    // What an indirect call checks: the callee's type by id alone.
                    assert_eq!(registry.get(held.id()).unwrap().id(), two.id(4).unwrap());
                    assert!(registry.is_subtype(held.id(), two.id(1).unwrap()));
                    assert!(registry.is_subtype(two.id(3).unwrap(), two.id(2).unwrap()));
                    drop(two);
                    assert_eq!(registry.func_type(held.id()).unwrap().params(), [ValType::I32]);
                }
            });
        }
    });
    assert!(registry.is_empty());
}

/// A type section with `count` types, encoded by hand because the text format would take longer than the test.
fn many(count: u32, body: impl Fn(u32) -> Vec<u8>) -> Vec<RecGroup> {
    fn leb(mut value: u32, out: &mut Vec<u8>) {
        while value >= 0x80 {
            out.push(value as u8 | 0x80);
            value >>= 7;
        }
        out.push(value as u8);
    }
    let mut section = Vec::new();
    leb(count, &mut section);
    (0..count).for_each(|n| section.extend(body(n)));
    let mut wasm = b"\0asm\x01\0\0\0\x01".to_vec();
    leb(section.len() as u32, &mut wasm);
    wasm.extend(section);
    type_section(&wasm)
}

#[test]
fn many_types_take_linear_time() {
    const COUNT: u32 = 100_000;
    let registry = TypeRegistry::new();
    let leb5 = |n: u32| [0, 7, 14, 21].map(|shift| (n >> shift) as u8 & 0x7f | 0x80);
    let distinct = |n: u32| {
        let numbers = (0..17).map(|bit| if n >> bit & 1 == 0 { 0x7f } else { 0x7e });
        [0x60, 17].into_iter().chain(numbers).chain([0]).collect()
    };
    // Each mentions the one before, so that freeing the last frees all.
    let chain = |n: u32| match n {
        0 => vec![0x60, 0, 0],
        n => [&[0x60, 1, 0x63][..], &leb5(n - 1), &[0, 0]].concat(),
    };
    let start = Instant::now();
    for (groups, expected) in [
        (many(COUNT, |_| vec![0x60, 1, 0x7f, 0]), 1),
        (many(COUNT, distinct), COUNT as usize),
        (many(COUNT, chain), COUNT as usize),
    ] {
        let types = registry.register(&groups).unwrap();
        assert_eq!((types.types().len(), registry.len()), (COUNT as usize, expected));
        let last = registry.hold(types.id(COUNT - 1).unwrap()).unwrap();
        drop(types);
        assert!(!registry.is_empty());
        drop(last);
        assert!(registry.is_empty());
    }
    // Anything quadratic would take minutes.
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
}
