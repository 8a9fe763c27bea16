//! Vectors as bits and as sequences of lanes: moving, choosing, testing, narrowing and widening lanes.

use super::{F32x4, F64x2, I8x16, I16x8, I32x4, I64x2, U8x16, U16x8, U32x4, U64x2, View};
use std::array::from_fn;

/// The lower half.
#[inline]
pub(super) fn low<T: Copy, const N: usize, const HALF: usize>(a: [T; N]) -> [T; HALF] {
    from_fn(|i| a[i])
}

/// The upper half.
#[inline]
pub(super) fn high<T: Copy, const N: usize, const HALF: usize>(a: [T; N]) -> [T; HALF] {
    from_fn(|i| a[HALF + i])
}

/// Adjacent lanes, two by two.
#[inline]
pub(super) fn pairs<T: Copy, const N: usize, const HALF: usize>(a: [T; N]) -> [[T; 2]; HALF] {
    from_fn(|i| [a[2 * i], a[2 * i + 1]])
}

/// The lanes, followed by as many zeros.
#[inline]
pub(super) fn zero_extend<T: Copy + Default, const HALF: usize, const N: usize>(a: [T; HALF]) -> [T; N] {
    from_fn(|i| a.get(i).copied().unwrap_or_default())
}

/// The lanes of `a`, followed by those of `b`.
#[inline]
fn concat<T: Copy, const HALF: usize, const N: usize>(a: [T; HALF], b: [T; HALF]) -> [T; N] {
    from_fn(|i| if i < HALF { a[i] } else { b[i - HALF] })
}

/// An integer type to which a wider signed one is clamped.
pub(super) trait Narrow<Wide> {
    fn narrow(wide: Wide) -> Self;
}

macro_rules! narrows {
    ($($wide:ident => $($narrow:ident)+;)+) => { $($(
        impl Narrow<$wide> for $narrow {
            #[inline]
            fn narrow(wide: $wide) -> $narrow {
                wide.clamp($narrow::MIN.into(), $narrow::MAX.into()) as $narrow
            }
        }
    )+)+ };
}

narrows! {
    i16 => i8 u8;
    i32 => i16 u16;
}

/// Bitwise not.
#[inline]
pub fn v128_not(a: u128) -> u128 {
    !a
}

/// Bitwise and.
#[inline]
pub fn v128_and(a: u128, b: u128) -> u128 {
    a & b
}

/// Bitwise and of the first operand with the complement of the second.
#[inline]
pub fn v128_andnot(a: u128, b: u128) -> u128 {
    a & !b
}

/// Bitwise or.
#[inline]
pub fn v128_or(a: u128, b: u128) -> u128 {
    a | b
}

/// Bitwise exclusive or.
#[inline]
pub fn v128_xor(a: u128, b: u128) -> u128 {
    a ^ b
}

/// The bits of `a` where the mask is one, those of `b` where it is zero.
#[inline]
pub fn v128_bitselect(a: u128, b: u128, mask: u128) -> u128 {
    (a & mask) | (b & !mask)
}

/// Whether any bit is one.
#[inline]
pub fn v128_any_true(a: u128) -> u32 {
    (a != 0).into()
}

/// The 16 lanes of both operands, one after the other, that the immediates name.
#[inline]
pub fn i8x16_shuffle(a: u128, b: u128, lanes: [u8; 16]) -> u128 {
    let table: [u8; 32] = concat(a.to_le_bytes(), b.to_le_bytes());
    u128::from_le_bytes(lanes.map(|lane| table[usize::from(lane % 32)]))
}

/// The lanes of the first operand that the second's lanes name; zero for an index outside.
#[inline]
pub fn i8x16_swizzle(a: u128, indices: u128) -> u128 {
    let table: [u8; 32] = zero_extend(a.to_le_bytes());
    u128::from_le_bytes(indices.to_le_bytes().map(|i| table[usize::from(i.min(16))]))
}

ops! {
    /// Whether every lane is nonzero.
    [i8x16_all_true: U8x16 => bool, i16x8_all_true: U16x8 => bool, i32x4_all_true: U32x4 => bool, i64x2_all_true: U64x2 => bool]
        (a) = a.iter().all(|&lane| lane != 0);
    /// The sign bits of the lanes, lane 0 in the lowest bit.
    [i8x16_bitmask: I8x16 => u32, i16x8_bitmask: I16x8 => u32, i32x4_bitmask: I32x4 => u32, i64x2_bitmask: I64x2 => u32]
        (a) = a.iter().rev().fold(0, |mask, &lane| mask << 1 | u32::from(lane < 0));

    /// The signed lanes of both operands, clamped to half their width as signed (`_s`) or unsigned (`_u`) integers.
    [i8x16_narrow_i16x8_s: I16x8 => I8x16, i8x16_narrow_i16x8_u: I16x8 => U8x16,
     i16x8_narrow_i32x4_s: I32x4 => I16x8, i16x8_narrow_i32x4_u: I32x4 => U16x8]
        (a, b) = concat(a.map(Narrow::narrow), b.map(Narrow::narrow));
    /// The lower half of the lanes, each extended to twice its width by its sign (`_s`) or zeros (`_u`).
    [i16x8_extend_low_i8x16_s: I8x16 => I16x8, i16x8_extend_low_i8x16_u: U8x16 => U16x8,
     i32x4_extend_low_i16x8_s: I16x8 => I32x4, i32x4_extend_low_i16x8_u: U16x8 => U32x4,
     i64x2_extend_low_i32x4_s: I32x4 => I64x2, i64x2_extend_low_i32x4_u: U32x4 => U64x2]
        (a) = low(a).map(Into::into);
    /// The upper half of the lanes, each extended to twice its width by its sign (`_s`) or zeros (`_u`).
    [i16x8_extend_high_i8x16_s: I8x16 => I16x8, i16x8_extend_high_i8x16_u: U8x16 => U16x8,
     i32x4_extend_high_i16x8_s: I16x8 => I32x4, i32x4_extend_high_i16x8_u: U16x8 => U32x4,
     i64x2_extend_high_i32x4_s: I32x4 => I64x2, i64x2_extend_high_i32x4_u: U32x4 => U64x2]
        (a) = high(a).map(Into::into);
}

