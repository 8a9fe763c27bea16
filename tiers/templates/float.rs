//! Scalar floats.

use FloatWidth::{F32, F64};
use terrace_masm::{Float, FloatWidth, Fpr, RhsF, Rounding};

macro_rules! unary {
    ($($narrow:ident $wide:ident = $method:ident($($arg:expr)?);)*) => {$(
        #[doc = concat!("`", stringify!($narrow), "`")]
        pub fn $narrow<M: Float>(m: &mut M, d: Fpr, a: Fpr) {
            m.$method(F32, $($arg,)? d, a.into())
        }

        #[doc = concat!("`", stringify!($wide), "`")]
        pub fn $wide<M: Float>(m: &mut M, d: Fpr, a: Fpr) {
            m.$method(F64, $($arg,)? d, a.into())
        }
    )*};
}

macro_rules! binary {
    ($($narrow:ident $wide:ident = $method:ident($right:ident);)*) => {$(
        #[doc = concat!("`", stringify!($narrow), "`")]
        pub fn $narrow<M: Float>(m: &mut M, d: Fpr, a: Fpr, b: $right) {
            m.$method(F32, d, a, b)
        }

        #[doc = concat!("`", stringify!($wide), "`")]
        pub fn $wide<M: Float>(m: &mut M, d: Fpr, a: Fpr, b: $right) {
            m.$method(F64, d, a, b)
        }
    )*};
}

unary! {
    f32_abs f64_abs = abs_float();
    f32_neg f64_neg = neg_float();
    f32_sqrt f64_sqrt = sqrt_float();
    f32_ceil f64_ceil = round_float(Rounding::Ceil);
    f32_floor f64_floor = round_float(Rounding::Floor);
    f32_trunc f64_trunc = round_float(Rounding::Trunc);
    f32_nearest f64_nearest = round_float(Rounding::Nearest);
}

binary! {
    f32_add f64_add = add_float(RhsF);
    f32_sub f64_sub = sub_float(RhsF);
    f32_mul f64_mul = mul_float(RhsF);
    f32_div f64_div = div_float(RhsF);
    f32_min f64_min = min_float(Fpr);
    f32_max f64_max = max_float(Fpr);
    f32_copysign f64_copysign = copysign_float(Fpr);
}
