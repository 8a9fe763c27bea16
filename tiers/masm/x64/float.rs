//! Scalar floats.
//!
//! Instructions that merge into their first source are given the operand itself or a zeroed scratch register there, so that no
//! result waits for an older value of a register. Constants are splats, which vectors share.

use dynasmrt::DynasmApi;
use terrace_abi::TrapKind;

use super::direct::Vex;
use super::encode::{NO_PARITY, PARITY, emit, mem};
use super::{RAX, RCX, X0, X1, X64};
use crate::operand::{Cond, Fpr, Gpr, Mem, Rhs, RhsF, Width};
use crate::{Float, FloatCond, FloatWidth, Label, Masm, Rounding};
use FloatWidth::{F32, F64};
use Width::{W32, W64};

/// The numbers of the machine's conditions on single flags that comparisons of integers do not ask for.
const NO_OVERFLOW: u8 = 1;
const CARRY: u8 = 2;
const NO_CARRY: u8 = 3;
const NOT_EQUAL: u8 = 5;
const BELOW_OR_EQUAL: u8 = 6;
const NO_SIGN: u8 = 9;

/// Emits the instruction of the width, on registers: `by_width!(self, width, vaddss, vaddsd, Rx(d), Rx(a), Rx(b))`.
macro_rules! by_width {
    ($self:ident, $width:expr, $single:ident, $double:ident, $($operands:tt)*) => {
        match $width {
            F32 => emit!($self.buffer; $single $($operands)*),
            F64 => emit!($self.buffer; $double $($operands)*),
        }
    };
}

/// `d = a op b`
macro_rules! arithmetic {
    ($self:ident, $width:ident, $single:ident, $double:ident, $d:ident, $a:ident, $b:ident) => {
        match ($width, $b) {
            (_, RhsF::Reg(b)) => by_width!($self, $width, $single, $double, Rx($d.0), Rx($a.0), Rx(b.0)),
            (F32, RhsF::Mem(m)) => mem!($self.buffer, m, ($single), (Rx($d.0), Rx($a.0),), ()),
            (F64, RhsF::Mem(m)) => mem!($self.buffer, m, ($double), (Rx($d.0), Rx($a.0),), ()),
        }
    };
}

/// `d = op(a)`, by an instruction that merges into its first source.
macro_rules! merging {
    ($self:ident, $op:ident, $d:ident, $a:ident $(, $trailing:expr)?) => {
        match $a {
            RhsF::Reg(a) => emit!($self.buffer; $op Rx($d.0), Rx(a.0), Rx(a.0) $(, $trailing)?),
            RhsF::Mem(m) => {
                $self.zero_float(X0);
                mem!($self.buffer, m, ($op), (Rx($d.0), Rx(X0.0),), ($(, $trailing)?))
            }
        }
    };
}

/// `d = a op b`, where `op` is `vminss` or `vmaxss`: they give `b` where the operands are equal or unordered.
macro_rules! extremum {
    ($self:ident, $width:ident, $single:ident, $double:ident, $join:ident, $d:ident, $a:ident, $b:ident) => {{
        let end = $self.label();
        by_width!($self, $width, $single, $double, Rx(X0.0), Rx($a.0), Rx($b.0));
        by_width!($self, $width, $single, $double, Rx(X1.0), Rx($b.0), Rx($a.0));
        $self.compare_registers($width, $a, $b);
        // Both ways are the same, but for zeros: the join makes the sign right.
        emit!($self.buffer; $join Rx($d.0), Rx(X0.0), Rx(X1.0));
        $self.jcc_near(NO_PARITY, end);
        by_width!($self, $width, vaddss, vaddsd, Rx($d.0), Rx(X0.0), Rx(X1.0));
        $self.bind(end);
    }};
}

/// A constant in every lane.
fn splat(width: FloatWidth, bits: u64) -> u128 {
    match width {
        F32 => u128::from(bits) * 0x1_0000_0001_0000_0001_0000_0001,
        F64 => u128::from(bits) << 64 | u128::from(bits),
    }
}

