//! Operators on tables. Elements are slots as they are: addresses of function records, or heap references.

use terrace_abi::vm::FUEL_ELEMENTS_PER_UNIT;

use crate::machine::{Machine, Raise};
use crate::shape::Step;
use crate::site::Site;

pub(crate) fn get(site: Site<'_>, machine: &mut Machine<'_>) -> Step {
    site.define(machine.table(site.extension(0).low()).get(site.a())?);
    Ok(site.next(1))
}

pub(crate) fn set(site: Site<'_>, machine: &mut Machine<'_>) -> Step {
    machine.table_mut(site.extension(0).low()).set(site.a(), site.b())?;
    Ok(site.next(1))
}

pub(crate) fn size(site: Site<'_>, machine: &mut Machine<'_>) -> Step {
    site.define(machine.table(site.word.high()).size());
    Ok(site.next(0))
}

pub(crate) fn fill(site: Site<'_>, machine: &mut Machine<'_>) -> Step {
    let len = site.b();
    machine.charge(len, FUEL_ELEMENTS_PER_UNIT)?;
    machine.table_mut(site.extension(0).low()).fill(site.d(), site.a(), len)?;
    Ok(site.next(1))
}

pub(crate) fn copy(site: Site<'_>, machine: &mut Machine<'_>) -> Step {
    let (to, from) = (site.extension(0).low(), site.extension(0).high());
    let (dst, src, len) = (site.d(), site.a(), site.b());
    machine.charge(len, FUEL_ELEMENTS_PER_UNIT)?;
    machine.table_copy(to, dst, from, src, len)?;
    Ok(site.next(1))
}

pub(crate) fn init(site: Site<'_>, machine: &mut Machine<'_>) -> Result<(), Raise> {
    let (table, segment) = (site.extension(0).low(), site.extension(0).high());
    let (dst, src, len) = (site.d(), site.a::<u32>(), site.b::<u32>());
    machine.charge(len.into(), FUEL_ELEMENTS_PER_UNIT)?;
    machine.table_init(table, segment, dst, src, len)
}

pub(crate) fn grow(site: Site<'_>, machine: &mut Machine<'_>) -> Result<(), Raise> {
    let table = site.extension(0).low();
    let old = machine.table_grow(table, site.b(), site.a())?;
    // A table with 32-bit indices has -1 as an i32.
    site.define(if machine.table(table).limits().table64 { old } else { u64::from(old as u32) });
    Ok(())
}
