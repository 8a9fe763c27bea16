//! Ops with a layout of their own.

use terrace_abi::layout::Field;
use terrace_abi::memory::TableRecord;
use terrace_abi::vm::{GlobalRecord, InstanceRecord};
use terrace_abi::{Op, TrapKind, Ty};
use terrace_masm::{Cond, Gpr, Load, LoadVector, Mem, Store, Width};
use terrace_templates::Machine;

use super::operand::float_width;
use super::{Generator, Variant, s0, s1};
use crate::activation::HelperId;
use crate::classes::Class;

impl<M: Machine> Generator<M> {
    pub(super) fn special(&mut self, v: Variant) {
        match v.op {
            Op::Unreachable => self.unreachable(),
            Op::Jump => self.jump(v),
            Op::BrTable => self.br_table(v),
            Op::LoopHead => self.loop_head(v),
            Op::Fuel => self.fuel(),
            Op::Poll => self.poll(),
            Op::Profile => self.profile(),
            Op::Return => self.leave(),
            Op::ReturnOne => self.return_one(v),
            Op::ReturnConst => self.return_const(),
            Op::ReturnV128 => self.return_v128(),
            Op::ReturnRange => self.return_range(),
            Op::Copy => self.copy(v),
            Op::CopyV128 => self.copy_v128(v),
            Op::CopyRange => self.copy_range(v),
            Op::Const32 => {
                self.m.load(Load::U32, Self::int_result(v.d), self.at(4));
                self.define(v, Ty::Word);
            }
            Op::Const => {
                self.m.load(Load::W64, Self::int_result(v.d), self.at(8));
                self.define(v, Ty::Word);
            }
            Op::ConstV128 => {
                self.m.load_vector(LoadVector::Whole, M::FLOAT_ACC, self.at(8));
                self.define(v, Ty::V128);
            }
            Op::Call => self.call(v),
            Op::ReturnCall => self.return_call(),
            Op::CallImport
            | Op::CallIndirect
            | Op::CallRef
            | Op::ReturnCallImport
            | Op::ReturnCallIndirect
            | Op::ReturnCallRef => self.record_call(v),
            Op::GlobalGet | Op::GlobalGetOwn => {
                let place = self.global(v);
                self.m.load(Load::W64, Self::int_result(v.d), place);
                self.define(v, Ty::Word);
            }
            Op::GlobalSet | Op::GlobalSetOwn => {
                let value = self.int(v.d, Field::D, Width::W64, M::TEMPS[1]);
                let place = self.global(v);
                self.m.store(Store::W64, place, value);
                self.next(v.words);
            }
            Op::GlobalGetV128 | Op::GlobalGetOwnV128 => {
                let place = self.global(v);
                self.m.load_vector(LoadVector::Whole, M::FLOAT_ACC, place);
                self.define(v, Ty::V128);
            }
            Op::GlobalSetV128 | Op::GlobalSetOwnV128 => {
                let value = self.vector(Class::Slot, Field::D, M::FLOAT_TEMPS[0]);
                let place = self.global(v);
                self.m.store_vector(place, value);
                self.next(v.words);
            }
            Op::RefAsNonNull => {
                let null = self.m.trap(TrapKind::NullReference);
                let value = self.int(v.a, Field::A, Width::W64, M::TEMPS[0]);
                self.m.test(Width::W64, value, value.into());
                self.m.jump_if(Cond::Eq, null);
                self.next(v.words);
            }
            Op::TableGet => {
                let place = self.element(v, Field::A);
                self.m.load(Load::W64, Self::int_result(v.d), place);
                self.define(v, Ty::Word);
            }
            Op::TableSet => {
                let place = self.element(v, Field::A);
                let value = self.int(Class::Slot, Field::B, Width::W64, M::TEMPS[1]);
                self.m.store(Store::W64, place, value);
                self.next(v.words);
            }
            Op::TableSize => {
                let table = self.table(4);
                self.m.load(Load::W64, Self::int_result(v.d), Mem::at(table, TableRecord::LEN));
                self.define(v, Ty::Word);
            }
            Op::AtomicFence => {
                self.m.fence();
                self.next(v.words);
            }
            Op::CanonF32 | Op::CanonF64 => {
                let ty = if v.op == Op::CanonF32 { Ty::F32 } else { Ty::F64 };
                let a = self.float(v.a, Field::A, float_width(ty), M::FLOAT_TEMPS[0]);
                let d = Self::result(v.d, ty).into();
                self.m.canonicalize_float(float_width(ty), d, a);
                self.define(v, ty);
            }
            Op::CanonF32x4 | Op::CanonF64x2 => {
                let lanes = if v.op == Op::CanonF32x4 { Ty::F32 } else { Ty::F64 };
                let a = self.vector(v.a, Field::A, M::FLOAT_TEMPS[0]);
                self.m.canonicalize_floats(float_width(lanes), M::FLOAT_ACC, a);
                self.define(v, Ty::V128);
            }
            Op::Throw => self.helper(HelperId::Throw),
            Op::ThrowRef => self.helper(HelperId::ThrowRef),
            Op::RefFunc => self.helper(HelperId::RefFunc),
            Op::TableGrow => self.helper(HelperId::TableGrow),
            Op::TableFill => self.helper(HelperId::TableFill),
            Op::TableCopy => self.helper(HelperId::TableCopy),
            Op::TableInit => self.helper(HelperId::TableInit),
            Op::ElemDrop => self.helper(HelperId::ElemDrop),
            Op::MemorySize => self.helper(HelperId::MemorySize),
            Op::MemoryGrow => self.helper(HelperId::MemoryGrow),
            Op::MemoryFill => self.helper(HelperId::MemoryFill),
            Op::MemoryCopy => self.helper(HelperId::MemoryCopy),
            Op::MemoryInit => self.helper(HelperId::MemoryInit),
            Op::DataDrop => self.helper(HelperId::DataDrop),
            Op::MemoryAtomicWait32 => self.helper(HelperId::Wait32),
            Op::MemoryAtomicWait64 => self.helper(HelperId::Wait64),
            Op::MemoryAtomicNotify => self.helper(HelperId::Notify),
            _ => panic!("{:?} has no handler", v.op),
        }
    }

