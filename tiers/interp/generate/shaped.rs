//! Ops that compute: the shapes of one result and up to three operands, and compares in all their forms.

use terrace_abi::layout::Field;
use terrace_abi::{Form, Op, Ty};
use terrace_masm::{Cond, Fpr, Load, LoadVector, Mem, Rhs, Store, Width};
use terrace_templates::{Machine, Reg, Right};

use super::operand::{float_width, param, whole, width};
use super::{Generator, Variant, s0, s1};
use crate::classes::{Class, File, Jump};

/// Ops whose masm methods take operands in scratch registers and memory.
fn is_plain(op: Op) -> bool {
    use Op::*;
    matches!(
        op,
        I32Add | I32Sub | I32Mul | I32And | I32Or | I32Xor | I64Add | I64Sub | I64Mul | I64And | I64Or | I64Xor
    ) || op.is_compare()
}

/// Scalar float arithmetic, which takes memory on the right.
fn is_float_arithmetic(op: Op) -> bool {
    use Op::*;
    matches!(op, F32Add | F32Sub | F32Mul | F32Div | F64Add | F64Sub | F64Mul | F64Div)
}

impl<M: Machine> Generator<M> {
    /// The result type of a row.
    fn result_ty(op: Op) -> Ty {
        op.info().result.expect("the shape has a result")
    }

    pub(super) fn unary(&mut self, v: Variant) {
        let (ty, result) = (param(v.op, 0), Self::result_ty(v.op));
        let a = self.operand(v.a, Field::A, ty, 0);
        let d = Self::result(v.d, result);
        terrace_templates::unary(&mut self.m, v.op, d, a);
        self.define(v, result);
    }

    pub(super) fn binary(&mut self, v: Variant) {
        let result = Self::result_ty(v.op);
        let d = Self::result(v.d, result);
        let (a, b) = match File::of(param(v.op, 0)) {
            File::Int => self.int_operands(v, d),
            File::Float => self.float_operands(v, d),
            File::Vector => {
                let b = self.operand_right(v.b, Field::B, param(v.op, 1));
                (self.operand(v.a, Field::A, Ty::V128, 0), b)
            }
        };
        terrace_templates::binary(&mut self.m, v.op, d, a, b);
        self.define(v, result);
    }

    /// The operands of an integer op. The left one is fetched into the result's register if that is free.
    fn int_operands(&mut self, v: Variant, d: Reg) -> (Reg, Right) {
        let ty = param(v.op, 0);
        let width = width(ty);
        let temp = M::TEMPS[0];
        let b_at_hand = Self::int_at_hand(v.b).map(Reg::Gpr);
        let into = match d {
            Reg::Gpr(d) if is_plain(v.op) && b_at_hand != Some(Reg::Gpr(d)) && !v.op.is_compare() => d,
            _ => temp,
        };
        match v.form {
            Form::IMM64_LEFT => {
                self.m.load(whole(width), into, self.at(8));
                let b = self.plain_right(v, width);
                (into.into(), b)
            }
            Form::SLOTS | Form::BRANCH | Form::BRANCH_NOT => {
                let commutes = v.op.info().traits.commutative && v.a == Class::Slot && into != temp;
                match (b_at_hand, commutes || (v.op.info().traits.commutative && v.a == Class::Slot)) {
                    // The value at hand goes left, so that the other is read by the instruction.
                    (Some(b), true) if is_plain(v.op) => (b, Right::Int(self.int_right(v.a, Field::A, width))),
                    _ => {
                        let a = self.int(v.a, Field::A, width, into);
                        (a.into(), self.plain_right(v, width))
                    }
                }
            }
            Form::IMM16 => {
                let a = self.int(v.a, Field::A, width, into);
                let immediate = if is_plain(v.op) { s1::<M>() } else { M::TEMPS[1] };
                let load = if width == Width::W32 { Load::I16To32 } else { Load::I16 };
                self.m.load(load, immediate, self.at(6));
                (a.into(), Reg::Gpr(immediate).into())
            }
            Form::IMM64 => {
                let a = self.int(v.a, Field::A, width, into);
                (a.into(), self.extension_right(v.op, width))
            }
            Form::BRANCH_IMM | Form::BRANCH_NOT_IMM => {
                let a = self.int(v.a, Field::A, width, into);
                if width == Width::W32 {
                    return (a.into(), self.extension_right(v.op, width));
                }
                self.m.load(Load::I32, s1::<M>(), self.at(8));
                (a.into(), Reg::Gpr(s1::<M>()).into())
            }
            _ => unreachable!("integer ops have no form {:?}", v.form),
        }
    }