fn sign_bit(width: FloatWidth) -> u64 {
    match width {
        F32 => 1 << 31,
        F64 => 1 << 63,
    }
}

/// A power of two, exact in both widths, as a constant.
fn constant_of(width: FloatWidth, value: f64) -> u128 {
    match width {
        F32 => splat(F32, (value as f32).to_bits().into()),
        F64 => splat(F64, value.to_bits()),
    }
}

impl X64 {
    fn zero_float(&mut self, d: Fpr) {
        self.vex_reg(Vex { prefix: 0, code: 0x57 }, d.0, d.0, d.0);
    }

    /// Compares: carry if less or unordered, zero if equal or unordered, parity if unordered.
    fn compare_registers(&mut self, width: FloatWidth, a: Fpr, b: Fpr) {
        by_width!(self, width, vucomiss, vucomisd, Rx(a.0), Rx(b.0));
    }

    /// Compares with a constant.
    fn compare_constant(&mut self, width: FloatWidth, a: Fpr, bits: u128) {
        by_width!(self, width, vucomiss, vucomisd, Rx(a.0), [rip + 0]);
        self.constant_field(bits, 0);
    }

    /// `d = a` truncated to a signed integer; the least one if it does not fit.
    fn truncate(&mut self, to: Width, from: FloatWidth, d: Gpr, a: Fpr) {
        match to {
            W32 => by_width!(self, from, vcvttss2si, vcvttsd2si, Rd(d.0), Rx(a.0)),
            W64 => by_width!(self, from, vcvttss2si, vcvttsd2si, Rq(d.0), Rx(a.0)),
        }
    }

    /// `d = a` truncated, and on to `fits`; behind comes the code for what may not fit: NaNs, and whatever is out of range or,
    /// signed, gives the least integer, in which case `d` is that.
    fn truncate_or(&mut self, to: Width, from: FloatWidth, signed: bool, d: Gpr, a: Fpr, fits: Label) {
        match (to, signed) {
            (_, true) => {
                self.truncate(to, from, d, a);
                // Only the least integer overflows here.
                self.compare(to, d, Rhs::Imm(1));
                self.jcc_near(NO_OVERFLOW, fits);
            }
            (W32, false) => {
                self.truncate(W64, from, RAX, a);
                self.mov(W32, d, RAX);
                self.compare(W64, RAX, d.into());
                self.jump_if_near(Cond::Eq, fits);
            }
            (W64, false) => {
                self.truncate(W64, from, d, a);
                self.test(W64, d, d.into());
                self.jcc_near(NO_SIGN, fits);
                // The upper half of the range: moved down by 2^63, and back.
                by_width!(self, from, vsubss, vsubsd, Rx(X0.0), Rx(a.0), [rip + 0]);
                self.constant_field(constant_of(from, 2f64.powi(63)), 0);
                self.truncate(W64, from, d, X0);
                emit!(self.buffer; btc Rq(d.0), 63);
                self.jcc_near(NO_CARRY, fits);
            }
        }
    }

    /// `d = signed a`
    fn float_from_signed(&mut self, to: FloatWidth, from: Width, d: Fpr, a: Gpr) {
        match from {
            W32 => by_width!(self, to, vcvtsi2ss, vcvtsi2sd, Rx(d.0), Rx(X0.0), Rd(a.0)),
            W64 => by_width!(self, to, vcvtsi2ss, vcvtsi2sd, Rx(d.0), Rx(X0.0), Rq(a.0)),
        }
    }
}

impl Float for X64 {
    fn mov_float(&mut self, d: Fpr, a: Fpr) {
        self.vex_reg(Vex { prefix: 0, code: 0x28 }, d.0, 0, a.0);
    }

    fn load_float(&mut self, width: FloatWidth, d: Fpr, mem: Mem) {
        match width {
            F32 => self.vex_mem(Vex { prefix: 2, code: 0x10 }, d.0, 0, mem),
            F64 => self.vex_mem(Vex { prefix: 3, code: 0x10 }, d.0, 0, mem),
        }
    }

