//! Atomic accesses, and waiting for other threads.
//!
//! Memories check alignment and bounds; where a memory is not shared, its atomics are plain.

use std::sync::atomic::{Ordering, fence as memory_fence};

use terrace_core::runtime::memory::{RmwOp, Width};
use terrace_core::runtime::{Raise, libcalls};

use crate::access::{Place, any};
use crate::machine::Machine;
use crate::shape::Step;
use crate::site::Site;

#[inline]
pub(crate) fn load(site: Site<'_>, machine: &mut Machine<'_>, width: Width) -> Step {
    let Place { memory, address, extensions } = any(site)?;
    site.define(machine.memory(memory).atomic_load(address, width)?);
    Ok(site.next(extensions))
}

#[inline]
pub(crate) fn store(site: Site<'_>, machine: &mut Machine<'_>, width: Width) -> Step {
    let Place { memory, address, extensions } = any(site)?;
    machine.memory_mut(memory).atomic_store(address, width, site.b())?;
    Ok(site.next(extensions))
}

#[inline]
pub(crate) fn read_modify_write(site: Site<'_>, machine: &mut Machine<'_>, width: Width, op: RmwOp) -> Step {
    let Place { memory, address, extensions } = any(site)?;
    site.define(machine.memory_mut(memory).atomic_rmw(address, width, op, site.b())?);
    Ok(site.next(extensions))
}

#[inline]
pub(crate) fn compare_exchange(site: Site<'_>, machine: &mut Machine<'_>, width: Width) -> Step {
    let Place { memory, address, extensions } = any(site)?;
    let replacement = site.read(site.extension(1).high());
    site.define(machine.memory_mut(memory).atomic_cmpxchg(address, width, site.b(), replacement)?);
    Ok(site.next(extensions))
}

#[inline]
pub(crate) fn notify(site: Site<'_>, machine: &mut Machine<'_>) -> Step {
    let Place { memory, address, extensions } = any(site)?;
    site.define(libcalls::memory_notify(machine.store, machine.instance, memory, address, site.b())?);
    Ok(site.next(extensions))
}

/// `memory.atomic.wait32` and `wait64`.
pub(crate) fn wait(site: Site<'_>, machine: &mut Machine<'_>, width: Width) -> Result<(), Raise> {
    let Place { memory, address, .. } = any(site)?;
    let timeout = site.read::<u64>(site.extension(1).high()).cast_signed();
    let instance = machine.instance;
    site.define(libcalls::memory_wait(machine.store, instance, memory, address, width, site.b(), timeout)?);
    Ok(())
}

/// `atomic.fence`.
pub(crate) fn fence() {
    memory_fence(Ordering::SeqCst);
}
