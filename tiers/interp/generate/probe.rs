//! The probed region and the probed instruction.
//!
//! For each handler the region has, at the same distance from its base, code that calls the probe first. Taking the region for the
//! base of handler offsets instruments every instruction, and costs nothing otherwise. The site handler does the same for one
//! instruction, whose op field leads to it; the helper knows which handler is behind it.

use terrace_abi::vm::{FrameRecord, StoreRecord};
use terrace_masm::{Gpr, Label, Load, LoadVector, Mem, Store, Width};
use terrace_templates::Machine;

use super::{Generator, UNIT, unit};
use crate::activation::{HelperId, offset};

/// What helpers may destroy and handlers rely on.
fn kept<M: Machine>() -> [Gpr; 4] {
    [M::FRAME, M::HANDLERS, M::LOCALS[0], M::LOCALS[1]]
}

impl<M: Machine> Generator<M> {
    /// The handler of probed instructions, which goes on at `common`; the result is its offset in units.
    pub(super) fn site(&mut self, common: Label) -> u16 {
        let at = self.begin();
        self.call_probe(at, common);
        self.end(at, "site".to_owned());
        unit(at)
    }

    /// Emits the region for handlers that begin at the first of each of `starts`, in order, and in whose place the second one runs; the
    /// result is its offset.
    pub(super) fn probes(&mut self, starts: &[(usize, usize)], common: Label) -> usize {
        self.probe(common);
        self.m.align(UNIT);
        let region = self.m.offset();
        for &(start, alone) in starts {
            while self.m.offset() < region + start {
                self.m.align(UNIT);
                if self.m.offset() < region + start {
                    self.m.undefined();
                }
            }
            assert_eq!(self.m.offset(), region + start, "a handler is too short for a probe");
            self.call_probe(alone, common);
        }
        self.end(region, "probed".to_owned());
        region
    }

    /// Probes on behalf of the handler at an offset.
    fn call_probe(&mut self, handler: usize, common: Label) {
        self.m.mov_imm(Width::W32, M::ARGS[2], handler as i64);
        self.m.jump(common);
    }

    /// Saves everything that a handler may rely on, calls the helper, and goes on in the handler that it names.
    fn probe(&mut self, common: Label) {
        let at = self.begin();
        self.m.bind(common);
        let [activation, pc, ..] = M::ARGS;
        let value = M::SCRATCH[0];
        let place = |index: usize| Mem::at(activation, offset::KEPT + 8 * index as i32);
        let (registers, floats) = (kept::<M>(), [M::FLOAT_ACC, M::FLOAT_LOCAL]);
        self.m.load(Load::W64, activation, Mem::at(M::STACK, 0));
        for (index, register) in registers.into_iter().enumerate() {
            self.m.store(Store::W64, place(index), register);
        }
        for (index, register) in floats.into_iter().enumerate() {
            self.m.store_vector(place(registers.len() + 2 * index), register);
        }
        self.m.store(Store::W64, Mem::at(M::STORE, StoreRecord::FRAME), M::FRAME);
        self.m.load(Load::W64, value, Mem::at(M::FRAME, FrameRecord::STACK_LEFT));
        self.m.store(Store::W64, Mem::at(M::STORE, StoreRecord::STACK_LEFT), value);
        self.m.mov(Width::W64, pc, M::PC);
        self.m.load(Load::W64, value, Mem::at(activation, offset::HELPERS));
        self.m.call_mem(Mem::at(value, 8 * HelperId::Probe as i32));
        self.m.load(Load::W64, activation, Mem::at(M::STACK, 0));
        for (index, register) in registers.into_iter().enumerate() {
            self.m.load(Load::W64, register, place(index));
        }
        for (index, register) in floats.into_iter().enumerate() {
            self.m.load_vector(LoadVector::Whole, register, place(registers.len() + 2 * index));
        }
        self.m.jump_to(M::RESULT);
        self.end(at, "probe".to_owned());
    }
}
