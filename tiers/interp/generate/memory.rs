//! Accesses to linear memories.
//!
//! With guard pages, `MEMORY` is the base of memory 0, and an access outside faults with `PC` at its instruction. Where bounds are
//! explicit, `MEMORY` is the memory's record, which is read each time, since memories grow and may move.

use terrace_abi::layout::Field;
use terrace_abi::memory::MemoryRecord;
use terrace_abi::vm::InstanceRecord;
use terrace_abi::{Form, Op, Shape, TrapKind, Ty};
use terrace_masm::{Cond, Fpr, Gpr, Load, Mem, Rhs, Store, Width};
use terrace_templates::{Machine, Reg};

use super::operand::param;
use super::{Generator, Variant, s0, s1};
use crate::classes::Class;

/// The register that effective addresses are computed in.
fn address<M: Machine>() -> Gpr {
    M::TEMPS[0]
}

/// Where masm stores so many bytes.
fn store_width(bytes: u8) -> Store {
    match bytes {
        1 => Store::W8,
        2 => Store::W16,
        4 => Store::W32,
        _ => Store::W64,
    }
}

impl<M: Machine> Generator<M> {
    /// The effective address in the address register: a sum that cannot overflow, unless `checked` traps when it does.
    /// `index` is the field of an index or a 16-bit offset.
    fn effective(&mut self, v: Variant, index_class: Class, index: Field, checked: bool) {
        let to = address::<M>();
        let offset = s1::<M>();
        let base = |generator: &mut Self, width| {
            let base = generator.int(v.a, Field::A, width, to);
            if base != to {
                generator.m.mov(width, to, base);
            }
        };
        match v.form {
            Form::OFFSET16 | Form::OFFSET16_VALUE => {
                base(self, Width::W64);
                self.m.load(Load::U16, offset, self.at(super::operand::offset(index)));
                self.m.add(Width::W64, to, to, offset.into());
            }
            Form::INDEX => {
                let index = self.int(index_class, index, Width::W32, M::TEMPS[1]);
                self.m.load(Load::U32, offset, self.at(12));
                self.m.shl(Width::W32, M::TEMPS[1], index, offset.into());
                let right = self.int_right(v.a, Field::A, Width::W32);
                self.m.add(Width::W32, to, M::TEMPS[1], right);
                self.m.load(Load::U32, offset, self.at(8));
                self.m.add(Width::W64, to, to, offset.into());
            }
            Form::ADD_IMM => {
                base(self, Width::W32);
                self.m.load(Load::U32, offset, self.at(12));
                self.m.add(Width::W32, to, to, offset.into());
                self.m.load(Load::U32, offset, self.at(8));
                self.m.add(Width::W64, to, to, offset.into());
            }
            Form::ABSOLUTE => return self.m.load(Load::W64, to, self.at(8)),
            _ => {
                base(self, Width::W64);
                self.m.load(Load::W64, offset, self.at(8));
                self.m.add(Width::W64, to, to, offset.into());
            }
        }
        if checked {
            self.m.compare(Width::W64, to, offset.into());
            let out = self.m.trap(TrapKind::MemoryOutOfBounds);
            self.m.jump_if(Cond::LtU, out);
        }
    }

    /// Checks `bytes` at the address register against a memory's record, and makes them a place.
    fn bounded(&mut self, record: Gpr, bytes: u8) -> Mem {
        let (left, to) = (s1::<M>(), address::<M>());
        let out = self.m.trap(TrapKind::MemoryOutOfBounds);
        self.m.load(Load::W64, left, Mem::at(record, MemoryRecord::LEN));
        self.m.sub(Width::W64, left, left, to.into());
        self.m.jump_if(Cond::LtU, out);
        self.m.compare(Width::W64, left, Rhs::Imm(bytes.into()));
        self.m.jump_if(Cond::LtU, out);
        self.m.load(Load::W64, left, Mem::at(record, MemoryRecord::BASE));
        self.m.add(Width::W64, to, to, left.into());
        Mem::at(to, 0)
    }

