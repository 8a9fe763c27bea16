//! Integers.

use Width::{W32, W64};
use terrace_masm::{Cond, Gpr, Masm, Rhs, Width};

macro_rules! unary {
    ($($name:ident = $method:ident($($arg:expr),*; $($behind:expr),*);)*) => {$(
        #[doc = concat!("`", stringify!($name), "`")]
        pub fn $name<M: Masm>(m: &mut M, d: Gpr, a: Gpr) {
            m.$method($($arg,)* d, a $(, $behind)*)
        }
    )*};
}

macro_rules! binary {
    ($($narrow:ident $wide:ident = $method:ident;)*) => {$(
        #[doc = concat!("`", stringify!($narrow), "`")]
        pub fn $narrow<M: Masm>(m: &mut M, d: Gpr, a: Gpr, b: Rhs) {
            m.$method(W32, d, a, b)
        }

        #[doc = concat!("`", stringify!($wide), "`")]
        pub fn $wide<M: Masm>(m: &mut M, d: Gpr, a: Gpr, b: Rhs) {
            m.$method(W64, d, a, b)
        }
    )*};
}

unary! {
    i32_clz = clz(W32;);
    i32_ctz = ctz(W32;);
    i32_popcnt = popcnt(W32;);
    i64_clz = clz(W64;);
    i64_ctz = ctz(W64;);
    i64_popcnt = popcnt(W64;);
    i32_wrap_i64 = mov(W32;);
    i64_extend_i32_u = mov(W32;);
    i64_extend_i32_s = sign_extend(W64; 32);
    i32_extend8_s = sign_extend(W32; 8);
    i32_extend16_s = sign_extend(W32; 16);
    i64_extend8_s = sign_extend(W64; 8);
    i64_extend16_s = sign_extend(W64; 16);
    i64_extend32_s = sign_extend(W64; 32);
}

binary! {
    i32_add i64_add = add;
    i32_sub i64_sub = sub;
    i32_mul i64_mul = mul;
    i32_div_s i64_div_s = div_s;
    i32_div_u i64_div_u = div_u;
    i32_rem_s i64_rem_s = rem_s;
    i32_rem_u i64_rem_u = rem_u;
    i32_and i64_and = and;
    i32_or i64_or = or;
    i32_xor i64_xor = xor;
    i32_shl i64_shl = shl;
    i32_shr_s i64_shr_s = shr_s;
    i32_shr_u i64_shr_u = shr_u;
    i32_rotl i64_rotl = rotl;
    i32_rotr i64_rotr = rotr;
}

/// `i32.eqz`
pub fn i32_eqz<M: Masm>(m: &mut M, d: Gpr, a: Gpr) {
    m.test(W32, a, a.into());
    m.set(Cond::Eq, d);
}

/// `i64.eqz`
pub fn i64_eqz<M: Masm>(m: &mut M, d: Gpr, a: Gpr) {
    m.test(W64, a, a.into());
    m.set(Cond::Eq, d);
}

/// `i64.add128`
pub fn i64_add128<M: Masm>(m: &mut M, low: Gpr, high: Gpr, a: [Gpr; 2], b: [Gpr; 2]) {
    m.add128(low, high, a, b)
}

/// `i64.sub128`
pub fn i64_sub128<M: Masm>(m: &mut M, low: Gpr, high: Gpr, a: [Gpr; 2], b: [Gpr; 2]) {
    m.sub128(low, high, a, b)
}

/// `i64.mul_wide_s`
pub fn i64_mul_wide_s<M: Masm>(m: &mut M, low: Gpr, high: Gpr, a: [Gpr; 2], b: [Gpr; 2]) {
    m.mul_wide(true, low, high, a[0], b[0])
}

/// `i64.mul_wide_u`
pub fn i64_mul_wide_u<M: Masm>(m: &mut M, low: Gpr, high: Gpr, a: [Gpr; 2], b: [Gpr; 2]) {
    m.mul_wide(false, low, high, a[0], b[0])
}
