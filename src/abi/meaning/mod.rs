//! The meaning of every numeric and vector operator, as one pure function each.
//!
//! These functions are the definition that every tier is held against: `i32.trunc_sat_f32_s` means
//! [`i32_trunc_sat_f32_s`], a function is named by the operator's text with `.` as `_`. Operands and results are wasm
//! values: `i32` is `u32`, `i64` is `u64`, floats are themselves and `v128` is a `u128` with lane 0 in its low bits.
//! Tests and comparisons return 0 or 1. Only operators that can trap return a `Result`. No function panics, whatever
//! its operands; lane immediates are taken modulo the number of lanes.
//!
//! Where the specification leaves a choice, the choice is fixed here and is the same on every machine, with one
//! exception: the payload and sign of a NaN that arithmetic generates or propagates. Such a NaN is always quiet, since
//! Rust's own operators do not promise it ([`canonicalize_f32`] and its siblings remove the rest of the freedom).
//! Moves of bits (`neg`, `abs`, `copysign`, `pmin`, `pmax`, reinterpretation, lane moves) leave NaNs as they are.
//!
//! An operator family is one row: its text, the view in which each member computes, and one body for all of them. Views
//! (`View`) hold the difference between what wasm passes (`u32`) and what the body wants (`i32`, `[u8; 16]`, `bool`).

use std::array::from_fn;

/// A wasm value seen as the Rust type in which an operator is natural to state.
trait View: Sized {
    type Wasm;
    fn view(value: Self::Wasm) -> Self;
    fn wasm(self) -> Self::Wasm;
}

macro_rules! scalar_views {
    ($($view:ident $wasm:ident: $from:expr, $to:expr;)+) => { $(
        impl View for $view {
            type Wasm = $wasm;
            #[inline]
            fn view(value: $wasm) -> $view { ($from)(value) }
            #[inline]
            fn wasm(self) -> $wasm { ($to)(self) }
        }
    )+ };
}

scalar_views! {
    u32 u32: |x| x, |x| x;
    i32 u32: u32::cast_signed, i32::cast_unsigned;
    u64 u64: |x| x, |x| x;
    i64 u64: u64::cast_signed, i64::cast_unsigned;
    f32 f32: |x| x, |x| x;
    f64 f64: |x| x, |x| x;
    bool u32: |x| x != 0, u32::from;
}

/// `view [lane; count] bits: to the bits, from the bits`. Shifts compile to less code than arrays of bytes do.
macro_rules! vector_views {
    ($($alias:ident [$lane:ident; $n:literal] $bits:ident: $to_bits:expr, $from_bits:expr;)+) => { $(
        type $alias = [$lane; $n];

        impl View for $alias {
            type Wasm = u128;
            #[inline]
            fn view(value: u128) -> $alias {
                from_fn(|i| $from_bits((value >> (i * 128 / $n)) as $bits))
            }
            #[inline]
            fn wasm(self) -> u128 {
                self.iter().rev().fold(0, |vector, &lane| vector << (128 / $n) | u128::from($to_bits(lane)))
            }
        }
    )+ };
}

vector_views! {
    U8x16 [u8; 16] u8: u8::from, u8::from;
    I8x16 [i8; 16] u8: i8::cast_unsigned, u8::cast_signed;
    U16x8 [u16; 8] u16: u16::from, u16::from;
    I16x8 [i16; 8] u16: i16::cast_unsigned, u16::cast_signed;
    U32x4 [u32; 4] u32: u32::from, u32::from;
    I32x4 [i32; 4] u32: i32::cast_unsigned, u32::cast_signed;
    F32x4 [f32; 4] u32: f32::to_bits, f32::from_bits;
    U64x2 [u64; 2] u64: u64::from, u64::from;
    I64x2 [i64; 2] u64: i64::cast_unsigned, u64::cast_signed;
    F64x2 [f64; 2] u64: f64::to_bits, f64::from_bits;
}

/// What a lanewise body yields, packed into a vector: lanes as they are, truth values as masks.
trait Pack {
    fn pack(self) -> u128;
}

macro_rules! packs {
    ($([$lane:ident; $n:literal])+) => { $(
        impl Pack for [$lane; $n] {
            #[inline]
            fn pack(self) -> u128 { self.wasm() }
        }
    )+ };
    ($(bool $mask:ident $n:literal)+) => { $(
        impl Pack for [bool; $n] {
            #[inline]
            fn pack(self) -> u128 { self.map(|lane| if lane { $mask::MAX } else { 0 }).wasm() }
        }
    )+ };
}