    fn store_float(&mut self, width: FloatWidth, mem: Mem, a: Fpr) {
        match width {
            F32 => self.vex_mem(Vex { prefix: 2, code: 0x11 }, a.0, 0, mem),
            F64 => self.vex_mem(Vex { prefix: 3, code: 0x11 }, a.0, 0, mem),
        }
    }

    fn float_to_bits(&mut self, width: Width, d: Gpr, a: Fpr) {
        match width {
            W32 => emit!(self.buffer; vmovd Rd(d.0), Rx(a.0)),
            W64 => emit!(self.buffer; vmovq Rq(d.0), Rx(a.0)),
        }
    }

    fn float_from_bits(&mut self, width: Width, d: Fpr, a: Gpr) {
        match width {
            W32 => emit!(self.buffer; vmovd Rx(d.0), Rd(a.0)),
            W64 => emit!(self.buffer; vmovq Rx(d.0), Rq(a.0)),
        }
    }

    fn add_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: RhsF) {
        arithmetic!(self, width, vaddss, vaddsd, d, a, b);
    }

    fn sub_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: RhsF) {
        arithmetic!(self, width, vsubss, vsubsd, d, a, b);
    }

    fn mul_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: RhsF) {
        arithmetic!(self, width, vmulss, vmulsd, d, a, b);
    }

    fn div_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: RhsF) {
        arithmetic!(self, width, vdivss, vdivsd, d, a, b);
    }

    fn min_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr) {
        extremum!(self, width, vminss, vminsd, vorps, d, a, b);
    }

    fn max_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr) {
        extremum!(self, width, vmaxss, vmaxsd, vandps, d, a, b);
    }

    fn copysign_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr) {
        let sign = splat(width, sign_bit(width));
        emit!(self.buffer; vandps Rx(X0.0), Rx(b.0), [rip + 0]);
        self.constant_field(sign, 0);
        emit!(self.buffer; vandps Rx(X1.0), Rx(a.0), [rip + 0]);
        self.constant_field(!sign, 0);
        emit!(self.buffer; vorps Rx(d.0), Rx(X0.0), Rx(X1.0));
    }

    fn abs_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr) {
        emit!(self.buffer; vandps Rx(d.0), Rx(a.0), [rip + 0]);
        self.constant_field(!splat(width, sign_bit(width)), 0);
    }

    fn neg_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr) {
        // The lowest lane's only: what lies above stays zero.
        emit!(self.buffer; vxorps Rx(d.0), Rx(a.0), [rip + 0]);
        self.constant_field(sign_bit(width).into(), 0);
    }

    fn sqrt_float(&mut self, width: FloatWidth, d: Fpr, a: RhsF) {
        match width {
            F32 => merging!(self, vsqrtss, d, a),
            F64 => merging!(self, vsqrtsd, d, a),
        }
    }

    fn round_float(&mut self, width: FloatWidth, rounding: Rounding, d: Fpr, a: RhsF) {
        // Bit 3: without a precision exception.
        let mode = 8 | match rounding {
            Rounding::Nearest => 0,
            Rounding::Floor => 1,
            Rounding::Ceil => 2,
            Rounding::Trunc => 3,
        };
        match width {
            F32 => merging!(self, vroundss, d, a, mode),
            F64 => merging!(self, vroundsd, d, a, mode),
        }
    }

    fn compare_float(&mut self, width: FloatWidth, cond: FloatCond, a: Fpr, b: Fpr) -> Cond {
        // "Above" is false of the unordered, "below" is true of them: less is asked as greater, the other way round.
        let (a, b) = if matches!(cond, FloatCond::Lt | FloatCond::Le) { (b, a) } else { (a, b) };
        self.compare_registers(width, a, b);
        match cond {
            FloatCond::Eq => Cond::FloatEq,
            FloatCond::Ne => Cond::FloatNe,
            FloatCond::Lt | FloatCond::Gt => Cond::GtU,
            FloatCond::Le | FloatCond::Ge => Cond::GeU,
        }
    }

    fn float_from_int(&mut self, to: FloatWidth, from: Width, signed: bool, d: Fpr, a: Gpr) {
        self.zero_float(X0);
        match (from, signed) {
            (_, true) => self.float_from_signed(to, from, d, a),
            (W32, false) => {
                self.mov(W32, RAX, a);
                self.float_from_signed(to, W64, d, RAX);
            }
            (W64, false) => {
                let (large, end) = (self.label(), self.label());
                self.test(W64, a, a.into());
                self.jump_if_near(Cond::Negative, large);
                self.float_from_signed(to, W64, d, a);
                self.jmp_near(end);
                self.bind(large);
                // Half of it, with the lost bit kept for rounding, twice.
                self.shr_u(W64, RAX, a, Rhs::Imm(1));
                self.mov(W32, RCX, a);
                self.and(W32, RCX, RCX, Rhs::Imm(1));
                self.or(W64, RAX, RAX, RCX.into());
                self.float_from_signed(to, W64, d, RAX);
                by_width!(self, to, vaddss, vaddsd, Rx(d.0), Rx(d.0), Rx(d.0));
                self.bind(end);
            }
        }
    }

    fn trunc_to_int(&mut self, to: Width, from: FloatWidth, signed: bool, d: Gpr, a: Fpr) {
        let end = self.label();
        self.truncate_or(to, from, signed, d, a, end);
        let invalid = self.trap(TrapKind::InvalidConversion);
        let overflow = self.trap(TrapKind::IntegerOverflow);
        self.compare_registers(from, a, a);
        self.jcc(PARITY, invalid);
        match (to, from, signed) {
            (_, _, false) => self.jmp(overflow),
            (W32, F64, true) => {
                // Only here is there anything between the least integer and the next one below.
                self.compare_constant(F64, a, constant_of(F64, f64::from(i32::MIN) - 1.0));
                self.jcc(BELOW_OR_EQUAL, overflow);
                self.zero_float(X0);
                self.compare_registers(F64, X0, a);
                self.jcc(CARRY, overflow);
            }
            (_, _, true) => {
                let least = if to == W32 { -2f64.powi(31) } else { -2f64.powi(63) };
                self.compare_constant(from, a, constant_of(from, least));
                self.jcc(NOT_EQUAL, overflow);
            }
        }
        self.bind(end);
    }

    fn trunc_to_int_sat(&mut self, to: Width, from: FloatWidth, signed: bool, d: Gpr, a: Fpr) {
        let end = self.label();
        self.truncate_or(to, from, signed, d, a, end);
        self.zero_float(X0);
        if signed {
            // The least integer is there already.
            self.compare_registers(from, X0, a);
            self.jcc_near(NO_CARRY, end);
            self.mov_imm(to, d, if to == W32 { i32::MAX.into() } else { i64::MAX });
            self.jcc_near(NO_PARITY, end);
            self.mov_imm(to, d, 0);
        } else {
            self.mov_imm(to, d, 0);
            self.compare_registers(from, a, X0);
            self.jcc_near(CARRY, end);
            self.mov_imm(to, d, -1);
        }
        self.bind(end);
    }

    fn demote(&mut self, d: Fpr, a: RhsF) {
        // The upper half of the f64 is not to stay above the result.
        self.zero_float(X0);
        match a {
            RhsF::Reg(a) => emit!(self.buffer; vcvtsd2ss Rx(d.0), Rx(X0.0), Rx(a.0)),
            RhsF::Mem(m) => mem!(self.buffer, m, (vcvtsd2ss), (Rx(d.0), Rx(X0.0),), ()),
        }
    }

    fn promote(&mut self, d: Fpr, a: RhsF) {
        merging!(self, vcvtss2sd, d, a);
    }

    fn canonicalize_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr) {
        let end = self.label();
        self.compare_registers(width, a, a);
        if d != a {
            self.mov_float(d, a);
        }
        self.jcc_near(NO_PARITY, end);
        by_width!(self, width, vmovss, vmovsd, Rx(d.0), [rip + 0]);
        self.constant_field(constant_of(width, f64::NAN), 0);
        self.bind(end);
    }
}
