//! Jumps, loops, returns, fuel and polls.

use terrace_abi::TrapKind;
use terrace_abi::layout::Field;
use terrace_abi::vm::{FrameRecord, StoreRecord};
use terrace_masm::{Cond, FloatWidth, Load, LoadVector, Mem, Rhs, Store, Width};
use terrace_templates::Machine;

use super::{Generator, Variant, s0, s1};
use crate::activation::HelperId;
use crate::classes::{Class, Jump};

/// Where a frame holds the pc of its loop of this height.
pub(super) fn loop_pc<M: Machine>(height: u8) -> Mem {
    Mem::at(M::FRAME, FrameRecord::LOOPS + 8 * i32::from(height))
}

impl<M: Machine> Generator<M> {
    pub(super) fn jump(&mut self, v: Variant) {
        self.go(v.jump, 4);
    }

    /// Remembers the pc of a loop's first instruction, where back edges find it.
    pub(super) fn loop_head(&mut self, v: Variant) {
        if let Jump::Loop(height) = v.jump {
            self.m.lea(Width::W64, s0::<M>(), Mem::at(M::PC, 8));
            self.m.store(Store::W64, loop_pc::<M>(height), s0::<M>());
        }
        self.next(1);
    }

    /// The entry is chosen without a branch: the smaller of index and last.
    pub(super) fn br_table(&mut self, v: Variant) {
        let (index, last) = (M::TEMPS[0], M::TEMPS[1]);
        let value = self.int(v.a, Field::A, Width::W32, index);
        self.m.load(Load::U32, last, Mem::at(M::PC, 8));
        self.m.sub(Width::W32, last, last, Rhs::Imm(1));
        self.m.compare(Width::W32, value, last.into());
        self.m.select(Width::W32, Cond::LtU, index, value, last);
        self.m.load(Load::I32, s1::<M>(), Mem::indexed(M::PC, index, 3, 16));
        self.m.lea(Width::W64, M::PC, Mem::indexed(M::PC, s1::<M>(), 3, 0));
        self.dispatch();
    }

    /// Leaves the frame, whose results are in place.
    pub(super) fn leave(&mut self) {
        self.m.add(Width::W64, M::FRAME, M::FRAME, Rhs::Imm(FrameRecord::SIZE));
        self.resume_frame();
    }

    /// Goes on in a frame whose callee has returned.
    pub(super) fn resume_frame(&mut self) {
        self.m.load(Load::W64, M::PC, Mem::at(M::FRAME, FrameRecord::RESUME));
        self.m.load(Load::W64, M::SLOTS, Mem::at(M::FRAME, FrameRecord::BASE));
        self.m.load(Load::W64, M::LOCALS[0], Mem::at(M::FRAME, FrameRecord::PINNED));
        self.m.load(Load::W64, M::LOCALS[1], Mem::at(M::FRAME, FrameRecord::PINNED + 8));
        self.m.load_float(FloatWidth::F64, M::FLOAT_LOCAL, Mem::at(M::FRAME, FrameRecord::PINNED + 16));
        self.dispatch();
    }

    pub(super) fn return_one(&mut self, v: Variant) {
        let value = self.int(v.a, Field::A, Width::W64, M::TEMPS[0]);
        self.m.store(Store::W64, Mem::at(M::SLOTS, 0), value);
        self.leave();
    }

    pub(super) fn return_const(&mut self) {
        self.m.load(Load::W64, M::TEMPS[0], Mem::at(M::PC, 8));
        self.m.store(Store::W64, Mem::at(M::SLOTS, 0), M::TEMPS[0]);
        self.leave();
    }

    pub(super) fn return_v128(&mut self) {
        let value = self.vector(Class::Slot, Field::A, M::FLOAT_TEMPS[0]);
        self.m.store_vector(Mem::at(M::SLOTS, 0), value);
        self.leave();
    }

    pub(super) fn return_range(&mut self) {
        let [count, from] = M::TEMPS;
        self.m.load(Load::U32, count, Mem::at(M::PC, 4));
        self.m.load(Load::U32, from, Mem::at(M::PC, 8));
        self.m.lea(Width::W64, from, Mem::indexed(M::SLOTS, from, 3, 0));
        // Results move down or stay, so ascending order is right.
        self.move_up(count, from, M::SLOTS);
        self.leave();
    }

    /// Moves `count` slots at `from` to `to`, ascending. `count` is lost, as are the scratch registers; `from` stays.
    pub(super) fn move_up(&mut self, count: terrace_masm::Gpr, from: terrace_masm::Gpr, to: terrace_masm::Gpr) {
        let (value, at) = (s0::<M>(), s1::<M>());
        let (again, end) = (self.m.label(), self.m.label());
        self.m.mov_imm(Width::W32, at, 0);
        self.m.bind(again);
        self.m.compare(Width::W64, at, count.into());
        self.m.jump_if_near(Cond::GeU, end);
        self.m.load(Load::W64, value, Mem::indexed(from, at, 3, 0));
        self.m.store(Store::W64, Mem::indexed(to, at, 3, 0), value);
        self.m.add(Width::W64, at, at, Rhs::Imm(1));
        self.m.jump(again);
        self.m.bind(end);
    }

