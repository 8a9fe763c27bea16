//! What each load makes of the bits that it reads.

use terrace_abi::meaning::{i8x16_splat, i16x8_splat, i32x4_splat, i64x2_splat};
pub(crate) use terrace_abi::meaning::{
    v128_load8x8_s, v128_load8x8_u, v128_load16x4_s, v128_load16x4_u, v128_load32_zero, v128_load32x2_s,
    v128_load32x2_u, v128_load64_zero,
};

macro_rules! loads {
    ($($name:ident($bits:ident: $unit:ident) -> $value:ident = $body:expr;)+) => { $(
        #[inline(always)]
        pub(crate) fn $name($bits: $unit) -> $value {
            $body
        }
    )+ };
}

loads! {
    i32_load(bits: u32) -> u32 = bits;
    i64_load(bits: u64) -> u64 = bits;
    f32_load(bits: u32) -> u32 = bits;
    f64_load(bits: u64) -> u64 = bits;
    i32_load8_s(bits: u8) -> u32 = i32::from(bits.cast_signed()).cast_unsigned();
    i32_load8_u(bits: u8) -> u32 = bits.into();
    i32_load16_s(bits: u16) -> u32 = i32::from(bits.cast_signed()).cast_unsigned();
    i32_load16_u(bits: u16) -> u32 = bits.into();
    i64_load8_s(bits: u8) -> u64 = i64::from(bits.cast_signed()).cast_unsigned();
    i64_load8_u(bits: u8) -> u64 = bits.into();
    i64_load16_s(bits: u16) -> u64 = i64::from(bits.cast_signed()).cast_unsigned();
    i64_load16_u(bits: u16) -> u64 = bits.into();
    i64_load32_s(bits: u32) -> u64 = i64::from(bits.cast_signed()).cast_unsigned();
    i64_load32_u(bits: u32) -> u64 = bits.into();
    v128_load(bits: u128) -> u128 = bits;
    v128_load8_splat(bits: u8) -> u128 = i8x16_splat(bits.into());
    v128_load16_splat(bits: u16) -> u128 = i16x8_splat(bits.into());
    v128_load32_splat(bits: u32) -> u128 = i32x4_splat(bits);
    v128_load64_splat(bits: u64) -> u128 = i64x2_splat(bits);
}
