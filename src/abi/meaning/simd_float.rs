//! Vectors of floats: lanewise arithmetic, as of the scalars, and conversions of lanes.

use super::float::{Float, max, min};
use super::simd_lane::{low, zero_extend};
use super::{F32x4, F64x2, I32x4, Pack, U32x4, View};
use std::array::from_fn;

lanewise! {
    /// A mask of the lanes that are equal.
    [f32x4_eq: f32, f64x2_eq: f64] (a, b) = a == b;
    /// A mask of the lanes that differ or hold a NaN.
    [f32x4_ne: f32, f64x2_ne: f64] (a, b) = a != b;
    /// A mask of the lanes where the first operand is less.
    [f32x4_lt: f32, f64x2_lt: f64] (a, b) = a < b;
    /// A mask of the lanes where the first operand is greater.
    [f32x4_gt: f32, f64x2_gt: f64] (a, b) = a > b;
    /// A mask of the lanes where the first operand is at most the second.
    [f32x4_le: f32, f64x2_le: f64] (a, b) = a <= b;
    /// A mask of the lanes where the first operand is at least the second.
    [f32x4_ge: f32, f64x2_ge: f64] (a, b) = a >= b;

    /// The lanes with their sign bits cleared.
    [f32x4_abs: f32, f64x2_abs: f64] (a) = a.abs();
    /// The lanes with their sign bits flipped.
    [f32x4_neg: f32, f64x2_neg: f64] (a) = -a;
    /// The lanes rounded up to integers.
    [f32x4_ceil: f32, f64x2_ceil: f64] (a) = a.ceil().result();
    /// The lanes rounded down to integers.
    [f32x4_floor: f32, f64x2_floor: f64] (a) = a.floor().result();
    /// The lanes rounded to integers towards zero.
    [f32x4_trunc: f32, f64x2_trunc: f64] (a) = a.trunc().result();
    /// The lanes rounded to the nearest integers, ties to even.
    [f32x4_nearest: f32, f64x2_nearest: f64] (a) = a.round_ties_even().result();
    /// Square roots.
    [f32x4_sqrt: f32, f64x2_sqrt: f64] (a) = a.sqrt().result();

    /// Sums.
    [f32x4_add: f32, f64x2_add: f64] (a, b) = (a + b).result();
    /// Differences.
    [f32x4_sub: f32, f64x2_sub: f64] (a, b) = (a - b).result();
    /// Products.
    [f32x4_mul: f32, f64x2_mul: f64] (a, b) = (a * b).result();
    /// Quotients.
    [f32x4_div: f32, f64x2_div: f64] (a, b) = (a / b).result();
    /// The lesser lanes, where -0 is less than +0; NaN where either operand is.
    [f32x4_min: f32, f64x2_min: f64] (a, b) = min(a, b);
    /// The greater lanes, where +0 is greater than -0; NaN where either operand is.
    [f32x4_max: f32, f64x2_max: f64] (a, b) = max(a, b);
    /// The second operand's lanes where they compare less, else the first's.
    [f32x4_pmin: f32, f64x2_pmin: f64] (a, b) = if b < a { b } else { a };
    /// The second operand's lanes where they compare greater, else the first's.
    [f32x4_pmax: f32, f64x2_pmax: f64] (a, b) = if a < b { b } else { a };

    /// The lanes, any NaN replaced by the canonical positive one.
    [canonicalize_f32x4: f32, canonicalize_f64x2: f64] (a) = a.canonical();
}

ops! {
    /// The nearest floats, ties to even.
    [f32x4_convert_i32x4_s: I32x4 => F32x4, f32x4_convert_i32x4_u: U32x4 => F32x4] (a) = a.map(|x| x as f32);
    /// The lower two integers as floats.
    [f64x2_convert_low_i32x4_s: I32x4 => F64x2, f64x2_convert_low_i32x4_u: U32x4 => F64x2] (a) = low(a).map(f64::from);
    /// The nearest `f32` of each lane, in the lower half; the upper half is zero.
    [f32x4_demote_f64x2_zero: F64x2 => F32x4] (a) = zero_extend(a.map(|x| (x as f32).result()));
    /// The lower two lanes as `f64`.
    [f64x2_promote_low_f32x4: F32x4 => F64x2] (a) = low(a).map(|x| f64::from(x).result());
    /// The integer parts, clamped to the type; zero for NaN.
    [i32x4_trunc_sat_f32x4_s: F32x4 => I32x4] (a) = a.map(|x| x as i32);
    /// The integer parts, clamped to the type; zero for NaN.
    [i32x4_trunc_sat_f32x4_u: F32x4 => U32x4] (a) = a.map(|x| x as u32);
    /// The integer parts, clamped to the type, in the lower half; the upper half is zero.
    [i32x4_trunc_sat_f64x2_s_zero: F64x2 => I32x4] (a) = zero_extend(a.map(|x| x as i32));
    /// The integer parts, clamped to the type, in the lower half; the upper half is zero.
    [i32x4_trunc_sat_f64x2_u_zero: F64x2 => U32x4] (a) = zero_extend(a.map(|x| x as u32));
}
