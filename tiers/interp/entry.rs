//! The slot entry of every function that this tier runs.

use std::ptr;
use std::sync::atomic::Ordering;

use terrace_abi::Word;
use terrace_abi::vm::{FuncRecord, Status};
use terrace_core::bytecode::Function;
use terrace_core::runtime::{FuncRef, InstanceRef, Link, Module, Raise, Store, libcalls, signals};

use crate::activation::{Activation, EXIT, header};
use crate::helpers::HELPERS;
use crate::{link, probe, text, transition};

/// The header of what runs of a function: its running form, which the first call makes, unless its cell has another.
pub(crate) fn running(store: &mut Store, instance: InstanceRef, index: u32) -> Result<*const Word, Raise> {
    let module = instance.module();
    let cell = &module.entries()[(index - module.imported_funcs()) as usize];
    let known = cell.load(Ordering::Acquire);
    if !known.is_null() {
        return Ok(known);
    }
    let function = libcalls::code(store, &instance, index)?;
    let words = shared(function, module).as_ptr().cast_mut();
    let raced = cell.compare_exchange(ptr::null_mut(), words, Ordering::AcqRel, Ordering::Acquire);
    Ok(raced.err().unwrap_or(words))
}

/// The running form that all instances of the module share.
pub(crate) fn shared<'a>(function: &'a Function, module: &Module) -> &'a [Word] {
    function.running.get_or_init(|| link::link(function, module))
}

/// # Safety
///
/// As for every slot entry; `func` is of a defined function.
pub(crate) unsafe extern "C" fn entry(store: *mut Store, func: *const FuncRecord, base: *mut u64) -> Status {
    signals::enter_thread();
    // SAFETY: callers of a slot entry pass a live store that is not otherwise borrowed, and a record of it.
    let (store_ref, func) = unsafe { (&mut *store, FuncRef::from_slot(func.expose_provenance() as u64)) };
    let Some((func, instance)) = func.and_then(|func| Some((func, func.instance()?))) else {
        unreachable!("this entry is given to functions of instances");
    };
    let depth = store_ref.stack().frame_depth();
    let started = running(store_ref, instance, func.index()).and_then(|start| {
        let code = text::link();
        let link = Link { code, resume: code.wrapping_add(EXIT as usize), instance: instance.as_ptr(), base };
        // SAFETY: the words of links are static, the instance lives as long as the store.
        unsafe { store_ref.stack_mut().push_link(link)? };
        Ok(start)
    });
    let start = match started {
        Ok(start) => start,
        Err(raise) => match store_ref.unwind(raise, depth) {
            Ok(_) => unreachable!("there is no frame of this entry"),
            Err(status) => return status,
        },
    };
    let probed = probe::is_set(store_ref);
    store_ref.record().stubs.store(ptr::from_ref(transition::stubs()).expose_provenance() as u64, Ordering::Relaxed);
    let outer = store_ref.record().native_stack.load(Ordering::Relaxed);
    let mut activation = Activation {
        store: store.cast(),
        record: store_ref.record(),
        helpers: HELPERS.as_ptr(),
        handlers: if probed { text::probed_base() } else { text::base() },
        link: text::link(),
        start,
        floor: depth + 1,
        status: 0,
        repeated: ptr::null(),
        landing: ptr::null(),
        kept: [0; 8],
    };
    // SAFETY: the store is lent to the activation; its newest frame is the link, whose base holds the arguments.
    let status = unsafe { text::start(&raw mut activation) };
    // SAFETY: the activation is over.
    let store = unsafe { &mut *store };
    store.record().native_stack.store(outer, Ordering::Relaxed);
    store.stack_mut().truncate(depth);
    match status {
        0 => Status::Returned,
        1 => Status::Stopped,
        2 => Status::Thrown,
        _ => unreachable!("an activation ends with one of these"),
    }
}

const _: () = assert!(
    header::WORDS == 4 && Status::Returned as u32 == 0 && Status::Stopped as u32 == 1 && Status::Thrown as u32 == 2
);