    /// The operand in field `b`.
    fn plain_right(&mut self, v: Variant, width: Width) -> Right {
        if is_plain(v.op) {
            return Right::Int(self.int_right(v.b, Field::B, width));
        }
        Reg::Gpr(self.int(v.b, Field::B, width, M::TEMPS[1])).into()
    }

    /// The immediate in the first extension word.
    fn extension_right(&mut self, op: Op, width: Width) -> Right {
        let place = self.at(8);
        if M::MEMORY_OPERANDS && is_plain(op) {
            return Right::int(place);
        }
        self.m.load(whole(width), M::TEMPS[1], place);
        Reg::Gpr(M::TEMPS[1]).into()
    }

    /// The operands of a scalar float op.
    fn float_operands(&mut self, v: Variant, d: Reg) -> (Reg, Right) {
        let width = float_width(param(v.op, 0));
        let d: Fpr = match d {
            Reg::Fpr(d) => d,
            Reg::Gpr(_) => M::FLOAT_TEMPS[0],
        };
        let b_at_hand = Self::float_at_hand(v.b);
        let into = if b_at_hand == Some(d) || v.op.is_compare() { M::FLOAT_TEMPS[0] } else { d };
        let temp = M::FLOAT_TEMPS[1];
        match v.form {
            Form::IMM64_LEFT => {
                let b = self.float(v.b, Field::B, width, temp);
                self.m.load_float(width, M::FLOAT_TEMPS[0], self.at(8));
                (M::FLOAT_TEMPS[0].into(), Reg::Fpr(b).into())
            }
            Form::IMM64 => {
                let a = self.float(v.a, Field::A, width, into);
                self.m.load_float(width, temp, self.at(8));
                (a.into(), Reg::Fpr(temp).into())
            }
            Form::BRANCH_IMM | Form::BRANCH_NOT_IMM => {
                let a = self.float(v.a, Field::A, width, into);
                self.m.load_float(width, temp, self.at(16));
                (a.into(), Reg::Fpr(temp).into())
            }
            _ => {
                let a = self.float(v.a, Field::A, width, into);
                if is_float_arithmetic(v.op) {
                    return (a.into(), Right::Float(self.float_right(v.b, Field::B, width)));
                }
                (a.into(), Reg::Fpr(self.float(v.b, Field::B, width, temp)).into())
            }
        }
    }

    /// Compares; the condition that holds if the op's result is 1.
    fn condition(&mut self, v: Variant) -> Cond {
        let none = M::TEMPS[0].into();
        let (a, b) = match File::of(param(v.op, 0)) {
            File::Int => self.int_operands(v, none),
            _ => self.float_operands(v, M::FLOAT_TEMPS[0].into()),
        };
        terrace_templates::compare(&mut self.m, v.op, a, b)
    }

    pub(super) fn compare(&mut self, v: Variant) {
        let cond = self.condition(v);
        self.m.set(cond, Self::int_result(v.d));
        self.define(v, Ty::I32);
    }

    pub(super) fn branch(&mut self, v: Variant) {
        let cond = self.condition(v);
        let taken = match v.form {
            Form::BRANCH_NOT | Form::BRANCH_NOT_IMM => cond.negated(),
            _ => cond,
        };
        let not_taken = self.m.label();
        self.m.jump_if_near(taken.negated(), not_taken);
        self.go(v.jump, 12);
        self.m.bind(not_taken);
        self.next(v.words);
    }

    /// Goes to a branch's target, whose displacement is at an offset from the instruction.
    pub(super) fn go(&mut self, jump: Jump, displacement: i32) {
        match jump {
            Jump::Relative => {
                self.m.load(Load::I32, s1::<M>(), self.at(displacement));
                self.m.lea(Width::W64, M::PC, Mem::indexed(M::PC, s1::<M>(), 3, self.bias));
            }
            Jump::Loop(height) => self.m.load(Load::W64, M::PC, super::control::loop_pc::<M>(height)),
        }
        self.dispatch();
    }

