//! The frame stack, with the links and pcs that machine code leaves there, and the unwinder.

use std::ptr;
use std::sync::atomic::Ordering;

use terrace_abi::TrapKind;
use terrace_abi::vm::{FrameRecord, Status};

use super::*;
use crate::bytecode::Function;
use crate::runtime::memory::{BoundsMode, MemoryTunables, MemoryType, SharedMemory};

const TEXT: &str = r#"(module $m
    (tag $e (param i32 i64)) (tag $f)
    (import "" "host" (func $host))
    (memory 1)
    (func $catch (export "catch") (result i32 i64 exnref)
        (block $h (result i32 i64 exnref)
            (try_table (catch_ref $e $h) (call $throw))
            (unreachable)))
    (func $throw (export "throw") (throw $e (i32.const 1) (i64.const 2)))
    (func $plain (export "plain") (local i64 i64) (call $throw) (call $host)))"#;

fn world(engine: &Engine) -> (Box<Store>, InstanceRef) {
    let mut store = store(engine);
    let host = host(&mut store, &[], &[], |_, _, _| Ok(()));
    let instance = instantiate(&mut store, TEXT, &[Extern::Func(host)]).unwrap();
    (store, instance)
}

fn function(instance: &InstanceRef, name: &str) -> *const Function {
    instance.code(func(*instance, name).index()).unwrap()
}

/// Begins an activation above everything in use.
fn push(store: &mut Store, instance: InstanceRef, name: &str) -> Result<Slots, TrapKind> {
    let frame =
        Frame { function: function(&instance, name), instance: instance.as_ptr(), base: store.stack().free_base() };
    // SAFETY: the store outlives the frame, and its slots are used while it is there.
    unsafe { store.stack_mut().push_frame(frame) }
}

/// Pushes a link as machine code does: through the store's record.
fn link(store: &mut Store) {
    let top = store.record().frame.load(Ordering::Relaxed);
    let link = top.wrapping_sub(1);
    let stack_left = store.record().stack_left.load(Ordering::Relaxed);
    // SAFETY: there is room below the newest frame.
    unsafe {
        link.write(FrameRecord {
            code: ptr::null(),
            pc: ptr::null(),
            resume: ptr::null(),
            base: ptr::null_mut(),
            function: ptr::null(),
            instance: ptr::null(),
            stack_left,
            pinned: [0; 3],
            loops: [ptr::null(); 3],
            return_address: 0,
        });
    }
    store.record().frame.store(link, Ordering::Relaxed);
}

fn left(store: &Store) -> i64 {
    store.record().stack_left.load(Ordering::Relaxed)
}

/// The pc of a function's first call.
fn call_pc(function: *const Function) -> u32 {
    // SAFETY: functions live as long as their module.
    let function = unsafe { &*function };
    let calls = |pc: &u32| matches!(function.code[*pc as usize].op(), Some(terrace_abi::Op::Call));
    function.positions.iter().map(|(pc, _)| pc).find(calls).unwrap()
}

#[test]
fn charges_follow_frames() {
    let (mut store, instance) = world(&engine());
    let all = left(&store);
    let charge = |name| {
        // SAFETY: functions live as long as their module.
        i64::from(unsafe { &*function(&instance, name) }.charge)
    };
    push(&mut store, instance, "plain").unwrap();
    link(&mut store);
    push(&mut store, instance, "throw").unwrap();
    assert_eq!(left(&store), all - charge("plain") - charge("throw"));
    let frame = Frame {
        function: function(&instance, "catch"),
        instance: instance.as_ptr(),
        base: store.stack().top().unwrap().slots.base(),
    };
    // SAFETY: as in `push`.
    unsafe { store.stack_mut().replace_frame(frame) }.unwrap();
    assert_eq!(left(&store), all - charge("plain") - charge("catch"));
    assert_eq!(store.stack().top_frame().unwrap().stack_left, left(&store));
    assert_eq!(store.stack().frame_depth(), 3);

    let depth = store.stack().frame_depth();
    store.stack_mut().truncate(depth);
    assert_eq!(store.stack().frame_depth(), depth);
    store.stack_mut().truncate(1);
    assert_eq!(left(&store), all - charge("plain"));
    link(&mut store);
    assert!(store.stack_mut().pop_frame());
    assert_eq!(left(&store), all - charge("plain"));
    assert!(store.stack_mut().pop_frame());
    assert!(!store.stack_mut().pop_frame());
    assert_eq!(left(&store), all);
}