/// Splats, extractions and replacements: `name: vector view, lane type as wasm type`.
macro_rules! lanes {
    (splat $($name:ident: $v:ident, $lane:ident as $wasm:ident;)+) => { $(
        /// The operand's low bits in every lane.
        #[inline]
        pub fn $name(x: $wasm) -> u128 {
            [x as $lane; size_of::<$v>() / size_of::<$lane>()].wasm()
        }
    )+ };
    (extract $($name:ident: $v:ident, $via:ident as $wasm:ident;)+) => { $(
        /// The lane, extended to the result's width by its sign (`_s`) or zeros.
        #[inline]
        pub fn $name(v: u128, lane: u8) -> $wasm {
            let lanes = $v::view(v);
            lanes[usize::from(lane) % lanes.len()] as $via as $wasm
        }
    )+ };
    (replace $($name:ident: $v:ident, $lane:ident as $wasm:ident;)+) => { $(
        /// The vector with the lane replaced by the operand's low bits.
        #[inline]
        pub fn $name(v: u128, x: $wasm, lane: u8) -> u128 {
            let mut lanes = $v::view(v);
            let index = usize::from(lane) % lanes.len();
            lanes[index] = x as $lane;
            lanes.wasm()
        }
    )+ };
}

lanes! { splat
    i8x16_splat: U8x16, u8 as u32;
    i16x8_splat: U16x8, u16 as u32;
    i32x4_splat: U32x4, u32 as u32;
    i64x2_splat: U64x2, u64 as u64;
    f32x4_splat: F32x4, f32 as f32;
    f64x2_splat: F64x2, f64 as f64;
}

lanes! { extract
    i8x16_extract_lane_s: I8x16, i32 as u32;
    i8x16_extract_lane_u: U8x16, u32 as u32;
    i16x8_extract_lane_s: I16x8, i32 as u32;
    i16x8_extract_lane_u: U16x8, u32 as u32;
    i32x4_extract_lane: U32x4, u32 as u32;
    i64x2_extract_lane: U64x2, u64 as u64;
    f32x4_extract_lane: F32x4, f32 as f32;
    f64x2_extract_lane: F64x2, f64 as f64;
}

lanes! { replace
    i8x16_replace_lane: U8x16, u8 as u32;
    i16x8_replace_lane: U16x8, u16 as u32;
    i32x4_replace_lane: U32x4, u32 as u32;
    i64x2_replace_lane: U64x2, u64 as u64;
    f32x4_replace_lane: F32x4, f32 as f32;
    f64x2_replace_lane: F64x2, f64 as f64;
}

/// Loads that make a vector of fewer bits: `name: the bits read => the vector operator applied to them`.
macro_rules! loads {
    ($($(#[$doc:meta])+ $name:ident: $bits:ident => $of:expr;)+) => { $(
        $(#[$doc])+
        #[inline]
        pub fn $name(bits: $bits) -> u128 {
            ($of)(u128::from(bits))
        }
    )+ };
}

loads! {
    /// The vector that `v128.load8x8_s` makes of the 8 bytes it reads.
    v128_load8x8_s: u64 => i16x8_extend_low_i8x16_s;
    /// The vector that `v128.load8x8_u` makes of the 8 bytes it reads.
    v128_load8x8_u: u64 => i16x8_extend_low_i8x16_u;
    /// The vector that `v128.load16x4_s` makes of the 8 bytes it reads.
    v128_load16x4_s: u64 => i32x4_extend_low_i16x8_s;
    /// The vector that `v128.load16x4_u` makes of the 8 bytes it reads.
    v128_load16x4_u: u64 => i32x4_extend_low_i16x8_u;
    /// The vector that `v128.load32x2_s` makes of the 8 bytes it reads.
    v128_load32x2_s: u64 => i64x2_extend_low_i32x4_s;
    /// The vector that `v128.load32x2_u` makes of the 8 bytes it reads.
    v128_load32x2_u: u64 => i64x2_extend_low_i32x4_u;
    /// The vector that `v128.load32_zero` makes of the 4 bytes it reads.
    v128_load32_zero: u32 => |bits| bits;
    /// The vector that `v128.load64_zero` makes of the 8 bytes it reads.
    v128_load64_zero: u64 => |bits| bits;
}
