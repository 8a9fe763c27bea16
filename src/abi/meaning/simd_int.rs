//! Vectors of integers: lanewise arithmetic, and the widening products and sums.

use super::simd_lane::{Narrow, high, low, pairs};
use super::{I8x16, I16x8, I32x4, I64x2, Pack, U8x16, U16x8, U32x4, U64x2, View};
use std::array::from_fn;
use std::ops::Mul;

lanewise! {
    /// A mask of the lanes that are equal.
    [i8x16_eq: u8, i16x8_eq: u16, i32x4_eq: u32, i64x2_eq: u64] (a, b) = a == b;
    /// A mask of the lanes that differ.
    [i8x16_ne: u8, i16x8_ne: u16, i32x4_ne: u32, i64x2_ne: u64] (a, b) = a != b;
    /// A mask of the lanes where the first operand is less.
    [i8x16_lt_s: i8, i8x16_lt_u: u8, i16x8_lt_s: i16, i16x8_lt_u: u16, i32x4_lt_s: i32, i32x4_lt_u: u32, i64x2_lt_s: i64]
        (a, b) = a < b;
    /// A mask of the lanes where the first operand is greater.
    [i8x16_gt_s: i8, i8x16_gt_u: u8, i16x8_gt_s: i16, i16x8_gt_u: u16, i32x4_gt_s: i32, i32x4_gt_u: u32, i64x2_gt_s: i64]
        (a, b) = a > b;
    /// A mask of the lanes where the first operand is at most the second.
    [i8x16_le_s: i8, i8x16_le_u: u8, i16x8_le_s: i16, i16x8_le_u: u16, i32x4_le_s: i32, i32x4_le_u: u32, i64x2_le_s: i64]
        (a, b) = a <= b;
    /// A mask of the lanes where the first operand is at least the second.
    [i8x16_ge_s: i8, i8x16_ge_u: u8, i16x8_ge_s: i16, i16x8_ge_u: u16, i32x4_ge_s: i32, i32x4_ge_u: u32, i64x2_ge_s: i64]
        (a, b) = a >= b;

    /// Absolute values; the least integer stays itself.
    [i8x16_abs: i8, i16x8_abs: i16, i32x4_abs: i32, i64x2_abs: i64] (a) = a.wrapping_abs();
    /// Negations, modulo the lane width.
    [i8x16_neg: i8, i16x8_neg: i16, i32x4_neg: i32, i64x2_neg: i64] (a) = a.wrapping_neg();
    /// The number of one bits in each lane.
    [i8x16_popcnt: u8] (a) = a.count_ones() as u8;

    /// Sums, modulo the lane width.
    [i8x16_add: u8, i16x8_add: u16, i32x4_add: u32, i64x2_add: u64] (a, b) = a.wrapping_add(b);
    /// Differences, modulo the lane width.
    [i8x16_sub: u8, i16x8_sub: u16, i32x4_sub: u32, i64x2_sub: u64] (a, b) = a.wrapping_sub(b);
    /// Products, modulo the lane width.
    [i16x8_mul: u16, i32x4_mul: u32, i64x2_mul: u64] (a, b) = a.wrapping_mul(b);
    /// Sums, clamped to the lane type.
    [i8x16_add_sat_s: i8, i8x16_add_sat_u: u8, i16x8_add_sat_s: i16, i16x8_add_sat_u: u16] (a, b) = a.saturating_add(b);
    /// Differences, clamped to the lane type.
    [i8x16_sub_sat_s: i8, i8x16_sub_sat_u: u8, i16x8_sub_sat_s: i16, i16x8_sub_sat_u: u16] (a, b) = a.saturating_sub(b);
    /// The lesser lanes.
    [i8x16_min_s: i8, i8x16_min_u: u8, i16x8_min_s: i16, i16x8_min_u: u16, i32x4_min_s: i32, i32x4_min_u: u32]
        (a, b) = a.min(b);
    /// The greater lanes.
    [i8x16_max_s: i8, i8x16_max_u: u8, i16x8_max_s: i16, i16x8_max_u: u16, i32x4_max_s: i32, i32x4_max_u: u32]
        (a, b) = a.max(b);
    /// Averages, rounded up.
    [i8x16_avgr_u: u8, i16x8_avgr_u: u16] (a, b) = (a | b) - ((a ^ b) >> 1);
    /// Products of fixed-point numbers with 15 fractional bits, rounded to nearest and clamped.
    [i16x8_q15mulr_sat_s: i16] (a, b) = i16::narrow((i32::from(a) * i32::from(b) + (1 << 14)) >> 15);

    /// Shifts left by the count modulo the lane width.
    [i8x16_shl: u8, i16x8_shl: u16, i32x4_shl: u32, i64x2_shl: u64] (a; count: u32) = a.wrapping_shl(count);
    /// Shifts right by the count modulo the lane width, filling with the sign.
    [i8x16_shr_s: i8, i16x8_shr_s: i16, i32x4_shr_s: i32, i64x2_shr_s: i64] (a; count: u32) = a.wrapping_shr(count);
    /// Shifts right by the count modulo the lane width, filling with zeros.
    [i8x16_shr_u: u8, i16x8_shr_u: u16, i32x4_shr_u: u32, i64x2_shr_u: u64] (a; count: u32) = a.wrapping_shr(count);
}

