//! 128-bit vectors.
//!
//! Instructions have three operands, so that a destination that is also a source costs nothing; where there are several instructions,
//! all but the last write scratch (`xmm0` to `xmm3`).

mod convert;
mod shift;
mod shuffle;
mod vex;

use dynasmrt::{DynasmApi, dynasm};

use super::direct::Vex;
use super::encode::mem;
use super::{X0, X1, X2, X64};
use crate::operand::{Fpr, Gpr, Mem, Rhs, Width};
use crate::{FloatCond, FloatWidth, Half, LaneCond, Lanes, LoadVector, Masm, Rounding, Simd};
use FloatWidth::{F32, F64};
use predicate::{EQUAL, LESS, LESS_OR_EQUAL, NOT_EQUAL, UNORDERED};
use vex::{Opcode, by_lanes, by_width, splat8, splat16, splat32, splat64, v, vex, with_immediate};

/// What `vcmpps` may be asked.
mod predicate {
    pub(super) const EQUAL: u8 = 0;
    pub(super) const LESS: u8 = 1;
    pub(super) const LESS_OR_EQUAL: u8 = 2;
    pub(super) const UNORDERED: u8 = 3;
    pub(super) const NOT_EQUAL: u8 = 4;
    pub(super) const GREATER_OR_EQUAL: u8 = 13;
}

#[cold]
fn no_such(lanes: Lanes) -> ! {
    unreachable!("wasm has no such operator on {lanes:?}")
}

/// Both lanes, or all four, are the float.
fn splat_bits(width: FloatWidth, single: u32, double: u64) -> u128 {
    match width {
        F32 => splat32(single),
        F64 => splat64(double),
    }
}

/// Emits a load or store of a vector; the lists are what goes before and behind the memory operand.
macro_rules! vector_mem {
    ($self:ident, $mem:expr, $op:tt, $before:tt, $after:tt) => {{
        let start = $self.buffer.len();
        mem!($self.buffer, $mem, $op, $before, $after);
        $self.shorten_vex(start);
    }};
}

impl Simd for X64 {
    fn load_vector(&mut self, load: LoadVector, d: Fpr, mem: Mem) {
        let d = d.0;
        match load {
            LoadVector::Whole => self.vex_mem(Vex { prefix: 0, code: 0x10 }, d, 0, mem),
            LoadVector::Extend(Lanes::I8x16, true) => vector_mem!(self, mem, (vpmovsxbw), (Rx(d), QWORD), ()),
            LoadVector::Extend(Lanes::I8x16, false) => vector_mem!(self, mem, (vpmovzxbw), (Rx(d), QWORD), ()),
            LoadVector::Extend(Lanes::I16x8, true) => vector_mem!(self, mem, (vpmovsxwd), (Rx(d), QWORD), ()),
            LoadVector::Extend(Lanes::I16x8, false) => vector_mem!(self, mem, (vpmovzxwd), (Rx(d), QWORD), ()),
            LoadVector::Extend(Lanes::I32x4, true) => vector_mem!(self, mem, (vpmovsxdq), (Rx(d), QWORD), ()),
            LoadVector::Extend(Lanes::I32x4, false) => vector_mem!(self, mem, (vpmovzxdq), (Rx(d), QWORD), ()),
            LoadVector::Extend(lanes, _) => no_such(lanes),
            LoadVector::Splat(Lanes::I8x16) => vector_mem!(self, mem, (vpbroadcastb), (Rx(d), BYTE), ()),
            LoadVector::Splat(Lanes::I16x8) => vector_mem!(self, mem, (vpbroadcastw), (Rx(d), WORD), ()),
            LoadVector::Splat(Lanes::I32x4) => vector_mem!(self, mem, (vbroadcastss), (Rx(d), DWORD), ()),
            LoadVector::Splat(Lanes::I64x2) => vector_mem!(self, mem, (vmovddup), (Rx(d), QWORD), ()),
            LoadVector::Zero32 => vector_mem!(self, mem, (vmovss), (Rx(d), DWORD), ()),
            LoadVector::Zero64 => vector_mem!(self, mem, (vmovsd), (Rx(d), QWORD), ()),
        }
    }

    fn store_vector(&mut self, mem: Mem, a: Fpr) {
        self.vex_mem(Vex { prefix: 0, code: 0x11 }, a.0, 0, mem);
    }

