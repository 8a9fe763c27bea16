//! Vectors of integers, vectors as bits, and their loads and stores.

use terrace_masm::{Fpr, Gpr, Half, LaneCond, Lanes, LoadVector, Mem, Rhs, Simd};

use Half::{High, Low};
use LaneCond::{Eq, Ge, Gt, Le, Lt, Ne};
use Lanes::{I8x16, I16x8, I32x4, I64x2};

/// Templates `d = method(a, b)` and the like: `[method(operands): row(what else the method is told) ...]`.
macro_rules! rows {
    ($([$method:ident($($operand:ident: $ty:ty),*): $($name:ident($($arg:expr),*)),+ $(,)?])*) => {$(
        rows! { @each $method ($($operand: $ty),*) $($name ($($arg),*))+ }
    )*};
    (@each $method:ident $operands:tt $($name:ident $args:tt)+) => {$(
        rows! { @fn $method $operands $name $args }
    )+};
    (@fn $method:ident ($($operand:ident: $ty:ty),*) $name:ident ($($arg:expr),*)) => {
        #[doc = concat!("`", stringify!($name), "`")]
        pub fn $name<M: Simd>(m: &mut M, $($operand: $ty),*) {
            m.$method($($arg,)* $($operand),*)
        }
    };
}
pub(crate) use rows;

