//! The probed region: for each handler, at the same distance from the region's base, code that calls the probe first.
//!
//! Taking this region for the base of handler offsets instruments every instruction, and costs nothing otherwise.

use terrace_masm::{Gpr, LoadVector, Mem, Store, Width};
use terrace_templates::Machine;

use super::{Generator, UNIT};
use crate::activation::{HelperId, offset};

impl<M: Machine> Generator<M> {
    /// Emits the region for handlers that begin at `starts`; the result is its offset.
    pub(super) fn probes(&mut self, starts: &[usize]) -> usize {
        let common = self.m.label();
        self.probe(common);
        self.m.align(UNIT);
        let region = self.m.offset();
        let distance = M::SCRATCH[1];
        for &start in starts {
            while self.m.offset() < region + start {
                self.m.align(UNIT);
                if self.m.offset() < region + start {
                    self.m.undefined();
                }
            }
            let at = self.m.offset();
            assert_eq!(at, region + start, "a handler is too short for a probe");
            self.m.mov_imm(Width::W32, distance, start as i64);
            self.m.jump(common);
        }
        self.end(region, "probed".to_owned());
        region
    }

    /// Saves everything that a handler may rely on, calls the helper, and goes on in the handler.
    fn probe(&mut self, common: terrace_masm::Label) {
        let at = self.begin();
        self.m.bind(common);
        let kept: [Gpr; 5] = [M::SCRATCH[1], M::FRAME, M::HANDLERS, M::LOCALS[0], M::LOCALS[1]];
        let floats = [M::FLOAT_ACC, M::FLOAT_LOCAL];
        let (value, place) = (M::SCRATCH[0], |index: i32| Mem::at(M::STACK, 8 * index));
        // Below the activation's address: room for five registers, two vectors, and that address again.
        const ROOM: i32 = 96;
        self.m.load(terrace_masm::Load::W64, value, place(0));
        self.m.lea(Width::W64, M::STACK, Mem::at(M::STACK, -ROOM));
        self.m.store(Store::W64, place(0), value);
        for (index, reg) in kept.into_iter().enumerate() {
            self.m.store(Store::W64, place(1 + index as i32), reg);
        }
        for (index, reg) in floats.into_iter().enumerate() {
            self.m.store_vector(place(6 + 2 * index as i32), reg);
        }
        self.m.store(Store::W64, Mem::at(M::STORE, terrace_abi::vm::StoreRecord::FRAME), M::FRAME);
        self.m.mov(Width::W64, M::ARGS[0], value);
        self.m.mov(Width::W64, M::ARGS[1], M::PC);
        self.m.load(terrace_masm::Load::W64, value, Mem::at(M::ARGS[0], offset::HELPERS));
        self.m.call_mem(Mem::at(value, 8 * HelperId::Probe as i32));
        for (index, reg) in kept.into_iter().enumerate() {
            self.m.load(terrace_masm::Load::W64, reg, place(1 + index as i32));
        }
        for (index, reg) in floats.into_iter().enumerate() {
            self.m.load_vector(LoadVector::Whole, reg, place(6 + 2 * index as i32));
        }
        // The handlers without probes begin at this code's own start.
        self.m.load(terrace_masm::Load::W64, value, place(0));
        self.m.load(terrace_masm::Load::W64, value, Mem::at(value, offset::UNPROBED));
        self.m.add(Width::W64, value, value, M::SCRATCH[1].into());
        self.m.lea(Width::W64, M::STACK, Mem::at(M::STACK, ROOM));
        self.m.jump_to(value);
        self.end(at, "probe".to_owned());
    }
}