    fn copy(&mut self, v: Variant) {
        if v.d == Class::LocalFloat && v.a == Class::Slot {
            let slot = self.slot(Field::A, s1::<M>());
            self.m.load_float(terrace_masm::FloatWidth::F64, M::FLOAT_LOCAL, slot);
            let slot = self.slot(Field::D, s0::<M>());
            self.m.store_float(terrace_masm::FloatWidth::F64, slot, M::FLOAT_LOCAL);
            return self.next(v.words);
        }
        let d = Self::int_result(v.d);
        let a = self.int(v.a, Field::A, Width::W64, d);
        if a != d {
            self.m.mov(Width::W64, d, a);
        }
        self.define(v, Ty::Word);
    }

    /// The value of the global that the first word's upper half names.
    fn global(&mut self, v: Variant) -> Mem {
        let (record, index) = (M::TEMPS[0], s1::<M>());
        if matches!(v.op, Op::GlobalGetOwn | Op::GlobalSetOwn | Op::GlobalGetOwnV128 | Op::GlobalSetOwnV128) {
            self.m.load(Load::I32, index, self.at(4));
            return Mem::indexed(M::INSTANCE, index, 0, GlobalRecord::VALUE);
        }
        self.m.load(Load::W64, record, Mem::at(M::INSTANCE, InstanceRecord::GLOBALS));
        self.m.load(Load::U32, index, self.at(4));
        self.m.load(Load::W64, record, Mem::indexed(record, index, 3, 0));
        Mem::at(record, GlobalRecord::VALUE)
    }

    /// The record of the table whose 32-bit index is at an offset from the instruction.
    fn table(&mut self, at: i32) -> Gpr {
        let (record, index) = (M::TEMPS[0], s1::<M>());
        self.m.load(Load::W64, record, Mem::at(M::INSTANCE, InstanceRecord::TABLES));
        self.m.load(Load::U32, index, self.at(at));
        self.m.load(Load::W64, record, Mem::indexed(record, index, 3, 0));
        record
    }

    /// The table element that a field's slot names, or a trap.
    fn element(&mut self, v: Variant, field: Field) -> Mem {
        let table = self.table(8);
        let outside = self.m.trap(TrapKind::TableOutOfBounds);
        let index = self.int(v.a, field, Width::W64, M::TEMPS[1]);
        self.m.compare_mem(Width::W64, Mem::at(table, TableRecord::LEN), index.into());
        self.m.jump_if(Cond::LeU, outside);
        self.m.load(Load::W64, table, Mem::at(table, TableRecord::ELEMENTS));
        self.m.lea(Width::W64, table, Mem::indexed(table, index, 3, 0));
        Mem::at(table, 0)
    }
}
