//! 128-bit vectors.
//!
//! Most operators are one instruction. Where there are several, all but the last write scratch, unless the sources are used up by
//! then.

mod permute;
mod vector;

use dynasmrt::{DynasmApi, dynasm};

use super::float::canonical_nan;
use super::memory::Access;
use super::{A64, S0, S1, S2, T0, T1};
use crate::operand::{Cond, Fpr, Gpr, Mem, Rhs, Width};
use crate::{Float, FloatCond, FloatWidth, Half, LaneCond, Lanes, LoadVector, Masm, Rounding, Simd};
use FloatWidth::{F32, F64};
use Half::{High, Low};
use Lanes::{I8x16, I16x8, I32x4, I64x2};
use Width::{W32, W64};
use vector::{by_lanes, by_width, no_such, scale, shape, v, widen};

impl Simd for A64 {
    fn load_vector(&mut self, load: LoadVector, d: Fpr, mem: Mem) {
        let bytes = match load {
            LoadVector::Whole => 4,
            LoadVector::Extend(..) | LoadVector::Zero64 => 3,
            LoadVector::Splat(lanes) => scale(lanes),
            LoadVector::Zero32 => 2,
        };
        self.access(Access::vector(bytes, true), d.0, mem);
        match load {
            LoadVector::Extend(lanes, signed) => self.extend_lanes(lanes, Low, signed, d, d),
            LoadVector::Splat(lanes) => self.splat_element(lanes, d, d, 0),
            LoadVector::Whole | LoadVector::Zero32 | LoadVector::Zero64 => {}
        }
    }

    fn store_vector(&mut self, mem: Mem, a: Fpr) {
        self.access(Access::vector(4, false), a.0, mem);
    }

    fn load_lane(&mut self, lanes: Lanes, d: Fpr, a: Fpr, mem: Mem, lane: u8) {
        self.access(Access::vector(scale(lanes), true), S0.0, mem);
        self.copy_vector(d, a);
        self.insert(lanes, d, lane, S0);
    }

    fn store_lane(&mut self, lanes: Lanes, mem: Mem, a: Fpr, lane: u8) {
        let source = if lane == 0 { a } else { S0 };
        if lane != 0 {
            self.element_to(lanes, S0, a, lane);
        }
        self.access(Access::vector(scale(lanes), false), source.0, mem);
    }

    fn vector_const(&mut self, d: Fpr, bits: u128) {
        let bytes = bits.to_le_bytes();
        if bytes.iter().all(|&byte| byte == bytes[0]) {
            self.immediate(0x4f00_e400, d, bytes[0]);
        } else if bytes[..8] == bytes[8..] && bytes.iter().all(|byte| matches!(byte, 0 | 0xff)) {
            self.immediate(0x6f00_e400, d, (0..8).fold(0, |mask, i| mask | bytes[i] & 1 << i));
        } else {
            self.load_constant(d, bits);
        }
    }

    fn vector_and(&mut self, d: Fpr, a: Fpr, b: Fpr) {
        v!(self, B16 and (d, a, b));
    }

    fn vector_andnot(&mut self, d: Fpr, a: Fpr, b: Fpr) {
        v!(self, B16 bic (d, a, b));
    }

    fn vector_or(&mut self, d: Fpr, a: Fpr, b: Fpr) {
        v!(self, B16 orr (d, a, b));
    }

    fn vector_xor(&mut self, d: Fpr, a: Fpr, b: Fpr) {
        v!(self, B16 eor (d, a, b));
    }

    fn vector_not(&mut self, d: Fpr, a: Fpr) {
        v!(self, B16 mvn (d, a));
    }

    fn bitselect(&mut self, d: Fpr, a: Fpr, b: Fpr, mask: Fpr) {
        // The destination is one of the three.
        if d == a && d != mask {
            v!(self, B16 bif (d, b, mask));
        } else if d == b && d != mask {
            v!(self, B16 bit (d, a, mask));
        } else {
            self.copy_vector(d, mask);
            v!(self, B16 bsl (d, a, b));
        }
    }