    /// The place that a load or store accesses. Both scratch registers and the temporaries are lost.
    fn place(&mut self, v: Variant, index_class: Class, index: Field, bytes: u8) -> Mem {
        if v.form == Form::ANY {
            return self.any_place(v, bytes);
        }
        self.effective(v, index_class, index, v.explicit);
        if v.explicit {
            return self.bounded(M::MEMORY, bytes);
        }
        Mem::indexed(M::MEMORY, address::<M>(), 0, 0)
    }

    /// The place in any memory: address in `a`, offset and memory index in the extension words.
    fn any_place(&mut self, v: Variant, bytes: u8) -> Mem {
        let v = Variant { form: Form::OFFSET, a: Class::Slot, ..v };
        self.effective(v, Class::Slot, Field::B, true);
        let record = self.any_record();
        self.bounded(record, bytes)
    }

    /// The record of the memory whose index is in the second extension word.
    fn any_record(&mut self) -> Gpr {
        let (record, index) = (s0::<M>(), s1::<M>());
        self.m.load(Load::W64, record, Mem::at(M::INSTANCE, InstanceRecord::MEMORIES));
        self.m.load(Load::U32, index, self.at(16));
        self.m.load(Load::W64, record, Mem::indexed(record, index, 3, 0));
        record
    }

    pub(super) fn load(&mut self, v: Variant) {
        let ty = v.op.info().result.expect("loads have a result");
        let place = self.place(v, v.b, Field::B, v.op.info().width);
        terrace_templates::load(&mut self.m, v.op, Self::result(v.d, ty), place);
        self.define(v, ty);
    }

    pub(super) fn store(&mut self, v: Variant) {
        let place = self.place(v, v.d, Field::D, v.op.info().width);
        let value = if v.form == Form::OFFSET16_VALUE {
            self.m.load(Load::I16, M::TEMPS[1], self.at(6));
            Reg::Gpr(M::TEMPS[1])
        } else {
            self.operand(v.b, Field::B, param(v.op, 0), 1)
        };
        terrace_templates::store(&mut self.m, v.op, place, value);
        self.next(v.words);
    }

    /// The address of a lane: of a vector in a slot, with the lane's number in a register.
    fn lane_of(&mut self, field: Field, lane: Gpr, bytes: u8) -> Mem {
        let slot = self.slot(field, s1::<M>());
        self.m.lea(Width::W64, s1::<M>(), slot);
        Mem::indexed(s1::<M>(), lane, bytes.trailing_zeros() as u8, 0)
    }

    pub(super) fn extract_lane(&mut self, v: Variant) {
        let ty = v.op.info().result.expect("the shape has a result");
        let bytes = lane_bytes(v.op);
        let lane = M::TEMPS[0];
        self.m.load(Load::U16, lane, self.at(6));
        let place = self.lane_of(Field::A, lane, bytes);
        match Self::result(v.d, ty) {
            Reg::Fpr(d) => self.m.load_float(super::operand::float_width(ty), d, place),
            Reg::Gpr(d) => self.m.load(lane_load(v.op), d, place),
        }
        self.define(v, ty);
    }

    pub(super) fn replace_lane(&mut self, v: Variant) {
        let bytes = lane_bytes(v.op);
        let [lane, value] = M::TEMPS;
        // The value may lie in the result's slots, so it is read first.
        let slot = self.slot(Field::B, s1::<M>());
        self.m.load(Load::W64, value, slot);
        let whole = self.vector(Class::Slot, Field::A, M::FLOAT_TEMPS[0]);
        let slot = self.slot(Field::D, s1::<M>());
        self.m.store_vector(slot, whole);
        self.m.load(Load::U32, lane, self.at(8));
        let place = self.lane_of(Field::D, lane, bytes);
        self.m.store(store_width(bytes), place, value);
        self.next(v.words);
    }

