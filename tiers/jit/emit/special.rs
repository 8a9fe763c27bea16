//! Ops with a layout of their own.

use terrace_abi::layout::Field;
use terrace_abi::memory::TableRecord;
use terrace_abi::vm::{GlobalRecord, InstanceRecord};
use terrace_abi::{Op, TrapKind};
use terrace_interp::activation::HelperId;
use terrace_masm::{Cond, FloatWidth, Gpr, Lanes, Load, LoadVector, Mem, Store, Width};
use terrace_templates::Machine;

use super::Emitter;

/// The lanes that a load or store of one lane counts in.
pub(super) fn lanes_of(op: Op) -> Lanes {
    match op.info().width {
        1 => Lanes::I8x16,
        2 => Lanes::I16x8,
        4 => Lanes::I32x4,
        _ => Lanes::I64x2,
    }
}

impl<M: Machine> Emitter<'_, M> {
    /// Emits an op of the special group; `false` if control never continues behind it.
    pub(super) fn special(&mut self) -> bool {
        let op = self.item.op;
        match op {
            Op::Unreachable => self.unreachable(),
            Op::Jump => self.jump(),
            Op::BrTable => self.br_table(),
            Op::LoopHead => self.loop_head(),
            Op::Fuel => self.fuel(),
            Op::Poll => self.poll(),
            Op::Profile => {}
            Op::Return => self.return_nothing(),
            Op::ReturnOne => self.return_one(),
            Op::ReturnConst => self.return_const(),
            Op::ReturnV128 => self.return_v128(),
            Op::ReturnRange => self.return_range(),
            Op::Copy | Op::CopyV128 => self.copy_slot(),
            Op::CopyRange => self.copy_range(),
            Op::Const32 => self.constant(self.instruction_words()[0].high().into()),
            Op::Const => self.constant(self.extension(0).0),
            Op::ConstV128 => {
                let bits = u128::from(self.extension(0).0) | u128::from(self.extension(1).0) << 64;
                let slot = self.field(Field::D);
                let d = self.float_result(slot, None);
                self.m.vector_const(d, bits);
                self.define(slot, d.into(), true);
            }
            Op::Call => self.call(),
            Op::ReturnCall => self.return_call(),
            Op::CallImport
            | Op::CallIndirect
            | Op::CallRef
            | Op::ReturnCallImport
            | Op::ReturnCallIndirect
            | Op::ReturnCallRef => self.record_call(),
            Op::GlobalGet => self.global_get(false),
            Op::GlobalGetV128 => self.global_get(true),
            Op::GlobalSet => self.global_set(false),
            Op::GlobalSetV128 => self.global_set(true),
            Op::GlobalGetOwn => self.get_from(self.own_global(), false),
            Op::GlobalGetOwnV128 => self.get_from(self.own_global(), true),
            Op::GlobalSetOwn => self.set_to(self.own_global(), false),
            Op::GlobalSetOwnV128 => self.set_to(self.own_global(), true),
            Op::RefAsNonNull => {
                let null = self.m.trap(TrapKind::NullReference);
                let value = self.int(self.field(Field::A));
                self.m.test(Width::W64, value, value.into());
                self.m.jump_if(Cond::Eq, null);
            }
            Op::TableGet => {
                let place = self.table_element();
                let slot = self.field(Field::D);
                self.release_dying();
                let d = self.int_result(slot, None);
                self.m.load(Load::W64, d, place);
                self.define(slot, d.into(), false);
            }
            Op::TableSet => {
                let value = self.int(self.field(Field::B));
                let place = self.table_element();
                self.m.store(Store::W64, place, value);
                self.release_dying();
            }
            Op::TableSize => {
                let slot = self.field(Field::D);
                let d = self.int_result(slot, None);
                let table = self.table(self.instruction_words()[0].high());
                self.m.load(Load::W64, d, Mem::at(table, TableRecord::LEN));
                self.define(slot, d.into(), false);
            }
            Op::AtomicFence => self.m.fence(),
            Op::CanonF32 | Op::CanonF64 | Op::CanonF32x4 | Op::CanonF64x2 => self.canon(),
            Op::Throw => self.throw(HelperId::Throw),
            Op::ThrowRef => self.throw(HelperId::ThrowRef),
            Op::RefFunc => self.help(HelperId::RefFunc),
            Op::TableGrow => self.help(HelperId::TableGrow),
            Op::TableFill => self.help(HelperId::TableFill),
            Op::TableCopy => self.help(HelperId::TableCopy),
            Op::TableInit => self.help(HelperId::TableInit),
            Op::ElemDrop => self.help(HelperId::ElemDrop),
            Op::MemorySize => self.help(HelperId::MemorySize),
            Op::MemoryGrow => self.help(HelperId::MemoryGrow),
            Op::MemoryFill => self.help(HelperId::MemoryFill),
            Op::MemoryCopy => self.help(HelperId::MemoryCopy),
            Op::MemoryInit => self.help(HelperId::MemoryInit),
            Op::DataDrop => self.help(HelperId::DataDrop),
            _ => unreachable!("{op:?} has another shape"),
        }
        !op.info().traits.ends
    }

    fn constant(&mut self, bits: u64) {
        let slot = self.field(Field::D);
        if self.belongs_in_floats(slot) {
            let d = self.float_result(slot, None);
            self.m.vector_const(d, bits.into());
            return self.define(slot, d.into(), false);
        }
        let d = self.int_result(slot, None);
        match u32::try_from(bits) {
            Ok(small) => self.m.mov_imm(Width::W32, d, small.cast_signed().into()),
            Err(_) => self.m.mov_imm(Width::W64, d, bits.cast_signed()),
        }
        self.define(slot, d.into(), false);
    }

    /// The value of a global.
    fn global(&mut self) -> Mem {
        let (record, index) = (M::SCRATCH[0], self.instruction_words()[0].high());
        self.m.load(Load::W64, record, Mem::at(M::INSTANCE, InstanceRecord::GLOBALS));
        self.m.load(Load::W64, record, Mem::at(record, 8 * index as i32));
        Mem::at(record, GlobalRecord::VALUE)
    }

    /// The value of a global that the instance's record has beside it.
    fn own_global(&self) -> Mem {
        Mem::at(M::INSTANCE, self.instruction_words()[0].high() as i32)
    }

    fn get_from(&mut self, place: Mem, wide: bool) {
        let slot = self.field(Field::D);
        if wide {
            let d = self.float_result(slot, None);
            self.m.load_vector(LoadVector::Whole, d, place);
            self.define(slot, d.into(), true);
        } else if self.belongs_in_floats(slot) {
            let d = self.float_result(slot, None);
            self.m.load_float(FloatWidth::F64, d, place);
            self.define(slot, d.into(), false);
        } else {
            let d = self.int_result(slot, None);
            self.m.load(Load::W64, d, place);
            self.define(slot, d.into(), false);
        }
    }

    fn set_to(&mut self, place: Mem, wide: bool) {
        let slot = self.field(Field::D);
        if wide {
            let value = self.vector(slot);
            self.m.store_vector(place, value);
        } else if self.is_float(slot) {
            let value = self.float(slot);
            self.m.store_float(FloatWidth::F64, place, value);
        } else {
            let value = self.int(slot);
            self.m.store(Store::W64, place, value);
        }
        self.release_dying();
    }

    fn global_get(&mut self, wide: bool) {
        let place = self.global();
        self.get_from(place, wide);
    }

    fn global_set(&mut self, wide: bool) {
        let place = self.global();
        self.set_to(place, wide);
    }

    /// The record of a table.
    fn table(&mut self, index: u32) -> Gpr {
        let record = M::SCRATCH[0];
        self.m.load(Load::W64, record, Mem::at(M::INSTANCE, InstanceRecord::TABLES));
        self.m.load(Load::W64, record, Mem::at(record, 8 * index as i32));
        record
    }

    /// The element of the table in the extension word that field `a` names, or a trap.
    fn table_element(&mut self) -> Mem {
        let index = self.int(self.field(Field::A));
        let table = self.table(self.extension(0).low());
        let outside = self.m.trap(TrapKind::TableOutOfBounds);
        self.m.compare_mem(Width::W64, Mem::at(table, TableRecord::LEN), index.into());
        self.m.jump_if(Cond::LeU, outside);
        self.m.load(Load::W64, table, Mem::at(table, TableRecord::ELEMENTS));
        Mem::indexed(table, index, 3, 0)
    }

    /// Whether a slot's register, if it has one of its own, is a float's.
    fn belongs_in_floats(&self, slot: u32) -> bool {
        self.given_register(slot).is_some_and(|reg| reg >= crate::analyze::FLOATS)
    }
}
