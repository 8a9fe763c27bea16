//! Calls in both directions, with and without Rust's types.

use terrace::{
    Caller, Error, ExnRef, ExternRef, Func, FuncType, Instance, Level, Linker, Module, Rooted, Store, V128, Val,
    ValType,
};

use super::{default_engine, engine, instance, run};

#[test]
fn tuples_of_every_length() {
    let mut store = Store::new(&default_engine(), ());
    let none = Func::wrap(&mut store, || {});
    none.typed::<(), ()>(&store).unwrap().call(&mut store, ()).unwrap();
    let one = Func::wrap(&mut store, |a: i64| (a + 1,));
    assert_eq!(one.typed::<(i64,), i64>(&store).unwrap().call(&mut store, (1,)).unwrap(), 2);
    #[rustfmt::skip]
    let all = Func::wrap(&mut store, |
        a: i32, b: u32, c: i64, d: u64, e: f32, f: f64, g: V128, h: i32,
        i: u32, j: i64, k: u64, l: f32, m: f64, n: V128, o: i32, p: i64,
    | (p, o, n, m, l, k, j, i, h, g, f, e, d, c, b, a));
    let v = |x: u128| V128::from(x << 64 | 1);
    type Params = (i32, u32, i64, u64, f32, f64, V128, i32, u32, i64, u64, f32, f64, V128, i32, i64);
    type Results = (i64, i32, V128, f64, f32, u64, i64, u32, i32, V128, f64, f32, u64, i64, u32, i32);
    let all = all.typed::<Params, Results>(&store).unwrap();
    let params = (-1, 2, -3, 4, 5.5, 6.5, v(7), 8, 9, -10, 11, 12.5, 13.5, v(14), 15, 16);
    let (p, o, n, m, l, k, j, i, h, g, f, e, d, c, b, a) = all.call(&mut store, params).unwrap();
    assert_eq!((a, b, c, d, e, f, g, h), (-1, 2, -3, 4, 5.5, 6.5, v(7), 8));
    assert_eq!((i, j, k, l, m, n, o, p), (9, -10, 11, 12.5, 13.5, v(14), 15, 16));
}

#[test]
fn a_thousand_params_and_results_cross_the_boundary_twice() {
    let list = |keyword: &str, ty: &str| format!("({keyword} {})", vec![ty; 1000].join(" "));
    for (ty, make) in [
        ("i64", (|i| Val::I64(i as i64)) as fn(usize) -> Val),
        ("v128", |i| Val::V128(V128::from((i as u128) << 64 | i as u128))),
    ] {
        let (params, results) = (list("param", ty), list("result", ty));
        let gets: String = (0..1000).rev().map(|i| format!("(local.get {i})")).collect();
        let wat = format!(
            r#"(module
                (import "" "f" (func $f {params} {results}))
                (func (export "run") {params} {results} {gets} (call $f)))"#
        );
        let engine = default_engine();
        let module = Module::new(&engine, wat).unwrap();
        let mut store = Store::new(&engine, ());
        let signature = module.get_export("run").unwrap().func().unwrap().clone();
        assert_eq!((signature.params().len(), signature.results().len()), (1000, 1000));
        let host = Func::new(&mut store, signature, |_, params, results| {
            for (result, param) in results.iter_mut().zip(params.iter().rev()) {
                *result = *param;
            }
            Ok(())
        });
        let instance = Instance::new(&mut store, &module, &[host.unwrap().into()]).unwrap();
        let params: Vec<Val> = (0..1000).map(make).collect();
        let mut results = vec![Val::I32(0); 1000];
        instance.get_func(&mut store, "run").unwrap().call(&mut store, &params, &mut results).unwrap();
        for (param, result) in params.iter().zip(&results) {
            assert_eq!((param.i64(), param.v128()), (result.i64(), result.v128()));
        }
    }
}

