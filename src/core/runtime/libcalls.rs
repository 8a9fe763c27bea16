//! What every tier asks of the runtime, in the terms of instructions: indices of the running instance's module, and operands
//! as slots hold them.
//!
//! Ranges are checked before anything is written. Long operations are done piece by piece, with a poll in between, and cost
//! fuel by their size. Whatever may stop, throw or collect here needs the newest frame's pc to be up to date.

use std::ptr;

use terrace_abi::TrapKind;
use terrace_abi::vm::{FUEL_BYTES_PER_UNIT, FUEL_ELEMENTS_PER_UNIT, Status};

use super::func::FuncRef;
use super::instance::InstanceRef;
use super::memory::{Memory, Width};
use super::store::Store;
use super::table::Table;
use super::trap::{HostError, Raise};
use super::types::TypeId;
use crate::bytecode::Function;
use crate::translate::TranslateError;

/// Bytes between polls.
const PIECE: u64 = 1 << 20;

/// A size before growth, or -1, as the slot of an i64 or an i32.
fn size_slot(size: u64, is_64: bool) -> u64 {
    if is_64 { size } else { u64::from(size as u32) }
}

/// Consumes the fuel of a bulk operation.
fn charge(store: &mut Store, len: u64, per_unit: u64) -> Result<(), TrapKind> {
    if store.engine().config().fuel { store.spend(len.div_ceil(per_unit)) } else { Ok(()) }
}

/// Does `work` on the pieces of `len` bytes, as (start, length).
fn pieces(
    store: &mut Store,
    len: u64,
    backward: bool,
    mut work: impl FnMut(&mut Store, u64, u64) -> Result<(), TrapKind>,
) -> Result<(), Raise> {
    let mut done = 0;
    while done < len {
        if done != 0 {
            store.poll()?;
        }
        let piece = PIECE.min(len - done);
        work(store, if backward { len - done - piece } else { done }, piece)?;
        done += piece;
    }
    Ok(())
}

/// Traps unless `len` bytes at `address` are inside.
fn check(memory: &Memory, address: u64, len: u64) -> Result<(), TrapKind> {
    memory.effective(address, 0, len).map(drop).ok_or(TrapKind::MemoryOutOfBounds)
}

/// `memory.size`: the slot of its result.
pub fn memory_size(store: &Store, instance: InstanceRef, memory: u32) -> u64 {
    store.memory(instance.memory(memory)).size_pages()
}

/// `memory.grow`: the slot of its result.
pub fn memory_grow(store: &mut Store, instance: InstanceRef, memory: u32, delta: u64) -> Result<u64, Raise> {
    let memory = instance.memory(memory);
    let old = store.memory_grow(memory, delta)?;
    Ok(size_slot(old, store.memory(memory).ty().memory64))
}

/// `memory.fill`.
pub fn memory_fill(
    store: &mut Store,
    instance: InstanceRef,
    memory: u32,
    dst: u64,
    byte: u8,
    len: u64,
) -> Result<(), Raise> {
    let memory = instance.memory(memory);
    charge(store, len, FUEL_BYTES_PER_UNIT)?;
    check(store.memory(memory), dst, len)?;
    pieces(store, len, false, |store, start, len| store.memory_mut(memory).fill(dst + start, byte, len, &mut || Ok(())))
}

/// `memory.copy`; `to` and `from` are memories.
pub fn memory_copy(
    store: &mut Store,
    instance: InstanceRef,
    (to, from): (u32, u32),
    dst: u64,
    src: u64,
    len: u64,
) -> Result<(), Raise> {
    let (to, from) = (instance.memory(to), instance.memory(from));
    charge(store, len, FUEL_BYTES_PER_UNIT)?;
    check(store.memory(to), dst, len)?;
    check(store.memory(from), src, len)?;
    // Two imports may be the same shared memory, so the direction matters between memories too.
    pieces(store, len, dst > src, |store, start, len| {
        let (dst, src) = (dst + start, src + start);
        if to == from {
            return store.memory_mut(to).copy_within(dst, src, len, &mut || Ok(()));
        }
        let to = ptr::from_mut(store.memory_mut(to));
        // SAFETY: the handles differ, so this is another memory than the one that is borrowed next.
        Memory::copy(unsafe { &mut *to }, dst, store.memory(from), src, len, &mut || Ok(()))
    })
}

