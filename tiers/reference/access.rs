//! The shapes of operators that access memory: how each form names an address, and what moves.

use terrace_abi::{Form, TrapKind};

use crate::machine::Machine;
use crate::shape::Step;
use crate::site::{Site, imm16};
use crate::value::{Unit, Value};

const OUT_OF_BOUNDS: TrapKind = TrapKind::MemoryOutOfBounds;

/// An effective address in a memory, and the extension words of the form that named it.
pub(crate) struct Place {
    /// Index of the memory in the module.
    pub memory: u32,
    /// The address, with the offset added.
    pub address: u64,
    /// Words behind the first.
    pub extensions: usize,
}

/// The sum of an address and an offset: an overflow lies outside every memory.
#[inline(always)]
fn effective(address: u64, offset: u64) -> Result<u64, TrapKind> {
    address.checked_add(offset).ok_or(OUT_OF_BOUNDS)
}

/// The place that a load or a store accesses; loads have their small offset or index in field `b`, stores in `d`.
#[inline(always)]
fn place(site: Site<'_>, field: u16) -> Result<Place, TrapKind> {
    let zero = |address, extensions| Ok(Place { memory: 0, address, extensions });
    match site.form() {
        Form::OFFSET16 | Form::OFFSET16_VALUE => zero(effective(site.a(), field.into())?, 0),
        Form::OFFSET => zero(effective(site.a(), site.extension(0).0)?, 1),
        Form::INDEX => {
            let extension = site.extension(0);
            let scaled = site.read::<u32>(field.into()).wrapping_shl(extension.high());
            let address = site.a::<u32>().wrapping_add(scaled);
            zero(u64::from(address) + u64::from(extension.low()), 1)
        }
        Form::ADD_IMM => {
            let extension = site.extension(0);
            let address = site.a::<u32>().wrapping_add(extension.high());
            zero(u64::from(address) + u64::from(extension.low()), 1)
        }
        Form::ABSOLUTE => zero(site.extension(0).0, 1),
        Form::ANY => any(site),
        _ => site.no_such_form(),
    }
}

/// The place of the form `ANY`, and of every op that has but one form.
#[inline(always)]
pub(crate) fn any(site: Site<'_>) -> Result<Place, TrapKind> {
    let address = effective(site.a(), site.extension(0).0)?;
    Ok(Place { memory: site.extension(1).low(), address, extensions: 2 })
}

#[inline(always)]
pub(crate) fn load<U: Unit, R: Value>(site: Site<'_>, machine: &mut Machine<'_>, meaning: impl Fn(U) -> R) -> Step {
    let place = place(site, site.word.b())?;
    let bits = U::load(machine.memory(place.memory), place.address).ok_or(OUT_OF_BOUNDS)?;
    site.define(meaning(bits));
    Ok(site.next(place.extensions))
}

#[inline(always)]
pub(crate) fn store<U: Unit>(site: Site<'_>, machine: &mut Machine<'_>) -> Step {
    let place = place(site, site.word.d())?;
    let value = match site.form() {
        Form::OFFSET16_VALUE => U::from_bits(imm16(site.word.b())),
        _ => U::from_slot(site.slots, site.word.b().into()),
    };
    value.store(machine.memory_mut(place.memory), place.address).ok_or(OUT_OF_BOUNDS)?;
    Ok(site.next(place.extensions))
}

/// Where a lane of `U` lies in a vector.
#[inline(always)]
fn lane_shift<U: Unit>(site: Site<'_>) -> u32 {
    let bits = 8 * size_of::<U>() as u32;
    (site.extension(1).high() * bits) % 128
}

#[inline(always)]
pub(crate) fn load_lane<U: Unit + Into<u128>>(site: Site<'_>, machine: &mut Machine<'_>) -> Step {
    let place = any(site)?;
    let bits = U::load(machine.memory(place.memory), place.address).ok_or(OUT_OF_BOUNDS)?;
    let shift = lane_shift::<U>(site);
    let mask = (u128::MAX >> (128 - 8 * size_of::<U>())) << shift;
    site.define(site.b::<u128>() & !mask | bits.into() << shift);
    Ok(site.next(place.extensions))
}

#[inline(always)]
pub(crate) fn store_lane<U: Unit>(site: Site<'_>, machine: &mut Machine<'_>) -> Step {
    let place = any(site)?;
    let lane = U::from_bits((site.b::<u128>() >> lane_shift::<U>(site)) as u64);
    lane.store(machine.memory_mut(place.memory), place.address).ok_or(OUT_OF_BOUNDS)?;
    Ok(site.next(place.extensions))
}