/// The products of lanes, in lanes wide enough that none overflows.
#[inline]
pub(super) fn products<T, W, const N: usize>(a: [T; N], b: [T; N]) -> [W; N]
where
    T: Copy + Into<W>,
    W: Mul<Output = W>,
{
    from_fn(|i| a[i].into() * b[i].into())
}

ops! {
    /// Products of the lower halves, in lanes of twice the width.
    [i16x8_extmul_low_i8x16_s: I8x16 => I16x8, i16x8_extmul_low_i8x16_u: U8x16 => U16x8,
     i32x4_extmul_low_i16x8_s: I16x8 => I32x4, i32x4_extmul_low_i16x8_u: U16x8 => U32x4,
     i64x2_extmul_low_i32x4_s: I32x4 => I64x2, i64x2_extmul_low_i32x4_u: U32x4 => U64x2]
        (a, b) = products(low(a), low(b));
    /// Products of the upper halves, in lanes of twice the width.
    [i16x8_extmul_high_i8x16_s: I8x16 => I16x8, i16x8_extmul_high_i8x16_u: U8x16 => U16x8,
     i32x4_extmul_high_i16x8_s: I16x8 => I32x4, i32x4_extmul_high_i16x8_u: U16x8 => U32x4,
     i64x2_extmul_high_i32x4_s: I32x4 => I64x2, i64x2_extmul_high_i32x4_u: U32x4 => U64x2]
        (a, b) = products(high(a), high(b));
    /// Sums of adjacent lanes, in lanes of twice the width.
    [i16x8_extadd_pairwise_i8x16_s: I8x16 => I16x8] (a) = pairs(a).map(|[x, y]| i16::from(x) + i16::from(y));
    /// Sums of adjacent lanes, in lanes of twice the width.
    [i16x8_extadd_pairwise_i8x16_u: U8x16 => U16x8] (a) = pairs(a).map(|[x, y]| u16::from(x) + u16::from(y));
    /// Sums of adjacent lanes, in lanes of twice the width.
    [i32x4_extadd_pairwise_i16x8_s: I16x8 => I32x4] (a) = pairs(a).map(|[x, y]| i32::from(x) + i32::from(y));
    /// Sums of adjacent lanes, in lanes of twice the width.
    [i32x4_extadd_pairwise_i16x8_u: U16x8 => U32x4] (a) = pairs(a).map(|[x, y]| u32::from(x) + u32::from(y));
    /// Sums of adjacent products, modulo the width: two products of the least integer overflow.
    [i32x4_dot_i16x8_s: I16x8 => I32x4] (a, b) = pairs(products::<_, i32, 8>(a, b)).map(|[x, y]| x.wrapping_add(y));
}