/// `memory.init`.
pub fn memory_init(
    store: &mut Store,
    instance: InstanceRef,
    (memory, segment): (u32, u32),
    dst: u64,
    src: u32,
    len: u32,
) -> Result<(), Raise> {
    charge(store, len.into(), FUEL_BYTES_PER_UNIT)?;
    let memory = store.memory_mut(instance.memory(memory));
    Ok(memory.init(dst, instance.data(segment), src.into(), len.into(), &mut || Ok(()))?)
}

/// `memory.atomic.wait32` and `wait64`, by `width`: the slot of the result. A wait polls, so that whatever stops a loop stops
/// a waiting thread too.
pub fn memory_wait(
    store: &mut Store,
    instance: InstanceRef,
    memory: u32,
    address: u64,
    width: Width,
    expected: u64,
    timeout: i64,
) -> Result<u64, Raise> {
    let memory = instance.memory(memory);
    let outcome = match store.memory(memory).shared().cloned() {
        None => store.memory(memory).wait(address, width, expected, timeout, None)?,
        Some(memory) => {
            let mut stopped = None;
            let mut poll = || {
                store.poll().map_err(|status| {
                    stopped = Some(Raise::from(status));
                    TrapKind::Interrupt
                })
            };
            let outcome = memory.wait(address, width, expected, timeout, Some(&mut poll));
            outcome.map_err(|kind| stopped.take().unwrap_or(Raise::Trap(kind)))?
        }
    };
    Ok(outcome as u64)
}

/// `memory.atomic.notify`: how many were woken.
pub fn memory_notify(
    store: &Store,
    instance: InstanceRef,
    memory: u32,
    address: u64,
    count: u32,
) -> Result<u32, TrapKind> {
    store.memory(instance.memory(memory)).notify(address, count)
}

/// `table.get`.
#[inline]
pub fn table_get(store: &Store, instance: InstanceRef, table: u32, index: u64) -> Result<u64, TrapKind> {
    store.table(instance.table(table)).get(index)
}

/// `table.set`.
pub fn table_set(store: &mut Store, instance: InstanceRef, table: u32, index: u64, value: u64) -> Result<(), TrapKind> {
    store.table_mut(instance.table(table)).set(index, value)
}

/// `table.size`: the slot of its result.
pub fn table_size(store: &Store, instance: InstanceRef, table: u32) -> u64 {
    store.table(instance.table(table)).size()
}

/// `table.grow`: the slot of its result.
pub fn table_grow(store: &mut Store, instance: InstanceRef, table: u32, delta: u64, value: u64) -> Result<u64, Raise> {
    let table = instance.table(table);
    let old = store.table_grow(table, delta, value)?;
    Ok(size_slot(old, store.table(table).limits().table64))
}

/// `table.fill`.
pub fn table_fill(
    store: &mut Store,
    instance: InstanceRef,
    table: u32,
    dst: u64,
    value: u64,
    len: u64,
) -> Result<(), TrapKind> {
    charge(store, len, FUEL_ELEMENTS_PER_UNIT)?;
    store.table_mut(instance.table(table)).fill(dst, value, len)
}

/// `table.copy`; `to` and `from` are tables.
pub fn table_copy(
    store: &mut Store,
    instance: InstanceRef,
    (to, from): (u32, u32),
    dst: u64,
    src: u64,
    len: u64,
) -> Result<(), TrapKind> {
    let (to, from) = (instance.table(to), instance.table(from));
    charge(store, len, FUEL_ELEMENTS_PER_UNIT)?;
    if to == from {
        return store.table_mut(to).copy_within(dst, src, len);
    }
    let to = ptr::from_mut(store.table_mut(to));
    // SAFETY: the handles differ, so this is another table than the one that is borrowed next.
    Table::copy(unsafe { &mut *to }, dst, store.table(from), src, len)
}

