//! Conversions between scalar types.
//!
//! Rust's `as` is exactly wasm's conversion in three cases: from integers it rounds to nearest even, to integers it
//! saturates with NaN as zero, and between integers it wraps or extends by the source's sign.

use super::{View, float::Float};
use crate::TrapKind;

ops! {
    /// The low half.
    [i32_wrap_i64: u64 => u32] (a) = a as u32;
    /// The operand, extended by its sign (`_s`) or by zeros (`_u`).
    [i64_extend_i32_s: i32 => i64, i64_extend_i32_u: u32 => u64] (a) = a.into();

    /// The nearest `f32`, ties to even.
    [f32_convert_i32_s: i32 => f32, f32_convert_i32_u: u32 => f32, f32_convert_i64_s: i64 => f32, f32_convert_i64_u: u64 => f32]
        (a) = a as f32;
    /// The nearest `f64`, ties to even.
    [f64_convert_i32_s: i32 => f64, f64_convert_i32_u: u32 => f64, f64_convert_i64_s: i64 => f64, f64_convert_i64_u: u64 => f64]
        (a) = a as f64;
    /// The nearest `f32`, ties to even.
    [f32_demote_f64: f64 => f32] (a) = (a as f32).result();
    /// The same number as `f64`.
    [f64_promote_f32: f32 => f64] (a) = f64::from(a).result();

    /// The operand's bits.
    [i32_reinterpret_f32: f32 => u32, i64_reinterpret_f64: f64 => u64] (a) = a.to_bits();
    /// The float of these bits.
    [f32_reinterpret_i32: u32 => f32] (a) = f32::from_bits(a);
    /// The float of these bits.
    [f64_reinterpret_i64: u64 => f64] (a) = f64::from_bits(a);

    /// The integer part, clamped to the type; zero for NaN.
    [i32_trunc_sat_f32_s: f32 => i32, i32_trunc_sat_f64_s: f64 => i32] (a) = a as i32;
    /// The integer part, clamped to the type; zero for NaN.
    [i32_trunc_sat_f32_u: f32 => u32, i32_trunc_sat_f64_u: f64 => u32] (a) = a as u32;
    /// The integer part, clamped to the type; zero for NaN.
    [i64_trunc_sat_f32_s: f32 => i64, i64_trunc_sat_f64_s: f64 => i64] (a) = a as i64;
    /// The integer part, clamped to the type; zero for NaN.
    [i64_trunc_sat_f32_u: f32 => u64, i64_trunc_sat_f64_u: f64 => u64] (a) = a as u64;
}

/// The integer part of a float, or why it has none in the integer type.
///
/// The part fits when `MIN - 1 < x < MAX + 1`. `MIN` and `MAX + 1` are powers of two (or zero) and exact in every float
/// type; `MIN - 1` is not, but near it `x - MIN` is computed without rounding.
macro_rules! integer_part {
    ($x:ident: $float:ident => $int:ident) => {{
        const LIMIT: $float = 2.0 * ($int::MAX / 2 + 1) as $float;
        if $x.is_nan() {
            Err(TrapKind::InvalidConversion)
        } else if $x - $int::MIN as $float > -1.0 && $x < LIMIT {
            Ok($x as $int)
        } else {
            Err(TrapKind::IntegerOverflow)
        }
    }};
}

trapping! {
    /// The integer part; traps on NaN and when it does not fit.
    [i32_trunc_f32_s: f32 => i32] (a) = integer_part!(a: f32 => i32);
    /// The integer part; traps on NaN and when it does not fit.
    [i32_trunc_f32_u: f32 => u32] (a) = integer_part!(a: f32 => u32);
    /// The integer part; traps on NaN and when it does not fit.
    [i32_trunc_f64_s: f64 => i32] (a) = integer_part!(a: f64 => i32);
    /// The integer part; traps on NaN and when it does not fit.
    [i32_trunc_f64_u: f64 => u32] (a) = integer_part!(a: f64 => u32);
    /// The integer part; traps on NaN and when it does not fit.
    [i64_trunc_f32_s: f32 => i64] (a) = integer_part!(a: f32 => i64);
    /// The integer part; traps on NaN and when it does not fit.
    [i64_trunc_f32_u: f32 => u64] (a) = integer_part!(a: f32 => u64);
    /// The integer part; traps on NaN and when it does not fit.
    [i64_trunc_f64_s: f64 => i64] (a) = integer_part!(a: f64 => i64);
    /// The integer part; traps on NaN and when it does not fit.
    [i64_trunc_f64_u: f64 => u64] (a) = integer_part!(a: f64 => u64);
}
