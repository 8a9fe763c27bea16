//! 128-bit vectors. Each method is a wasm operator on lanes of the given shape.

use crate::operand::{Fpr, Gpr, Mem, Rhs};
use crate::{Float, FloatCond, FloatWidth, Rounding};

/// Integer lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lanes {
    /// Sixteen of 8 bits
    I8x16,
    /// Eight of 16 bits
    I16x8,
    /// Four of 32 bits
    I32x4,
    /// Two of 64 bits
    I64x2,
}

impl Lanes {
    /// The width of a lane in bits.
    pub const fn bits(self) -> u8 {
        match self {
            Lanes::I8x16 => 8,
            Lanes::I16x8 => 16,
            Lanes::I32x4 => 32,
            Lanes::I64x2 => 64,
        }
    }
}

/// An integer comparison of lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LaneCond {
    /// Equal
    Eq,
    /// Not equal
    Ne,
    /// Less
    Lt,
    /// Greater
    Gt,
    /// Less or equal
    Le,
    /// Greater or equal
    Ge,
}

/// Half of a vector's lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Half {
    /// Lanes from 0
    Low,
    /// Lanes to the last
    High,
}

/// How a 64-bit or smaller piece of memory becomes a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LoadVector {
    /// All 128 bits
    Whole,
    /// Eight bytes, each extended to 16 bits (`true`: signed), and so on
    Extend(Lanes, bool),
    /// One lane, copied to all
    Splat(Lanes),
    /// 32 bits, the rest zero
    Zero32,
    /// 64 bits, the rest zero
    Zero64,
}

/// Vectors of a machine. `signed` chooses between the `_s` and `_u` operators.
///
/// Lane shapes that wasm has no operator for (products of bytes, saturating sums of words) are not for callers to ask for.
pub trait Simd: Float {
    /// `d = [mem]` in one of the ways of wasm's vector loads; `Extend` names the source lanes.
    fn load_vector(&mut self, load: LoadVector, d: Fpr, mem: Mem);
    /// `[mem] = a`, 128 bits, no alignment needed
    fn store_vector(&mut self, mem: Mem, a: Fpr);
    /// `d = a` with lane read from memory
    fn load_lane(&mut self, lanes: Lanes, d: Fpr, a: Fpr, mem: Mem, lane: u8);
    /// `[mem] = a[lane]`
    fn store_lane(&mut self, lanes: Lanes, mem: Mem, a: Fpr, lane: u8);
    /// `d = bits`
    fn vector_const(&mut self, d: Fpr, bits: u128);

    /// `d = a & b`
    fn vector_and(&mut self, d: Fpr, a: Fpr, b: Fpr);
    /// `d = a & !b`
    fn vector_andnot(&mut self, d: Fpr, a: Fpr, b: Fpr);
    /// `d = a | b`
    fn vector_or(&mut self, d: Fpr, a: Fpr, b: Fpr);
    /// `d = a ^ b`
    fn vector_xor(&mut self, d: Fpr, a: Fpr, b: Fpr);
    /// `d = !a`
    fn vector_not(&mut self, d: Fpr, a: Fpr);
    /// `d = (a & mask) | (b & !mask)`
    fn bitselect(&mut self, d: Fpr, a: Fpr, b: Fpr, mask: Fpr);
    /// `d = a has a bit ? 1 : 0`
    fn any_true(&mut self, d: Gpr, a: Fpr);
    /// `d = no lane of a is zero ? 1 : 0`
    fn all_true(&mut self, lanes: Lanes, d: Gpr, a: Fpr);
    /// `d` = the sign bits of the lanes
    fn bitmask(&mut self, lanes: Lanes, d: Gpr, a: Fpr);