#[test]
fn wide_host_functions_can_be_tail_called() {
    let (params, gets) = ("i64 ".repeat(1000), (0..1000).map(|i| format!("(local.get {i})")).collect::<String>());
    let wat = format!(
        r#"(module
            (import "" "sum" (func $sum (param {params}) (result i64)))
            (func $inner (param {params}) (result i64) {gets} (return_call $sum))
            (func (export "run") (result i64) {consts} (return_call $inner)))"#,
        consts = (0..1000).map(|i| format!("(i64.const {i})")).collect::<String>()
    );
    let engine = default_engine();
    let module = Module::new(&engine, wat).unwrap();
    let mut store = Store::new(&engine, ());
    let ty = FuncType::new(vec![ValType::I64; 1000], [ValType::I64]);
    let sum = Func::new(&mut store, ty, |_, params, results| {
        results[0] = Val::I64(params.iter().filter_map(Val::i64).sum());
        Ok(())
    });
    let instance = Instance::new(&mut store, &module, &[sum.unwrap().into()]).unwrap();
    assert_eq!(run::<_, i64>(&mut store, instance, ()).unwrap(), 999 * 500);
}

#[test]
fn numbers_keep_their_bits() {
    let (mut store, instance) = instance(
        r#"(module
            (func (export "run") (param f32 f64 v128 i32) (result i32 v128 f64 f32)
                (local.get 3) (local.get 2) (local.get 1) (local.get 0)))"#,
    );
    let func = instance.get_func(&mut store, "run").unwrap();
    let signaling = (0x7fa0_0001, 0x7ff4_0000_0000_0001);
    let params = [Val::F32(signaling.0), Val::F64(signaling.1), Val::V128(V128::from(u128::MAX - 1)), Val::I32(-1)];
    let mut results = [Val::I32(0); 4];
    func.call(&mut store, &params, &mut results).unwrap();
    assert_eq!(results[0].i32(), Some(-1));
    assert_eq!(results[1].v128(), Some(V128::from(u128::MAX - 1)));
    assert!(matches!(results[2], Val::F64(bits) if bits == signaling.1));
    assert!(matches!(results[3], Val::F32(bits) if bits == signaling.0));
}

#[test]
fn untyped_calls_are_checked() {
    let (mut store, instance) = instance(r#"(module (func (export "run") (param i32) (result i64) (i64.const 1)))"#);
    let func = instance.get_func(&mut store, "run").unwrap();
    let mut results = [Val::I32(0)];
    let count = |what, expected, actual, error: Error| {
        let Error::Count { what: w, expected: e, actual: a } = error else { panic!("{error}") };
        assert_eq!((what, expected, actual), (w, e, a));
    };
    count("arguments", 1, 0, func.call(&mut store, &[], &mut results).unwrap_err());
    count("arguments", 1, 2, func.call(&mut store, &[Val::I32(0); 2], &mut results).unwrap_err());
    count("results", 1, 0, func.call(&mut store, &[Val::I32(0)], &mut []).unwrap_err());
    let error = func.call(&mut store, &[Val::I64(0)], &mut results).unwrap_err();
    assert_eq!(error.to_string(), "type mismatch: expected i32, found i64");
    func.call(&mut store, &[Val::I32(0)], &mut results).unwrap();
    assert_eq!(results[0].i64(), Some(1));
}

#[test]
fn typed_functions_are_checked() {
    let (mut store, instance) = instance(
        r#"(module
            (func (export "run") (param i32) (result i64) (i64.const 1))
            (func (export "ref") (param externref) (result (ref extern)) unreachable))"#,
    );
    assert!(instance.get_typed_func::<u32, u64>(&mut store, "run").is_ok());
    assert!(instance.get_typed_func::<(i32,), (i64,)>(&mut store, "run").is_ok());
    assert!(instance.get_typed_func::<f32, i64>(&mut store, "run").is_err());
    assert!(instance.get_typed_func::<i32, ()>(&mut store, "run").is_err());
    assert!(instance.get_typed_func::<(i32, i32), i64>(&mut store, "run").is_err());
    type Extern = Rooted<ExternRef>;
    assert!(instance.get_typed_func::<Extern, Extern>(&mut store, "ref").is_ok());
    assert!(instance.get_typed_func::<Option<Extern>, Option<Extern>>(&mut store, "ref").is_ok());
    assert!(instance.get_typed_func::<Option<Func>, Extern>(&mut store, "ref").is_err());
    let error = instance.get_typed_func::<i32, ()>(&mut store, "run").unwrap_err();
    assert_eq!(error.to_string(), "type mismatch: expected (func (param i32)), found (func (param i32) (result i64))");
    assert!(matches!(
        instance.get_typed_func::<(), ()>(&mut store, "no").unwrap_err(),
        Error::NoExport { kind: "function", .. }
    ));
}

