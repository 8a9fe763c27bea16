//! Operators on whole memories and ranges of them. Ranges are checked before anything is written, and long ones are
//! worked on piece by piece, with a poll in between.

use terrace_abi::TrapKind;
use terrace_abi::vm::FUEL_BYTES_PER_UNIT;

use crate::machine::{Machine, Raise};
use crate::shape::Step;
use crate::site::Site;

/// Bytes between polls.
const PIECE: u64 = 1 << 20;

pub(crate) fn size(site: Site<'_>, machine: &mut Machine<'_>) -> Step {
    site.define(machine.memory(site.word.high()).size_pages());
    Ok(site.next(0))
}

pub(crate) fn grow(site: Site<'_>, machine: &mut Machine<'_>) -> Result<(), Raise> {
    let memory = site.extension(0).low();
    let old = machine.memory_grow(memory, site.a())?;
    // A memory with 32-bit addresses has -1 as an i32.
    site.define(if machine.memory(memory).ty().memory64 { old } else { u64::from(old as u32) });
    Ok(())
}

/// Does `work` on the pieces of `len` bytes, as (start, length).
fn pieces(
    machine: &mut Machine<'_>,
    len: u64,
    backward: bool,
    mut work: impl FnMut(&mut Machine<'_>, u64, u64) -> Result<(), TrapKind>,
) -> Result<(), Raise> {
    let mut done = 0;
    while done < len {
        if done != 0 {
            machine.poll()?;
        }
        let piece = PIECE.min(len - done);
        work(machine, if backward { len - done - piece } else { done }, piece)?;
        done += piece;
    }
    Ok(())
}

/// Traps unless `len` bytes at `address` are inside.
fn check(machine: &mut Machine<'_>, memory: u32, address: u64, len: u64) -> Result<(), TrapKind> {
    machine.memory(memory).effective(address, 0, len).map(drop).ok_or(TrapKind::MemoryOutOfBounds)
}

pub(crate) fn fill(site: Site<'_>, machine: &mut Machine<'_>) -> Result<(), Raise> {
    let memory = site.extension(0).low();
    let (address, byte, len) = (site.d::<u64>(), site.a::<u32>() as u8, site.b());
    machine.charge(len, FUEL_BYTES_PER_UNIT)?;
    check(machine, memory, address, len)?;
    pieces(machine, len, false, |machine, start, len| {
        machine.memory_mut(memory).fill(address + start, byte, len, &mut || Ok(()))
    })
}

pub(crate) fn copy(site: Site<'_>, machine: &mut Machine<'_>) -> Result<(), Raise> {
    let (to, from) = (site.extension(0).low(), site.extension(0).high());
    let (dst, src, len) = (site.d::<u64>(), site.a::<u64>(), site.b());
    machine.charge(len, FUEL_BYTES_PER_UNIT)?;
    check(machine, to, dst, len)?;
    check(machine, from, src, len)?;
    // Two imports may be the same shared memory, so the direction matters between memories too.
    pieces(machine, len, dst > src, |machine, start, len| machine.memory_copy(to, dst + start, from, src + start, len))
}

pub(crate) fn init(site: Site<'_>, machine: &mut Machine<'_>) -> Step {
    let (memory, segment) = (site.extension(0).low(), site.extension(0).high());
    let (dst, src, len) = (site.d(), site.a::<u32>(), site.b::<u32>());
    machine.charge(len.into(), FUEL_BYTES_PER_UNIT)?;
    machine.memory_init(memory, segment, dst, src, len)?;
    Ok(site.next(1))
}
