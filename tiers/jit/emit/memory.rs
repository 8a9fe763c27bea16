//! Accesses to linear memories.
//!
//! With guard pages, `MEMORY` is the base of memory 0 and an access outside faults at an instruction that the trap table knows. Where
//! bounds are explicit, `MEMORY` is the memory's record, which is read each time.

use terrace_abi::layout::Field;
use terrace_abi::memory::MemoryRecord;
use terrace_abi::vm::InstanceRecord;
use terrace_abi::{Form, Shape, TrapKind, Ty};
use terrace_core::tier::code::TrapPlace;
use terrace_masm::{Cond, Gpr, Load, Mem, Rhs, Width};
use terrace_templates::{Machine, Reg};

use super::{Emitter, regs};

impl<M: Machine> Emitter<'_, M> {
    /// An address's base and constant offset: the offset fits a displacement.
    fn displaced(&mut self, base: Gpr, offset: u64) -> (Gpr, i32) {
        match i32::try_from(offset) {
            Ok(offset) => (base, offset),
            Err(_) => {
                let sum = self.temp();
                self.m.mov_imm(Width::W64, sum, offset.cast_signed());
                self.m.add(Width::W64, sum, sum, base.into());
                self.unlock(base);
                (sum, 0)
            }
        }
    }

    /// The address of an access to memory 0 as a register, which is below 2^32, and an offset. `index` is the field of an index or a
    /// 16-bit offset.
    fn effective(&mut self, index: Field) -> (Option<Gpr>, u64) {
        match self.item.form {
            Form::OFFSET16 | Form::OFFSET16_VALUE => {
                let offset = self.field(index);
                (Some(self.int(self.field(Field::A))), offset.into())
            }
            Form::OFFSET => (Some(self.int(self.field(Field::A))), self.extension(0).0),
            Form::INDEX => {
                let (base, scaled) = (self.int(self.field(Field::A)), self.int(self.field(index)));
                let extension = self.extension(0);
                let (sum, shift) = (self.temp(), extension.high());
                if shift <= 3 {
                    self.m.lea(Width::W32, sum, Mem::indexed(base, scaled, shift as u8, 0));
                } else {
                    self.m.shl(Width::W32, sum, scaled, Rhs::Imm(shift as i32));
                    self.m.add(Width::W32, sum, sum, base.into());
                }
                self.unlock(base);
                self.unlock(scaled);
                (Some(sum), extension.low().into())
            }
            Form::ADD_IMM => {
                let base = self.int(self.field(Field::A));
                let extension = self.extension(0);
                let sum = self.temp();
                self.m.lea(Width::W32, sum, Mem::at(base, extension.high() as i32));
                self.unlock(base);
                (Some(sum), extension.low().into())
            }
            Form::ABSOLUTE => (None, self.extension(0).0),
            form => unreachable!("memory 0 is not accessed with {form:?}"),
        }
    }

    /// The place of an access of `bytes` to memory 0 or, in form `ANY`, to any.
    fn place(&mut self, index: Field, bytes: u8) -> Mem {
        if self.item.form == Form::ANY {
            return self.any_place(bytes, false);
        }
        let (address, offset) = self.effective(index);
        if self.explicit {
            let sum = self.temp();
            match address {
                Some(address) if i32::try_from(offset).is_ok() => {
                    self.m.lea(Width::W64, sum, Mem::at(address, offset as i32));
                }
                Some(address) => {
                    self.m.mov_imm(Width::W64, sum, offset.cast_signed());
                    self.m.add(Width::W64, sum, sum, address.into());
                }
                None => self.m.mov_imm(Width::W64, sum, offset.cast_signed()),
            }
            if let Some(address) = address {
                self.unlock(address);
            }
            return self.bounded(M::MEMORY, sum, bytes);
        }
        match address {
            Some(address) => {
                let (address, offset) = self.displaced(address, offset);
                Mem::indexed(M::MEMORY, address, 0, offset)
            }
            None => match i32::try_from(offset) {
                Ok(offset) => Mem::at(M::MEMORY, offset),
                Err(_) => {
                    let address = self.temp();
                    self.m.mov_imm(Width::W64, address, offset.cast_signed());
                    Mem::indexed(M::MEMORY, address, 0, 0)
                }
            },
        }
    }

    /// Checks `bytes` at an address, which is lost, against a memory's record.
    fn bounded(&mut self, record: Gpr, address: Gpr, bytes: u8) -> Mem {
        let left = M::SCRATCH[1];
        let out = self.m.trap(TrapKind::MemoryOutOfBounds);
        self.m.load(Load::W64, left, Mem::at(record, MemoryRecord::LEN));
        self.m.sub(Width::W64, left, left, address.into());
        self.m.jump_if(Cond::LtU, out);
        self.m.compare(Width::W64, left, Rhs::Imm(bytes.into()));
        self.m.jump_if(Cond::LtU, out);
        self.m.load(Load::W64, left, Mem::at(record, MemoryRecord::BASE));
        self.m.add(Width::W64, address, address, left.into());
        Self::at(address)
    }

    /// The place in any memory: address in `a`, offset and memory index in the extension words. `aligned`: or a trap.
    fn any_place(&mut self, bytes: u8, aligned: bool) -> Mem {
        let address = self.own_int(self.field(Field::A));
        let (offset, scratch) = (self.extension(0).0, M::SCRATCH[1]);
        if offset != 0 {
            self.m.mov_imm(Width::W64, scratch, offset.cast_signed());
            self.m.add(Width::W64, address, address, scratch.into());
            // The sum overflowed if it is less than a summand.
            self.m.compare(Width::W64, address, scratch.into());
            let out = self.m.trap(TrapKind::MemoryOutOfBounds);
            self.m.jump_if(Cond::LtU, out);
        }
        if aligned && bytes > 1 {
            let unaligned = self.m.trap(TrapKind::UnalignedAtomic);
            self.m.test(Width::W64, address, Rhs::Imm(i32::from(bytes) - 1));
            self.m.jump_if(Cond::Ne, unaligned);
        }
        let record = M::SCRATCH[0];
        let index = self.extension(1).low();
        self.m.load(Load::W64, record, Mem::at(M::INSTANCE, InstanceRecord::MEMORIES));
        self.m.load(Load::W64, record, Mem::at(record, 8 * index as i32));
        self.bounded(record, address, bytes)
    }

    /// What `emit` emits may fault: outside of memory 0's pages.
    fn faulting(&mut self, emit: impl FnOnce(&mut M)) {
        self.traps.push(TrapPlace {
            offset: self.m.offset() as u32,
            pc: self.item.pc,
            kind: TrapKind::MemoryOutOfBounds,
        });
        emit(&mut self.m);
    }

    pub(super) fn load(&mut self) {
        let info = self.item.op.info();
        let Some(ty) = info.result else { unreachable!("loads have a result") };
        let place = self.place(Field::B, info.width);
        let slot = self.field(Field::D);
        self.release_dying();
        let near = place.index.map_or(place.base, |(index, _)| index);
        let d = self.result_for(slot, ty, Reg::Gpr(near));
        let op = self.item.op;
        self.faulting(|m| terrace_templates::load(m, op, d, place));
        self.define(slot, d, ty == Ty::V128);
    }

    pub(super) fn store(&mut self) {
        let info = self.item.op.info();
        let place = self.place(Field::D, info.width);
        let op = self.item.op;
        let value = if self.item.form == Form::OFFSET16_VALUE {
            let value = i64::from(self.field(Field::B) as i16);
            let temp = self.temp();
            self.m.mov_imm(Width::W64, temp, value);
            Reg::Gpr(temp)
        } else {
            self.operand(self.field(Field::B), info.params[0])
        };
        self.faulting(|m| terrace_templates::store(m, op, place, value));
        self.release_dying();
    }

    pub(super) fn load_lane(&mut self) {
        let place = self.any_place(self.item.op.info().width, false);
        let whole = self.vector(self.field(Field::B));
        let lane = self.extension(1).high() as u8;
        let slot = self.field(Field::D);
        self.release_dying();
        let d = self.float_result(slot, Some(whole));
        let lanes = super::special::lanes_of(self.item.op);
        self.m.load_lane(lanes, d, whole, place, lane);
        self.define(slot, d.into(), true);
    }

    pub(super) fn store_lane(&mut self) {
        let place = self.any_place(self.item.op.info().width, false);
        let whole = self.vector(self.field(Field::B));
        let lane = self.extension(1).high() as u8;
        let lanes = super::special::lanes_of(self.item.op);
        self.m.store_lane(lanes, place, whole, lane);
        self.release_dying();
    }

    pub(super) fn atomic(&mut self) {
        let info = self.item.op.info();
        let place = self.any_place(info.width, true);
        let op = self.item.op;
        if info.shape == Shape::atomic_store {
            let value = self.int(self.field(Field::B));
            terrace_templates::atomic_store(&mut self.m, op, place, value);
            return self.release_dying();
        }
        let value = (info.shape == Shape::atomic_rmw).then(|| self.int(self.field(Field::B)));
        // The result may not take an operand's register: operands are read again when an exchange is repeated.
        let slot = self.field(Field::D);
        let d = self.temp();
        match value {
            Some(value) => terrace_templates::atomic_rmw(&mut self.m, op, d, place, value),
            None => terrace_templates::atomic_load(&mut self.m, op, d, place),
        }
        self.release_dying();
        self.define_from_temp(slot, d);
    }

    /// Compare and exchange has more operands than may be locked: everything goes home first.
    pub(super) fn cmpxchg(&mut self) {
        self.flush();
        let info = self.item.op.info();
        let place = self.any_place(info.width, true);
        let replacement = self.extension(1).high();
        let slot = self.field(Field::D);
        // Nothing is held now but the address, so that registers may be named.
        let mut free = M::POOL.iter().copied().filter(|&reg| reg != place.base);
        let [Some(expected), Some(value), Some(d)] = [free.next(), free.next(), free.next()] else {
            unreachable!("a pool has four registers")
        };
        self.m.load(Load::W64, expected, regs::home::<M>(self.field(Field::B)));
        self.m.load(Load::W64, value, regs::home::<M>(replacement));
        terrace_templates::atomic_cmpxchg(&mut self.m, self.item.op, d, place, expected, value);
        self.m.store(terrace_masm::Store::W64, regs::home::<M>(slot), d);
        self.regs.clear();
    }

    /// The slot's new value is in a temporary.
    fn define_from_temp(&mut self, slot: u32, temp: Gpr) {
        // The other operands are done with, and the temporary itself may become the slot's.
        self.regs.unlock_all();
        let d = self.int_result(slot, Some(temp));
        if d != temp {
            self.m.mov(Width::W64, d, temp);
        }
        self.define(slot, d.into(), false);
    }
}