#[test]
fn the_charge_runs_out_before_the_frames() {
    let (mut store, instance) = world(&engine_with(|config| config.max_stack = 64 << 10));
    let all = left(&store);
    let mut count = 0;
    let error = loop {
        link(&mut store);
        match push(&mut store, instance, "throw") {
            Ok(_) => count += 1,
            Err(kind) => break kind,
        }
    };
    assert_eq!(error, TrapKind::StackOverflow);
    let charge = store.stack().top().unwrap().function.charge;
    assert_eq!((count, left(&store)), (all / i64::from(charge), all % i64::from(charge)));

    // Without the charge, the frames' own end stops them.
    store.record().stack_left.store(i64::MAX, Ordering::Relaxed);
    while push(&mut store, instance, "throw").is_ok() {}
    assert!(store.stack().frame_depth() >= 2 * count as usize);
}

#[test]
fn links_are_no_activations() {
    let (mut store, instance) = world(&engine());
    link(&mut store);
    assert!(store.stack().top().is_none() && store.caller().is_none());
    push(&mut store, instance, "plain").unwrap();
    let pc = call_pc(function(&instance, "plain"));
    store.stack_mut().set_pc(pc);
    link(&mut store);
    push(&mut store, instance, "throw").unwrap();
    link(&mut store);
    let indices = |store: &Store| store.stack().frames().map(|frame| frame.function.index).collect::<Vec<_>>();
    assert_eq!(indices(&store), [2, 3], "imports count");
    let trace = store.backtrace();
    let frames: Vec<_> = trace.frames.iter().map(|frame| (frame.func_index, frame.func_name.as_deref())).collect();
    assert_eq!(frames, [(2, Some("throw")), (3, Some("plain"))]);
    assert_eq!(trace.omitted, 0);
    assert!(trace.frames[1].wasm_offset.is_some());
    assert_eq!(store.caller(), Some(instance));
    assert_eq!(store.stack().free_base(), {
        let top = store.stack().top().unwrap();
        top.slots.at(top.slots.len())
    });
}

#[test]
fn pcs_count_in_whatever_code_the_frame_names() {
    let (mut store, instance) = world(&engine());
    push(&mut store, instance, "plain").unwrap();
    let function = function(&instance, "plain");
    // SAFETY: functions live as long as their module.
    let running = unsafe { &*function }.running.get_or_init(|| unsafe { &*function }.code.clone());
    let record = store.record().frame.load(Ordering::Relaxed);
    // SAFETY: the newest frame, whose code has another form now.
    unsafe {
        (*record).code = running.as_ptr();
        (*record).pc = running.as_ptr().add(1);
    }
    assert_eq!(store.stack().top().unwrap().pc, 1);
    store.stack_mut().set_pc(2);
    assert_eq!(store.stack().top_frame().unwrap().pc, running[2..].as_ptr());
}

/// Puts a handler, a link and a thrower on the stack, and throws.
fn throwing(store: &mut Store, instance: InstanceRef) -> (Slots, u64) {
    let slots = push(store, instance, "catch").unwrap();
    let pc = call_pc(function(&instance, "catch"));
    store.stack_mut().set_pc(pc);
    link(store);
    push(store, instance, "throw").unwrap();
    let exception = store.new_exception(instance.tag(0), &[1, 2]).unwrap();
    assert_eq!(store.throw(exception), Status::Thrown);
    (slots, exception)
}