    /// Moves `count` slots at `from` to `to`, descending. `count` is lost, as is the first scratch register.
    fn move_down(&mut self, count: terrace_masm::Gpr, from: terrace_masm::Gpr, to: terrace_masm::Gpr) {
        let value = s0::<M>();
        let (again, end) = (self.m.label(), self.m.label());
        self.m.bind(again);
        self.m.compare(Width::W64, count, Rhs::Imm(0));
        self.m.jump_if_near(Cond::Eq, end);
        self.m.sub(Width::W64, count, count, Rhs::Imm(1));
        self.m.load(Load::W64, value, Mem::indexed(from, count, 3, 0));
        self.m.store(Store::W64, Mem::indexed(to, count, 3, 0), value);
        self.m.jump(again);
        self.m.bind(end);
    }

    /// `copy.range`: the ranges may overlap either way.
    pub(super) fn copy_range(&mut self, v: Variant) {
        let [count, from] = M::TEMPS;
        let to = M::SCRATCH[2];
        self.m.load(Load::U32, count, Mem::at(M::PC, 4));
        self.m.load(Load::U32, from, Mem::at(M::PC, 12));
        self.m.load(Load::U32, to, Mem::at(M::PC, 8));
        self.m.lea(Width::W64, from, Mem::indexed(M::SLOTS, from, 3, 0));
        self.m.lea(Width::W64, to, Mem::indexed(M::SLOTS, to, 3, 0));
        let (down, end) = (self.m.label(), self.m.label());
        self.m.compare(Width::W64, to, from.into());
        self.m.jump_if_near(Cond::GtU, down);
        self.move_up(count, from, to);
        self.m.jump(end);
        self.m.bind(down);
        self.move_down(count, from, to);
        self.m.bind(end);
        if v.d == Class::Reload {
            self.m.add(Width::W64, M::PC, M::PC, Rhs::Imm(8 * v.words));
            return self.m.jump(self.stubs.reload);
        }
        self.next(v.words);
    }

    pub(super) fn fuel(&mut self) {
        let (left, amount) = (M::TEMPS[0], s1::<M>());
        let fuel = Mem::at(M::STORE, StoreRecord::FUEL);
        let out = self.m.trap(TrapKind::OutOfFuel);
        self.m.load(Load::U32, amount, Mem::at(M::PC, 4));
        self.m.load(Load::W64, left, fuel);
        self.m.sub(Width::W64, left, left, amount.into());
        self.m.jump_if(Cond::Negative, out);
        self.m.store(Store::W64, fuel, left);
        self.next(1);
    }

    /// Asks the runtime only if somebody interrupts or the epoch has come.
    pub(super) fn poll(&mut self) {
        let value = s1::<M>();
        let ask = self.m.label();
        self.m.load(Load::W64, value, Mem::at(M::STORE, StoreRecord::INTERRUPT));
        self.m.compare_mem(Width::W64, Mem::at(value, 0), Rhs::Imm(0));
        self.m.jump_if_near(Cond::Ne, ask);
        self.m.load(Load::W64, value, Mem::at(M::STORE, StoreRecord::EPOCH));
        self.m.load(Load::W64, value, Mem::at(value, 0));
        self.m.compare_mem(Width::W64, Mem::at(M::STORE, StoreRecord::EPOCH_DEADLINE), value.into());
        self.m.jump_if_near(Cond::LeU, ask);
        self.next(1);
        self.m.bind(ask);
        self.helper(HelperId::Poll);
    }

    /// Takes the weight, which a running form has in the place of the site, off the counter.
    pub(super) fn profile(&mut self) {
        let (left, cell) = (M::TEMPS[0], s1::<M>());
        let hot = self.m.label();
        self.m.load(Load::W64, cell, Mem::at(M::PC, 8));
        self.m.load(Load::U32, left, Mem::at(cell, 0));
        self.m.load(Load::U32, M::TEMPS[1], Mem::at(M::PC, 4));
        self.m.sub(Width::W32, left, left, M::TEMPS[1].into());
        self.m.jump_if_near(Cond::Negative, hot);
        self.m.store(Store::W32, Mem::at(cell, 0), left);
        self.next(2);
        self.m.bind(hot);
        self.helper(HelperId::Hot);
    }

    pub(super) fn unreachable(&mut self) {
        self.m.mov_imm(Width::W32, M::ARGS[2], TrapKind::Unreachable as i64);
        self.helper(HelperId::Trap);
    }

    /// `copy.v128`
    pub(super) fn copy_v128(&mut self, v: Variant) {
        match v.a {
            Class::Acc => {}
            _ => {
                let slot = self.slot(Field::A, s1::<M>());
                self.m.load_vector(LoadVector::Whole, M::FLOAT_ACC, slot);
            }
        }
        self.define(v, terrace_abi::Ty::V128);
    }
}
