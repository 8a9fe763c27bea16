//! Scalar floats. Instructions on a scalar make the rest of the vector register zero.

use dynasmrt::{DynasmApi, dynasm};
use terrace_abi::TrapKind;

use super::branch::{OVERFLOW, code};
use super::memory::Access;
use super::{A64, S0, S1, T0};
use crate::operand::{Cond, Fpr, Gpr, Mem, RhsF, Width};
use crate::{Float, FloatCond, FloatWidth, Masm, Rounding, Simd};
use FloatWidth::{F32, F64};
use Width::{W32, W64};

/// Emits an instruction on scalars of one width: `sd!(self, width, fadd d, a, b)`.
macro_rules! sd {
    ($self:ident, $width:expr, $op:ident $($reg:ident),+ $(; $($rest:tt)+)?) => {
        match $width {
            F32 => dynasm!($self; .arch aarch64; $op $(S($reg.0)),+ $(, $($rest)+)?),
            F64 => dynasm!($self; .arch aarch64; $op $(D($reg.0)),+ $(, $($rest)+)?),
        }
    };
}

/// Emits a conversion between a float `s` and an integer `w`, the result's first.
macro_rules! convert {
    ($self:ident, $op:ident float $float:expr, $s:ident, int $int:expr, $w:ident) => {
        match ($float, $int) {
            (F32, W32) => dynasm!($self; .arch aarch64; $op S($s.0), W($w.0)),
            (F32, W64) => dynasm!($self; .arch aarch64; $op S($s.0), X($w.0)),
            (F64, W32) => dynasm!($self; .arch aarch64; $op D($s.0), W($w.0)),
            (F64, W64) => dynasm!($self; .arch aarch64; $op D($s.0), X($w.0)),
        }
    };
    ($self:ident, $op:ident int $int:expr, $w:ident, float $float:expr, $s:ident) => {
        match ($float, $int) {
            (F32, W32) => dynasm!($self; .arch aarch64; $op W($w.0), S($s.0)),
            (F32, W64) => dynasm!($self; .arch aarch64; $op X($w.0), S($s.0)),
            (F64, W32) => dynasm!($self; .arch aarch64; $op W($w.0), D($s.0)),
            (F64, W64) => dynasm!($self; .arch aarch64; $op X($w.0), D($s.0)),
        }
    };
}

/// The bits of the canonical NaN.
pub(super) fn canonical_nan(width: FloatWidth) -> i64 {
    match width {
        F32 => f32::NAN.to_bits().into(),
        F64 => f64::NAN.to_bits().cast_signed(),
    }
}

/// The bits of the floats that are nearest to the integers of a type, but out of their range: below and above.
fn limits(to: Width, from: FloatWidth, signed: bool) -> [i64; 2] {
    let bits = if to == W32 { 32 } else { 64 };
    let above = 2f64.powi(bits - i32::from(signed));
    let below = match (signed, to, from) {
        (false, ..) => -1.0,
        // The one type whose range ends between two integers that are floats.
        (true, W32, F64) => -above - 1.0,
        (true, _, F32) => (-above as f32).next_down().into(),
        (true, _, F64) => (-above).next_down(),
    };
    [below, above].map(|limit| match from {
        F32 => (limit as f32).to_bits().into(),
        F64 => limit.to_bits().cast_signed(),
    })
}

impl A64 {
    /// `d` = the float with these bits
    fn float_constant(&mut self, width: FloatWidth, d: Fpr, bits: i64) {
        let int = if width == F32 { W32 } else { W64 };
        self.mov_imm(int, T0, bits);
        self.float_from_bits(int, d, T0);
    }

    /// An operand in a register: [`S0`], unless it is in one.
    fn in_float_register(&mut self, width: FloatWidth, b: RhsF) -> Fpr {
        match b {
            RhsF::Reg(b) => b,
            RhsF::Mem(mem) => {
                self.load_float(width, S0, mem);
                S0
            }
        }
    }
}

impl Float for A64 {
    fn mov_float(&mut self, d: Fpr, a: Fpr) {
        dynasm!(self; .arch aarch64; mov V(d.0).B16, V(a.0).B16);
    }

    fn load_float(&mut self, width: FloatWidth, d: Fpr, mem: Mem) {
        self.access(Access::vector(if width == F32 { 2 } else { 3 }, true), d.0, mem);
    }

    fn store_float(&mut self, width: FloatWidth, mem: Mem, a: Fpr) {
        self.access(Access::vector(if width == F32 { 2 } else { 3 }, false), a.0, mem);
    }

    fn float_to_bits(&mut self, width: Width, d: Gpr, a: Fpr) {
        match width {
            W32 => dynasm!(self; .arch aarch64; fmov W(d.0), S(a.0)),
            W64 => dynasm!(self; .arch aarch64; fmov X(d.0), D(a.0)),
        }
    }

