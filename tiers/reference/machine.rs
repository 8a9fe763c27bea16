//! The machine: a store whose newest frames this tier runs.
//!
//! A machine lives as long as one slot entry. It owns the frames above its floor; those below belong to whoever called.
//! Frames hold everything that an activation is, so between two frames the machine keeps nothing but caches.

use std::ptr::{self, NonNull};
use std::sync::atomic::Ordering;

use terrace_abi::Word;
use terrace_abi::vm::{FuncRecord, GlobalRecord, Status};
use terrace_core::runtime::memory::Memory;
use terrace_core::runtime::{FuncRef, InstanceRef, Raise, Slots, Store};

use crate::run::run;
use crate::site::Site;

/// Another frame is the newest now, or the machine is left with a status.
pub(crate) type Transfer = Result<Option<Status>, Raise>;

/// What the loop holds of the newest frame.
pub(crate) struct Activation<'s> {
    pub code: &'s [Word],
    pub pc: usize,
    pub slots: Slots,
}

/// A store, and the frames of it that this tier runs.
pub(crate) struct Machine<'s> {
    pub(crate) store: &'s mut Store,
    /// The number of frames that belong to others.
    pub(crate) floor: usize,
    /// The newest frame's instance, or that of the last one.
    pub(crate) instance: InstanceRef,
    /// Its memory 0.
    memory0: Option<NonNull<Memory>>,
}

/// The slot entry of every function that this tier runs.
///
/// # Safety
///
/// As for every slot entry; `func` is of a defined function.
pub(crate) unsafe extern "C" fn entry(store: *mut Store, func: *const FuncRecord, base: *mut u64) -> Status {
    // SAFETY: callers of a slot entry pass a live store that is not otherwise borrowed, and a record of it.
    let (store, func) = unsafe { (&mut *store, FuncRef::from_slot(func.expose_provenance() as u64)) };
    let Some((func, instance)) = func.and_then(|func| Some((func, func.instance()?))) else {
        unreachable!("this entry is given to functions of instances");
    };
    let mut machine = Machine { floor: store.stack().frame_depth(), store, instance, memory0: None };
    machine.switch_instance(instance);
    let entered = machine.enter(instance, func.index(), base);
    match entered.or_else(|raise| machine.unwind(raise)) {
        Ok(()) => run(&mut machine),
        Err(status) => status,
    }
}

impl<'s> Machine<'s> {
    /// The newest frame, as the loop needs it.
    #[inline]
    pub fn activation(&mut self) -> Activation<'s> {
        let Some(frame) = self.store.stack().top() else { unreachable!("the loop runs a frame") };
        // SAFETY: a function lives as long as its module, which the frame's instance, and so the store, keeps alive.
        let function = unsafe { &*ptr::from_ref(frame.function) };
        let activation = Activation { code: &function.code, pc: frame.pc as usize, slots: frame.slots };
        if frame.instance != self.instance {
            self.switch_instance(frame.instance);
        }
        activation
    }

    fn switch_instance(&mut self, instance: InstanceRef) {
        self.instance = instance;
        let has_memory = !instance.record().memory0.is_null();
        self.memory0 = has_memory.then(|| self.store.memory_address(instance.memory(0)));
    }

    /// Handles what the newest frame raised: it, or an older one, is at a handler; or the machine is left with a status.
    pub fn unwind(&mut self, raise: Raise) -> Result<(), Status> {
        self.store.unwind(raise, self.floor).map(drop)
    }

    /// Writes back the newest frame's pc.
    #[inline]
    pub fn sync(&mut self, pc: usize) {
        self.store.stack_mut().set_pc(pc as u32);
    }

    /// A memory of the newest frame's instance.
    #[inline]
    pub fn memory(&mut self, index: u32) -> &Memory {
        self.memory_mut(index)
    }

    /// A memory of the newest frame's instance.
    #[inline]
    pub fn memory_mut(&mut self, index: u32) -> &mut Memory {
        match self.memory0 {
            // SAFETY: memories stay where they are while their store lives, and this is reached through the only
            // borrow of the store, which the result keeps.
            Some(mut memory) if index == 0 => unsafe { memory.as_mut() },
            _ => self.store.memory_mut(self.instance.memory(index)),
        }
    }

    /// A global of the newest frame's instance.
    #[inline]
    pub fn global(&self, index: u32) -> &GlobalRecord {
        self.instance.global(index)
    }

    /// The global that the first word names by its displacement from the newest frame's instance.
    #[inline]
    pub fn own_global(&self, site: Site<'_>) -> &GlobalRecord {
        self.instance.own_global(site.word.high() as i32)
    }
}

/// A global's value as one slot.
#[inline]
pub(crate) fn global_get(global: &GlobalRecord) -> u64 {
    global.value[0].load(Ordering::Relaxed)
}

/// Sets a global of one slot.
#[inline]
pub(crate) fn global_set(global: &GlobalRecord, value: u64) {
    global.value[0].store(value, Ordering::Relaxed);
}

/// A v128 global's value.
#[inline]
pub(crate) fn global_get128(global: &GlobalRecord) -> u128 {
    u128::from(global_get(global)) | u128::from(global.value[1].load(Ordering::Relaxed)) << 64
}

/// Sets a v128 global.
#[inline]
pub(crate) fn global_set128(global: &GlobalRecord, value: u128) {
    global_set(global, value as u64);
    global.value[1].store((value >> 64) as u64, Ordering::Relaxed);
}
