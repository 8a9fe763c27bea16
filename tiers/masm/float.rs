//! Scalar floats.

use crate::Masm;
use crate::operand::{Cond, Fpr, Gpr, Mem, RhsF, Width};

/// The width of a float operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FloatWidth {
    /// 32 bits
    F32,
    /// 64 bits
    F64,
}

/// An ordered comparison of floats, or its opposite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FloatCond {
    /// Equal
    Eq,
    /// Not equal, or unordered
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

/// How a float is rounded to an integral value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rounding {
    /// To the nearest, ties to even
    Nearest,
    /// Down
    Floor,
    /// Up
    Ceil,
    /// Toward zero
    Trunc,
}

/// Scalar floats of a machine. Results are those of the wasm operators, NaN payloads apart where they are not determined.
///
/// The bits above an `f32`, up to the 64th, are zero in results if they are in operands.
pub trait Float: Masm {
    /// `d = a`, all 128 bits
    fn mov_float(&mut self, d: Fpr, a: Fpr);
    /// `d = [mem]`, upper bits zero
    fn load_float(&mut self, width: FloatWidth, d: Fpr, mem: Mem);
    /// `[mem] = a`
    fn store_float(&mut self, width: FloatWidth, mem: Mem, a: Fpr);
    /// `d = bits of a`; with `W32`, the upper half is zero.
    fn float_to_bits(&mut self, width: Width, d: Gpr, a: Fpr);
    /// `d = float with the bits a`
    fn float_from_bits(&mut self, width: Width, d: Fpr, a: Gpr);
    /// `d = a + b`
    fn add_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: RhsF);
    /// `d = a - b`
    fn sub_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: RhsF);
    /// `d = a * b`
    fn mul_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: RhsF);
    /// `d = a / b`
    fn div_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: RhsF);
    /// wasm's `min`: -0 below +0, NaN if either is
    fn min_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr);
    /// wasm's `max`
    fn max_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr);
    /// The magnitude of `a` with the sign of `b`
    fn copysign_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr, b: Fpr);
    /// `d = |a|`, NaN included
    fn abs_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr);
    /// `d = -a`, NaN included
    fn neg_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr);
    /// `d = square root of a`
    fn sqrt_float(&mut self, width: FloatWidth, d: Fpr, a: RhsF);
    /// `d = a` rounded to an integral value
    fn round_float(&mut self, width: FloatWidth, rounding: Rounding, d: Fpr, a: RhsF);
    /// Compares; the returned condition holds if the comparison does, as conditions of [`Masm::compare`] do.
    fn compare_float(&mut self, width: FloatWidth, cond: FloatCond, a: Fpr, b: Fpr) -> Cond;
    /// `d` = the integer `a` as a float of `to`, rounded to nearest
    fn float_from_int(&mut self, to: FloatWidth, from: Width, signed: bool, d: Fpr, a: Gpr);
    /// `d` = `a` truncated, trapping if it is a NaN or does not fit
    fn trunc_to_int(&mut self, to: Width, from: FloatWidth, signed: bool, d: Gpr, a: Fpr);
    /// `d` = `a` truncated and clamped; 0 for NaN
    fn trunc_to_int_sat(&mut self, to: Width, from: FloatWidth, signed: bool, d: Gpr, a: Fpr);
    /// `f64` to `f32`
    fn demote(&mut self, d: Fpr, a: RhsF);
    /// `f32` to `f64`
    fn promote(&mut self, d: Fpr, a: RhsF);
    /// `d = a`, or the canonical NaN if `a` is a NaN
    fn canonicalize_float(&mut self, width: FloatWidth, d: Fpr, a: Fpr);
}
