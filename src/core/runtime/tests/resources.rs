//! Limits, fuel, epochs and interruption.

use std::sync::atomic::Ordering;

use terrace_abi::TrapKind;

use super::*;

fn limited(limits: StoreLimits) -> Box<Store> {
    let mut store = store(&engine());
    store.set_data(Box::new(limits));
    store.set_limiter(Some(Box::new(|data| data.downcast_mut::<StoreLimits>().unwrap())));
    store
}

const GROW: &str = r#"(module (memory (export "m") 1 10)
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#;

fn grow(store: &mut Store, instance: InstanceRef, delta: u64) -> Result<u64, Stop> {
    let mut slots = [delta];
    store.call(func(instance, "grow"), &mut slots)?;
    Ok(slots[0])
}

#[test]
fn sizes_and_counts_are_limited() {
    let limits = || StoreLimitsBuilder::new().memory_size(3 << 16).table_elements(5).instances(3).tables(2).memories(2);
    let mut store = limited(limits().build());
    let instance = instantiate(&mut store, GROW, &[]).unwrap();
    assert_eq!(grow(&mut store, instance, 2).unwrap(), 1);
    assert_eq!(grow(&mut store, instance, 1).unwrap(), 0xffff_ffff);
    assert_eq!(grow(&mut store, instance, 0).unwrap(), 3);
    let error = instantiate(&mut store, "(module (memory 4))", &[]).unwrap_err();
    assert!(error.to_string().contains("memory minimum size of 4 pages exceeds"), "{error}");
    let error = instantiate(&mut store, "(module (table 6 funcref))", &[]).unwrap_err();
    assert!(error.to_string().contains("table minimum size of 6 elements exceeds"), "{error}");
    let tables = instantiate(&mut store, "(module (table 5 funcref) (table 0 funcref))", &[]).unwrap();
    assert_eq!(store.table_grow(tables.table(0), 1, 0), Ok(u64::MAX));
    assert_eq!(store.table_grow(tables.table(1), 5, 0), Ok(0));
    for (text, says) in [
        ("(module (table 0 funcref))", "table count too high at 2"),
        ("(module (memory 0) (memory 0))", "memory count too high at 2"),
    ] {
        let error = instantiate(&mut store, text, &[]).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
    instantiate(&mut store, "(module)", &[]).unwrap();
    let error = instantiate(&mut store, "(module)", &[]).unwrap_err();
    assert!(error.to_string().contains("instance count too high at 3"), "{error}");
}

#[test]
fn a_limiter_may_stop_execution() {
    let mut store = limited(StoreLimitsBuilder::new().memory_size(2 << 16).trap_on_grow_failure(true).build());
    let instance = instantiate(&mut store, GROW, &[]).unwrap();
    assert_eq!(grow(&mut store, instance, 1).unwrap(), 1);
    let Err(Stop::Error { error, backtrace }) = grow(&mut store, instance, 1) else { panic!() };
    assert_eq!(error.downcast_ref(), Some(&LimitError::Memory(3 << 16)));
    assert_eq!(backtrace.frames.len(), 1);
}

#[test]
fn a_failed_growth_is_reported() {
    #[derive(Default)]
    struct Recorder(Vec<(usize, usize, Option<usize>)>, usize);
    impl ResourceLimiter for Recorder {
        fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool, BoxError> {
            self.0.push((current, desired, maximum));
            Ok(true)
        }
        fn memory_grow_failed(&mut self, error: BoxError) -> Result<(), BoxError> {
            assert!(error.is::<GrowError>());
            self.1 += 1;
            Ok(())
        }
        fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> Result<bool, BoxError> {
            Ok(true)
        }
    }
    let mut store = store(&engine());
    store.set_data(Box::new(Recorder::default()));
    store.set_limiter(Some(Box::new(|data| data.downcast_mut::<Recorder>().unwrap())));
    let instance = instantiate(&mut store, GROW, &[]).unwrap();
    assert_eq!(grow(&mut store, instance, 100).unwrap(), 0xffff_ffff);
    let recorder: &Recorder = store.data().downcast_ref().unwrap();
    let page = 1 << 16;
    assert_eq!(recorder.0, [(0, page, Some(10 * page)), (page, 101 * page, Some(10 * page))]);
    assert_eq!(recorder.1, 1);
}

#[test]
fn a_panicking_limiter_unwinds_behind_wasm() {
    let mut store = store(&engine());
    let instance = instantiate(&mut store, GROW, &[]).unwrap();
    store.set_limiter(Some(Box::new(|_| std::panic::resume_unwind(Box::new(3)))));
    let call = std::panic::AssertUnwindSafe(|| grow(&mut store, instance, 1).is_ok());
    assert_eq!(std::panic::catch_unwind(call).unwrap_err().downcast_ref(), Some(&3));
    assert_eq!(store.stack().frame_depth(), 0);
}

#[test]
fn fuel_needs_to_be_configured() {
    assert_eq!(store(&engine()).set_fuel(1), Err(FuelError));
    let mut store = store(&engine_with(|config| config.fuel = true));
    assert_eq!(store.fuel(), Ok(0));
    store.set_fuel(1000).unwrap();
    store.record().fuel.fetch_sub(300, Ordering::Relaxed);
    assert_eq!(store.fuel(), Ok(700));
    store.set_fuel(u64::MAX).unwrap();
    assert_eq!(store.fuel(), Ok(i64::MAX as u64));
}

// The toy tier polls at `nop`.
const POLLS: &str = r#"(module (func (export "f") nop nop nop))"#;

#[test]
fn epochs_trap_or_call_back() {
    let engine = engine_with(|config| config.polls = true);
    let mut store = store(&engine);
    let instance = instantiate(&mut store, POLLS, &[]).unwrap();
    let f = func(instance, "f");
    engine.increment_epoch();
    store.call(f, &mut []).unwrap();
    store.set_epoch_deadline(1);
    store.call(f, &mut []).unwrap();
    engine.increment_epoch();
    assert_eq!(trap(store.call(f, &mut [])).kind, TrapKind::Interrupt);

    store.set_data(Box::new(0u32));
    store.set_epoch_callback(Some(Box::new(|store| {
        let calls = store.data_mut().downcast_mut::<u32>().unwrap();
        *calls += 1;
        if *calls == 2 { Err(TrapKind::OutOfFuel.into()) } else { Ok(1) }
    })));
    store.call(f, &mut []).unwrap();
    assert_eq!(store.data().downcast_ref(), Some(&1u32), "the deadline is in the next epoch now");
    engine.increment_epoch();
    assert_eq!(trap(store.call(f, &mut [])).kind, TrapKind::OutOfFuel);
    store.set_epoch_callback(None);
    assert_eq!(trap(store.call(f, &mut [])).kind, TrapKind::Interrupt);
}

#[test]
fn another_thread_interrupts() {
    let mut store = store(&engine_with(|config| config.polls = true));
    let instance = instantiate(&mut store, POLLS, &[]).unwrap();
    let handle = store.interrupt_handle();
    std::thread::spawn(move || handle.interrupt()).join().unwrap();
    for _ in 0..2 {
        assert_eq!(trap(store.call(func(instance, "f"), &mut [])).kind, TrapKind::Interrupt);
    }
    store.interrupt_handle().clear();
    store.call(func(instance, "f"), &mut []).unwrap();
}

#[test]
fn stores_move_between_threads_and_modules_are_shared() {
    fn send<T: Send>(_: &T) {}
    fn sync<T: Sync>(_: &T) {}
    let engine = engine();
    let module = module(&engine, POLLS);
    let mut store = store(&engine);
    let instance = store.instantiate(&module, &[]).unwrap();
    send(&store);
    send(&module);
    sync(&module);
    send(&engine);
    sync(&engine);
    std::thread::spawn(move || store.call(func(instance, "f"), &mut []).unwrap()).join().unwrap();
    assert_ne!(self::store(&engine).id(), self::store(&engine).id());
}