    fn any_true(&mut self, d: Gpr, a: Fpr) {
        self.any_bit(Cond::Ne, d, a);
    }

    fn all_true(&mut self, lanes: Lanes, d: Gpr, a: Fpr) {
        by_lanes!(self, lanes, [B16 H8 S4 D2] cmeq (S0, a); 0);
        self.any_bit(Cond::Eq, d, S0);
    }

    fn bitmask(&mut self, lanes: Lanes, d: Gpr, a: Fpr) {
        // Each lane's sign becomes the lane's bit: they are summed up.
        let mask: u128 = match lanes {
            I8x16 => 0x8040_2010_0804_0201_8040_2010_0804_0201,
            I16x8 => 0x0080_0040_0020_0010_0008_0004_0002_0001,
            I32x4 => 0x0000_0008_0000_0004_0000_0002_0000_0001,
            I64x2 => {
                dynasm!(self; .arch aarch64
                    ; umov X(T0.0), V(a.0).D[0]; umov X(T1.0), V(a.0).D[1]
                    ; lsr X(T0.0), X(T0.0), 63; lsr X(T1.0), X(T1.0), 63; add W(d.0), W(T0.0), W(T1.0), lsl 1);
                return;
            }
        };
        self.vector_const(S1, mask);
        by_lanes!(self, lanes, [B16 H8 S4] cmlt (S0, a); 0);
        v!(self, B16 and (S0, S0, S1));
        match lanes {
            I8x16 => {
                // The upper bytes beside the lower ones.
                dynasm!(self; .arch aarch64; ext V(S1.0).B16, V(S0.0).B16, V(S0.0).B16, 8);
                v!(self, B16 zip1 (S0, S0, S1));
                dynasm!(self; .arch aarch64; addv H(S0.0), V(S0.0).H8);
            }
            I16x8 => dynasm!(self; .arch aarch64; addv H(S0.0), V(S0.0).H8),
            _ => dynasm!(self; .arch aarch64; addv S(S0.0), V(S0.0).S4),
        }
        self.float_to_bits(W32, d, S0);
    }

    fn splat(&mut self, lanes: Lanes, d: Fpr, a: Gpr) {
        match lanes {
            I8x16 => dynasm!(self; .arch aarch64; dup V(d.0).B16, W(a.0)),
            I16x8 => dynasm!(self; .arch aarch64; dup V(d.0).H8, W(a.0)),
            I32x4 => dynasm!(self; .arch aarch64; dup V(d.0).S4, W(a.0)),
            I64x2 => dynasm!(self; .arch aarch64; dup V(d.0).D2, X(a.0)),
        }
    }

