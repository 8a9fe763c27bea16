//! Ops that compute: operands come from registers, home or the instruction, and the result goes into its slot's register.

use terrace_abi::layout::Field;
use terrace_abi::{Form, Op, Ty};
use terrace_masm::{Cond, FloatWidth, Fpr, Gpr, Mem, Rhs, RhsF, Width};
use terrace_templates::{Machine, Reg, Right};

use super::{Emitter, regs};

/// The register file of a type, and the form of its values there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum File {
    Int,
    Float,
    Vector,
}

impl File {
    pub fn of(ty: Ty) -> File {
        match ty {
            Ty::F32 | Ty::F64 => File::Float,
            Ty::V128 => File::Vector,
            _ => File::Int,
        }
    }
}

pub(super) fn int_width(ty: Ty) -> Width {
    if ty == Ty::I32 { Width::W32 } else { Width::W64 }
}

/// Scalar float arithmetic, whose right side may be in memory.
fn takes_memory(op: Op) -> bool {
    use Op::*;
    matches!(op, F32Add | F32Sub | F32Mul | F32Div | F64Add | F64Sub | F64Mul | F64Div)
}

/// Whether immediates of an op are those of logic.
fn is_logical(op: Op) -> bool {
    use Op::*;
    matches!(op, I32And | I32Or | I32Xor | I64And | I64Or | I64Xor)
}

/// Ops whose right side may be any 32-bit immediate: the methods see to it.
fn takes_any_immediate(op: Op) -> bool {
    use Op::*;
    matches!(
        op,
        I32Mul
            | I32Shl
            | I32ShrS
            | I32ShrU
            | I32Rotl
            | I32Rotr
            | I32DivS
            | I32DivU
            | I32RemS
            | I32RemU
            | I64Mul
            | I64Shl
            | I64ShrS
            | I64ShrU
            | I64Rotl
            | I64Rotr
            | I64DivS
            | I64DivU
            | I64RemS
            | I64RemU
    )
}

