//! Atomic accesses, and waiting for other threads.
//!
//! Memories check alignment and bounds; where a memory is not shared, its atomics are plain.

use std::sync::atomic::{Ordering, fence as memory_fence};

use terrace_abi::TrapKind;
use terrace_core::runtime::memory::{RmwOp, Width};

use crate::access::{Place, any};
use crate::machine::{Machine, Raise};
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
    site.define(machine.memory(memory).notify(address, site.b())?);
    Ok(site.next(extensions))
}

/// `memory.atomic.wait32` and `wait64`. A wait polls, so that whatever stops a loop stops a waiting thread too.
pub(crate) fn wait(site: Site<'_>, machine: &mut Machine<'_>, width: Width) -> Result<(), Raise> {
    let Place { memory, address, .. } = any(site)?;
    let expected = site.b();
    let timeout = site.read::<u64>(site.extension(1).high()).cast_signed();
    let outcome = match machine.memory(memory).shared().cloned() {
        None => machine.memory(memory).wait(address, width, expected, timeout, None)?,
        Some(memory) => {
            let mut stopped = None;
            let mut poll = || {
                machine.poll().map_err(|raise| {
                    stopped = Some(raise);
                    TrapKind::Interrupt
                })
            };
            let outcome = memory.wait(address, width, expected, timeout, Some(&mut poll));
            outcome.map_err(|kind| stopped.take().unwrap_or(Raise::Trap(kind)))?
        }
    };
    site.define(outcome as u32);
    Ok(())
}

/// `atomic.fence`.
pub(crate) fn fence() {
    memory_fence(Ordering::SeqCst);
}
