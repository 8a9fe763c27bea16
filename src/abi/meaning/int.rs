//! Scalar integers: `i32` and `i64`. Counts of shifts and rotations have the type of the operand.

use super::View;
use crate::TrapKind;

ops! {
    /// Whether the operand is zero.
    [i32_eqz: u32 => bool, i64_eqz: u64 => bool] (a) = a == 0;
    /// Whether the operands are equal.
    [i32_eq: u32 => bool, i64_eq: u64 => bool] (a, b) = a == b;
    /// Whether the operands differ.
    [i32_ne: u32 => bool, i64_ne: u64 => bool] (a, b) = a != b;
    /// Whether the first operand is less than the second.
    [i32_lt_s: i32 => bool, i32_lt_u: u32 => bool, i64_lt_s: i64 => bool, i64_lt_u: u64 => bool] (a, b) = a < b;
    /// Whether the first operand is greater than the second.
    [i32_gt_s: i32 => bool, i32_gt_u: u32 => bool, i64_gt_s: i64 => bool, i64_gt_u: u64 => bool] (a, b) = a > b;
    /// Whether the first operand is at most the second.
    [i32_le_s: i32 => bool, i32_le_u: u32 => bool, i64_le_s: i64 => bool, i64_le_u: u64 => bool] (a, b) = a <= b;
    /// Whether the first operand is at least the second.
    [i32_ge_s: i32 => bool, i32_ge_u: u32 => bool, i64_ge_s: i64 => bool, i64_ge_u: u64 => bool] (a, b) = a >= b;

    /// The number of leading zero bits; the width for zero.
    [i32_clz: u32, i64_clz: u64] (a) = a.leading_zeros() as _;
    /// The number of trailing zero bits; the width for zero.
    [i32_ctz: u32, i64_ctz: u64] (a) = a.trailing_zeros() as _;
    /// The number of one bits.
    [i32_popcnt: u32, i64_popcnt: u64] (a) = a.count_ones() as _;

    /// Sum, modulo the width.
    [i32_add: u32, i64_add: u64] (a, b) = a.wrapping_add(b);
    /// Difference, modulo the width.
    [i32_sub: u32, i64_sub: u64] (a, b) = a.wrapping_sub(b);
    /// Product, modulo the width.
    [i32_mul: u32, i64_mul: u64] (a, b) = a.wrapping_mul(b);
    /// Bitwise and.
    [i32_and: u32, i64_and: u64] (a, b) = a & b;
    /// Bitwise or.
    [i32_or: u32, i64_or: u64] (a, b) = a | b;
    /// Bitwise exclusive or.
    [i32_xor: u32, i64_xor: u64] (a, b) = a ^ b;
    /// Shift left by the count modulo the width.
    [i32_shl: u32, i64_shl: u64] (a, count) = a.wrapping_shl(count as u32);
    /// Shift right by the count modulo the width, filling with the sign (`_s`) or zeros (`_u`).
    [i32_shr_s: i32, i32_shr_u: u32, i64_shr_s: i64, i64_shr_u: u64] (a, count) = a.wrapping_shr(count as u32);
    /// Rotation to the left by the count modulo the width.
    [i32_rotl: u32, i64_rotl: u64] (a, count) = a.rotate_left(count as u32);
    /// Rotation to the right by the count modulo the width.
    [i32_rotr: u32, i64_rotr: u64] (a, count) = a.rotate_right(count as u32);

    /// The low 8 bits, sign-extended.
    [i32_extend8_s: i32, i64_extend8_s: i64] (a) = (a as i8).into();
    /// The low 16 bits, sign-extended.
    [i32_extend16_s: i32, i64_extend16_s: i64] (a) = (a as i16).into();
    /// The low 32 bits, sign-extended.
    [i64_extend32_s: i64] (a) = (a as i32).into();
}

trapping! {
    /// Quotient, rounded towards zero; traps on a zero divisor and, signed, on the one quotient that does not fit.
    [i32_div_s: i32, i32_div_u: u32, i64_div_s: i64, i64_div_u: u64] (a, b) =
        if b == 0 { Err(TrapKind::IntegerDivideByZero) } else { a.checked_div(b).ok_or(TrapKind::IntegerOverflow) };
    /// Remainder, with the sign of the dividend; traps on a zero divisor.
    [i32_rem_s: i32, i32_rem_u: u32, i64_rem_s: i64, i64_rem_u: u64] (a, b) =
        if b == 0 { Err(TrapKind::IntegerDivideByZero) } else { Ok(a.wrapping_rem(b)) };
}