    fn load_lane(&mut self, lanes: Lanes, d: Fpr, a: Fpr, mem: Mem, lane: u8) {
        let (d, a, lane) = (d.0, a.0, lane as i8);
        match lanes {
            Lanes::I8x16 => vector_mem!(self, mem, (vpinsrb), (Rx(d), Rx(a), BYTE), (, lane)),
            Lanes::I16x8 => vector_mem!(self, mem, (vpinsrw), (Rx(d), Rx(a), WORD), (, lane)),
            Lanes::I32x4 => vector_mem!(self, mem, (vpinsrd), (Rx(d), Rx(a), DWORD), (, lane)),
            Lanes::I64x2 if lane == 0 => vector_mem!(self, mem, (vmovlps), (Rx(d), Rx(a), QWORD), ()),
            Lanes::I64x2 => vector_mem!(self, mem, (vmovhps), (Rx(d), Rx(a), QWORD), ()),
        }
    }

    fn store_lane(&mut self, lanes: Lanes, mem: Mem, a: Fpr, lane: u8) {
        let (a, lane) = (a.0, lane as i8);
        match lanes {
            Lanes::I8x16 => vector_mem!(self, mem, (vpextrb BYTE), (), (, Rx(a), lane)),
            Lanes::I16x8 => vector_mem!(self, mem, (vpextrw WORD), (), (, Rx(a), lane)),
            Lanes::I32x4 if lane == 0 => vector_mem!(self, mem, (vmovss DWORD), (), (, Rx(a))),
            Lanes::I32x4 => vector_mem!(self, mem, (vextractps DWORD), (), (, Rx(a), lane)),
            Lanes::I64x2 if lane == 0 => vector_mem!(self, mem, (vmovlps QWORD), (), (, Rx(a))),
            Lanes::I64x2 => vector_mem!(self, mem, (vmovhps QWORD), (), (, Rx(a))),
        }
    }

    fn vector_const(&mut self, d: Fpr, bits: u128) {
        self.constant_to(d, bits);
    }

    fn vector_and(&mut self, d: Fpr, a: Fpr, b: Fpr) {
        v!(self, vpand d, a, b);
    }

    fn vector_andnot(&mut self, d: Fpr, a: Fpr, b: Fpr) {
        v!(self, vpandn d, b, a);
    }

    fn vector_or(&mut self, d: Fpr, a: Fpr, b: Fpr) {
        v!(self, vpor d, a, b);
    }

    fn vector_xor(&mut self, d: Fpr, a: Fpr, b: Fpr) {
        v!(self, vpxor d, a, b);
    }

    fn vector_not(&mut self, d: Fpr, a: Fpr) {
        self.constant_to(X0, u128::MAX);
        v!(self, vpxor d, a, X0);
    }

    fn bitselect(&mut self, d: Fpr, a: Fpr, b: Fpr, mask: Fpr) {
        v!(self, vpand X0, a, mask);
        v!(self, vpandn X1, mask, b);
        v!(self, vpor d, X0, X1);
    }

    fn any_true(&mut self, d: Gpr, a: Fpr) {
        dynasm!(self.buffer; .arch x64; xor Rd(d.0), Rd(d.0));
        v!(self, vptest a, a);
        dynasm!(self.buffer; .arch x64; setne Rb(d.0));
    }

    fn all_true(&mut self, lanes: Lanes, d: Gpr, a: Fpr) {
        self.constant_to(X0, 0);
        by_lanes!(self, lanes, [vpcmpeqb vpcmpeqw vpcmpeqd vpcmpeqq] X0, a, X0);
        dynasm!(self.buffer; .arch x64; xor Rd(d.0), Rd(d.0));
        v!(self, vptest X0, X0);
        dynasm!(self.buffer; .arch x64; sete Rb(d.0));
    }

    fn bitmask(&mut self, lanes: Lanes, d: Gpr, a: Fpr) {
        match lanes {
            Lanes::I8x16 => self.encode(Opcode::new(1, 1, 0xd7), d.0, 0, Some(a), None),
            Lanes::I16x8 => {
                self.constant_to(X0, 0);
                v!(self, vpacksswb X0, a, X0);
                self.encode(Opcode::new(1, 1, 0xd7), d.0, 0, Some(X0), None);
            }
            Lanes::I32x4 => self.encode(Opcode::new(0, 1, 0x50), d.0, 0, Some(a), None),
            Lanes::I64x2 => self.encode(Opcode::new(1, 1, 0x50), d.0, 0, Some(a), None),
        }
    }