    pub(super) fn load_lane(&mut self, v: Variant) {
        let bytes = v.op.info().width;
        let place = self.any_place(v, bytes);
        let (value, lane) = (M::TEMPS[1], M::TEMPS[0]);
        self.m.load(unsigned_load(bytes), value, place);
        let whole: Fpr = self.vector(Class::Slot, Field::B, M::FLOAT_TEMPS[0]);
        let slot = self.slot(Field::D, s1::<M>());
        self.m.store_vector(slot, whole);
        self.m.load(Load::U32, lane, self.at(20));
        let place = self.lane_of(Field::D, lane, bytes);
        self.m.store(store_width(bytes), place, value);
        self.next(v.words);
    }

    pub(super) fn store_lane(&mut self, v: Variant) {
        let bytes = v.op.info().width;
        let (value, lane) = (M::TEMPS[1], M::TEMPS[0]);
        self.m.load(Load::U32, lane, self.at(20));
        let place = self.lane_of(Field::B, lane, bytes);
        self.m.load(unsigned_load(bytes), value, place);
        let place = self.any_place(v, bytes);
        self.m.store(store_width(bytes), place, value);
        self.next(v.words);
    }

    pub(super) fn atomic(&mut self, v: Variant) {
        let info = v.op.info();
        let bytes = info.width;
        let aligned = Variant { form: Form::OFFSET, a: Class::Slot, ..v };
        self.effective(aligned, Class::Slot, Field::B, true);
        if bytes > 1 {
            let unaligned = self.m.trap(TrapKind::UnalignedAtomic);
            self.m.test(Width::W64, address::<M>(), Rhs::Imm(i32::from(bytes) - 1));
            self.m.jump_if(Cond::Ne, unaligned);
        }
        let record = self.any_record();
        let place = self.bounded(record, bytes);
        let value = M::TEMPS[1];
        let d = Self::int_result(v.d);
        match info.shape {
            Shape::atomic_load => terrace_templates::atomic_load(&mut self.m, v.op, d, place),
            Shape::atomic_store => {
                self.int(Class::Slot, Field::B, Width::W64, value);
                terrace_templates::atomic_store(&mut self.m, v.op, place, value);
                return self.next(v.words);
            }
            Shape::atomic_rmw => {
                self.int(Class::Slot, Field::B, Width::W64, value);
                terrace_templates::atomic_rmw(&mut self.m, v.op, d, place, value);
            }
            _ => {
                // The result will be in the accumulator, which so is free until then.
                let expected = self.int(Class::Slot, Field::B, Width::W64, M::ACC);
                self.m.load(Load::U32, s1::<M>(), self.at(20));
                self.m.load(Load::W64, value, Mem::indexed(M::SLOTS, s1::<M>(), 3, 0));
                terrace_templates::atomic_cmpxchg(&mut self.m, v.op, d, place, expected, value);
            }
        }
        self.define(v, Ty::I64);
    }
}

/// The bytes of a lane that a lane op names.
fn lane_bytes(op: Op) -> u8 {
    match op.text().split('.').next() {
        Some("i8x16") => 1,
        Some("i16x8") => 2,
        Some("i32x4" | "f32x4") => 4,
        _ => 8,
    }
}

/// How a lane becomes an integer.
fn lane_load(op: Op) -> Load {
    match op {
        Op::I8x16ExtractLaneS => Load::I8To32,
        Op::I8x16ExtractLaneU => Load::U8,
        Op::I16x8ExtractLaneS => Load::I16To32,
        Op::I16x8ExtractLaneU => Load::U16,
        Op::I32x4ExtractLane => Load::U32,
        _ => Load::W64,
    }
}

fn unsigned_load(bytes: u8) -> Load {
    match bytes {
        1 => Load::U8,
        2 => Load::U16,
        4 => Load::U32,
        _ => Load::W64,
    }
}
