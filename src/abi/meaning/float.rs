//! Scalar floats: `f32` and `f64`, and what they share with the lanes of vectors.
//!
//! Rust's float operators compute IEEE results but may hand a signalling NaN through, so every arithmetic result passes
//! [`Float::quiet`]. Negation, absolute value and sign copy are defined on bits, in Rust as in wasm.

use super::View;
use std::ops::Add;

/// What `f32` and `f64` share beyond their inherent methods.
pub(super) trait Float: Copy + PartialOrd + Add<Output = Self> {
    /// The value as an operator's result. A NaN is one that the operator may give, but neither what a machine would nor what
    /// canonicalization does: so a program that depends on the bits of NaNs behaves otherwise here.
    fn result(self) -> Self;
    /// The value, a NaN made the canonical positive one.
    fn canonical(self) -> Self;
    /// The value of the bits that `f` makes of the bits of two values.
    fn on_bits(self, other: Self, f: impl Fn(u64, u64) -> u64) -> Self;
}

macro_rules! floats {
    ($($t:ident $bits:ident)+) => { $(
        impl Float for $t {
            #[inline]
            fn result(self) -> $t {
                let canonical = self.canonical();
                if !self.is_nan() {
                    self
                } else if self.abs().to_bits() == canonical.to_bits() {
                    -canonical
                } else {
                    // Operands with another payload than the canonical one let the result have any.
                    let payload: $bits = quiet_bit!($t) - 1;
                    -$t::from_bits((self.to_bits() ^ payload) | canonical.to_bits())
                }
            }
            #[inline]
            fn canonical(self) -> $t {
                if self.is_nan() { $t::from_bits($t::INFINITY.to_bits() | quiet_bit!($t)) } else { self }
            }
            #[inline]
            fn on_bits(self, other: $t, f: impl Fn(u64, u64) -> u64) -> $t {
                $t::from_bits(f(self.to_bits().into(), other.to_bits().into()) as $bits)
            }
        }
    )+ };
}

/// The highest bit of the significand's stored part.
#[rustfmt::skip]
macro_rules! quiet_bit {
    ($t:ident) => { 1 << ($t::MANTISSA_DIGITS - 2) };
}

floats! { f32 u32 f64 u64 }

/// The lesser operand: -0 is less than +0, a NaN wins.
#[inline]
pub(super) fn min<F: Float>(a: F, b: F) -> F {
    if a < b {
        a
    } else if b < a {
        b
    } else if a == b {
        a.on_bits(b, |a, b| a | b)
    } else {
        (a + b).result()
    }
}

/// The greater operand: +0 is greater than -0, a NaN wins.
#[inline]
pub(super) fn max<F: Float>(a: F, b: F) -> F {
    if a > b {
        a
    } else if b > a {
        b
    } else if a == b {
        a.on_bits(b, |a, b| a & b)
    } else {
        (a + b).result()
    }
}

ops! {
    /// Whether the operands are equal; a NaN equals nothing, zeros equal each other.
    [f32_eq: f32 => bool, f64_eq: f64 => bool] (a, b) = a == b;
    /// Whether the operands differ or one is a NaN.
    [f32_ne: f32 => bool, f64_ne: f64 => bool] (a, b) = a != b;
    /// Whether the first operand is less than the second.
    [f32_lt: f32 => bool, f64_lt: f64 => bool] (a, b) = a < b;
    /// Whether the first operand is greater than the second.
    [f32_gt: f32 => bool, f64_gt: f64 => bool] (a, b) = a > b;
    /// Whether the first operand is at most the second.
    [f32_le: f32 => bool, f64_le: f64 => bool] (a, b) = a <= b;
    /// Whether the first operand is at least the second.
    [f32_ge: f32 => bool, f64_ge: f64 => bool] (a, b) = a >= b;

    /// The operand with its sign bit cleared.
    [f32_abs: f32, f64_abs: f64] (a) = a.abs();
    /// The operand with its sign bit flipped.
    [f32_neg: f32, f64_neg: f64] (a) = -a;
    /// The first operand with the sign bit of the second.
    [f32_copysign: f32, f64_copysign: f64] (a, b) = a.copysign(b);

    /// The operand rounded up to an integer.
    [f32_ceil: f32, f64_ceil: f64] (a) = a.ceil().result();
    /// The operand rounded down to an integer.
    [f32_floor: f32, f64_floor: f64] (a) = a.floor().result();
    /// The operand rounded to an integer towards zero.
    [f32_trunc: f32, f64_trunc: f64] (a) = a.trunc().result();
    /// The operand rounded to the nearest integer, ties to even.
    [f32_nearest: f32, f64_nearest: f64] (a) = a.round_ties_even().result();
    /// Square root.
    [f32_sqrt: f32, f64_sqrt: f64] (a) = a.sqrt().result();

    /// Sum.
    [f32_add: f32, f64_add: f64] (a, b) = (a + b).result();
    /// Difference.
    [f32_sub: f32, f64_sub: f64] (a, b) = (a - b).result();
    /// Product.
    [f32_mul: f32, f64_mul: f64] (a, b) = (a * b).result();
    /// Quotient.
    [f32_div: f32, f64_div: f64] (a, b) = (a / b).result();
    /// The lesser operand, where -0 is less than +0; a NaN if either operand is one.
    [f32_min: f32, f64_min: f64] (a, b) = min(a, b);
    /// The greater operand, where +0 is greater than -0; a NaN if either operand is one.
    [f32_max: f32, f64_max: f64] (a, b) = max(a, b);

    /// The operand, any NaN replaced by the canonical positive one: the form of deterministic results.
    [canonicalize_f32: f32, canonicalize_f64: f64] (a) = a.canonical();
}
