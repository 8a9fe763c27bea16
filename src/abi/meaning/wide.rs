//! Wide arithmetic: 128-bit integers as pairs of `i64`, low half first.

/// The integer of two halves.
#[inline]
fn join(lo: u64, hi: u64) -> u128 {
    u128::from(hi) << 64 | u128::from(lo)
}

/// The two halves of an integer.
#[inline]
fn split(x: u128) -> (u64, u64) {
    (x as u64, (x >> 64) as u64)
}

/// Sum, modulo 128 bits.
#[inline]
pub fn i64_add128(a_lo: u64, a_hi: u64, b_lo: u64, b_hi: u64) -> (u64, u64) {
    split(join(a_lo, a_hi).wrapping_add(join(b_lo, b_hi)))
}

/// Difference, modulo 128 bits.
#[inline]
pub fn i64_sub128(a_lo: u64, a_hi: u64, b_lo: u64, b_hi: u64) -> (u64, u64) {
    split(join(a_lo, a_hi).wrapping_sub(join(b_lo, b_hi)))
}

/// The whole product of signed operands.
#[inline]
pub fn i64_mul_wide_s(a: u64, b: u64) -> (u64, u64) {
    split((i128::from(a.cast_signed()) * i128::from(b.cast_signed())).cast_unsigned())
}

/// The whole product of unsigned operands.
#[inline]
pub fn i64_mul_wide_u(a: u64, b: u64) -> (u64, u64) {
    split(u128::from(a) * u128::from(b))
}