packs! { [u8; 16] [i8; 16] [u16; 8] [i16; 8] [u32; 4] [i32; 4] [u64; 2] [i64; 2] [f32; 4] [f64; 2] }
packs! { bool u8 16 bool u16 8 bool u32 4 bool u64 2 }

/// The wasm type of a view, spelled out so that signatures read as Rust.
#[rustfmt::skip]
macro_rules! wasm {
    (u32) => { u32 };
    (i32) => { u32 };
    (bool) => { u32 };
    (u64) => { u64 };
    (i64) => { u64 };
    (f32) => { f32 };
    (f64) => { f64 };
    ($operand:ident $result:ident) => { wasm!($result) };
    ($vector:ident) => { u128 };
}

/// The view of a result: the operands' unless the row names another.
#[rustfmt::skip]
macro_rules! result {
    ($operand:ident) => { $operand };
    ($operand:ident $result:ident) => { $result };
}

/// Operators on whole values: `[name: operand view => result view, …] (operands) = body`.
macro_rules! ops {
    ($(#[$doc:meta] [$($name:ident: $t:ident $(=> $r:ident)?),+ $(,)?] $signature:tt = $body:expr;)+) => {
        $($(ops! { @fn #[$doc] $name ($t $($r)?) $signature $body })+)+
    };
    (@fn #[$doc:meta] $name:ident ($t:ident $($r:ident)?) ($($x:ident),+) $body:expr) => {
        #[$doc]
        #[inline]
        pub fn $name($($x: wasm!($t)),+) -> wasm!($t $($r)?) {
            $(let $x: $t = View::view($x);)+
            let result: result!($t $($r)?) = $body;
            result.wasm()
        }
    };
}

/// Operators on whole values that can trap: rows as of `ops!`, the body yields a `Result`.
macro_rules! trapping {
    ($(#[$doc:meta] [$($name:ident: $t:ident $(=> $r:ident)?),+ $(,)?] $signature:tt = $body:expr;)+) => {
        $($(trapping! { @fn #[$doc] $name ($t $($r)?) $signature $body })+)+
    };
    (@fn #[$doc:meta] $name:ident ($t:ident $($r:ident)?) ($($x:ident),+) $body:expr) => {
        #[$doc]
        #[inline]
        pub fn $name($($x: wasm!($t)),+) -> Result<wasm!($t $($r)?), TrapKind> {
            $(let $x: $t = View::view($x);)+
            let result: Result<result!($t $($r)?), TrapKind> = $body;
            result.map(View::wasm)
        }
    };
}

/// Vector operators that treat every lane alike: `[name: lane type, …] (operands; scalars) = body of one lane`.
macro_rules! lanewise {
    ($(#[$doc:meta] [$($name:ident: $t:ident),+ $(,)?] $signature:tt = $body:expr;)+) => {
        $($(lanewise! { @fn #[$doc] $name $t $signature $body })+)+
    };
    (@fn #[$doc:meta] $name:ident $t:ident ($($x:ident),+ $(; $scalar:ident: $st:ty)?) $body:expr) => {
        #[$doc]
        #[inline]
        pub fn $name($($x: u128),+ $(, $scalar: $st)?) -> u128 {
            const LANES: usize = 16 / size_of::<$t>();
            $(let $x: [$t; LANES] = View::view($x);)+
            from_fn::<_, LANES, _>(|i| {
                $(let $x = $x[i];)+
                $body
            })
            .pack()
        }
    };
}

/// Operators that mean what another one means: `[name: the other, …] (operands)`.
macro_rules! same {
    ($(#[$doc:meta] [$($name:ident: $other:ident),+ $(,)?] $signature:tt;)+) => {
        $($(same! { @fn #[$doc] $name $other $signature })+)+
    };
    (@fn #[$doc:meta] $name:ident $other:ident ($($x:ident),+)) => {
        #[$doc]
        #[inline]
        pub fn $name($($x: u128),+) -> u128 {
            $other($($x),+)
        }
    };
}

mod convert;
mod float;
mod int;
mod relaxed;
mod simd_float;
mod simd_int;
mod simd_lane;
mod wide;

#[cfg(test)]
mod tests;

pub use convert::*;
pub use float::*;
pub use int::*;
pub use relaxed::*;
pub use simd_float::*;
pub use simd_int::*;
pub use simd_lane::*;
pub use wide::*;