#[test]
fn results_of_dynamic_host_functions_are_checked() {
    let mut store = Store::new(&default_engine(), ());
    let mut make = |ty: FuncType, value: Val| {
        Func::new(&mut store, ty, move |_, _, results| {
            results[0] = value;
            Ok(())
        })
        .unwrap()
    };
    let wrong = make(FuncType::new([], [ValType::I32]), Val::I64(0));
    let left = make(FuncType::new([], [ValType::I32]), Val::I32(7));
    let mut results = [Val::I64(-1)];
    let error = wrong.call(&mut store, &[], &mut results).unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(Error::TypeMismatch { .. })), "{error}");
    left.call(&mut store, &[], &mut results).unwrap();
    assert_eq!(results[0].i32(), Some(7));

    let non_null = terrace::RefType::new(false, terrace::HeapType::Extern);
    let ty = FuncType::new([], [ValType::Ref(non_null)]);
    let null = Func::new(&mut store, ty, |_, _, _| Ok(())).unwrap();
    let error = null.call(&mut store, &[], &mut results).unwrap_err();
    assert!(error.to_string().contains("expected (ref extern)"), "{error}");
}

#[test]
fn functions_are_values() {
    let (mut store, instance) = instance(
        r#"(module
            (type $f (func (param i32) (result i32)))
            (func $double (param i32) (result i32) (i32.add (local.get 0) (local.get 0)))
            (elem declare func $double)
            (func (export "get") (result funcref) (ref.func $double))
            (func (export "call") (param $f (ref null $f)) (param i32) (result i32)
                (call_ref $f (local.get 1) (local.get $f))))"#,
    );
    let get = instance.get_typed_func::<(), Option<Func>>(&mut store, "get").unwrap();
    let double = get.call(&mut store, ()).unwrap().unwrap();
    assert_eq!(double.typed::<i32, i32>(&store).unwrap().call(&mut store, 4).unwrap(), 8);
    assert_eq!(get.call(&mut store, ()).unwrap(), Some(double));

    let call = instance.get_func(&mut store, "call").unwrap();
    let mut results = [Val::I32(0)];
    call.call(&mut store, &[double.into(), Val::I32(5)], &mut results).unwrap();
    assert_eq!(results[0].i32(), Some(10));
    let host = Func::wrap(&mut store, |x: i32| x + 100);
    call.call(&mut store, &[host.into(), Val::I32(5)], &mut results).unwrap();
    assert_eq!(results[0].i32(), Some(105));
    let other = Func::wrap(&mut store, |x: i64| x);
    let error = call.call(&mut store, &[other.into(), Val::I32(5)], &mut results).unwrap_err();
    assert!(matches!(error, Error::TypeMismatch { .. }), "{error}");
}

