//! Operators on whole memories and ranges of them.

use terrace_core::runtime::{Raise, libcalls};

use crate::machine::Machine;
use crate::shape::Step;
use crate::site::Site;

pub(crate) fn size(site: Site<'_>, machine: &mut Machine<'_>) -> Step {
    site.define(libcalls::memory_size(machine.store, machine.instance, site.word.high()));
    Ok(site.next(0))
}

pub(crate) fn grow(site: Site<'_>, machine: &mut Machine<'_>) -> Result<(), Raise> {
    let memory = site.extension(0).low();
    site.define(libcalls::memory_grow(machine.store, machine.instance, memory, site.a())?);
    Ok(())
}

pub(crate) fn fill(site: Site<'_>, machine: &mut Machine<'_>) -> Result<(), Raise> {
    let memory = site.extension(0).low();
    let (dst, byte, len) = (site.d(), site.a::<u32>() as u8, site.b());
    libcalls::memory_fill(machine.store, machine.instance, memory, dst, byte, len)
}

pub(crate) fn copy(site: Site<'_>, machine: &mut Machine<'_>) -> Result<(), Raise> {
    let memories = (site.extension(0).low(), site.extension(0).high());
    libcalls::memory_copy(machine.store, machine.instance, memories, site.d(), site.a(), site.b())
}

pub(crate) fn init(site: Site<'_>, machine: &mut Machine<'_>) -> Result<(), Raise> {
    let places = (site.extension(0).low(), site.extension(0).high());
    libcalls::memory_init(machine.store, machine.instance, places, site.d(), site.a(), site.b())
}