    fn float_from_bits(&mut self, width: Width, d: Fpr, a: Gpr) {
        match width {
            W32 => dynasm!(self; .arch aarch64; fmov S(d.0), W(a.0)),
            W64 => dynasm!(self; .arch aarch64; fmov D(d.0), X(a.0)),
        }
    }

    fn add_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: RhsF) {
        let b = self.in_float_register(width, b);
        sd!(self, width, fadd d, a, b);
    }

    fn sub_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: RhsF) {
        let b = self.in_float_register(width, b);
        sd!(self, width, fsub d, a, b);
    }

    fn mul_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: RhsF) {
        let b = self.in_float_register(width, b);
        sd!(self, width, fmul d, a, b);
    }

    fn div_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: RhsF) {
        let b = self.in_float_register(width, b);
        sd!(self, width, fdiv d, a, b);
    }

    fn min_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr) {
        sd!(self, width, fmin d, a, b);
    }

    fn max_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr) {
        sd!(self, width, fmax d, a, b);
    }

    fn copysign_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr) {
        // -0 in each lane
        self.vector_const(S0, 0);
        match width {
            F32 => dynasm!(self; .arch aarch64; fneg V(S0.0).S4, V(S0.0).S4),
            F64 => dynasm!(self; .arch aarch64; fneg V(S0.0).D2, V(S0.0).D2),
        }
        self.bitselect(d, b, a, S0);
    }

    fn abs_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr) {
        sd!(self, width, fabs d, a);
    }

    fn neg_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr) {
        sd!(self, width, fneg d, a);
    }

    fn sqrt_float(&mut self, width: FloatWidth, d: Fpr, a: RhsF) {
        let a = self.in_float_register(width, a);
        sd!(self, width, fsqrt d, a);
    }

    fn round_float(&mut self, width: FloatWidth, rounding: Rounding, d: Fpr, a: RhsF) {
        let a = self.in_float_register(width, a);
        match rounding {
            Rounding::Nearest => sd!(self, width, frintn d, a),
            Rounding::Floor => sd!(self, width, frintm d, a),
            Rounding::Ceil => sd!(self, width, frintp d, a),
            Rounding::Trunc => sd!(self, width, frintz d, a),
        }
    }

    fn compare_float(&mut self, width: FloatWidth, cond: FloatCond, a: Fpr, b: Fpr) -> Cond {
        sd!(self, width, fcmp a, b);
        // Carry and overflow are set if unordered: less is asked without carry, greater with the sign that overflow has.
        match cond {
            FloatCond::Eq => Cond::FloatEq,
            FloatCond::Ne => Cond::FloatNe,
            FloatCond::Lt => Cond::LtU,
            FloatCond::Le => Cond::LeU,
            FloatCond::Gt => Cond::GtS,
            FloatCond::Ge => Cond::GeS,
        }
    }

    fn float_from_int(&mut self, to: FloatWidth, from: Width, signed: bool, d: Fpr, a: Gpr) {
        match signed {
            true => convert!(self, scvtf float to, d, int from, a),
            false => convert!(self, ucvtf float to, d, int from, a),
        }
    }

    fn trunc_to_int(&mut self, to: Width, from: FloatWidth, signed: bool, d: Gpr, a: Fpr) {
        let invalid = self.trap(TrapKind::InvalidConversion);
        let overflow = self.trap(TrapKind::IntegerOverflow);
        let [below, above] = limits(to, from, signed);
        self.float_constant(from, S0, below);
        self.float_constant(from, S1, above);
        sd!(self, from, fcmp a, S0);
        self.branch_if(OVERFLOW, invalid);
        // Not below the upper limit, or not above the lower one, which leaves flags that say the same.
        sd!(self, from, fccmp a, S1; 0, gt);
        self.branch_if(code(Cond::GeS), overflow);
        self.trunc_to_int_sat(to, from, signed, d, a);
    }

    fn trunc_to_int_sat(&mut self, to: Width, from: FloatWidth, signed: bool, d: Gpr, a: Fpr) {
        match signed {
            true => convert!(self, fcvtzs int to, d, float from, a),
            false => convert!(self, fcvtzu int to, d, float from, a),
        }
    }

    fn demote(&mut self, d: Fpr, a: RhsF) {
        let a = self.in_float_register(F64, a);
        dynasm!(self; .arch aarch64; fcvt S(d.0), D(a.0));
    }

    fn promote(&mut self, d: Fpr, a: RhsF) {
        let a = self.in_float_register(F32, a);
        dynasm!(self; .arch aarch64; fcvt D(d.0), S(a.0));
    }

    fn canonicalize_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr) {
        self.float_constant(width, S0, canonical_nan(width));
        sd!(self, width, fcmp a, a);
        sd!(self, width, fcsel d, a, S0; vc);
    }
}
