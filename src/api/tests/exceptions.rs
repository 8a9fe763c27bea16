//! Exceptions between host and wasm.

use terrace::{
    Caller, Engine, Error, ExnRef, ExternRef, Func, FuncType, Instance, Linker, Module, Rooted, Store, Tag, TagType,
    ThrownException, Trap, Val, ValType,
};

use super::{default_engine, engine, instance, run};

/// Calls the host's `f`, and catches exceptions of the tag `t`.
const CATCH: &str = r#"(module
    (import "" "t" (tag $t (param i32 externref)))
    (import "" "f" (func $f (param i32)))
    (func (export "run") (param i32) (result i32 externref)
        (block $caught (result i32 externref)
            (try_table (catch $t $caught) (call $f (local.get 0)))
            (i32.const -1) (ref.null extern))))"#;

fn with_tag(engine: &Engine) -> (Store<()>, Tag, Linker<()>) {
    let mut store = Store::new(engine, ());
    let ty = TagType::new(FuncType::new([ValType::I32, ValType::EXTERNREF], []));
    let tag = Tag::new(&mut store, &ty).unwrap();
    let mut linker = Linker::new(engine);
    linker.define(&store, "", "t", tag).unwrap();
    (store, tag, linker)
}

#[test]
fn wasm_catches_what_the_host_throws() {
    for engine in [default_engine(), engine(|config| config.gc_stress(true))] {
        let (mut store, tag, mut linker) = with_tag(&engine);
        linker
            .func_wrap("", "f", move |mut caller: Caller<'_, ()>, x: i32| -> Result<(), Error> {
                if x == 0 {
                    return Ok(());
                }
                let payload = ExternRef::new(&mut caller, x + 1)?;
                let exception = ExnRef::new(&mut caller, &tag, &[Val::I32(x), payload.into()])?;
                caller.throw(exception)
            })
            .unwrap();
        let instance = linker.instantiate(&mut store, &Module::new(&engine, CATCH).unwrap()).unwrap();
        type Caught = (i32, Option<Rooted<ExternRef>>);
        assert_eq!(run::<_, Caught>(&mut store, instance, 0).unwrap(), (-1, None));
        let (x, payload) = run::<_, Caught>(&mut store, instance, 7).unwrap();
        let payload = payload.unwrap().data(&store).unwrap().unwrap().downcast_ref::<i32>();
        assert_eq!((x, payload), (7, Some(&8)));
    }
}

#[test]
fn the_host_gets_what_nobody_catches() {
    for engine in [default_engine(), engine(|config| config.gc_stress(true))] {
        let (mut store, tag, linker) = with_tag(&engine);
        let wat = r#"(module
            (import "" "t" (tag $t (param i32 externref)))
            (tag $other)
            (func $throw (param externref) (throw $t (i32.const 5) (local.get 0)))
            (func (export "run") (param externref)
                (block $caught (try_table (catch $other $caught) (call $throw (local.get 0))))))"#;
        let instance = linker.instantiate(&mut store, &Module::new(&engine, wat).unwrap()).unwrap();
        let value = ExternRef::new(&mut store, 6).unwrap();
        let error = run::<_, ()>(&mut store, instance, value).unwrap_err();
        assert_eq!(error.to_string(), "uncaught exception");
        store.gc();
        let exception = error.downcast_ref::<ThrownException>().unwrap().rooted(&mut store).unwrap();
        assert_eq!(exception.tag(&mut store).unwrap(), tag);
        let fields = exception.fields(&mut store).unwrap();
        assert_eq!(fields[0].i32(), Some(5));
        assert!(Rooted::ref_eq(&store, &fields[1].extern_ref().unwrap().unwrap(), &value).unwrap());
    }
}