#[test]
fn callers_know_who_calls() {
    let engine = default_engine();
    let mut linker = Linker::<()>::new(&engine);
    linker
        .func_wrap("", "size", |mut caller: Caller<'_, ()>| -> Result<u64, Error> {
            match caller.get_export("memory").and_then(|item| item.into_memory()) {
                Some(memory) => memory.size(&caller),
                None => Ok(u64::MAX),
            }
        })
        .unwrap();
    let mut store = Store::new(&engine, ());
    let with = |pages: u32| {
        let wat = format!(
            r#"(module (import "" "size" (func $f (result i64))) (memory (export "memory") {pages})
                (func (export "run") (result i64) (call $f)))"#
        );
        Module::new(&engine, wat).unwrap()
    };
    let one = linker.instantiate(&mut store, &with(1)).unwrap();
    let two = linker.instantiate(&mut store, &with(2)).unwrap();
    assert_eq!(run::<_, i64>(&mut store, one, ()).unwrap(), 1);
    assert_eq!(run::<_, i64>(&mut store, two, ()).unwrap(), 2);
    let direct = linker.get(&mut store, "", "size").unwrap().unwrap().into_func().unwrap();
    assert_eq!(direct.typed::<(), i64>(&store).unwrap().call(&mut store, ()).unwrap(), -1);
}

#[test]
fn a_host_function_that_is_tail_called_sees_who_calls() {
    for level in [Level::Plain, Level::Folded] {
        let engine = engine(|config| config.level(level).gc_stress(true));
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        let who = |mut caller: Caller<'_, ()>, reference: Option<Rooted<ExternRef>>, throw: i32| {
            let name = caller.get_export("name").and_then(|item| item.into_global()).unwrap();
            let name = name.get(&mut caller)?.i32().unwrap();
            if throw != 0 {
                let tag = caller.get_export("tag").and_then(|item| item.into_tag()).unwrap();
                let exception = ExnRef::new(&mut caller, &tag, &[])?;
                return caller.throw(exception);
            }
            caller.gc();
            Ok::<_, Error>((0i64, 0i64, reference, name))
        };
        linker.func_wrap("host", "who", who).unwrap();
        let callee = r#"(module
            (type $who (func (param externref i32) (result i64 i64 externref i32)))
            (import "host" "who" (func $who (type $who)))
            (tag $tag (export "tag"))
            (global (export "name") i32 (i32.const 2))
            (func (export "f") (type $who) (local externref)
                (local.set 2 (local.get 0))
                (block
                    (try_table (catch_all 0) (return_call $who (local.get 0) (local.get 1))))
                unreachable))"#;
        let caller = r#"(module
            (type $who (func (param externref i32) (result i64 i64 externref i32)))
            (import "callee" "f" (func $f (type $who)))
            (global (export "name") i32 (i32.const 1))
            (func (export "f") (type $who)
                (block
                    (try_table (catch_all 0) (return (call $f (local.get 0) (local.get 1)))))
                (i64.const 0) (i64.const 0) (ref.null extern) (i32.const 3)))"#;
        let callee = Module::new(&engine, callee).unwrap();
        let callee = linker.instantiate(&mut store, &callee).unwrap();
        linker.instance(&mut store, "callee", callee).unwrap();
        let caller = Module::new(&engine, caller).unwrap();
        let caller = linker.instantiate(&mut store, &caller).unwrap();
        type Who = (i64, i64, Option<Rooted<ExternRef>>, i32);
        for (instance, throws) in [(caller, 3), (callee, 0)] {
            let f = instance.get_typed_func::<(Option<Rooted<ExternRef>>, i32), Who>(&mut store, "f").unwrap();
            let value = ExternRef::new(&mut store, 5).unwrap();
            let (.., reference, name) = f.call(&mut store, (Some(value), 0)).unwrap();
            assert_eq!(name, 2);
            assert!(Rooted::ref_eq(&store, &reference.unwrap(), &value).unwrap());
            // The frame of a tail call handles nothing any more.
            match f.call(&mut store, (None, 1)) {
                Ok((.., name)) => assert_eq!(name, throws),
                Err(error) => assert!(throws == 0 && error.exception().is_some(), "{error}"),
            }
        }
    }
}