/// `table.init`.
pub fn table_init(
    store: &mut Store,
    instance: InstanceRef,
    (table, segment): (u32, u32),
    dst: u64,
    src: u32,
    len: u32,
) -> Result<(), Raise> {
    charge(store, len.into(), FUEL_ELEMENTS_PER_UNIT)?;
    Ok(store.table_init(instance, table, segment, dst, src, len)?)
}

/// `throw`, with the payload in the newest frame from `slot` on.
#[cold]
pub fn throw(store: &mut Store, tag: u32, slot: u32) -> Raise {
    let Some(frame) = store.stack().top() else { unreachable!("only a frame throws") };
    let (instance, slots) = (frame.instance, frame.slots);
    let tag = instance.tag(tag);
    let ty = TypeId::from_bits(tag.type_id).and_then(|id| store.engine().types().func_type(id));
    let mut payload = vec![0; ty.map_or(0, |ty| ty.param_slots())];
    slots.read(slot, &mut payload);
    match store.new_exception(tag, &payload) {
        Ok(exception) => throw_ref(store, exception),
        Err(kind) => Raise::Trap(kind),
    }
}

/// `throw_ref`.
#[cold]
pub fn throw_ref(store: &mut Store, exception: u64) -> Raise {
    match exception {
        0 => Raise::Trap(TrapKind::NullExceptionReference),
        exception => store.throw(exception).into(),
    }
}

/// The function that an indirect call names, if it has the expected canonical type.
#[inline]
pub fn indirect_callee(
    store: &Store,
    instance: InstanceRef,
    table: u32,
    index: u64,
    expected: u32,
) -> Result<FuncRef, TrapKind> {
    let element = table_get(store, instance, table, index).map_err(|_| TrapKind::UndefinedElement)?;
    // SAFETY: validation lets only function references into a table that is called through.
    let func = unsafe { FuncRef::from_slot(element) }.ok_or(TrapKind::UninitializedElement)?;
    if func.type_bits() != expected && !is_subtype(store, func, expected) {
        return Err(TrapKind::IndirectCallTypeMismatch);
    }
    Ok(func)
}

#[cold]
fn is_subtype(store: &Store, func: FuncRef, expected: u32) -> bool {
    let expected = TypeId::from_bits(expected);
    expected.is_some_and(|expected| store.engine().types().is_subtype(func.type_id(), expected))
}

/// The function that a call through a reference names.
///
/// # Safety
///
/// The slot must hold a funcref of a live store.
#[inline]
pub unsafe fn reference_callee(slot: u64) -> Result<FuncRef, TrapKind> {
    // SAFETY: the caller's promise.
    unsafe { FuncRef::from_slot(slot) }.ok_or(TrapKind::NullFunctionReference)
}

/// The bytecode of a defined function, which its first call may have to make.
#[inline]
pub fn code<'a>(store: &mut Store, instance: &'a InstanceRef, index: u32) -> Result<&'a Function, Raise> {
    instance.code(index).map_err(|error| untranslatable(store, error))
}

#[cold]
fn untranslatable(store: &mut Store, error: &TranslateError) -> Raise {
    store.raise_error(HostError::Error(error.clone().into())).into()
}

/// Calls any function through its slot entry, and whatever it tail-calls.
///
/// # Safety
///
/// `func` is of this store, and `base` lies in its stack with room for the function's arguments and results.
pub unsafe fn call(store: &mut Store, func: FuncRef, base: *mut u64) -> Result<(), Raise> {
    // SAFETY: the store is borrowed exclusively and lent for the call; otherwise the caller's promise.
    match unsafe { func.call(ptr::from_mut(store), base) } {
        Status::Returned => Ok(()),
        status => Err(status.into()),
    }
}