    /// The condition of a select: its operands are in the extension word.
    fn select_condition(&mut self, v: Variant) -> Cond {
        let ty = param(v.op, 0);
        let is_immediate = matches!(v.form, Form::SELECT_IMM | Form::SELECT_V128_IMM);
        let (x, y) = match File::of(ty) {
            File::Int => {
                let width = width(ty);
                // The index of `x` is lost when `x` is loaded over it.
                let slot = self.slot(Field::E0Q0, s0::<M>());
                self.m.load(whole(width), s0::<M>(), slot);
                let y = if is_immediate {
                    let load = if width == Width::W32 { Load::U32 } else { Load::I32 };
                    self.m.load(load, s1::<M>(), self.at(12));
                    Rhs::Reg(s1::<M>())
                } else {
                    let slot = self.slot(Field::E0Q1, s1::<M>());
                    self.m.load(whole(width), s1::<M>(), slot);
                    Rhs::Reg(s1::<M>())
                };
                (Reg::Gpr(s0::<M>()), Right::Int(y))
            }
            _ => {
                let width = float_width(ty);
                let x = self.float(Class::Slot, Field::E0Q0, width, M::FLOAT_TEMPS[0]);
                let y = self.float(Class::Slot, Field::E0Q1, width, M::FLOAT_TEMPS[1]);
                (x.into(), Reg::Fpr(y).into())
            }
        };
        terrace_templates::compare(&mut self.m, v.op, x, y)
    }

    pub(super) fn select(&mut self, v: Variant) {
        let [a, b] = M::TEMPS;
        for (field, into) in [(Field::A, a), (Field::B, b)] {
            let slot = self.slot(field, s1::<M>());
            self.m.load(Load::W64, into, slot);
        }
        let cond = self.select_condition(v);
        self.m.select(Width::W64, cond, Self::int_result(v.d), a, b);
        self.define(v, Ty::Word);
    }

    pub(super) fn select_vector(&mut self, v: Variant) {
        let cond = self.select_condition(v);
        let chosen = self.m.label();
        let index = M::TEMPS[0];
        self.m.load(Load::U16, index, self.at(4));
        self.m.jump_if_near(cond, chosen);
        self.m.load(Load::U16, index, self.at(6));
        self.m.bind(chosen);
        self.m.load_vector(LoadVector::Whole, M::FLOAT_ACC, Mem::indexed(M::SLOTS, index, 3, 0));
        self.define(v, Ty::V128);
    }

    pub(super) fn ternary(&mut self, v: Variant) {
        let c = self.vector(Class::Slot, Field::E0Q0, M::FLOAT_TEMPS[2]);
        let b = self.vector(v.b, Field::B, M::FLOAT_TEMPS[1]);
        let a = self.vector(v.a, Field::A, M::FLOAT_TEMPS[0]);
        terrace_templates::ternary(&mut self.m, v.op, M::FLOAT_ACC, a, b, c);
        self.define(v, Ty::V128);
    }

    /// 128-bit arithmetic: both results go to slots, from where nobody expects them in the accumulator.
    pub(super) fn wide(&mut self, v: Variant) {
        let [x, y] = M::TEMPS;
        let (low, high) = (M::ACC, M::LOCALS[0]);
        // The pinned locals are borrowed and read again afterwards.
        let [p, q] = M::LOCALS;
        if v.op.info().params.len() == 4 {
            let fields = [(Field::A, x), (Field::B, y), (Field::E0Q0, p), (Field::E0Q1, q)];
            for (field, into) in fields {
                self.int(Class::Slot, field, Width::W64, into);
            }
            terrace_templates::wide(&mut self.m, v.op, low, high, [x, y], [p, q]);
        } else {
            self.int(Class::Slot, Field::A, Width::W64, x);
            self.int(Class::Slot, Field::B, Width::W64, y);
            terrace_templates::wide(&mut self.m, v.op, low, high, [x, x], [y, y]);
        }
        let slot = self.slot(Field::D, s0::<M>());
        self.m.store(Store::W64, slot, low);
        self.m.store(Store::W64, slot.offset(8), high);
        self.m.add(Width::W64, M::PC, M::PC, Rhs::Imm(8 * v.words));
        self.m.jump(self.stubs.reload);
    }
}
