//! Vectors of floats. The relaxed operators are the strict ones, but for the fused products.

use terrace_masm::{FloatCond, FloatWidth, Fpr, Rounding, Simd};

use crate::simd::rows;
use FloatCond::{Eq, Ge, Gt, Le, Lt, Ne};
use FloatWidth::{F32, F64};
use Rounding::{Ceil, Floor, Nearest, Trunc};

rows! {
    [splat_float(d: Fpr, a: Fpr):
        f32x4_splat(F32), f64x2_splat(F64)]

    [add_floats(d: Fpr, a: Fpr, b: Fpr):
        f32x4_add(F32), f64x2_add(F64)]
    [sub_floats(d: Fpr, a: Fpr, b: Fpr):
        f32x4_sub(F32), f64x2_sub(F64)]
    [mul_floats(d: Fpr, a: Fpr, b: Fpr):
        f32x4_mul(F32), f64x2_mul(F64)]
    [div_floats(d: Fpr, a: Fpr, b: Fpr):
        f32x4_div(F32), f64x2_div(F64)]
    [min_floats(d: Fpr, a: Fpr, b: Fpr):
        f32x4_min(F32), f64x2_min(F64), f32x4_relaxed_min(F32), f64x2_relaxed_min(F64)]
    [max_floats(d: Fpr, a: Fpr, b: Fpr):
        f32x4_max(F32), f64x2_max(F64), f32x4_relaxed_max(F32), f64x2_relaxed_max(F64)]
    [pmin(d: Fpr, a: Fpr, b: Fpr):
        f32x4_pmin(F32), f64x2_pmin(F64)]
    [pmax(d: Fpr, a: Fpr, b: Fpr):
        f32x4_pmax(F32), f64x2_pmax(F64)]
    [abs_floats(d: Fpr, a: Fpr):
        f32x4_abs(F32), f64x2_abs(F64)]
    [neg_floats(d: Fpr, a: Fpr):
        f32x4_neg(F32), f64x2_neg(F64)]
    [sqrt_floats(d: Fpr, a: Fpr):
        f32x4_sqrt(F32), f64x2_sqrt(F64)]
    [round_floats(d: Fpr, a: Fpr):
        f32x4_ceil(F32, Ceil), f32x4_floor(F32, Floor), f32x4_trunc(F32, Trunc), f32x4_nearest(F32, Nearest),
        f64x2_ceil(F64, Ceil), f64x2_floor(F64, Floor), f64x2_trunc(F64, Trunc), f64x2_nearest(F64, Nearest)]
    [compare_floats(d: Fpr, a: Fpr, b: Fpr):
        f32x4_eq(F32, Eq), f32x4_ne(F32, Ne), f32x4_lt(F32, Lt), f32x4_gt(F32, Gt), f32x4_le(F32, Le),
        f32x4_ge(F32, Ge), f64x2_eq(F64, Eq), f64x2_ne(F64, Ne), f64x2_lt(F64, Lt), f64x2_gt(F64, Gt),
        f64x2_le(F64, Le), f64x2_ge(F64, Ge)]
    [fused_multiply_add(d: Fpr, a: Fpr, b: Fpr, c: Fpr):
        f32x4_relaxed_madd(F32, false), f32x4_relaxed_nmadd(F32, true), f64x2_relaxed_madd(F64, false),
        f64x2_relaxed_nmadd(F64, true)]

    [trunc_sat_f32x4(d: Fpr, a: Fpr):
        i32x4_trunc_sat_f32x4_s(true), i32x4_trunc_sat_f32x4_u(false), i32x4_relaxed_trunc_f32x4_s(true),
        i32x4_relaxed_trunc_f32x4_u(false)]
    [trunc_sat_f64x2_zero(d: Fpr, a: Fpr):
        i32x4_trunc_sat_f64x2_s_zero(true), i32x4_trunc_sat_f64x2_u_zero(false),
        i32x4_relaxed_trunc_f64x2_s_zero(true), i32x4_relaxed_trunc_f64x2_u_zero(false)]
    [convert_i32x4_f32x4(d: Fpr, a: Fpr):
        f32x4_convert_i32x4_s(true), f32x4_convert_i32x4_u(false)]
    [convert_low_i32x4_f64x2(d: Fpr, a: Fpr):
        f64x2_convert_low_i32x4_s(true), f64x2_convert_low_i32x4_u(false)]
    [demote_f64x2_zero(d: Fpr, a: Fpr):
        f32x4_demote_f64x2_zero()]
    [promote_low_f32x4(d: Fpr, a: Fpr):
        f64x2_promote_low_f32x4()]
    [canonicalize_floats(d: Fpr, a: Fpr):
        canonicalize_f32x4(F32), canonicalize_f64x2(F64)]
}