#[test]
fn exceptions_find_the_innermost_handler() {
    let (mut store, instance) = world(&engine());
    push(&mut store, instance, "plain").unwrap();
    let (slots, exception) = throwing(&mut store, instance);
    let pc = store.unwind(Raise::Thrown, 1).unwrap();
    let frame = store.stack().top().unwrap();
    let handler = &frame.function.handlers[0];
    assert_eq!((frame.function.index, frame.pc, pc), (1, handler.target, handler.target));
    assert_eq!(store.stack().frame_depth(), 2);
    assert_eq!(left(&store), store.stack().top_frame().unwrap().stack_left);
    let delivered = [0, 1, 2].map(|i| slots.get64(handler.slot + i));
    assert_eq!((delivered, store.exception()), ([1, 2, exception], 0));
}

#[test]
fn exceptions_pass_frames_that_do_not_handle_them() {
    let (mut store, instance) = world(&engine());
    // The handler lies below the floor.
    let (_, exception) = throwing(&mut store, instance);
    assert_eq!(store.unwind(Raise::Thrown, 2), Err(Status::Thrown));
    assert_eq!((store.stack().frame_depth(), store.exception()), (2, exception));
    // Its tag is another one.
    store.stack_mut().truncate(0);
    throwing(&mut store, instance);
    let other = store.new_exception(instance.tag(1), &[]).unwrap();
    store.throw(other);
    let all = store.engine().config().max_stack as i64;
    assert_eq!(store.unwind(Raise::Thrown, 0), Err(Status::Thrown));
    assert_eq!((store.stack().frame_depth(), store.exception(), left(&store)), (0, other, all));
    // A trap is caught by nobody, and is recorded where it was.
    throwing(&mut store, instance);
    assert_eq!(store.unwind(Raise::Trap(TrapKind::Unreachable), 0), Err(Status::Stopped));
    assert_eq!((store.stack().frame_depth(), left(&store)), (0, all));
    let Stop::Trap(trap) = store.take_stop() else { panic!("a trap") };
    assert_eq!((trap.kind, trap.backtrace.frames.len()), (TrapKind::Unreachable, 2));
}

#[test]
fn throws_take_their_payload_from_the_frame() {
    let (mut store, instance) = world(&engine());
    let slots = push(&mut store, instance, "plain").unwrap();
    slots.write(0, &[7, 8]);
    assert_eq!(libcalls::throw(&mut store, 0, 0), Raise::Thrown);
    let exception = super::super::heap::HeapRef::from_slot(store.take_exception());
    assert_eq!(store.heap().exn_payload(exception), Some(&[7, 8][..]));
    assert_eq!(libcalls::throw_ref(&mut store, 0), Raise::Trap(TrapKind::NullExceptionReference));
}

#[test]
fn records_lead_to_the_entry_table() {
    let (mut store, instance) = world(&engine());
    let entries = instance.module().entries();
    assert_eq!(entries.len(), 3);
    assert!(entries.iter().all(|entry| entry.load(Ordering::Relaxed).is_null()));
    for (cell, name) in entries.iter().zip(["catch", "throw", "plain"]) {
        assert!(ptr::eq(func(instance, name).record().entry_cell, cell));
    }
    let host = host(&mut store, &[], &[], |_, _, _| Ok(()));
    assert!(host.record().entry_cell.is_null());
}

#[test]
fn bounds_of_memory_0_are_known_before_it_is() {
    for (explicit_bounds, mode) in [(false, BoundsMode::Guard), (true, BoundsMode::Explicit)] {
        let engine = engine_with(|config| config.memory = MemoryTunables { explicit_bounds });
        let bounds = |text: &str| module(&engine, text).memory0_bounds();
        assert_eq!(bounds("(module)"), None);
        assert_eq!(bounds(r#"(module (import "" "" (memory 1)))"#), Some(mode));
        assert_eq!(bounds("(module (memory i64 1))"), Some(BoundsMode::Explicit));

        let ty = MemoryType { minimum: 1, maximum: Some(1), memory64: false, shared: true, page_size_log2: 16 };
        let mut store = store(&engine);
        for other in [false, true] {
            let memory = SharedMemory::new(ty, &MemoryTunables { explicit_bounds: other }).unwrap();
            let added = store.add_shared_memory(memory);
            assert_eq!(added.is_ok(), other == explicit_bounds, "{added:?}");
        }
    }
}
