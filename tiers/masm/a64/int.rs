//! Integers, memory and control flow.

use dynasmrt::{DynasmApi, dynasm};
use terrace_abi::TrapKind;

use super::branch::{OVERFLOW, code};
use super::encode::{Field, Logic, arithmetic_immediate, bits, logical_immediate, r, wide, wx};
use super::memory::{Access, scale};
use super::{A64, S0, T0, T2, ZR};
use crate::Masm;
use crate::buffer::{Buffer, Label};
use crate::operand::{Cond, Gpr, Load, Mem, Rhs, Store, Width};
use Width::{W32, W64};

/// Where a call leaves the return address.
const LINK: Gpr = Gpr(30);

/// What [`Masm::prologue`] saves: `x19` to `x30`.
const SAVED: i32 = 96;

impl A64 {
    /// `d = a shifted`, by `known` if the count is, else by the instruction.
    fn shift(
        &mut self,
        width: Width,
        d: Gpr,
        a: Gpr,
        b: Rhs,
        known: impl FnOnce(&mut A64, u32),
        variable: impl FnOnce(&mut A64, Gpr),
    ) {
        match b {
            Rhs::Imm(0) => self.mov(width, d, a),
            Rhs::Imm(count) => known(self, count as u32 & (bits(width) - 1)),
            b => {
                let count = self.in_register(W32, b);
                variable(self, count);
            }
        }
    }

    /// The divisor in a register; traps if it is zero. The machine itself makes the quotient zero then.
    fn divisor(&mut self, width: Width, b: Rhs) -> Gpr {
        let divisor = self.in_register(width, b);
        if !matches!(b, Rhs::Imm(_)) || b == Rhs::Imm(0) {
            let zero = self.trap(TrapKind::IntegerDivideByZero);
            self.branch_if_zero(true, width, divisor, zero);
        }
        divisor
    }

    /// `d = a - T0 * b`
    fn remainder(&mut self, width: Width, d: Gpr, a: Gpr, b: Gpr) {
        wx!(self, width, msub d, T0, b, a);
    }
}

impl Masm for A64 {
    const MEMORY_OPERANDS: bool = false;
    const MAX_CODE: usize = 1 << 27;

    fn new() -> A64 {
        A64::default()
    }

    fn buffer(&self) -> &Buffer {
        &self.buffer
    }

    fn buffer_mut(&mut self) -> &mut Buffer {
        &mut self.buffer
    }

    fn finish(&mut self) {
        self.resolve();
    }

    fn align(&mut self, alignment: usize) {
        self.pad(alignment);
    }

    fn is_immediate(width: Width, value: i64, logical: bool) -> bool {
        match logical {
            true => logical_immediate(width, value).is_some(),
            false => arithmetic_immediate(value).is_some(),
        }
    }

    fn mov(&mut self, width: Width, d: Gpr, a: Gpr) {
        self.logic(Logic::Or, width, d, ZR, a.into());
    }

    fn mov_imm(&mut self, width: Width, d: Gpr, value: i64) {
        self.constant(width, d, value.cast_unsigned());
    }

    fn load(&mut self, load: Load, d: Gpr, mem: Mem) {
        self.access(Access::load(load), d.0, mem);
    }

    fn store(&mut self, store: Store, mem: Mem, a: Gpr) {
        self.access(Access::store(store), a.0, mem);
    }

    fn store_imm(&mut self, store: Store, mem: Mem, value: i32) {
        let value = match value {
            0 => ZR,
            value => {
                self.mov_imm(if scale(store) == 3 { W64 } else { W32 }, T2, value.into());
                T2
            }
        };
        self.store(store, mem, value);
    }

    fn lea(&mut self, width: Width, d: Gpr, mem: Mem) {
        self.address_to(width, d, mem);
    }

    fn address_of(&mut self, d: Gpr, label: Label) {
        self.load_address(d, label);
    }

    fn add(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs) {
        self.arithmetic(false, false, width, d, a, b);
    }

    fn sub(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs) {
        self.arithmetic(true, true, width, d, a, b);
    }

    fn and(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs) {
        self.logic(Logic::And, width, d, a, b);
    }

    fn or(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs) {
        self.logic(Logic::Or, width, d, a, b);
    }

    fn xor(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs) {
        self.logic(Logic::Xor, width, d, a, b);
    }

    fn mul(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs) {
        let b = self.in_register(width, b);
        wx!(self, width, mul d, a, b);
    }

