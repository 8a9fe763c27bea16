//! Fetching operands and putting results where their classes say.

use terrace_abi::layout::Field;
use terrace_abi::{Op, Ty};
use terrace_masm::{FloatWidth, Fpr, Gpr, Load, LoadVector, Mem, Rhs, RhsF, Store, Width};
use terrace_templates::{Machine, Reg, Right};

use super::{Generator, Variant, s0, s1};
use crate::classes::{Class, File};

/// Where a 16-bit field lies from the instruction's first byte.
pub(super) fn offset(field: Field) -> i32 {
    match field {
        Field::D => 2,
        Field::A => 4,
        Field::B => 6,
        Field::E0Q0 => 8,
        Field::E0Q1 => 10,
        _ => unreachable!("{field:?} is no 16-bit field"),
    }
}

/// The width of an integer type.
pub(super) fn width(ty: Ty) -> Width {
    if ty == Ty::I32 { Width::W32 } else { Width::W64 }
}

/// The width of a float type.
pub(super) fn float_width(ty: Ty) -> FloatWidth {
    if ty == Ty::F32 { FloatWidth::F32 } else { FloatWidth::F64 }
}

/// The type of a row's parameter; memory rows have values and accessed units only.
pub(super) fn param(op: Op, index: usize) -> Ty {
    op.info().params[index]
}

/// How a register's width is loaded.
pub(super) fn whole(width: Width) -> Load {
    match width {
        Width::W32 => Load::U32,
        Width::W64 => Load::W64,
    }
}

impl<M: Machine> Generator<M> {
    /// The slot that a field names; `index` is lost.
    pub(super) fn slot(&mut self, field: Field, index: Gpr) -> Mem {
        self.m.load(Load::U16, index, self.at(offset(field)));
        Mem::indexed(M::SLOTS, index, 3, 0)
    }

    /// The register of an integer class.
    pub(super) fn int_at_hand(class: Class) -> Option<Gpr> {
        match class {
            Class::Acc => Some(M::ACC),
            Class::Local0 => Some(M::LOCALS[0]),
            Class::Local1 => Some(M::LOCALS[1]),
            _ => None,
        }
    }

    /// The register of a float or vector class.
    pub(super) fn float_at_hand(class: Class) -> Option<Fpr> {
        match class {
            Class::Acc => Some(M::FLOAT_ACC),
            Class::LocalFloat => Some(M::FLOAT_LOCAL),
            _ => None,
        }
    }

    /// An integer operand in a register: its own, or `into`.
    pub(super) fn int(&mut self, class: Class, field: Field, width: Width, into: Gpr) -> Gpr {
        Self::int_at_hand(class).unwrap_or_else(|| {
            let slot = self.slot(field, s1::<M>());
            self.m.load(whole(width), into, slot);
            into
        })
    }

    /// An integer operand on the right of a simple method: a register, or memory with its index in the second scratch register.
    pub(super) fn int_right(&mut self, class: Class, field: Field, width: Width) -> Rhs {
        match Self::int_at_hand(class) {
            Some(reg) => Rhs::Reg(reg),
            None if M::MEMORY_OPERANDS => Rhs::Mem(self.slot(field, s1::<M>())),
            None => Rhs::Reg(self.int(class, field, width, M::TEMPS[1])),
        }
    }

    /// A float operand in a register: its own, or `into`.
    pub(super) fn float(&mut self, class: Class, field: Field, width: FloatWidth, into: Fpr) -> Fpr {
        Self::float_at_hand(class).unwrap_or_else(|| {
            let slot = self.slot(field, s1::<M>());
            self.m.load_float(width, into, slot);
            into
        })
    }

    /// A float operand on the right of arithmetic.
    pub(super) fn float_right(&mut self, class: Class, field: Field, width: FloatWidth) -> RhsF {
        match Self::float_at_hand(class) {
            Some(reg) => RhsF::Reg(reg),
            None if M::MEMORY_OPERANDS => RhsF::Mem(self.slot(field, s1::<M>())),
            None => RhsF::Reg(self.float(class, field, width, M::FLOAT_TEMPS[1])),
        }
    }

    /// A vector operand in a register: its own, or `into`.
    pub(super) fn vector(&mut self, class: Class, field: Field, into: Fpr) -> Fpr {
        Self::float_at_hand(class).unwrap_or_else(|| {
            let slot = self.slot(field, s1::<M>());
            self.m.load_vector(LoadVector::Whole, into, slot);
            into
        })
    }

    /// An operand of any type in a register: temporaries number `temp`, if it has none of its own.
    pub(super) fn operand(&mut self, class: Class, field: Field, ty: Ty, temp: usize) -> Reg {
        match File::of(ty) {
            File::Int => self.int(class, field, width(ty), M::TEMPS[temp]).into(),
            File::Float => self.float(class, field, float_width(ty), M::FLOAT_TEMPS[temp]).into(),
            File::Vector => self.vector(class, field, M::FLOAT_TEMPS[temp]).into(),
        }
    }

    /// As [`Generator::operand`], on the right.
    pub(super) fn operand_right(&mut self, class: Class, field: Field, ty: Ty) -> Right {
        self.operand(class, field, ty, 1).into()
    }

    /// Where a result of this class and type is computed.
    pub(super) fn result(class: Class, ty: Ty) -> Reg {
        match (File::of(ty), class) {
            (File::Int, Class::Local0) => M::LOCALS[0].into(),
            (File::Int, Class::Local1) => M::LOCALS[1].into(),
            (File::Int, Class::LocalFloat) => M::TEMPS[0].into(),
            (File::Int, _) => M::ACC.into(),
            (_, Class::LocalFloat) => M::FLOAT_LOCAL.into(),
            _ => M::FLOAT_ACC.into(),
        }
    }

    /// The integer register that a result is computed in.
    pub(super) fn int_result(class: Class) -> Gpr {
        Self::result(class, Ty::I64).into()
    }

    /// Puts a result from its register to where its class says, and goes on behind the instruction.
    pub(super) fn define(&mut self, v: Variant, ty: Ty) {
        let from = Self::result(v.d, ty);
        if v.d != Class::Acc {
            let slot = self.slot(Field::D, s0::<M>());
            match (from, ty) {
                (Reg::Gpr(from), _) => self.m.store(Store::W64, slot, from),
                (Reg::Fpr(from), Ty::V128) => self.m.store_vector(slot, from),
                // The slot of an f32 has a zero upper half, as its register.
                (Reg::Fpr(from), _) => self.m.store_float(FloatWidth::F64, slot, from),
            }
        }
        match (v.d, from) {
            (Class::LocalFloat, Reg::Gpr(from)) => self.m.float_from_bits(Width::W64, M::FLOAT_LOCAL, from),
            (Class::Reload, _) => {
                self.m.add(Width::W64, M::PC, M::PC, Rhs::Imm(self.bias + 8 * v.words));
                return self.m.jump(self.stubs.reload);
            }
            _ => {}
        }
        self.next(v.words);
    }
}
