//! Probes: what an embedder sees of execution, instruction by instruction.
//!
//! A probe only looks, so results are the same with and without it. There are two kinds, and neither costs anything when off:
//!
//! * the probe of a store sees every instruction. Activations that begin while it is set run on the probed handlers, each of which calls
//!   it first ([`set`]);
//! * [`Sites`] see chosen instructions of one function. They are a private copy of the function's running form in which the op fields
//!   of those instructions lead to the handler for sites, and the word behind the code is the probe's address. The original handlers
//!   are found at the same place of the shared form.
//!
//! `enter` and what links continue at are no instructions, and are not seen.

use std::ptr;
use std::sync::atomic::Ordering;

use terrace_abi::Word;
use terrace_core::bytecode::{Function, Instructions};
use terrace_core::runtime::{Module, Store};

use crate::activation::header;
use crate::text::{self, SITE};
use crate::{entry, link};

/// Is called before an instruction runs: that of the store's newest frame. Operands that the instruction before has left in an accumulator
/// are not in their slots.
///
/// A panic aborts the process: there is nobody to catch it.
pub type Probe = fn(&Store);

fn to_word(probe: Probe) -> u64 {
    (probe as *const ()).expose_provenance() as u64
}

/// # Safety
///
/// The word is of a probe, or 0.
unsafe fn from_word(word: u64) -> Option<Probe> {
    let address = ptr::with_exposed_provenance::<()>(word as usize);
    // SAFETY: the null pointer is `None`; otherwise the caller's promise.
    unsafe { std::mem::transmute::<*const (), Option<Probe>>(address) }
}

/// Sets the probe of a store, for what the host calls from now on.
pub fn set(store: &mut Store, probe: Option<Probe>) {
    store.record().probe.store(probe.map_or(0, to_word), Ordering::Relaxed);
}

/// Whether a store has a probe.
pub(crate) fn is_set(store: &Store) -> bool {
    store.record().probe.load(Ordering::Relaxed) != 0
}

/// Probed instructions of a function, in all instances of its module.
#[derive(Debug)]
pub struct Sites {
    module: Module,
    /// Among the functions that the module defines.
    defined: u32,
    words: Box<[Word]>,
}

impl Sites {
    /// Makes a copy of a defined function in which the instructions at `sites` are probed. `None`: it cannot be translated, or not all of
    /// them are instructions.
    ///
    /// # Panics
    ///
    /// If the module defines no such function.
    pub fn new(module: &Module, defined: u32, sites: &[u32], probe: Probe) -> Option<Sites> {
        let function = module.code(defined).ok()?;
        let mut words = entry::shared(function, module).to_vec();
        let starts: Vec<u32> = Instructions::new(&function.code).flatten().map(|instruction| instruction.pc).collect();
        // A fused handler would run past a site.
        for &start in &starts {
            let word = &mut words[header::WORDS + start as usize];
            word.0 = word.0 & !0xffff | u64::from(link::alone(word.number()));
        }
        for &site in sites {
            starts.binary_search(&site).ok()?;
            let word = &mut words[header::WORDS + site as usize];
            word.0 = word.0 & !0xffff | SITE as u64;
        }
        words.push(Word(to_word(probe)));
        Some(Sites { module: module.clone(), defined, words: words.into() })
    }

    /// Makes calls run the copy from now on, also those in other stores.
    ///
    /// # Safety
    ///
    /// The copy must be alive as long as there is an activation that began while it was installed.
    pub unsafe fn install(&self) {
        self.module.entries()[self.defined as usize].store(self.words.as_ptr().cast_mut(), Ordering::Release);
    }

    /// Makes calls run the shared form again, if the copy is installed.
    pub fn remove(&self) {
        let Ok(function) = self.module.code(self.defined) else { return };
        let cell = &self.module.entries()[self.defined as usize];
        let shared = entry::shared(function, &self.module).as_ptr().cast_mut();
        // Another copy may have taken its place.
        let _ = cell.compare_exchange(self.words.as_ptr().cast_mut(), shared, Ordering::AcqRel, Ordering::Relaxed);
    }
}

impl Drop for Sites {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Calls the probes of the instruction at `words` on behalf of a handler, unless they have seen it, and gives the handler that runs it.
pub(crate) fn run(store: &mut Store, words: *const Word, handler: usize, seen: bool) -> usize {
    let Some((function, code, pc)) = instruction(store, words) else { return handler };
    let (probe, handler) = match handler {
        SITE => site(function, code, pc),
        _ => (None, handler),
    };
    if seen {
        return handler;
    }
    store.stack_mut().set_pc(pc as u32);
    // SAFETY: only `set` writes there.
    let all = unsafe { from_word(store.record().probe.load(Ordering::Relaxed)) };
    for probe in [all, probe].into_iter().flatten() {
        probe(store);
    }
    handler
}

/// The instruction at `words`, if it is the newest frame's: its function, the code that runs, and its pc.
fn instruction<'a>(store: &Store, words: *const Word) -> Option<(&'a Function, *const Word, usize)> {
    let frame = store.stack().top_frame().filter(|frame| frame.compiled().is_none())?;
    // SAFETY: a frame's function lives as long as the frame, which a probe cannot end; a link has none.
    let function = unsafe { frame.function.cast::<Function>().as_ref() }?;
    let pc = words.addr().wrapping_sub(frame.code.addr()) / size_of::<Word>();
    (pc < function.code.len()).then_some((function, frame.code, pc))
}

/// The probe of a copy, and the handler for its instruction at `pc`.
fn site(function: &Function, code: *const Word, pc: usize) -> (Option<Probe>, usize) {
    // SAFETY: only copies lead to the handler for sites, and they have the probe behind their code.
    let probe = unsafe { from_word((*code.add(function.code.len())).0) };
    match function.running.get() {
        Some(shared) => (probe, link::alone(shared[header::WORDS + pc].number()).into()),
        None => unreachable!("copies are made of running forms"),
    }
}

/// The address of a handler without probes.
pub(crate) fn address(handler: usize) -> *const u8 {
    text::base().wrapping_add(handler * text::UNIT_BYTES)
}