    fn splat(&mut self, lanes: Lanes, d: Fpr, a: Gpr) {
        match lanes {
            Lanes::I64x2 => vex!(self, vmovq Rx(X0.0), Rq(a.0)),
            _ => vex!(self, vmovd Rx(X0.0), Rd(a.0)),
        }
        by_lanes!(self, lanes, [vpbroadcastb vpbroadcastw vpbroadcastd vpbroadcastq] d, X0);
    }

    fn splat_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr) {
        by_width!(self, width, [vbroadcastss vmovddup] d, a);
    }

    fn extract_lane(&mut self, lanes: Lanes, signed: bool, d: Gpr, a: Fpr, lane: u8) {
        match lanes {
            Lanes::I8x16 => vex!(self, vpextrb Rd(d.0), Rx(a.0), lane as i8),
            Lanes::I16x8 => vex!(self, vpextrw Rd(d.0), Rx(a.0), lane as i8),
            Lanes::I32x4 if lane == 0 => vex!(self, vmovd Rd(d.0), Rx(a.0)),
            Lanes::I32x4 => vex!(self, vpextrd Rd(d.0), Rx(a.0), lane as i8),
            Lanes::I64x2 if lane == 0 => vex!(self, vmovq Rq(d.0), Rx(a.0)),
            Lanes::I64x2 => vex!(self, vpextrq Rq(d.0), Rx(a.0), lane as i8),
        }
        if signed && matches!(lanes, Lanes::I8x16 | Lanes::I16x8) {
            self.sign_extend(Width::W32, d, d, lanes.bits());
        }
    }

    fn extract_lane_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr, lane: u8) {
        match (width, lane) {
            // The other lanes become zero.
            (F32, lane) => v!(self, vinsertps d, a, a; lane << 6 | 0b1110),
            (F64, 0) => self.copy_vector(d, a),
            (F64, _) => v!(self, vunpckhpd d, a, a),
        }
    }

    fn replace_lane(&mut self, lanes: Lanes, d: Fpr, a: Fpr, b: Gpr, lane: u8) {
        match lanes {
            Lanes::I8x16 => vex!(self, vpinsrb Rx(d.0), Rx(a.0), Rd(b.0), lane as i8),
            Lanes::I16x8 => vex!(self, vpinsrw Rx(d.0), Rx(a.0), Rd(b.0), lane as i8),
            Lanes::I32x4 => vex!(self, vpinsrd Rx(d.0), Rx(a.0), Rd(b.0), lane as i8),
            Lanes::I64x2 => vex!(self, vpinsrq Rx(d.0), Rx(a.0), Rq(b.0), lane as i8),
        }
    }

    fn replace_lane_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr, lane: u8) {
        match (width, lane) {
            (F32, 0) => v!(self, vblendps d, a, b; 1),
            (F32, lane) => v!(self, vinsertps d, a, b; lane << 4),
            (F64, 0) => v!(self, vblendpd d, a, b; 1),
            (F64, _) => v!(self, vunpcklpd d, a, b),
        }
    }

    fn swizzle(&mut self, d: Fpr, a: Fpr, indices: Fpr) {
        // A lookup yields zero where bit 7 is set: from 16 on, the saturating sum sets it.
        v!(self, vpaddusb X0, indices, [splat8(0x70)]);
        v!(self, vpshufb d, a, X0);
    }

    fn shuffle(&mut self, d: Fpr, a: Fpr, b: Fpr, lanes: Fpr) {
        // Bit 7 is set from 16 on for the one lookup, below 16 for the other.
        v!(self, vpaddusb X0, lanes, [splat8(0x70)]);
        v!(self, vpaddb X1, lanes, [splat8(0xf0)]);
        v!(self, vpshufb X0, a, X0);
        v!(self, vpshufb X1, b, X1);
        v!(self, vpor d, X0, X1);
    }

    fn shuffle_const(&mut self, d: Fpr, a: Fpr, b: Fpr, lanes: u128) {
        self.shuffle_known(d, a, b, lanes);
    }

    fn add_lanes(&mut self, lanes: Lanes, d: Fpr, a: Fpr, b: Fpr) {
        by_lanes!(self, lanes, [vpaddb vpaddw vpaddd vpaddq] d, a, b);
    }

    fn sub_lanes(&mut self, lanes: Lanes, d: Fpr, a: Fpr, b: Fpr) {
        by_lanes!(self, lanes, [vpsubb vpsubw vpsubd vpsubq] d, a, b);
    }

    fn mul_lanes(&mut self, lanes: Lanes, d: Fpr, a: Fpr, b: Fpr) {
        match lanes {
            Lanes::I8x16 => no_such(lanes),
            Lanes::I16x8 => v!(self, vpmullw d, a, b),
            Lanes::I32x4 => v!(self, vpmulld d, a, b),
            Lanes::I64x2 => {
                // low * low + ((high * low + low * high) << 32)
                v!(self, vpsrlq X0, a; 32);
                v!(self, vpmuludq X0, X0, b);
                v!(self, vpsrlq X1, b; 32);
                v!(self, vpmuludq X1, a, X1);
                v!(self, vpaddq X0, X0, X1);
                v!(self, vpsllq X0, X0; 32);
                v!(self, vpmuludq X1, a, b);
                v!(self, vpaddq d, X0, X1);
            }
        }
    }

    fn add_sat(&mut self, lanes: Lanes, signed: bool, d: Fpr, a: Fpr, b: Fpr) {
        match signed {
            true => by_lanes!(self, lanes, [vpaddsb vpaddsw] d, a, b),
            false => by_lanes!(self, lanes, [vpaddusb vpaddusw] d, a, b),
        }
    }

    fn sub_sat(&mut self, lanes: Lanes, signed: bool, d: Fpr, a: Fpr, b: Fpr) {
        match signed {
            true => by_lanes!(self, lanes, [vpsubsb vpsubsw] d, a, b),
            false => by_lanes!(self, lanes, [vpsubusb vpsubusw] d, a, b),
        }
    }

    fn min_lanes(&mut self, lanes: Lanes, signed: bool, d: Fpr, a: Fpr, b: Fpr) {
        match signed {
            true => by_lanes!(self, lanes, [vpminsb vpminsw vpminsd] d, a, b),
            false => by_lanes!(self, lanes, [vpminub vpminuw vpminud] d, a, b),
        }
    }

    fn max_lanes(&mut self, lanes: Lanes, signed: bool, d: Fpr, a: Fpr, b: Fpr) {
        match signed {
            true => by_lanes!(self, lanes, [vpmaxsb vpmaxsw vpmaxsd] d, a, b),
            false => by_lanes!(self, lanes, [vpmaxub vpmaxuw vpmaxud] d, a, b),
        }
    }

    fn avgr(&mut self, lanes: Lanes, d: Fpr, a: Fpr, b: Fpr) {
        by_lanes!(self, lanes, [vpavgb vpavgw] d, a, b);
    }

    fn abs_lanes(&mut self, lanes: Lanes, d: Fpr, a: Fpr) {
        match lanes {
            Lanes::I64x2 => {
                self.neg_lanes(lanes, X0, a);
                v!(self, vblendvpd d, a, X0, a);
            }
            _ => by_lanes!(self, lanes, [vpabsb vpabsw vpabsd] d, a),
        }
    }

    fn neg_lanes(&mut self, lanes: Lanes, d: Fpr, a: Fpr) {
        self.constant_to(X0, 0);
        self.sub_lanes(lanes, d, X0, a);
    }

    fn popcnt_lanes(&mut self, d: Fpr, a: Fpr) {
        const NIBBLES: u128 = u128::from_le_bytes([0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4]);
        let low = splat8(0x0f);
        v!(self, vpsrlw X1, a; 4);
        v!(self, vpand X0, a, [low]);
        v!(self, vpand X1, X1, [low]);
        self.constant_to(X2, NIBBLES);
        v!(self, vpshufb X0, X2, X0);
        v!(self, vpshufb X1, X2, X1);
        v!(self, vpaddb d, X0, X1);
    }

    fn shl_lanes(&mut self, lanes: Lanes, d: Fpr, a: Fpr, count: Rhs) {
        self.shift_left(lanes, d, a, count);
    }

    fn shr_lanes(&mut self, lanes: Lanes, signed: bool, d: Fpr, a: Fpr, count: Rhs) {
        match signed {
            true => self.shift_right_signed(lanes, d, a, count),
            false => self.shift_right_unsigned(lanes, d, a, count),
        }
    }

    fn compare_lanes(&mut self, lanes: Lanes, cond: LaneCond, signed: bool, d: Fpr, a: Fpr, b: Fpr) {
        match cond {
            LaneCond::Eq => by_lanes!(self, lanes, [vpcmpeqb vpcmpeqw vpcmpeqd vpcmpeqq] d, a, b),
            LaneCond::Ne => {
                self.compare_lanes(lanes, LaneCond::Eq, signed, X1, a, b);
                self.vector_not(d, X1);
            }
            LaneCond::Lt => self.compare_lanes(lanes, LaneCond::Gt, signed, d, b, a),
            LaneCond::Gt if signed => by_lanes!(self, lanes, [vpcmpgtb vpcmpgtw vpcmpgtd vpcmpgtq] d, a, b),
            LaneCond::Gt => {
                // With the sign bits flipped, signed order is unsigned order.
                let signs = splat64(match lanes {
                    Lanes::I8x16 => 0x8080_8080_8080_8080,
                    Lanes::I16x8 => 0x8000_8000_8000_8000,
                    Lanes::I32x4 => 0x8000_0000_8000_0000,
                    Lanes::I64x2 => 0x8000_0000_0000_0000,
                });
                v!(self, vpxor X0, a, [signs]);
                v!(self, vpxor X1, b, [signs]);
                self.compare_lanes(lanes, LaneCond::Gt, true, d, X0, X1);
            }
            LaneCond::Le if lanes == Lanes::I64x2 => {
                self.compare_lanes(lanes, LaneCond::Gt, signed, X1, a, b);
                self.vector_not(d, X1);
            }
            LaneCond::Le => {
                self.min_lanes(lanes, signed, X0, a, b);
                self.compare_lanes(lanes, LaneCond::Eq, signed, d, X0, a);
            }
            LaneCond::Ge => self.compare_lanes(lanes, LaneCond::Le, signed, d, b, a),
        }
    }

    fn narrow(&mut self, from: Lanes, signed: bool, d: Fpr, a: Fpr, b: Fpr) {
        match (from, signed) {
            (Lanes::I16x8, true) => v!(self, vpacksswb d, a, b),
            (Lanes::I16x8, false) => v!(self, vpackuswb d, a, b),
            (Lanes::I32x4, true) => v!(self, vpackssdw d, a, b),
            (Lanes::I32x4, false) => v!(self, vpackusdw d, a, b),
            (lanes, _) => no_such(lanes),
        }
    }

    fn extend_lanes(&mut self, from: Lanes, half: Half, signed: bool, d: Fpr, a: Fpr) {
        match (half, signed) {
            (Half::Low, true) => by_lanes!(self, from, [vpmovsxbw vpmovsxwd vpmovsxdq] d, a),
            (Half::Low, false) => by_lanes!(self, from, [vpmovzxbw vpmovzxwd vpmovzxdq] d, a),
            (Half::High, true) => {
                v!(self, vpunpckhqdq X0, a, a);
                self.extend_lanes(from, Half::Low, true, d, X0);
            }
            (Half::High, false) => {
                self.constant_to(X0, 0);
                by_lanes!(self, from, [vpunpckhbw vpunpckhwd vpunpckhdq] d, a, X0);
            }
        }
    }

    fn extmul(&mut self, from: Lanes, half: Half, signed: bool, d: Fpr, a: Fpr, b: Fpr) {
        match from {
            Lanes::I8x16 => {
                self.extend_lanes(from, half, signed, X1, a);
                self.extend_lanes(from, half, signed, X0, b);
                v!(self, vpmullw d, X1, X0);
            }
            Lanes::I16x8 => {
                v!(self, vpmullw X0, a, b);
                match signed {
                    true => v!(self, vpmulhw X1, a, b),
                    false => v!(self, vpmulhuw X1, a, b),
                }
                match half {
                    Half::Low => v!(self, vpunpcklwd d, X0, X1),
                    Half::High => v!(self, vpunpckhwd d, X0, X1),
                }
            }
            Lanes::I32x4 => {
                // Both products take the even lanes.
                let twice: u8 = if half == Half::Low { 0b01_01_00_00 } else { 0b11_11_10_10 };
                v!(self, vpshufd X0, a; twice);
                v!(self, vpshufd X1, b; twice);
                match signed {
                    true => v!(self, vpmuldq d, X0, X1),
                    false => v!(self, vpmuludq d, X0, X1),
                }
            }
            Lanes::I64x2 => no_such(from),
        }
    }

    fn extadd_pairwise(&mut self, from: Lanes, signed: bool, d: Fpr, a: Fpr) {
        // Sums of products with ones.
        match (from, signed) {
            (Lanes::I8x16, true) => {
                self.constant_to(X0, splat8(1));
                v!(self, vpmaddubsw d, X0, a);
            }
            (Lanes::I8x16, false) => v!(self, vpmaddubsw d, a, [splat8(1)]),
            (Lanes::I16x8, true) => v!(self, vpmaddwd d, a, [splat16(1)]),
            (Lanes::I16x8, false) => {
                // Each lane less 2^15, which makes it signed.
                v!(self, vpxor X0, a, [splat16(1 << 15)]);
                v!(self, vpmaddwd X0, X0, [splat16(1)]);
                v!(self, vpaddd d, X0, [splat32(1 << 16)]);
            }
            (lanes, _) => no_such(lanes),
        }
    }

    fn dot(&mut self, d: Fpr, a: Fpr, b: Fpr) {
        v!(self, vpmaddwd d, a, b);
    }

    fn q15mulr_sat(&mut self, d: Fpr, a: Fpr, b: Fpr) {
        // Only -1 * -1 overflows, to -1.
        v!(self, vpmulhrsw X0, a, b);
        v!(self, vpcmpeqw X1, X0, [splat16(1 << 15)]);
        v!(self, vpxor d, X0, X1);
    }

    fn relaxed_dot(&mut self, d: Fpr, a: Fpr, b: Fpr) {
        // Even bytes as upper halves of words: the upper half of their product is the bytes' product.
        v!(self, vpsllw X0, a; 8);
        v!(self, vpsllw X1, b; 8);
        v!(self, vpmulhw X0, X0, X1);
        v!(self, vpsraw X1, a; 8);
        v!(self, vpsraw X2, b; 8);
        v!(self, vpmullw X1, X1, X2);
        v!(self, vpaddsw d, X0, X1);
    }

    fn relaxed_dot_add(&mut self, d: Fpr, a: Fpr, b: Fpr, c: Fpr) {
        self.relaxed_dot(X0, a, b);
        v!(self, vpmaddwd X0, X0, [splat16(1)]);
        v!(self, vpaddd d, X0, c);
    }

    fn add_floats(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr) {
        by_width!(self, width, [vaddps vaddpd] d, a, b);
    }

    fn sub_floats(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr) {
        by_width!(self, width, [vsubps vsubpd] d, a, b);
    }

    fn mul_floats(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr) {
        by_width!(self, width, [vmulps vmulpd] d, a, b);
    }

    fn div_floats(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr) {
        by_width!(self, width, [vdivps vdivpd] d, a, b);
    }

    fn min_floats(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr) {
        // The machine yields its second operand for zeros and NaNs: of zeros, in both orders, -0 remains.
        by_width!(self, width, [vminps vminpd] X0, a, b);
        by_width!(self, width, [vminps vminpd] X1, b, a);
        by_width!(self, width, [vorps vorpd] X0, X0, X1);
        self.blend_nan(width, d, X0, a, b);
    }

    fn max_floats(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr) {
        by_width!(self, width, [vmaxps vmaxpd] X0, a, b);
        by_width!(self, width, [vmaxps vmaxpd] X1, b, a);
        by_width!(self, width, [vandps vandpd] X0, X0, X1);
        self.blend_nan(width, d, X0, a, b);
    }

    fn pmin(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr) {
        by_width!(self, width, [vminps vminpd] d, b, a);
    }

    fn pmax(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr) {
        by_width!(self, width, [vmaxps vmaxpd] d, b, a);
    }

    fn abs_floats(&mut self, width: FloatWidth, d: Fpr, a: Fpr) {
        by_width!(self, width, [vandps vandpd] d, a, [splat_bits(width, u32::MAX >> 1, u64::MAX >> 1)]);
    }

    fn neg_floats(&mut self, width: FloatWidth, d: Fpr, a: Fpr) {
        by_width!(self, width, [vxorps vxorpd] d, a, [splat_bits(width, 1 << 31, 1 << 63)]);
    }

    fn sqrt_floats(&mut self, width: FloatWidth, d: Fpr, a: Fpr) {
        by_width!(self, width, [vsqrtps vsqrtpd] d, a);
    }

    fn round_floats(&mut self, width: FloatWidth, rounding: Rounding, d: Fpr, a: Fpr) {
        let mode: u8 = match rounding {
            Rounding::Nearest => 8,
            Rounding::Floor => 9,
            Rounding::Ceil => 10,
            Rounding::Trunc => 11,
        };
        by_width!(self, width, [vroundps vroundpd] d, a; mode);
    }

    fn compare_floats(&mut self, width: FloatWidth, cond: FloatCond, d: Fpr, a: Fpr, b: Fpr) {
        let (predicate, a, b) = match cond {
            FloatCond::Eq => (EQUAL, a, b),
            FloatCond::Ne => (NOT_EQUAL, a, b),
            FloatCond::Lt => (LESS, a, b),
            FloatCond::Gt => (LESS, b, a),
            FloatCond::Le => (LESS_OR_EQUAL, a, b),
            FloatCond::Ge => (LESS_OR_EQUAL, b, a),
        };
        by_width!(self, width, [vcmpps vcmppd] d, a, b; predicate);
    }

    fn fused_multiply_add(&mut self, width: FloatWidth, negated: bool, d: Fpr, a: Fpr, b: Fpr, c: Fpr) {
        // The destination is one of the three: 213 multiplies it, 231 adds to it.
        let opcode = |code: u8| Opcode::new(1, 2, code | u8::from(negated) << 2).wide(width == F64);
        if d == a || d == b {
            let factor = if d == a { b } else { a };
            self.encode(opcode(0xa8), d.0, factor.0, Some(c), None);
        } else {
            self.copy_vector(d, c);
            self.encode(opcode(0xb8), d.0, a.0, Some(b), None);
        }
    }

    fn trunc_sat_f32x4(&mut self, signed: bool, d: Fpr, a: Fpr) {
        match signed {
            true => self.truncate_singles_signed(d, a),
            false => self.truncate_singles_unsigned(d, a),
        }
    }

    fn trunc_sat_f64x2_zero(&mut self, signed: bool, d: Fpr, a: Fpr) {
        match signed {
            true => self.truncate_doubles_signed(d, a),
            false => self.truncate_doubles_unsigned(d, a),
        }
    }

    fn convert_i32x4_f32x4(&mut self, signed: bool, d: Fpr, a: Fpr) {
        match signed {
            true => v!(self, vcvtdq2ps d, a),
            false => self.singles_from_unsigned(d, a),
        }
    }

    fn convert_low_i32x4_f64x2(&mut self, signed: bool, d: Fpr, a: Fpr) {
        match signed {
            true => v!(self, vcvtdq2pd d, a),
            false => self.doubles_from_unsigned(d, a),
        }
    }

    fn demote_f64x2_zero(&mut self, d: Fpr, a: Fpr) {
        v!(self, vcvtpd2ps d, a);
    }

    fn promote_low_f32x4(&mut self, d: Fpr, a: Fpr) {
        v!(self, vcvtps2pd d, a);
    }

    fn canonicalize_floats(&mut self, width: FloatWidth, d: Fpr, a: Fpr) {
        self.blend_nan(width, d, a, a, a);
    }
}

impl X64 {
    /// `d = value`, or the canonical NaN where `a` or `b` is a NaN
    fn blend_nan(&mut self, width: FloatWidth, d: Fpr, value: Fpr, a: Fpr, b: Fpr) {
        by_width!(self, width, [vcmpps vcmppd] X1, a, b; UNORDERED);
        let nan = splat_bits(width, 0x7fc0_0000, 0x7ff8_0000_0000_0000);
        by_width!(self, width, [vblendvps vblendvpd] d, value, [nan], X1);
    }
}
