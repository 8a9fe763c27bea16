//! What may move between threads. Checked when this compiles; the test of what may not needs no run either.

use std::rc::Rc;

use terrace::{
    Config, Engine, Error, ExternRef, Func, Instance, InstancePre, InterruptHandle, Linker, Memory, Module,
    OwnedRooted, Rooted, SharedMemory, Store, TypedFunc, Val,
};

use super::default_engine;

const fn send<T: Send>() {}
const fn send_sync<T: Send + Sync>() {}

const _: () = {
    send_sync::<Config>();
    send_sync::<Engine>();
    send_sync::<Module>();
    send_sync::<Linker<Rc<()>>>();
    send_sync::<InstancePre<Rc<()>>>();
    send_sync::<SharedMemory>();
    send_sync::<InterruptHandle>();
    send_sync::<Error>();
    send_sync::<(Func, Memory, Instance, Val)>();
    send_sync::<TypedFunc<i32, i32>>();
    send_sync::<(Rooted<ExternRef>, OwnedRooted<ExternRef>)>();
    send::<Store<()>>();
    send::<Store<std::cell::Cell<u8>>>();
};

/// Has `IS` from the trait, unless the inherent one of a `T: Send` comes first.
trait NotSend {
    const IS: bool = false;
}

struct Is<T>(std::marker::PhantomData<T>);

impl<T> NotSend for Is<T> {}

impl<T: Send> Is<T> {
    const IS: bool = true;
}

#[test]
fn a_store_is_send_if_its_data_is() {
    const { assert!(Is::<Store<String>>::IS) };
    const { assert!(!Is::<Store<Rc<()>>>::IS) };
}

#[test]
fn data_that_is_not_send_works_on_its_thread() {
    let shared = Rc::new(5);
    let mut store = Store::new(&default_engine(), Rc::clone(&shared));
    let get = Func::wrap(&mut store, |caller: terrace::Caller<'_, Rc<i32>>| **caller.data());
    assert_eq!(get.typed::<(), i32>(&store).unwrap().call(&mut store, ()).unwrap(), 5);
    assert_eq!(Rc::strong_count(&shared), 2);
    drop(store);
    assert_eq!(Rc::strong_count(&shared), 1);
}