#[test]
fn exceptions_pass_through_host_functions() {
    let engine = default_engine();
    let (mut store, tag, mut linker) = with_tag(&engine);
    let thrower = Func::wrap(&mut store, move |mut caller: Caller<'_, ()>, x: i32| -> Result<(), Error> {
        let exception = ExnRef::new(&mut caller, &tag, &[Val::I32(x), Val::ExternRef(None)])?;
        caller.throw(exception)
    });
    linker.define(&store, "", "throw", thrower).unwrap();
    let wat =
        r#"(module (import "" "throw" (func $f (param i32))) (func (export "f") (param i32) (call $f (local.get 0))))"#;
    let inner = linker.instantiate(&mut store, &Module::new(&engine, wat).unwrap()).unwrap();
    let f = inner.get_typed_func::<i32, ()>(&mut store, "f").unwrap();
    linker.func_wrap("", "f", move |mut caller: Caller<'_, ()>, x: i32| f.call(&mut caller, x)).unwrap();
    let outer = linker.instantiate(&mut store, &Module::new(&engine, CATCH).unwrap()).unwrap();
    assert_eq!(run::<_, (i32, Option<Rooted<ExternRef>>)>(&mut store, outer, 9).unwrap(), (9, None));
}

#[test]
fn caught_exceptions_are_values() {
    let (mut store, instance) = instance(
        r#"(module
            (tag $t (export "t") (param i64 v128))
            (func (export "run") (result exnref)
                (block $caught (result exnref)
                    (try_table (catch_all_ref $caught)
                        (throw $t (i64.const 3) (v128.const i64x2 1 2)))
                    unreachable))
            (func (export "again") (param exnref) (throw_ref (local.get 0))))"#,
    );
    let exception = run::<_, Option<Rooted<ExnRef>>>(&mut store, instance, ()).unwrap().unwrap();
    assert_eq!(exception.tag(&mut store).unwrap(), instance.get_tag(&mut store, "t").unwrap());
    let fields = exception.fields(&mut store).unwrap();
    assert_eq!((fields[0].i64(), fields[1].v128().map(u128::from)), (Some(3), Some(2 << 64 | 1)));
    let again = instance.get_typed_func::<Option<Rooted<ExnRef>>, ()>(&mut store, "again").unwrap();
    let error = again.call(&mut store, Some(exception)).unwrap_err();
    let same = error.exception().unwrap().rooted(&mut store).unwrap();
    assert!(Rooted::ref_eq(&store, &same, &exception).unwrap());
    assert_eq!(again.call(&mut store, None).unwrap_err().trap(), Some(Trap::NullExceptionReference));
}

#[test]
fn traps_and_errors_are_not_caught() {
    let engine = default_engine();
    let wat = r#"(module
        (import "" "f" (func $f))
        (func (export "run") (block $caught (try_table (catch_all $caught) (call $f)))))"#;
    let module = Module::new(&engine, wat).unwrap();
    let mut store = Store::new(&engine, ());
    let trap = Func::wrap(&mut store, || Err::<(), _>(Trap::Unreachable));
    let instance = Instance::new(&mut store, &module, &[trap.into()]).unwrap();
    assert_eq!(run::<_, ()>(&mut store, instance, ()).unwrap_err().trap(), Some(Trap::Unreachable));
    let error = Func::wrap(&mut store, || Err::<(), _>("error"));
    let instance = Instance::new(&mut store, &module, &[error.into()]).unwrap();
    assert!(run::<_, ()>(&mut store, instance, ()).unwrap_err().to_string().ends_with("error"));
}

#[test]
fn payloads_are_checked() {
    let (mut store, tag, _) = with_tag(&default_engine());
    assert!(matches!(ExnRef::new(&mut store, &tag, &[]), Err(Error::Count { expected: 2, actual: 0, .. })));
    let wrong = [Val::I64(0), Val::ExternRef(None)];
    assert!(matches!(ExnRef::new(&mut store, &tag, &wrong), Err(Error::TypeMismatch { .. })));
    assert_eq!(tag.ty(&store).unwrap().ty().params().len(), 2);
}