impl<M: Machine> Emitter<'_, M> {
    fn param(&self, index: usize) -> Ty {
        self.item.op.info().params[index]
    }

    fn result_ty(&self) -> Ty {
        match self.item.op.info().result {
            Some(ty) => ty,
            None => unreachable!("the shape has a result"),
        }
    }

    /// An operand in a register of its type.
    pub(super) fn operand(&mut self, slot: u32, ty: Ty) -> Reg {
        match File::of(ty) {
            File::Int => self.int(slot).into(),
            File::Float => self.float(slot).into(),
            File::Vector => self.vector(slot).into(),
        }
    }

    /// Where a result of this type is computed.
    pub(super) fn result_for(&mut self, slot: u32, ty: Ty, near: Reg) -> Reg {
        match File::of(ty) {
            File::Int => {
                let near = if let Reg::Gpr(near) = near { Some(near) } else { None };
                self.int_result(slot, near).into()
            }
            _ => {
                let near = if let Reg::Fpr(near) = near { Some(near) } else { None };
                self.float_result(slot, near).into()
            }
        }
    }

    /// The result in field `d`.
    fn result_near(&mut self, near: Reg) -> (u32, Reg) {
        let slot = self.field(Field::D);
        let ty = self.result_ty();
        self.release_dying();
        (slot, self.result_for(slot, ty, near))
    }

    fn finish_result(&mut self, slot: u32, reg: Reg) {
        let wide = self.result_ty() == Ty::V128;
        self.define(slot, reg, wide);
    }

    pub(super) fn unary(&mut self) {
        let a = self.operand(self.field(Field::A), self.param(0));
        let (slot, d) = self.result_near(a);
        terrace_templates::unary(&mut self.m, self.item.op, d, a);
        self.finish_result(slot, d);
    }

    pub(super) fn binary(&mut self) {
        let (a, b) = match File::of(self.param(0)) {
            File::Int => self.int_operands(),
            File::Float => self.float_operands(),
            File::Vector => {
                let a = self.operand(self.field(Field::A), Ty::V128);
                (a, self.operand(self.field(Field::B), self.param(1)).into())
            }
        };
        let (slot, d) = self.result_near(a);
        terrace_templates::binary(&mut self.m, self.item.op, d, a, b);
        self.finish_result(slot, d);
    }

    /// An immediate on the right of an integer op: as such if the machine has it, otherwise in a register.
    fn immediate(&mut self, width: Width, value: i64, any: bool, logical: bool) -> Rhs {
        match i32::try_from(value) {
            Ok(small) if any || M::is_immediate(width, value, logical) => Rhs::Imm(small),
            _ => {
                let temp = self.temp();
                self.m.mov_imm(width, temp, value);
                temp.into()
            }
        }
    }

    /// An integer on the right: from home if it is used here for the last time, and the machine can.
    fn int_right(&mut self, slot: u32, dies: bool) -> Rhs {
        if M::MEMORY_OPERANDS && dies && !self.at_hand(slot) {
            return Rhs::Mem(regs::home::<M>(slot));
        }
        Rhs::Reg(self.int(slot))
    }

    /// Whether operand `index` of the layout dies.
    fn dies(&self, index: u32) -> bool {
        self.item.dies & (1 << index) != 0
    }

    /// The operands of an integer op with the forms of binaries, compares and branches.
    fn int_operands(&mut self) -> (Reg, Right) {
        let op = self.item.op;
        let width = int_width(self.param(0));
        let any = takes_any_immediate(op);
        let (left, right) = match self.item.form {
            Form::IMM16 => {
                let value = i64::from(self.field(Field::B) as i16);
                (self.int(self.field(Field::A)), self.immediate(width, value, any, is_logical(op)))
            }
            Form::IMM64 => {
                let value = self.wide_immediate(width);
                (self.int(self.field(Field::A)), self.immediate(width, value, any, is_logical(op)))
            }
            Form::BRANCH_IMM | Form::BRANCH_NOT_IMM => {
                let value = i64::from(self.extension(0).low() as i32);
                (self.int(self.field(Field::A)), self.immediate(width, value, any, false))
            }
            Form::IMM64_LEFT => {
                let value = self.wide_immediate(width);
                let right = self.int(self.field(Field::B));
                let left = self.temp();
                self.m.mov_imm(width, left, value);
                (left, Rhs::Reg(right))
            }
            form => {
                // Branches have no result among their operands, but a loop.
                let _ = form;
                let (a, b) = (self.field(Field::A), self.field(Field::B));
                let left = self.int(a);
                let right = self.int_right(b, self.dies(2) && a != b);
                (left, right)
            }
        };
        (left.into(), Right::Int(right))
    }

    /// The immediate in the first extension word.
    fn wide_immediate(&self, width: Width) -> i64 {
        let bits = self.extension(0).0;
        match width {
            Width::W32 => i64::from(bits as i32),
            Width::W64 => bits.cast_signed(),
        }
    }

    fn float_const(&mut self, bits: u64) -> Fpr {
        let temp = self.float_temp();
        self.m.vector_const(temp, bits.into());
        temp
    }

    /// The operands of a scalar float op.
    fn float_operands(&mut self) -> (Reg, Right) {
        let (left, right) = match self.item.form {
            Form::IMM64 => {
                let left = self.float(self.field(Field::A));
                (left, RhsF::Reg(self.float_const(self.extension(0).0)))
            }
            Form::BRANCH_IMM | Form::BRANCH_NOT_IMM => {
                let left = self.float(self.field(Field::A));
                (left, RhsF::Reg(self.float_const(self.extension(1).0)))
            }
            Form::IMM64_LEFT => {
                let right = self.float(self.field(Field::B));
                (self.float_const(self.extension(0).0), RhsF::Reg(right))
            }
            _ => {
                let (a, b) = (self.field(Field::A), self.field(Field::B));
                let left = self.float(a);
                let from_home = M::MEMORY_OPERANDS && takes_memory(self.item.op) && self.dies(2) && a != b;
                if from_home && !self.at_hand(b) {
                    (left, RhsF::Mem(regs::home::<M>(b)))
                } else {
                    (left, RhsF::Reg(self.float(b)))
                }
            }
        };
        (left.into(), Right::Float(right))
    }

    /// Compares the operands; the condition that holds if the op's result is 1.
    fn condition(&mut self) -> Cond {
        let (a, b) = match File::of(self.param(0)) {
            File::Int => self.int_operands(),
            _ => self.float_operands(),
        };
        terrace_templates::compare(&mut self.m, self.item.op, a, b)
    }

    pub(super) fn compare(&mut self) {
        match self.item.form {
            Form::BRANCH | Form::BRANCH_IMM => self.branch(true),
            Form::BRANCH_NOT | Form::BRANCH_NOT_IMM => self.branch(false),
            Form::SELECT | Form::SELECT_IMM | Form::SELECT_V128 | Form::SELECT_V128_IMM => self.select(),
            _ => {
                let cond = self.condition();
                self.release_dying();
                let slot = self.field(Field::D);
                let d = self.int_result(slot, None);
                self.m.set(cond, d);
                self.define(slot, d.into(), false);
            }
        }
    }

    fn branch(&mut self, when: bool) {
        let cond = self.condition();
        let cond = if when { cond } else { cond.negated() };
        self.release_dying();
        let label = self.edge(self.target());
        self.m.jump_if(cond, label);
    }

    /// The condition of a select, whose operands are in the extension word.
    fn select_condition(&mut self) -> Cond {
        let ty = self.param(0);
        let operands = self.extension(0);
        let x = u32::from(operands.quarter(0));
        let (x, y) = match (File::of(ty), self.item.form) {
            (File::Int, Form::SELECT_IMM | Form::SELECT_V128_IMM) => {
                let x = self.int(x);
                let y = self.immediate(int_width(ty), i64::from(operands.high() as i32), false, false);
                (Reg::Gpr(x), Right::Int(y))
            }
            (File::Int, _) => {
                let x = self.int(x);
                (Reg::Gpr(x), Reg::Gpr(self.int(u32::from(operands.quarter(1)))).into())
            }
            _ => {
                let x = self.float(x);
                (Reg::Fpr(x), Reg::Fpr(self.float(u32::from(operands.quarter(1)))).into())
            }
        };
        terrace_templates::compare(&mut self.m, self.item.op, x, y)
    }

    /// Chooses a value. What is emitted behind the comparison are moves, loads and stores, which keep the condition.
    fn select(&mut self) {
        let cond = self.select_condition();
        self.regs.unlock_all();
        let [slot, a, b] = [Field::D, Field::A, Field::B].map(|field| self.field(field));
        let wide = matches!(self.item.form, Form::SELECT_V128 | Form::SELECT_V128_IMM);
        let float = wide || [slot, a, b].into_iter().filter(|&slot| self.is_float(slot)).count() >= 2;
        if !float {
            let (a, b) = (self.int(a), self.int(b));
            self.release_dying();
            let d = self.int_result(slot, Some(a));
            self.m.select(Width::W64, cond, d, a, b);
            return self.define(slot, d.into(), false);
        }
        let (a, b) = if wide { (self.vector(a), self.vector(b)) } else { (self.float(a), self.float(b)) };
        self.release_dying();
        let d = self.float_result(slot, Some(a));
        let chosen = self.m.label();
        if d == b {
            self.m.jump_if_near(cond.negated(), chosen);
            self.m.mov_float(d, a);
        } else {
            if d != a {
                self.m.mov_float(d, a);
            }
            self.m.jump_if_near(cond, chosen);
            self.m.mov_float(d, b);
        }
        self.m.bind(chosen);
        self.define(slot, d.into(), wide);
    }

    pub(super) fn ternary(&mut self) {
        let [a, b, c] = [Field::A, Field::B, Field::E0Q0].map(|field| self.field(field));
        let (a, b, c) = (self.vector(a), self.vector(b), self.vector(c));
        let (slot, d) = self.result_near(a.into());
        terrace_templates::ternary(&mut self.m, self.item.op, d.into(), a, b, c);
        self.finish_result(slot, d);
    }

    pub(super) fn extract_lane(&mut self) {
        let a = self.vector(self.field(Field::A));
        let lane = self.field(Field::B) as u8;
        let (slot, d) = self.result_near(a.into());
        terrace_templates::extract_lane(&mut self.m, self.item.op, d, a, lane);
        self.finish_result(slot, d);
    }

    pub(super) fn replace_lane(&mut self) {
        let a = self.vector(self.field(Field::A));
        let b = self.operand(self.field(Field::B), self.param(1));
        let lane = self.extension(0).low() as u8;
        let (slot, d) = self.result_near(a.into());
        terrace_templates::replace_lane(&mut self.m, self.item.op, d.into(), a, b, lane);
        self.finish_result(slot, d);
    }

    pub(super) fn shuffle(&mut self) {
        let a = self.vector(self.field(Field::A));
        let b = self.vector(self.field(Field::B));
        let lanes = u128::from(self.extension(0).0) | u128::from(self.extension(1).0) << 64;
        let (slot, d) = self.result_near(a.into());
        self.m.shuffle_const(d.into(), a, b, lanes);
        self.finish_result(slot, d);
    }

    /// 128-bit arithmetic: it has more operands than may be locked, so everything goes home first, and both results too.
    pub(super) fn wide(&mut self) {
        self.flush();
        let four = self.item.op.info().params.len() == 4;
        let fields: &[Field] =
            if four { &[Field::A, Field::B, Field::E0Q0, Field::E0Q1] } else { &[Field::A, Field::B] };
        let mut operands = [M::POOL[0]; 4];
        for ((operand, &reg), &field) in operands.iter_mut().zip(M::POOL).zip(fields) {
            *operand = reg;
            let slot = self.field(field);
            self.m.load(terrace_masm::Load::W64, reg, regs::home::<M>(slot));
        }
        let [p, q, r, s] = operands;
        let (low, high) = (M::POOL[4], M::POOL[5]);
        let (a, b) = if four { ([p, q], [r, s]) } else { ([p, p], [q, q]) };
        terrace_templates::wide(&mut self.m, self.item.op, low, high, a, b);
        let d = self.field(Field::D);
        self.m.store(terrace_masm::Store::W64, regs::home::<M>(d), low);
        self.m.store(terrace_masm::Store::W64, regs::home::<M>(d + 1), high);
    }

    /// An integer operand that an op may overwrite.
    pub(super) fn own_int(&mut self, slot: u32) -> Gpr {
        let value = self.int(slot);
        let own = self.temp();
        self.m.mov(Width::W64, own, value);
        self.unlock(value);
        own
    }

    /// Canonical NaNs.
    pub(super) fn canon(&mut self) {
        let slot = self.field(Field::A);
        let d = self.field(Field::D);
        let (scalar, width) = match self.item.op {
            Op::CanonF32 => (true, FloatWidth::F32),
            Op::CanonF64 => (true, FloatWidth::F64),
            Op::CanonF32x4 => (false, FloatWidth::F32),
            _ => (false, FloatWidth::F64),
        };
        let a = if scalar { self.float(slot) } else { self.vector(slot) };
        self.release_dying();
        let result = self.float_result(d, Some(a));
        if scalar {
            self.m.canonicalize_float(width, result, a);
        } else {
            self.m.canonicalize_floats(width, result, a);
        }
        self.define(d, result.into(), !scalar);
    }

    /// A place at an address register.
    pub(super) fn at(reg: Gpr) -> Mem {
        Mem::at(reg, 0)
    }
}