    fn shl(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs) {
        let known = |m: &mut A64, count| {
            let mask = bits(width) - 1;
            m.bit_field(Field::Unsigned, width, d, a, (bits(width) - count) & mask, mask - count);
        };
        self.shift(width, d, a, b, known, |m, b| wx!(m, width, lslv d, a, b));
    }

    fn shr_s(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs) {
        let known = |m: &mut A64, count| m.bit_field(Field::Signed, width, d, a, count, bits(width) - 1);
        self.shift(width, d, a, b, known, |m, b| wx!(m, width, asrv d, a, b));
    }

    fn shr_u(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs) {
        let known = |m: &mut A64, count| m.bit_field(Field::Unsigned, width, d, a, count, bits(width) - 1);
        self.shift(width, d, a, b, known, |m, b| wx!(m, width, lsrv d, a, b));
    }

    fn rotl(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs) {
        let known = |m: &mut A64, count| m.rotate(width, d, a, bits(width) - count);
        self.shift(width, d, a, b, known, |m, b| {
            dynasm!(m; .arch aarch64; neg W(T0.0), W(b.0));
            wx!(m, width, rorv d, a, T0);
        });
    }

    fn rotr(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs) {
        let known = |m: &mut A64, count| m.rotate(width, d, a, count);
        self.shift(width, d, a, b, known, |m, b| wx!(m, width, rorv d, a, b));
    }

    fn div_s(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs) {
        let divisor = self.divisor(width, b);
        if !matches!(b, Rhs::Imm(_)) || b == Rhs::Imm(-1) {
            // a - 1 overflows if a is the least integer: asked only if b is -1.
            let overflow = self.trap(TrapKind::IntegerOverflow);
            self.compare(width, divisor, Rhs::Imm(-1));
            wx!(self, width, ccmp a; 1, 0, eq);
            self.branch_if(OVERFLOW, overflow);
        }
        wx!(self, width, sdiv d, a, divisor);
    }

    fn div_u(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs) {
        let divisor = self.divisor(width, b);
        wx!(self, width, udiv d, a, divisor);
    }

    fn rem_s(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs) {
        let divisor = self.divisor(width, b);
        wx!(self, width, sdiv T0, a, divisor);
        self.remainder(width, d, a, divisor);
    }

    fn rem_u(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs) {
        let divisor = self.divisor(width, b);
        wx!(self, width, udiv T0, a, divisor);
        self.remainder(width, d, a, divisor);
    }

    fn clz(&mut self, width: Width, d: Gpr, a: Gpr) {
        wx!(self, width, clz d, a);
    }

    fn ctz(&mut self, width: Width, d: Gpr, a: Gpr) {
        wx!(self, width, rbit d, a);
        wx!(self, width, clz d, d);
    }

    fn popcnt(&mut self, width: Width, d: Gpr, a: Gpr) {
        match width {
            W32 => dynasm!(self; .arch aarch64; fmov S(S0.0), W(a.0)),
            W64 => dynasm!(self; .arch aarch64; fmov D(S0.0), X(a.0)),
        }
        dynasm!(self; .arch aarch64
            ; cnt V(S0.0).B8, V(S0.0).B8; addv B(S0.0), V(S0.0).B8; fmov W(d.0), S(S0.0));
    }

    fn sign_extend(&mut self, width: Width, d: Gpr, a: Gpr, from: u8) {
        self.bit_field(Field::Signed, width, d, a, 0, u32::from(from) - 1);
    }

    fn add128(&mut self, low: Gpr, high: Gpr, a: [Gpr; 2], b: [Gpr; 2]) {
        let t = if low == a[1] || low == b[1] { T0 } else { low };
        dynasm!(self; .arch aarch64; adds X(t.0), X(a[0].0), X(b[0].0); adc X(high.0), X(a[1].0), X(b[1].0));
        self.mov_if_needed(low, t);
    }

    fn sub128(&mut self, low: Gpr, high: Gpr, a: [Gpr; 2], b: [Gpr; 2]) {
        let t = if low == a[1] || low == b[1] { T0 } else { low };
        dynasm!(self; .arch aarch64; subs X(t.0), X(a[0].0), X(b[0].0); sbc X(high.0), X(a[1].0), X(b[1].0));
        self.mov_if_needed(low, t);
    }