    fn splat_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr) {
        self.splat_element(lanes_of(width), d, a, 0);
    }

    fn extract_lane(&mut self, lanes: Lanes, signed: bool, d: Gpr, a: Fpr, lane: u8) {
        let lane = lane.into();
        match (lanes, signed) {
            (I8x16, true) => dynasm!(self; .arch aarch64; smov W(d.0), V(a.0).B[lane]),
            (I8x16, false) => dynasm!(self; .arch aarch64; umov W(d.0), V(a.0).B[lane]),
            (I16x8, true) => dynasm!(self; .arch aarch64; smov W(d.0), V(a.0).H[lane]),
            (I16x8, false) => dynasm!(self; .arch aarch64; umov W(d.0), V(a.0).H[lane]),
            (I32x4, _) => dynasm!(self; .arch aarch64; umov W(d.0), V(a.0).S[lane]),
            (I64x2, _) => dynasm!(self; .arch aarch64; umov X(d.0), V(a.0).D[lane]),
        }
    }

    fn extract_lane_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr, lane: u8) {
        self.element_to(lanes_of(width), d, a, lane);
    }

    fn replace_lane(&mut self, lanes: Lanes, d: Fpr, a: Fpr, b: Gpr, lane: u8) {
        self.copy_vector(d, a);
        let lane = lane.into();
        match lanes {
            I8x16 => dynasm!(self; .arch aarch64; ins V(d.0).B[lane], W(b.0)),
            I16x8 => dynasm!(self; .arch aarch64; ins V(d.0).H[lane], W(b.0)),
            I32x4 => dynasm!(self; .arch aarch64; ins V(d.0).S[lane], W(b.0)),
            I64x2 => dynasm!(self; .arch aarch64; ins V(d.0).D[lane], X(b.0)),
        }
    }

    fn replace_lane_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr, lane: u8) {
        let source = if d == b && d != a { S0 } else { b };
        self.copy_vector(source, b);
        self.copy_vector(d, a);
        self.insert(lanes_of(width), d, lane, source);
    }

    fn swizzle(&mut self, d: Fpr, a: Fpr, indices: Fpr) {
        dynasm!(self; .arch aarch64; tbl V(d.0).B16, {V(a.0).B16 * 1}, V(indices.0).B16);
    }

    fn shuffle(&mut self, d: Fpr, a: Fpr, b: Fpr, lanes: Fpr) {
        self.copy_vector(S1, a);
        self.copy_vector(S2, b);
        dynasm!(self; .arch aarch64; tbl V(d.0).B16, {V(S1.0).B16 * 2}, V(lanes.0).B16);
    }

    fn shuffle_const(&mut self, d: Fpr, a: Fpr, b: Fpr, lanes: u128) {
        self.permute(d, a, b, lanes);
    }

    fn add_lanes(&mut self, lanes: Lanes, d: Fpr, a: Fpr, b: Fpr) {
        by_lanes!(self, lanes, [B16 H8 S4 D2] add (d, a, b));
    }

    fn sub_lanes(&mut self, lanes: Lanes, d: Fpr, a: Fpr, b: Fpr) {
        by_lanes!(self, lanes, [B16 H8 S4 D2] sub (d, a, b));
    }

    fn mul_lanes(&mut self, lanes: Lanes, d: Fpr, a: Fpr, b: Fpr) {
        if lanes != I64x2 {
            return by_lanes!(self, lanes, [H8 S4] mul (d, a, b));
        }
        // ((high * low + low * high) << 32) + low * low
        dynasm!(self; .arch aarch64
            ; rev64 V(S0.0).S4, V(b.0).S4
            ; mul V(S0.0).S4, V(S0.0).S4, V(a.0).S4
            ; uaddlp V(S0.0).D2, V(S0.0).S4
            ; shl V(S0.0).D2, V(S0.0).D2, 32
            ; xtn V(S1.0).S2, V(a.0).D2
            ; xtn V(S2.0).S2, V(b.0).D2
            ; umlal V(S0.0).D2, V(S1.0).S2, V(S2.0).S2);
        self.copy_vector(d, S0);
    }

    fn add_sat(&mut self, lanes: Lanes, signed: bool, d: Fpr, a: Fpr, b: Fpr) {
        match signed {
            true => by_lanes!(self, lanes, [B16 H8] sqadd (d, a, b)),
            false => by_lanes!(self, lanes, [B16 H8] uqadd (d, a, b)),
        }
    }

    fn sub_sat(&mut self, lanes: Lanes, signed: bool, d: Fpr, a: Fpr, b: Fpr) {
        match signed {
            true => by_lanes!(self, lanes, [B16 H8] sqsub (d, a, b)),
            false => by_lanes!(self, lanes, [B16 H8] uqsub (d, a, b)),
        }
    }

    fn min_lanes(&mut self, lanes: Lanes, signed: bool, d: Fpr, a: Fpr, b: Fpr) {
        match signed {
            true => by_lanes!(self, lanes, [B16 H8 S4] smin (d, a, b)),
            false => by_lanes!(self, lanes, [B16 H8 S4] umin (d, a, b)),
        }
    }

    fn max_lanes(&mut self, lanes: Lanes, signed: bool, d: Fpr, a: Fpr, b: Fpr) {
        match signed {
            true => by_lanes!(self, lanes, [B16 H8 S4] smax (d, a, b)),
            false => by_lanes!(self, lanes, [B16 H8 S4] umax (d, a, b)),
        }
    }

    fn avgr(&mut self, lanes: Lanes, d: Fpr, a: Fpr, b: Fpr) {
        by_lanes!(self, lanes, [B16 H8] urhadd (d, a, b));
    }

    fn abs_lanes(&mut self, lanes: Lanes, d: Fpr, a: Fpr) {
        by_lanes!(self, lanes, [B16 H8 S4 D2] abs (d, a));
    }

    fn neg_lanes(&mut self, lanes: Lanes, d: Fpr, a: Fpr) {
        by_lanes!(self, lanes, [B16 H8 S4 D2] neg (d, a));
    }

    fn popcnt_lanes(&mut self, d: Fpr, a: Fpr) {
        v!(self, B16 cnt (d, a));
    }

    fn shl_lanes(&mut self, lanes: Lanes, d: Fpr, a: Fpr, count: Rhs) {
        match count {
            Rhs::Imm(count) => {
                let count = count as u32 & (u32::from(lanes.bits()) - 1);
                by_lanes!(self, lanes, [B16 H8 S4 D2] shl (d, a); count);
            }
            count => {
                self.shift_counts(lanes, count, false);
                by_lanes!(self, lanes, [B16 H8 S4 D2] ushl (d, a, S0));
            }
        }
    }

    fn shr_lanes(&mut self, lanes: Lanes, signed: bool, d: Fpr, a: Fpr, count: Rhs) {
        match count {
            Rhs::Imm(count) => {
                let count = count as u32 & (u32::from(lanes.bits()) - 1);
                match (count, signed) {
                    // The machine's counts begin with 1.
                    (0, _) => self.copy_vector(d, a),
                    (_, true) => by_lanes!(self, lanes, [B16 H8 S4 D2] sshr (d, a); count),
                    (_, false) => by_lanes!(self, lanes, [B16 H8 S4 D2] ushr (d, a); count),
                }
            }
            count => {
                // To the left by less than nothing.
                self.shift_counts(lanes, count, true);
                match signed {
                    true => by_lanes!(self, lanes, [B16 H8 S4 D2] sshl (d, a, S0)),
                    false => by_lanes!(self, lanes, [B16 H8 S4 D2] ushl (d, a, S0)),
                }
            }
        }
    }

    fn compare_lanes(&mut self, lanes: Lanes, cond: LaneCond, signed: bool, d: Fpr, a: Fpr, b: Fpr) {
        match (cond, signed) {
            (LaneCond::Eq, _) => by_lanes!(self, lanes, [B16 H8 S4 D2] cmeq (d, a, b)),
            (LaneCond::Ne, _) => {
                self.compare_lanes(lanes, LaneCond::Eq, signed, d, a, b);
                self.vector_not(d, d);
            }
            (LaneCond::Lt, _) => self.compare_lanes(lanes, LaneCond::Gt, signed, d, b, a),
            (LaneCond::Le, _) => self.compare_lanes(lanes, LaneCond::Ge, signed, d, b, a),
            (LaneCond::Gt, true) => by_lanes!(self, lanes, [B16 H8 S4 D2] cmgt (d, a, b)),
            (LaneCond::Gt, false) => by_lanes!(self, lanes, [B16 H8 S4 D2] cmhi (d, a, b)),
            (LaneCond::Ge, true) => by_lanes!(self, lanes, [B16 H8 S4 D2] cmge (d, a, b)),
            (LaneCond::Ge, false) => by_lanes!(self, lanes, [B16 H8 S4 D2] cmhs (d, a, b)),
        }
    }

    fn narrow(&mut self, from: Lanes, signed: bool, d: Fpr, a: Fpr, b: Fpr) {
        let t = if d == b { S0 } else { d };
        match (from, signed) {
            (I16x8, true) => dynasm!(self; .arch aarch64
                ; sqxtn V(t.0).B8, V(a.0).H8; sqxtn2 V(t.0).B16, V(b.0).H8),
            (I16x8, false) => dynasm!(self; .arch aarch64
                ; sqxtun V(t.0).B8, V(a.0).H8; sqxtun2 V(t.0).B16, V(b.0).H8),
            (I32x4, true) => dynasm!(self; .arch aarch64
                ; sqxtn V(t.0).H4, V(a.0).S4; sqxtn2 V(t.0).H8, V(b.0).S4),
            (I32x4, false) => dynasm!(self; .arch aarch64
                ; sqxtun V(t.0).H4, V(a.0).S4; sqxtun2 V(t.0).H8, V(b.0).S4),
            (lanes, _) => no_such(lanes),
        }
        self.copy_vector(d, t);
    }

    fn extend_lanes(&mut self, from: Lanes, half: Half, signed: bool, d: Fpr, a: Fpr) {
        match signed {
            true => widen!(self, from, half, [sshll sshll2] d, (a); 0),
            false => widen!(self, from, half, [ushll ushll2] d, (a); 0),
        }
    }

    fn extmul(&mut self, from: Lanes, half: Half, signed: bool, d: Fpr, a: Fpr, b: Fpr) {
        match signed {
            true => widen!(self, from, half, [smull smull2] d, (a, b)),
            false => widen!(self, from, half, [umull umull2] d, (a, b)),
        }
    }

    fn extadd_pairwise(&mut self, from: Lanes, signed: bool, d: Fpr, a: Fpr) {
        match (from, signed) {
            (I8x16, true) => dynasm!(self; .arch aarch64; saddlp V(d.0).H8, V(a.0).B16),
            (I8x16, false) => dynasm!(self; .arch aarch64; uaddlp V(d.0).H8, V(a.0).B16),
            (I16x8, true) => dynasm!(self; .arch aarch64; saddlp V(d.0).S4, V(a.0).H8),
            (I16x8, false) => dynasm!(self; .arch aarch64; uaddlp V(d.0).S4, V(a.0).H8),
            (lanes, _) => no_such(lanes),
        }
    }

    fn dot(&mut self, d: Fpr, a: Fpr, b: Fpr) {
        self.extmul(I16x8, Low, true, S0, a, b);
        self.extmul(I16x8, High, true, S1, a, b);
        v!(self, S4 addp (d, S0, S1));
    }

    fn q15mulr_sat(&mut self, d: Fpr, a: Fpr, b: Fpr) {
        v!(self, H8 sqrdmulh (d, a, b));
    }

    fn relaxed_dot(&mut self, d: Fpr, a: Fpr, b: Fpr) {
        // Products of even bytes and of odd ones.
        self.extmul(I8x16, Low, true, S0, a, b);
        self.extmul(I8x16, High, true, S1, a, b);
        v!(self, H8 uzp1 (S2, S0, S1));
        v!(self, H8 uzp2 (S0, S0, S1));
        v!(self, H8 sqadd (d, S0, S2));
    }

    fn relaxed_dot_add(&mut self, d: Fpr, a: Fpr, b: Fpr, c: Fpr) {
        self.relaxed_dot(S0, a, b);
        self.extadd_pairwise(I16x8, true, S0, S0);
        self.add_lanes(I32x4, d, S0, c);
    }

    fn add_floats(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr) {
        by_width!(self, width, fadd(d, a, b));
    }

    fn sub_floats(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr) {
        by_width!(self, width, fsub(d, a, b));
    }

    fn mul_floats(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr) {
        by_width!(self, width, fmul(d, a, b));
    }

    fn div_floats(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr) {
        by_width!(self, width, fdiv(d, a, b));
    }

    fn min_floats(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr) {
        by_width!(self, width, fmin(d, a, b));
    }

    fn max_floats(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr) {
        by_width!(self, width, fmax(d, a, b));
    }

    fn pmin(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr) {
        by_width!(self, width, fcmgt(S0, a, b));
        self.bitselect(d, b, a, S0);
    }

    fn pmax(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr) {
        by_width!(self, width, fcmgt(S0, b, a));
        self.bitselect(d, b, a, S0);
    }

    fn abs_floats(&mut self, width: FloatWidth, d: Fpr, a: Fpr) {
        by_width!(self, width, fabs(d, a));
    }

    fn neg_floats(&mut self, width: FloatWidth, d: Fpr, a: Fpr) {
        by_width!(self, width, fneg(d, a));
    }

    fn sqrt_floats(&mut self, width: FloatWidth, d: Fpr, a: Fpr) {
        by_width!(self, width, fsqrt(d, a));
    }

    fn round_floats(&mut self, width: FloatWidth, rounding: Rounding, d: Fpr, a: Fpr) {
        match rounding {
            Rounding::Nearest => by_width!(self, width, frintn(d, a)),
            Rounding::Floor => by_width!(self, width, frintm(d, a)),
            Rounding::Ceil => by_width!(self, width, frintp(d, a)),
            Rounding::Trunc => by_width!(self, width, frintz(d, a)),
        }
    }

    fn compare_floats(&mut self, width: FloatWidth, cond: FloatCond, d: Fpr, a: Fpr, b: Fpr) {
        match cond {
            FloatCond::Eq => by_width!(self, width, fcmeq(d, a, b)),
            FloatCond::Ne => {
                by_width!(self, width, fcmeq(d, a, b));
                self.vector_not(d, d);
            }
            FloatCond::Gt => by_width!(self, width, fcmgt(d, a, b)),
            FloatCond::Ge => by_width!(self, width, fcmge(d, a, b)),
            FloatCond::Lt => by_width!(self, width, fcmgt(d, b, a)),
            FloatCond::Le => by_width!(self, width, fcmge(d, b, a)),
        }
    }

    fn fused_multiply_add(&mut self, width: FloatWidth, negated: bool, d: Fpr, a: Fpr, b: Fpr, c: Fpr) {
        let t = if d != c && (d == a || d == b) { S0 } else { d };
        self.copy_vector(t, c);
        match negated {
            true => by_width!(self, width, fmls(t, a, b)),
            false => by_width!(self, width, fmla(t, a, b)),
        }
        self.copy_vector(d, t);
    }

    fn trunc_sat_f32x4(&mut self, signed: bool, d: Fpr, a: Fpr) {
        match signed {
            true => v!(self, S4 fcvtzs (d, a)),
            false => v!(self, S4 fcvtzu (d, a)),
        }
    }

    fn trunc_sat_f64x2_zero(&mut self, signed: bool, d: Fpr, a: Fpr) {
        match signed {
            true => dynasm!(self; .arch aarch64
                ; fcvtzs V(d.0).D2, V(a.0).D2; sqxtn V(d.0).S2, V(d.0).D2),
            false => dynasm!(self; .arch aarch64
                ; fcvtzu V(d.0).D2, V(a.0).D2; uqxtn V(d.0).S2, V(d.0).D2),
        }
    }

    fn convert_i32x4_f32x4(&mut self, signed: bool, d: Fpr, a: Fpr) {
        match signed {
            true => v!(self, S4 scvtf (d, a)),
            false => v!(self, S4 ucvtf (d, a)),
        }
    }

    fn convert_low_i32x4_f64x2(&mut self, signed: bool, d: Fpr, a: Fpr) {
        // Of 64 bits, both are signed.
        self.extend_lanes(I32x4, Low, signed, d, a);
        v!(self, D2 scvtf (d, d));
    }

    fn demote_f64x2_zero(&mut self, d: Fpr, a: Fpr) {
        dynasm!(self; .arch aarch64; fcvtn V(d.0).S2, V(a.0).D2);
    }

    fn promote_low_f32x4(&mut self, d: Fpr, a: Fpr) {
        dynasm!(self; .arch aarch64; fcvtl V(d.0).D2, V(a.0).S2);
    }

    fn canonicalize_floats(&mut self, width: FloatWidth, d: Fpr, a: Fpr) {
        by_width!(self, width, fcmeq(S0, a, a));
        self.mov_imm(W64, T0, canonical_nan(width));
        self.splat(lanes_of(width), S1, T0);
        self.bitselect(d, a, S1, S0);
    }
}