    /// All lanes are the integer's low bits.
    fn splat(&mut self, lanes: Lanes, d: Fpr, a: Gpr);
    /// All lanes are the float.
    fn splat_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr);
    /// `d = a[lane]`, extended to 32 bits if it is narrower
    fn extract_lane(&mut self, lanes: Lanes, signed: bool, d: Gpr, a: Fpr, lane: u8);
    /// `d = a[lane]`
    fn extract_lane_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr, lane: u8);
    /// `d = a` with lane replaced
    fn replace_lane(&mut self, lanes: Lanes, d: Fpr, a: Fpr, b: Gpr, lane: u8);
    /// `d = a` with lane replaced
    fn replace_lane_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr, lane: u8);
    /// `i8x16.swizzle`
    fn swizzle(&mut self, d: Fpr, a: Fpr, indices: Fpr);
    /// `i8x16.shuffle` with the lanes in a register, each below 32
    fn shuffle(&mut self, d: Fpr, a: Fpr, b: Fpr, lanes: Fpr);
    /// `i8x16.shuffle` with lanes that are known, each taken modulo 32
    fn shuffle_const(&mut self, d: Fpr, a: Fpr, b: Fpr, lanes: u128);

    /// Lane by lane `a + b`, modular
    fn add_lanes(&mut self, lanes: Lanes, d: Fpr, a: Fpr, b: Fpr);
    /// Lane by lane `a - b`, modular
    fn sub_lanes(&mut self, lanes: Lanes, d: Fpr, a: Fpr, b: Fpr);
    /// Lane by lane `a * b`, modular
    fn mul_lanes(&mut self, lanes: Lanes, d: Fpr, a: Fpr, b: Fpr);
    /// Saturating addition of 8- and 16-bit lanes
    fn add_sat(&mut self, lanes: Lanes, signed: bool, d: Fpr, a: Fpr, b: Fpr);
    /// Saturating subtraction of 8- and 16-bit lanes
    fn sub_sat(&mut self, lanes: Lanes, signed: bool, d: Fpr, a: Fpr, b: Fpr);
    /// Lane by lane minimum of 8-, 16- and 32-bit lanes
    fn min_lanes(&mut self, lanes: Lanes, signed: bool, d: Fpr, a: Fpr, b: Fpr);
    /// Lane by lane maximum of 8-, 16- and 32-bit lanes
    fn max_lanes(&mut self, lanes: Lanes, signed: bool, d: Fpr, a: Fpr, b: Fpr);
    /// Rounding average of unsigned 8- and 16-bit lanes
    fn avgr(&mut self, lanes: Lanes, d: Fpr, a: Fpr, b: Fpr);
    /// Lane by lane magnitude
    fn abs_lanes(&mut self, lanes: Lanes, d: Fpr, a: Fpr);
    /// Lane by lane `-a`
    fn neg_lanes(&mut self, lanes: Lanes, d: Fpr, a: Fpr);
    /// Ones in each byte
    fn popcnt_lanes(&mut self, d: Fpr, a: Fpr);
    /// Lane by lane shift left; the count is modulo the lane's width
    fn shl_lanes(&mut self, lanes: Lanes, d: Fpr, a: Fpr, count: Rhs);
    /// Lane by lane shift right
    fn shr_lanes(&mut self, lanes: Lanes, signed: bool, d: Fpr, a: Fpr, count: Rhs);
    /// Lane by lane comparison: all ones or zero
    fn compare_lanes(&mut self, lanes: Lanes, cond: LaneCond, signed: bool, d: Fpr, a: Fpr, b: Fpr);
    /// Two vectors of `from` (16- or 32-bit signed) lanes to one of half the width, saturating to signed or unsigned
    fn narrow(&mut self, from: Lanes, signed: bool, d: Fpr, a: Fpr, b: Fpr);
    /// Half of the `from` lanes, extended to twice the width
    fn extend_lanes(&mut self, from: Lanes, half: Half, signed: bool, d: Fpr, a: Fpr);
    /// Products of half of the `from` lanes at twice the width
    fn extmul(&mut self, from: Lanes, half: Half, signed: bool, d: Fpr, a: Fpr, b: Fpr);
    /// Sums of adjacent `from` lanes (8- or 16-bit) at twice the width
    fn extadd_pairwise(&mut self, from: Lanes, signed: bool, d: Fpr, a: Fpr);
    /// `i32x4.dot_i16x8_s`
    fn dot(&mut self, d: Fpr, a: Fpr, b: Fpr);
    /// `i16x8.q15mulr_sat_s`
    fn q15mulr_sat(&mut self, d: Fpr, a: Fpr, b: Fpr);
    /// `i16x8.relaxed_dot_i8x16_i7x16_s` with both sides signed and saturating sums
    fn relaxed_dot(&mut self, d: Fpr, a: Fpr, b: Fpr);
    /// `i32x4.relaxed_dot_i8x16_i7x16_add_s`: sums of adjacent lanes of [`Simd::relaxed_dot`], plus `c`
    fn relaxed_dot_add(&mut self, d: Fpr, a: Fpr, b: Fpr, c: Fpr);

    /// Lane by lane `a + b`
    fn add_floats(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr);
    /// Lane by lane `a - b`
    fn sub_floats(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr);
    /// Lane by lane `a * b`
    fn mul_floats(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr);
    /// Lane by lane `a / b`
    fn div_floats(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr);
    /// Lane by lane wasm minimum
    fn min_floats(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr);
    /// Lane by lane wasm maximum
    fn max_floats(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr);
    /// Lane by lane `b < a ? b : a`
    fn pmin(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr);
    /// Lane by lane `a < b ? b : a`
    fn pmax(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr);
    /// Lane by lane magnitude
    fn abs_floats(&mut self, width: FloatWidth, d: Fpr, a: Fpr);
    /// Lane by lane `-a`
    fn neg_floats(&mut self, width: FloatWidth, d: Fpr, a: Fpr);
    /// Lane by lane square root
    fn sqrt_floats(&mut self, width: FloatWidth, d: Fpr, a: Fpr);
    /// Lane by lane rounding
    fn round_floats(&mut self, width: FloatWidth, rounding: Rounding, d: Fpr, a: Fpr);
    /// Lane by lane comparison: all ones or zero
    fn compare_floats(&mut self, width: FloatWidth, cond: FloatCond, d: Fpr, a: Fpr, b: Fpr);
    /// `a * b + c`, or `-(a * b) + c` if `negated`, rounded once
    fn fused_multiply_add(&mut self, width: FloatWidth, negated: bool, d: Fpr, a: Fpr, b: Fpr, c: Fpr);
    /// `i32x4.trunc_sat_f32x4`
    fn trunc_sat_f32x4(&mut self, signed: bool, d: Fpr, a: Fpr);
    /// `i32x4.trunc_sat_f64x2_zero`
    fn trunc_sat_f64x2_zero(&mut self, signed: bool, d: Fpr, a: Fpr);
    /// `f32x4.convert_i32x4`
    fn convert_i32x4_f32x4(&mut self, signed: bool, d: Fpr, a: Fpr);
    /// `f64x2.convert_low_i32x4`
    fn convert_low_i32x4_f64x2(&mut self, signed: bool, d: Fpr, a: Fpr);
    /// `f32x4.demote_f64x2_zero`
    fn demote_f64x2_zero(&mut self, d: Fpr, a: Fpr);
    /// `f64x2.promote_low_f32x4`
    fn promote_low_f32x4(&mut self, d: Fpr, a: Fpr);
    /// Lane by lane: the canonical NaN for NaNs
    fn canonicalize_floats(&mut self, width: FloatWidth, d: Fpr, a: Fpr);
}
