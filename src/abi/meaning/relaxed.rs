//! Relaxed SIMD: one fixed choice among the results that the specification allows.
//!
//! The choices are those of the strict operators, signed and saturating dot products, and fused multiply-add. They do
//! not depend on the machine, so that tiers and machines agree.

use super::float::Float;
use super::simd_float::*;
use super::simd_int::*;
use super::simd_lane::*;
use super::{I8x16, I16x8, Pack, View};
use std::array::from_fn;

same! {
    /// As `i8x16.swizzle`: zero for every index outside.
    [i8x16_relaxed_swizzle: i8x16_swizzle] (a, indices);
    /// As the saturating truncation.
    [i32x4_relaxed_trunc_f32x4_s: i32x4_trunc_sat_f32x4_s, i32x4_relaxed_trunc_f32x4_u: i32x4_trunc_sat_f32x4_u,
     i32x4_relaxed_trunc_f64x2_s_zero: i32x4_trunc_sat_f64x2_s_zero,
     i32x4_relaxed_trunc_f64x2_u_zero: i32x4_trunc_sat_f64x2_u_zero] (a);
    /// As `v128.bitselect`.
    [i8x16_relaxed_laneselect: v128_bitselect, i16x8_relaxed_laneselect: v128_bitselect,
     i32x4_relaxed_laneselect: v128_bitselect, i64x2_relaxed_laneselect: v128_bitselect] (a, b, mask);
    /// As the strict minimum.
    [f32x4_relaxed_min: f32x4_min, f64x2_relaxed_min: f64x2_min] (a, b);
    /// As the strict maximum.
    [f32x4_relaxed_max: f32x4_max, f64x2_relaxed_max: f64x2_max] (a, b);
    /// As `i16x8.q15mulr_sat_s`.
    [i16x8_relaxed_q15mulr_s: i16x8_q15mulr_sat_s] (a, b);
}

lanewise! {
    /// `a * b + c`, rounded once.
    [f32x4_relaxed_madd: f32, f64x2_relaxed_madd: f64] (a, b, c) = a.mul_add(b, c).result();
    /// `-(a * b) + c`, rounded once.
    [f32x4_relaxed_nmadd: f32, f64x2_relaxed_nmadd: f64] (a, b, c) = (-a).mul_add(b, c).result();
}

ops! {
    /// Sums of adjacent products of signed lanes, clamped.
    [i16x8_relaxed_dot_i8x16_i7x16_s: I8x16 => I16x8] (a, b) =
        pairs(products::<_, i16, 16>(a, b)).map(|[x, y]| x.saturating_add(y));
}

/// The sums of adjacent lanes of the dot product, widened and added to `c`.
#[inline]
pub fn i32x4_relaxed_dot_i8x16_i7x16_add_s(a: u128, b: u128, c: u128) -> u128 {
    i32x4_add(i32x4_extadd_pairwise_i16x8_s(i16x8_relaxed_dot_i8x16_i7x16_s(a, b)), c)
}