/// The lanes that are as wide as these floats.
fn lanes_of(width: FloatWidth) -> Lanes {
    match width {
        F32 => I32x4,
        F64 => I64x2,
    }
}

impl A64 {
    /// `d = a` unless it is already there.
    fn copy_vector(&mut self, d: Fpr, a: Fpr) {
        if d != a {
            self.mov_float(d, a);
        }
    }

    /// `movi`: all bytes alike, or each one of 64 bits all ones or zero.
    fn immediate(&mut self, opcode: u32, d: Fpr, value: u8) {
        let value = u32::from(value);
        self.push_u32(opcode | (value >> 5) << 16 | (value & 0x1f) << 5 | u32::from(d.0));
    }

    /// `d = a has a bit`, as `Ne`, or `a has none`, as `Eq`.
    fn any_bit(&mut self, cond: Cond, d: Gpr, a: Fpr) {
        v!(self, S4 umaxp (S0, a, a));
        self.float_to_bits(W64, T0, S0);
        self.compare(W64, T0, Rhs::Imm(0));
        self.set(cond, d);
    }

    /// All lanes of `d` are `a[lane]`.
    fn splat_element(&mut self, lanes: Lanes, d: Fpr, a: Fpr, lane: u8) {
        let lane = lane.into();
        match lanes {
            I8x16 => dynasm!(self; .arch aarch64; dup V(d.0).B16, V(a.0).B[lane]),
            I16x8 => dynasm!(self; .arch aarch64; dup V(d.0).H8, V(a.0).H[lane]),
            I32x4 => dynasm!(self; .arch aarch64; dup V(d.0).S4, V(a.0).S[lane]),
            I64x2 => dynasm!(self; .arch aarch64; dup V(d.0).D2, V(a.0).D[lane]),
        }
    }

