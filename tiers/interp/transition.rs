//! What the interpreter has for a compiler: stubs, headers of compiled functions, and activations that change sides.
//!
//! An activation of compiled code is a frame like any other, whose record is tagged ([`FrameRecord`](terrace_abi::vm::FrameRecord)), and
//! its pc is one of the bytecode. It can change sides at any instruction at which the machine code has every value in its slot and an
//! entry, and at which the interpreter expects none in an accumulator: loop heads, polls, calls, handlers of exceptions and whatever else
//! a helper runs. Only the newest frame changes sides. What it returns to needs no change but this: who returns to compiled code from
//! outside of it finds the way in the record's `resume`, which is written when a frame above it leaves machine code, or is begun outside.

use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use terrace_abi::Word;
use terrace_abi::vm::{FRAME_LOOPS, InstanceRecord};
use terrace_core::bytecode::Function;
use terrace_core::runtime::memory::GUARD_RESERVATION;
use terrace_core::runtime::signals::Registers;
use terrace_core::runtime::{Module, Store};
use terrace_core::tier::code::{self, CodeError, MachineCode};

use crate::activation::{Activation, LAND, Stub, TO_COMPILED, header};
use crate::{entry, link, text};

/// The addresses of the stubs, by their numbers. A store's record has the table's address while it runs.
pub fn stubs() -> &'static [usize; Stub::COUNT] {
    static TABLE: OnceLock<[usize; Stub::COUNT]> = OnceLock::new();
    TABLE.get_or_init(|| text::STUBS.map(|offset| text::base().addr() + offset))
}

/// The address of a stub.
pub fn stub(stub: Stub) -> *const u8 {
    text::base().wrapping_add(text::STUBS[stub as usize])
}

/// Makes room for compiled code beside a module's functions, and sees to faults in it. A tier that compiles does this while it loads the
/// module.
pub fn prepare(module: &Module) -> Result<(), CodeError> {
    // SAFETY: `resolve` continues at a stub that needs only what compiled code keeps in registers.
    unsafe { code::init(resolve)? };
    code::prepare(module, stub(Stub::ToInterp));
    Ok(())
}

/// Installs machine code of functions that a prepared module defines, as [`code::install`] does.
///
/// # Safety
///
/// The code must do what the functions do, and keep to the rules of frames and stubs.
pub unsafe fn install(module: &Module, functions: Vec<(u32, MachineCode)>) -> Result<(), CodeError> {
    // SAFETY: the caller's promise; the interpreter enters what `shim` makes.
    unsafe { code::install(module, functions, &shim) }
}

/// What the interpreter enters a function by whose machine code has this entry.
fn shim(function: &Function, entry: *const u8) -> Box<[Word]> {
    let mut words = vec![Word(0); header::WORDS + 1];
    link::fill_limits(function, &mut words);
    words[0] = Word(text::COMPILED as u64);
    words[header::WORDS] = Word(entry.expose_provenance() as u64);
    words.into()
}

/// Where a fault in compiled code goes on: accesses to memory 0 that its guard pages stopped, and instructions that are made to fault,
/// are traps, of which the code's table knows the kinds.
fn resolve(pc: usize, address: usize, registers: &Registers) -> Option<usize> {
    let memory = registers.get(text::MEMORY_REGISTER as u8);
    let inside = memory != 0 && address.wrapping_sub(memory) < GUARD_RESERVATION;
    if !inside && address != pc {
        return None;
    }
    let instance = ptr::with_exposed_provenance::<InstanceRecord>(registers.get(text::INSTANCE_REGISTER as u8));
    // SAFETY: compiled code always has its instance's record in this register, which leads to its store's.
    unsafe { (*(*instance).store).fault_pc.store(pc as u64, Ordering::Relaxed) };
    Some(stub(Stub::Fault).addr())
}

fn link_word(index: i32) -> *const Word {
    text::link().wrapping_add(index as usize)
}

/// Lets the interpreter return to the newest frame's caller, if that is compiled code.
pub(crate) fn settle(store: &mut Store) {
    store.stack_mut().settle(text::link(), link_word(TO_COMPILED));
}

/// Makes the newest frame one of compiled code, if it is not, and goes on at `address`: in the machine code of its function, for the
/// instruction that the frame is at.
pub(crate) fn land(activation: &mut Activation, store: &mut Store, address: *const u8) -> *const Word {
    activation.landing = address;
    store.stack_mut().compile(text::link(), text::returned().addr() as u64);
    link_word(LAND)
}

/// Makes the newest frame, which is one of compiled code, one of the interpreter: the word of its running form that goes on with its
/// instruction.
pub(crate) fn interpret(store: &mut Store) -> *const Word {
    settle(store);
    let Some(frame) = store.stack().top() else { unreachable!("compiled code has a frame") };
    let (function, pc) = (frame.function, frame.pc);
    let code = entry::shared(function, frame.instance.module())[header::WORDS..].as_ptr();
    let mut loops = [ptr::null(); FRAME_LOOPS];
    for (looped, height) in function.loops.iter().zip(link::heights(&function.loops)) {
        if let Some(place) = loops.get_mut(usize::from(height))
            && (looped.head..looped.end).contains(&pc)
        {
            *place = code.wrapping_add(looped.head as usize + 1);
        }
    }
    store.stack_mut().interpret(code, loops);
    code.wrapping_add(pc as usize)
}

/// Goes on in the newest frame at `pc`, where a handler of exceptions begins.
pub(crate) fn go_on(activation: &mut Activation, store: &mut Store, pc: u32) -> *const Word {
    let Some(frame) = store.stack().top_frame() else { unreachable!("a handler has a frame") };
    if frame.compiled().is_none() {
        return frame.code.wrapping_add(pc as usize);
    }
    let landing = store.stack().top().and_then(|frame| frame.machine_code()?.landing(pc));
    match landing {
        Some(address) => land(activation, store, address),
        None => interpret(store),
    }
}

/// Whether the newest frame is one of compiled code.
pub(crate) fn is_compiled(store: &Store) -> bool {
    store.stack().top_frame().is_some_and(|frame| frame.compiled().is_some())
}

/// Where machine code takes the newest frame over, if the interpreter runs it, and there is an entry for the instruction that it is at.
pub(crate) fn osr(store: &Store) -> Option<*const u8> {
    if is_compiled(store) {
        return None;
    }
    let frame = store.stack().top()?;
    frame.machine_code()?.osr(frame.pc)
}
