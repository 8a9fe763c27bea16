//! Jumps, loops, returns, fuel and polls.

use terrace_abi::layout::Field;
use terrace_abi::vm::{FrameRecord, InstanceRecord, StoreRecord};
use terrace_abi::{Op, TrapKind};
use terrace_interp::activation::HelperId;
use terrace_masm::{Cond, Load, Mem, Rhs, Store, Width};
use terrace_templates::Machine;

use super::regs::{Fix, Held};
use super::{Cold, Emitter, Span, regs};
use crate::analyze::{NO_SLOT, RegId};

/// Ranges of up to so many slots are copied one by one.
const FEW: u32 = 8;

impl<M: Machine> Emitter<'_, M> {
    pub(super) fn jump(&mut self) {
        self.go(self.target());
    }

    /// A loop begins: its locals go into their registers, everything else home.
    pub(super) fn loop_head(&mut self) {
        let id = self.instruction_words()[0].high() as usize;
        let region = id + 1;
        let pc = self.item.next;
        let Some(join) = self.join_at(pc) else { unreachable!("a loop's first instruction is a branch target") };
        let height = self.function.joins[join].height;
        let slots = self.analysis.regions[region].slots;
        let start = self.states.len() as u32;
        for (reg, slot) in slots.into_iter().enumerate().filter(|&(_, slot)| slot != NO_SLOT) {
            let now = self.regs.of(slot).map(|now| self.regs.held[usize::from(now)]);
            let assigned = self.analysis.regions[region].assigned & (1 << reg) != 0;
            let wide = now.map_or_else(|| self.is_vector_local(slot), |now| now.wide);
            let dirty = assigned || now.is_some_and(|now| now.dirty);
            self.states.push((reg as RegId, Held { slot, dirty, wide }));
        }
        let state = Span { start, end: self.states.len() as u32 };
        self.conform(state, height);
        self.enter_region(region);
        self.joins[join].state = Some(state);
        self.m.align_loop();
    }

    pub(super) fn br_table(&mut self) {
        let index = self.field(Field::A);
        let index = self.int(index);
        self.release_dying();
        let count = self.extension(0).low();
        let number = M::SCRATCH[1];
        // The entry is chosen without a branch: the smaller of index and last.
        self.m.mov_imm(Width::W32, number, i64::from(count) - 1);
        self.m.compare(Width::W32, index, number.into());
        self.m.select(Width::W32, Cond::LtU, number, index, number);
        let mut labels = std::mem::take(&mut self.labels);
        labels.clear();
        for entry in 0..count as usize {
            let relative = self.extension(1 + entry).low();
            labels.push(self.table_edge(relative));
        }
        self.m.jump_table(number, &labels);
        self.labels = labels;
    }

    fn leave(&mut self) {
        self.m.pop_frame(FrameRecord::SIZE);
        self.regs.clear();
    }

    pub(super) fn return_one(&mut self) {
        let slot = self.field(Field::A);
        match self.regs.of(slot) {
            Some(reg) => {
                let held = self.regs.held[usize::from(reg)];
                if slot != 0 || held.dirty {
                    self.emit_store(reg, Held { slot: 0, dirty: true, wide: held.wide });
                }
            }
            None if slot == 0 => {}
            None => {
                self.m.load(Load::W64, M::SCRATCH[0], regs::home::<M>(slot));
                self.m.store(Store::W64, regs::home::<M>(0), M::SCRATCH[0]);
            }
        }
        self.leave();
    }

    pub(super) fn return_const(&mut self) {
        let bits = self.extension(0).0.cast_signed();
        match i32::try_from(bits) {
            Ok(small) => self.m.store_imm(Store::W64, regs::home::<M>(0), small),
            Err(_) => {
                self.m.mov_imm(Width::W64, M::SCRATCH[0], bits);
                self.m.store(Store::W64, regs::home::<M>(0), M::SCRATCH[0]);
            }
        }
        self.leave();
    }

    pub(super) fn return_v128(&mut self) {
        let value = self.vector(self.field(Field::A));
        self.m.store_vector(regs::home::<M>(0), value);
        self.leave();
    }

    pub(super) fn return_nothing(&mut self) {
        self.leave();
    }

    pub(super) fn return_range(&mut self) {
        let count = self.instruction_words()[0].high();
        let from = self.extension(0).low();
        self.flush();
        self.copy_slots(0, from, count);
        self.leave();
    }

    pub(super) fn copy_range(&mut self) {
        let count = self.instruction_words()[0].high();
        let (to, from) = (self.extension(0).low(), self.extension(0).high());
        self.flush();
        self.copy_slots(to, from, count);
    }

    /// Copies homes; the ranges may overlap. No register may hold anything.
    pub(super) fn copy_slots(&mut self, to: u32, from: u32, count: u32) {
        let value = M::SCRATCH[0];
        let down = to > from;
        if count <= FEW {
            for i in 0..count {
                let i = if down { count - 1 - i } else { i };
                self.m.load(Load::W64, value, regs::home::<M>(from + i));
                self.m.store(Store::W64, regs::home::<M>(to + i), value);
            }
            return;
        }
        let (index, again) = (M::SCRATCH[1], self.m.label());
        let place = |slot: u32, bias: i32| Mem::indexed(M::SLOTS, index, 3, 8 * slot as i32 + bias);
        if down {
            self.m.mov_imm(Width::W64, index, count.into());
            self.m.bind(again);
            self.m.load(Load::W64, value, place(from, -8));
            self.m.store(Store::W64, place(to, -8), value);
            self.m.sub(Width::W64, index, index, Rhs::Imm(1));
            self.m.compare(Width::W64, index, Rhs::Imm(0));
            self.m.jump_if_near(Cond::Ne, again);
        } else {
            self.m.mov_imm(Width::W64, index, 0);
            self.m.bind(again);
            self.m.load(Load::W64, value, place(from, 0));
            self.m.store(Store::W64, place(to, 0), value);
            self.m.add(Width::W64, index, index, Rhs::Imm(1));
            self.m.compare(Width::W64, index, Rhs::Imm(count as i32));
            self.m.jump_if_near(Cond::LtU, again);
        }
    }

    /// The store's record in a scratch register.
    fn store_record(&mut self) -> terrace_masm::Gpr {
        let record = M::SCRATCH[0];
        self.m.load(Load::W64, record, Mem::at(M::INSTANCE, InstanceRecord::STORE));
        record
    }

    pub(super) fn fuel(&mut self) {
        let amount = self.instruction_words()[0].high();
        let record = self.store_record();
        let (fuel, left) = (Mem::at(record, StoreRecord::FUEL), M::SCRATCH[1]);
        let out = self.m.trap(TrapKind::OutOfFuel);
        self.m.load(Load::W64, left, fuel);
        match i32::try_from(amount) {
            Ok(amount) => self.m.sub(Width::W64, left, left, Rhs::Imm(amount)),
            Err(_) => {
                self.m.mov_imm(Width::W64, M::SCRATCH[2], amount.into());
                self.m.sub(Width::W64, left, left, M::SCRATCH[2].into());
            }
        }
        self.m.jump_if(Cond::Negative, out);
        self.m.store(Store::W64, fuel, left);
    }

    /// Asks the runtime only if somebody interrupts or the epoch has come; behind that, registers are as before.
    pub(super) fn poll(&mut self) {
        let (ask, back) = (self.m.label(), self.m.label());
        let record = self.store_record();
        let value = M::SCRATCH[1];
        self.m.load(Load::W64, value, Mem::at(record, StoreRecord::INTERRUPT));
        self.m.compare_mem(Width::W64, Mem::at(value, 0), Rhs::Imm(0));
        self.m.jump_if(Cond::Ne, ask);
        self.m.load(Load::W64, value, Mem::at(record, StoreRecord::EPOCH));
        self.m.load(Load::W64, value, Mem::at(value, 0));
        self.m.compare_mem(Width::W64, Mem::at(record, StoreRecord::EPOCH_DEADLINE), value.into());
        self.m.jump_if(Cond::LeU, ask);
        self.m.bind(back);
        let dirty = self.regs.state().filter(|(_, held)| held.dirty);
        let before = Span::append(&mut self.cold_fixes, dirty.map(|(reg, held)| Fix::Store(reg, held)));
        let all = self.regs.state();
        let behind = Span::append(&mut self.cold_fixes, all.map(|(reg, held)| Fix::Load(reg, held)));
        self.cold.push(Cold::Poll { label: ask, site: self.site(HelperId::Poll), before, behind, back });
    }

    pub(super) fn unreachable(&mut self) {
        let trap = self.m.trap(TrapKind::Unreachable);
        self.m.jump(trap);
        self.regs.clear();
    }

    /// `copy` and `copy.v128`
    pub(super) fn copy_slot(&mut self) {
        let dies = self.item.dies & 2 != 0;
        let (to, from) = (self.field(Field::D), self.field(Field::A));
        self.copy(to, from, self.item.op == Op::CopyV128, dies);
    }
}