    /// `d = a[lane]`, the rest zero.
    fn element_to(&mut self, lanes: Lanes, d: Fpr, a: Fpr, lane: u8) {
        let lane = lane.into();
        match lanes {
            I8x16 => dynasm!(self; .arch aarch64; dup B(d.0), V(a.0).B[lane]),
            I16x8 => dynasm!(self; .arch aarch64; dup H(d.0), V(a.0).H[lane]),
            I32x4 => dynasm!(self; .arch aarch64; dup S(d.0), V(a.0).S[lane]),
            I64x2 => dynasm!(self; .arch aarch64; dup D(d.0), V(a.0).D[lane]),
        }
    }

    /// `d[lane] = a[0]`
    fn insert(&mut self, lanes: Lanes, d: Fpr, lane: u8, a: Fpr) {
        let lane = lane.into();
        match lanes {
            I8x16 => dynasm!(self; .arch aarch64; ins V(d.0).B[lane], V(a.0).B[0]),
            I16x8 => dynasm!(self; .arch aarch64; ins V(d.0).H[lane], V(a.0).H[0]),
            I32x4 => dynasm!(self; .arch aarch64; ins V(d.0).S[lane], V(a.0).S[0]),
            I64x2 => dynasm!(self; .arch aarch64; ins V(d.0).D[lane], V(a.0).D[0]),
        }
    }

    /// All lanes of `S0` are the count modulo the lanes' width, or its negative.
    fn shift_counts(&mut self, lanes: Lanes, count: Rhs, negative: bool) {
        let count = self.in_register(W32, count);
        self.and(W32, T0, count, Rhs::Imm(i32::from(lanes.bits()) - 1));
        if negative {
            dynasm!(self; .arch aarch64; neg W(T0.0), W(T0.0));
        }
        // Only a lane's lowest byte counts.
        self.splat(lanes, S0, T0);
    }
}
