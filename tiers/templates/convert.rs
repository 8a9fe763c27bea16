//! Conversions between integers and floats.

use FloatWidth::{F32, F64};
use Width::{W32, W64};
use terrace_masm::{Float, FloatWidth, Fpr, Gpr, Width};

macro_rules! to_float {
    ($($name:ident = $method:ident($($arg:expr),*);)*) => {$(
        #[doc = concat!("`", stringify!($name), "`")]
        pub fn $name<M: Float>(m: &mut M, d: Fpr, a: Gpr) {
            m.$method($($arg,)* d, a)
        }
    )*};
}

macro_rules! from_float {
    ($($name:ident = $method:ident($($arg:expr),*);)*) => {$(
        #[doc = concat!("`", stringify!($name), "`")]
        pub fn $name<M: Float>(m: &mut M, d: Gpr, a: Fpr) {
            m.$method($($arg,)* d, a)
        }
    )*};
}

to_float! {
    f32_convert_i32_s = float_from_int(F32, W32, true);
    f32_convert_i32_u = float_from_int(F32, W32, false);
    f32_convert_i64_s = float_from_int(F32, W64, true);
    f32_convert_i64_u = float_from_int(F32, W64, false);
    f64_convert_i32_s = float_from_int(F64, W32, true);
    f64_convert_i32_u = float_from_int(F64, W32, false);
    f64_convert_i64_s = float_from_int(F64, W64, true);
    f64_convert_i64_u = float_from_int(F64, W64, false);
    f32_reinterpret_i32 = float_from_bits(W32);
    f64_reinterpret_i64 = float_from_bits(W64);
}

from_float! {
    i32_trunc_f32_s = trunc_to_int(W32, F32, true);
    i32_trunc_f32_u = trunc_to_int(W32, F32, false);
    i32_trunc_f64_s = trunc_to_int(W32, F64, true);
    i32_trunc_f64_u = trunc_to_int(W32, F64, false);
    i64_trunc_f32_s = trunc_to_int(W64, F32, true);
    i64_trunc_f32_u = trunc_to_int(W64, F32, false);
    i64_trunc_f64_s = trunc_to_int(W64, F64, true);
    i64_trunc_f64_u = trunc_to_int(W64, F64, false);
    i32_trunc_sat_f32_s = trunc_to_int_sat(W32, F32, true);
    i32_trunc_sat_f32_u = trunc_to_int_sat(W32, F32, false);
    i32_trunc_sat_f64_s = trunc_to_int_sat(W32, F64, true);
    i32_trunc_sat_f64_u = trunc_to_int_sat(W32, F64, false);
    i64_trunc_sat_f32_s = trunc_to_int_sat(W64, F32, true);
    i64_trunc_sat_f32_u = trunc_to_int_sat(W64, F32, false);
    i64_trunc_sat_f64_s = trunc_to_int_sat(W64, F64, true);
    i64_trunc_sat_f64_u = trunc_to_int_sat(W64, F64, false);
    i32_reinterpret_f32 = float_to_bits(W32);
    i64_reinterpret_f64 = float_to_bits(W64);
}

/// `f32.demote_f64`
pub fn f32_demote_f64<M: Float>(m: &mut M, d: Fpr, a: Fpr) {
    m.demote(d, a.into())
}

/// `f64.promote_f32`
pub fn f64_promote_f32<M: Float>(m: &mut M, d: Fpr, a: Fpr) {
    m.promote(d, a.into())
}
