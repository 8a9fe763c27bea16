//! Who works on a function's code.
//!
//! Whoever moves a function on from [`Phase::Idle`] compiles it, and whoever moves it on from [`Phase::Compiled`] takes its code out; until
//! they are done, nobody else does either.

use super::sync::{AtomicU8, Ordering};

/// How far a function is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    /// It is interpreted.
    Idle,
    /// Somebody works on it.
    Claimed,
    /// It has machine code.
    Compiled,
    /// It will not have any.
    Failed,
}

/// A function's phase, and whether activations may go over to its code in loops.
#[derive(Debug)]
pub(crate) struct Claim(AtomicU8);

impl Claim {
    const OSR: u8 = 4;

    pub(crate) fn new() -> Claim {
        Claim(AtomicU8::new(Phase::Idle as u8))
    }

    pub(crate) fn get(&self) -> (Phase, bool) {
        let bits = self.0.load(Ordering::Acquire);
        let phase = [Phase::Idle, Phase::Claimed, Phase::Compiled, Phase::Failed][usize::from(bits & 3)];
        (phase, bits & Claim::OSR != 0)
    }

    /// Claims the function, if nobody has, to compile it.
    pub(crate) fn claim(&self, osr: bool) -> bool {
        let bits = Phase::Claimed as u8 | if osr { Claim::OSR } else { 0 };
        self.0.compare_exchange(Phase::Idle as u8, bits, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Moves a function on that the caller has claimed.
    pub(crate) fn set(&self, phase: Phase) {
        let osr = if phase == Phase::Idle { 0 } else { self.0.load(Ordering::Relaxed) & Claim::OSR };
        self.0.store(phase as u8 | osr, Ordering::Release);
    }

    /// Claims a function that is compiled, to take its code out.
    pub(crate) fn reclaim(&self) -> bool {
        let reclaim = |bits: u8| (bits & 3 == Phase::Compiled as u8).then_some(Phase::Claimed as u8);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Relaxed, reclaim).is_ok()
    }
}