    fn mul_wide(&mut self, signed: bool, low: Gpr, high: Gpr, a: Gpr, b: Gpr) {
        let t = if low == a || low == b { T0 } else { low };
        dynasm!(self; .arch aarch64; mul X(t.0), X(a.0), X(b.0));
        match signed {
            true => dynasm!(self; .arch aarch64; smulh X(high.0), X(a.0), X(b.0)),
            false => dynasm!(self; .arch aarch64; umulh X(high.0), X(a.0), X(b.0)),
        }
        self.mov_if_needed(low, t);
    }

    fn compare(&mut self, width: Width, a: Gpr, b: Rhs) {
        self.arithmetic(true, true, width, ZR, a, b);
    }

    fn compare_mem(&mut self, width: Width, a: Mem, b: Rhs) {
        self.load(if width == W32 { Load::U32 } else { Load::W64 }, T2, a);
        self.compare(width, T2, b);
    }

    fn test(&mut self, width: Width, a: Gpr, b: Rhs) {
        self.logic(Logic::Test, width, ZR, a, b);
    }

    fn set(&mut self, cond: Cond, d: Gpr) {
        // csinc d, zr, zr, negated
        self.push_u32(0x1a9f_07e0 | code(cond.negated()) << 12 | r(d));
    }

    fn select(&mut self, width: Width, cond: Cond, d: Gpr, a: Gpr, b: Gpr) {
        // csel d, a, b, cond
        self.push_u32(0x1a80_0000 | wide(width) | r(b) << 16 | code(cond) << 12 | r(a) << 5 | r(d));
    }

    fn jump(&mut self, label: Label) {
        self.branch(label);
    }

    fn jump_if(&mut self, cond: Cond, label: Label) {
        self.branch_if(code(cond), label);
    }

    fn jump_if_near(&mut self, cond: Cond, label: Label) {
        self.branch_if(code(cond), label);
    }

    fn jump_table(&mut self, index: Gpr, labels: &[Label]) {
        for &label in labels {
            self.test(W64, index, index.into());
            self.jump_if(Cond::Eq, label);
            self.sub(W64, index, index, Rhs::Imm(1));
        }
    }

    fn jump_to(&mut self, target: Gpr) {
        dynasm!(self; .arch aarch64; br X(target.0));
    }

    fn call_mem(&mut self, target: Mem) {
        self.load(Load::W64, T0, target);
        // blr t0. Not a place for an island: the offset behind is that of the return.
        self.buffer.bytes.extend_from_slice(&(0xd63f_0000 | r(T0) << 5).to_le_bytes());
    }

    fn call(&mut self, label: Label) {
        self.branch_and_link(label);
    }

    fn ret(&mut self) {
        dynasm!(self; .arch aarch64; ret);
    }

    fn push_frame(&mut self, bytes: i32) {
        self.add_number(W64, ZR, ZR, -i64::from(bytes));
        self.store(Store::W64, Mem::at(ZR, bytes - 8), LINK);
    }

    fn drop_frame(&mut self, bytes: i32) {
        self.load(Load::W64, LINK, Mem::at(ZR, bytes - 8));
        self.add_number(W64, ZR, ZR, bytes.into());
    }

    fn get_stack(&mut self, d: Gpr) {
        self.add_number(W64, d, ZR, 0);
    }

    fn set_stack(&mut self, a: Gpr) {
        self.add_number(W64, ZR, a, 0);
    }

    fn prologue(&mut self, bytes: i32) {
        dynasm!(self; .arch aarch64
            ; stp x29, x30, [sp, -SAVED]!; stp x19, x20, [sp, 16]; stp x21, x22, [sp, 32]; stp x23, x24, [sp, 48]
            ; stp x25, x26, [sp, 64]; stp x27, x28, [sp, 80]; mov x29, sp);
        if bytes != 0 {
            self.add_number(W64, ZR, ZR, -i64::from(bytes));
        }
    }

    fn epilogue(&mut self, bytes: i32) {
        if bytes != 0 {
            self.add_number(W64, ZR, ZR, bytes.into());
        }
        dynasm!(self; .arch aarch64
            ; ldp x27, x28, [sp, 80]; ldp x25, x26, [sp, 64]; ldp x23, x24, [sp, 48]; ldp x21, x22, [sp, 32]
            ; ldp x19, x20, [sp, 16]; ldp x29, x30, [sp], SAVED; ret);
    }

    fn undefined(&mut self) {
        // udf 0
        self.push_u32(0);
    }
}

impl A64 {
    fn mov_if_needed(&mut self, d: Gpr, a: Gpr) {
        if d != a {
            self.mov(W64, d, a);
        }
    }
}
