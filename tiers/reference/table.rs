//! Operators on tables. Elements are slots as they are: addresses of function records, or heap references.

use terrace_core::runtime::{Raise, libcalls};

use crate::machine::Machine;
use crate::shape::Step;
use crate::site::Site;

pub(crate) fn get(site: Site<'_>, machine: &mut Machine<'_>) -> Step {
    site.define(libcalls::table_get(machine.store, machine.instance, site.extension(0).low(), site.a())?);
    Ok(site.next(1))
}

pub(crate) fn set(site: Site<'_>, machine: &mut Machine<'_>) -> Step {
    libcalls::table_set(machine.store, machine.instance, site.extension(0).low(), site.a(), site.b())?;
    Ok(site.next(1))
}

pub(crate) fn size(site: Site<'_>, machine: &mut Machine<'_>) -> Step {
    site.define(libcalls::table_size(machine.store, machine.instance, site.word.high()));
    Ok(site.next(0))
}

pub(crate) fn fill(site: Site<'_>, machine: &mut Machine<'_>) -> Step {
    let table = site.extension(0).low();
    libcalls::table_fill(machine.store, machine.instance, table, site.d(), site.a(), site.b())?;
    Ok(site.next(1))
}

pub(crate) fn copy(site: Site<'_>, machine: &mut Machine<'_>) -> Step {
    let tables = (site.extension(0).low(), site.extension(0).high());
    libcalls::table_copy(machine.store, machine.instance, tables, site.d(), site.a(), site.b())?;
    Ok(site.next(1))
}

pub(crate) fn init(site: Site<'_>, machine: &mut Machine<'_>) -> Result<(), Raise> {
    let places = (site.extension(0).low(), site.extension(0).high());
    libcalls::table_init(machine.store, machine.instance, places, site.d(), site.a(), site.b())
}

pub(crate) fn grow(site: Site<'_>, machine: &mut Machine<'_>) -> Result<(), Raise> {
    let table = site.extension(0).low();
    site.define(libcalls::table_grow(machine.store, machine.instance, table, site.b(), site.a())?);
    Ok(())
}