rows! {
    [load_vector(d: Fpr, mem: Mem):
        v128_load(LoadVector::Whole), v128_load8x8_s(LoadVector::Extend(I8x16, true)),
        v128_load8x8_u(LoadVector::Extend(I8x16, false)), v128_load16x4_s(LoadVector::Extend(I16x8, true)),
        v128_load16x4_u(LoadVector::Extend(I16x8, false)), v128_load32x2_s(LoadVector::Extend(I32x4, true)),
        v128_load32x2_u(LoadVector::Extend(I32x4, false)), v128_load8_splat(LoadVector::Splat(I8x16)),
        v128_load16_splat(LoadVector::Splat(I16x8)), v128_load32_splat(LoadVector::Splat(I32x4)),
        v128_load64_splat(LoadVector::Splat(I64x2)), v128_load32_zero(LoadVector::Zero32),
        v128_load64_zero(LoadVector::Zero64)]
    [store_vector(mem: Mem, a: Fpr):
        v128_store()]

    [vector_not(d: Fpr, a: Fpr):
        v128_not()]
    [vector_and(d: Fpr, a: Fpr, b: Fpr):
        v128_and()]
    [vector_andnot(d: Fpr, a: Fpr, b: Fpr):
        v128_andnot()]
    [vector_or(d: Fpr, a: Fpr, b: Fpr):
        v128_or()]
    [vector_xor(d: Fpr, a: Fpr, b: Fpr):
        v128_xor()]
    [bitselect(d: Fpr, a: Fpr, b: Fpr, mask: Fpr):
        v128_bitselect(), i8x16_relaxed_laneselect(), i16x8_relaxed_laneselect(), i32x4_relaxed_laneselect(),
        i64x2_relaxed_laneselect()]
    [any_true(d: Gpr, a: Fpr):
        v128_any_true()]
    [all_true(d: Gpr, a: Fpr):
        i8x16_all_true(I8x16), i16x8_all_true(I16x8), i32x4_all_true(I32x4), i64x2_all_true(I64x2)]
    [bitmask(d: Gpr, a: Fpr):
        i8x16_bitmask(I8x16), i16x8_bitmask(I16x8), i32x4_bitmask(I32x4), i64x2_bitmask(I64x2)]
    [splat(d: Fpr, a: Gpr):
        i8x16_splat(I8x16), i16x8_splat(I16x8), i32x4_splat(I32x4), i64x2_splat(I64x2)]

    [add_lanes(d: Fpr, a: Fpr, b: Fpr):
        i8x16_add(I8x16), i16x8_add(I16x8), i32x4_add(I32x4), i64x2_add(I64x2)]
    [sub_lanes(d: Fpr, a: Fpr, b: Fpr):
        i8x16_sub(I8x16), i16x8_sub(I16x8), i32x4_sub(I32x4), i64x2_sub(I64x2)]
    [mul_lanes(d: Fpr, a: Fpr, b: Fpr):
        i16x8_mul(I16x8), i32x4_mul(I32x4), i64x2_mul(I64x2)]
    [add_sat(d: Fpr, a: Fpr, b: Fpr):
        i8x16_add_sat_s(I8x16, true), i8x16_add_sat_u(I8x16, false), i16x8_add_sat_s(I16x8, true),
        i16x8_add_sat_u(I16x8, false)]
    [sub_sat(d: Fpr, a: Fpr, b: Fpr):
        i8x16_sub_sat_s(I8x16, true), i8x16_sub_sat_u(I8x16, false), i16x8_sub_sat_s(I16x8, true),
        i16x8_sub_sat_u(I16x8, false)]
    [min_lanes(d: Fpr, a: Fpr, b: Fpr):
        i8x16_min_s(I8x16, true), i8x16_min_u(I8x16, false), i16x8_min_s(I16x8, true), i16x8_min_u(I16x8, false),
        i32x4_min_s(I32x4, true), i32x4_min_u(I32x4, false)]
    [max_lanes(d: Fpr, a: Fpr, b: Fpr):
        i8x16_max_s(I8x16, true), i8x16_max_u(I8x16, false), i16x8_max_s(I16x8, true), i16x8_max_u(I16x8, false),
        i32x4_max_s(I32x4, true), i32x4_max_u(I32x4, false)]
    [avgr(d: Fpr, a: Fpr, b: Fpr):
        i8x16_avgr_u(I8x16), i16x8_avgr_u(I16x8)]
    [abs_lanes(d: Fpr, a: Fpr):
        i8x16_abs(I8x16), i16x8_abs(I16x8), i32x4_abs(I32x4), i64x2_abs(I64x2)]
    [neg_lanes(d: Fpr, a: Fpr):
        i8x16_neg(I8x16), i16x8_neg(I16x8), i32x4_neg(I32x4), i64x2_neg(I64x2)]
    [popcnt_lanes(d: Fpr, a: Fpr):
        i8x16_popcnt()]
    [shl_lanes(d: Fpr, a: Fpr, count: Rhs):
        i8x16_shl(I8x16), i16x8_shl(I16x8), i32x4_shl(I32x4), i64x2_shl(I64x2)]
    [shr_lanes(d: Fpr, a: Fpr, count: Rhs):
        i8x16_shr_s(I8x16, true), i8x16_shr_u(I8x16, false), i16x8_shr_s(I16x8, true), i16x8_shr_u(I16x8, false),
        i32x4_shr_s(I32x4, true), i32x4_shr_u(I32x4, false), i64x2_shr_s(I64x2, true), i64x2_shr_u(I64x2, false)]

    [compare_lanes(d: Fpr, a: Fpr, b: Fpr):
        i8x16_eq(I8x16, Eq, true), i8x16_ne(I8x16, Ne, true), i8x16_lt_s(I8x16, Lt, true),
        i8x16_lt_u(I8x16, Lt, false), i8x16_gt_s(I8x16, Gt, true), i8x16_gt_u(I8x16, Gt, false),
        i8x16_le_s(I8x16, Le, true), i8x16_le_u(I8x16, Le, false), i8x16_ge_s(I8x16, Ge, true),
        i8x16_ge_u(I8x16, Ge, false), i16x8_eq(I16x8, Eq, true), i16x8_ne(I16x8, Ne, true),
        i16x8_lt_s(I16x8, Lt, true), i16x8_lt_u(I16x8, Lt, false), i16x8_gt_s(I16x8, Gt, true),
        i16x8_gt_u(I16x8, Gt, false), i16x8_le_s(I16x8, Le, true), i16x8_le_u(I16x8, Le, false),
        i16x8_ge_s(I16x8, Ge, true), i16x8_ge_u(I16x8, Ge, false), i32x4_eq(I32x4, Eq, true),
        i32x4_ne(I32x4, Ne, true), i32x4_lt_s(I32x4, Lt, true), i32x4_lt_u(I32x4, Lt, false),
        i32x4_gt_s(I32x4, Gt, true), i32x4_gt_u(I32x4, Gt, false), i32x4_le_s(I32x4, Le, true),
        i32x4_le_u(I32x4, Le, false), i32x4_ge_s(I32x4, Ge, true), i32x4_ge_u(I32x4, Ge, false),
        i64x2_eq(I64x2, Eq, true), i64x2_ne(I64x2, Ne, true), i64x2_lt_s(I64x2, Lt, true),
        i64x2_gt_s(I64x2, Gt, true), i64x2_le_s(I64x2, Le, true), i64x2_ge_s(I64x2, Ge, true)]

    [narrow(d: Fpr, a: Fpr, b: Fpr):
        i8x16_narrow_i16x8_s(I16x8, true), i8x16_narrow_i16x8_u(I16x8, false), i16x8_narrow_i32x4_s(I32x4, true),
        i16x8_narrow_i32x4_u(I32x4, false)]
    [extend_lanes(d: Fpr, a: Fpr):
        i16x8_extend_low_i8x16_s(I8x16, Low, true), i16x8_extend_low_i8x16_u(I8x16, Low, false),
        i16x8_extend_high_i8x16_s(I8x16, High, true), i16x8_extend_high_i8x16_u(I8x16, High, false),
        i32x4_extend_low_i16x8_s(I16x8, Low, true), i32x4_extend_low_i16x8_u(I16x8, Low, false),
        i32x4_extend_high_i16x8_s(I16x8, High, true), i32x4_extend_high_i16x8_u(I16x8, High, false),
        i64x2_extend_low_i32x4_s(I32x4, Low, true), i64x2_extend_low_i32x4_u(I32x4, Low, false),
        i64x2_extend_high_i32x4_s(I32x4, High, true), i64x2_extend_high_i32x4_u(I32x4, High, false)]
    [extmul(d: Fpr, a: Fpr, b: Fpr):
        i16x8_extmul_low_i8x16_s(I8x16, Low, true), i16x8_extmul_low_i8x16_u(I8x16, Low, false),
        i16x8_extmul_high_i8x16_s(I8x16, High, true), i16x8_extmul_high_i8x16_u(I8x16, High, false),
        i32x4_extmul_low_i16x8_s(I16x8, Low, true), i32x4_extmul_low_i16x8_u(I16x8, Low, false),
        i32x4_extmul_high_i16x8_s(I16x8, High, true), i32x4_extmul_high_i16x8_u(I16x8, High, false),
        i64x2_extmul_low_i32x4_s(I32x4, Low, true), i64x2_extmul_low_i32x4_u(I32x4, Low, false),
        i64x2_extmul_high_i32x4_s(I32x4, High, true), i64x2_extmul_high_i32x4_u(I32x4, High, false)]
    [extadd_pairwise(d: Fpr, a: Fpr):
        i16x8_extadd_pairwise_i8x16_s(I8x16, true), i16x8_extadd_pairwise_i8x16_u(I8x16, false),
        i32x4_extadd_pairwise_i16x8_s(I16x8, true), i32x4_extadd_pairwise_i16x8_u(I16x8, false)]
    [dot(d: Fpr, a: Fpr, b: Fpr):
        i32x4_dot_i16x8_s()]
    [q15mulr_sat(d: Fpr, a: Fpr, b: Fpr):
        i16x8_q15mulr_sat_s(), i16x8_relaxed_q15mulr_s()]
    [relaxed_dot(d: Fpr, a: Fpr, b: Fpr):
        i16x8_relaxed_dot_i8x16_i7x16_s()]
    [relaxed_dot_add(d: Fpr, a: Fpr, b: Fpr, c: Fpr):
        i32x4_relaxed_dot_i8x16_i7x16_add_s()]
}
