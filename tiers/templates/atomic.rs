//! Atomic accesses of memory.

use terrace_masm::{Atomic, Gpr, Mem, Rmw, Store};

macro_rules! loads {
    ($($name:ident = $width:ident;)*) => {$(
        #[doc = concat!("`", stringify!($name), "`")]
        pub fn $name<M: Atomic>(m: &mut M, d: Gpr, mem: Mem) {
            m.atomic_load(Store::$width, d, mem)
        }
    )*};
}

macro_rules! stores {
    ($($name:ident = $width:ident;)*) => {$(
        #[doc = concat!("`", stringify!($name), "`")]
        pub fn $name<M: Atomic>(m: &mut M, mem: Mem, a: Gpr) {
            m.atomic_store(Store::$width, mem, a)
        }
    )*};
}

macro_rules! read_modify_writes {
    ($($name:ident = $op:ident $width:ident;)*) => {$(
        #[doc = concat!("`", stringify!($name), "`")]
        pub fn $name<M: Atomic>(m: &mut M, d: Gpr, mem: Mem, a: Gpr) {
            m.atomic_rmw(Rmw::$op, Store::$width, d, mem, a)
        }
    )*};
}

macro_rules! compare_exchanges {
    ($($name:ident = $width:ident;)*) => {$(
        #[doc = concat!("`", stringify!($name), "`")]
        pub fn $name<M: Atomic>(m: &mut M, d: Gpr, mem: Mem, expected: Gpr, a: Gpr) {
            m.atomic_cmpxchg(Store::$width, d, mem, expected, a)
        }
    )*};
}

loads! {
    i32_atomic_load = W32;
    i64_atomic_load = W64;
    i32_atomic_load8_u = W8;
    i32_atomic_load16_u = W16;
    i64_atomic_load8_u = W8;
    i64_atomic_load16_u = W16;
    i64_atomic_load32_u = W32;
}

stores! {
    i32_atomic_store = W32;
    i64_atomic_store = W64;
    i32_atomic_store8 = W8;
    i32_atomic_store16 = W16;
    i64_atomic_store8 = W8;
    i64_atomic_store16 = W16;
    i64_atomic_store32 = W32;
}

read_modify_writes! {
    i32_atomic_rmw_add = Add W32;
    i64_atomic_rmw_add = Add W64;
    i32_atomic_rmw8_add_u = Add W8;
    i32_atomic_rmw16_add_u = Add W16;
    i64_atomic_rmw8_add_u = Add W8;
    i64_atomic_rmw16_add_u = Add W16;
    i64_atomic_rmw32_add_u = Add W32;
    i32_atomic_rmw_sub = Sub W32;
    i64_atomic_rmw_sub = Sub W64;
    i32_atomic_rmw8_sub_u = Sub W8;
    i32_atomic_rmw16_sub_u = Sub W16;
    i64_atomic_rmw8_sub_u = Sub W8;
    i64_atomic_rmw16_sub_u = Sub W16;
    i64_atomic_rmw32_sub_u = Sub W32;
    i32_atomic_rmw_and = And W32;
    i64_atomic_rmw_and = And W64;
    i32_atomic_rmw8_and_u = And W8;
    i32_atomic_rmw16_and_u = And W16;
    i64_atomic_rmw8_and_u = And W8;
    i64_atomic_rmw16_and_u = And W16;
    i64_atomic_rmw32_and_u = And W32;
    i32_atomic_rmw_or = Or W32;
    i64_atomic_rmw_or = Or W64;
    i32_atomic_rmw8_or_u = Or W8;
    i32_atomic_rmw16_or_u = Or W16;
    i64_atomic_rmw8_or_u = Or W8;
    i64_atomic_rmw16_or_u = Or W16;
    i64_atomic_rmw32_or_u = Or W32;
    i32_atomic_rmw_xor = Xor W32;
    i64_atomic_rmw_xor = Xor W64;
    i32_atomic_rmw8_xor_u = Xor W8;
    i32_atomic_rmw16_xor_u = Xor W16;
    i64_atomic_rmw8_xor_u = Xor W8;
    i64_atomic_rmw16_xor_u = Xor W16;
    i64_atomic_rmw32_xor_u = Xor W32;
    i32_atomic_rmw_xchg = Xchg W32;
    i64_atomic_rmw_xchg = Xchg W64;
    i32_atomic_rmw8_xchg_u = Xchg W8;
    i32_atomic_rmw16_xchg_u = Xchg W16;
    i64_atomic_rmw8_xchg_u = Xchg W8;
    i64_atomic_rmw16_xchg_u = Xchg W16;
    i64_atomic_rmw32_xchg_u = Xchg W32;
}

compare_exchanges! {
    i32_atomic_rmw_cmpxchg = W32;
    i64_atomic_rmw_cmpxchg = W64;
    i32_atomic_rmw8_cmpxchg_u = W8;
    i32_atomic_rmw16_cmpxchg_u = W16;
    i64_atomic_rmw8_cmpxchg_u = W8;
    i64_atomic_rmw16_cmpxchg_u = W16;
    i64_atomic_rmw32_cmpxchg_u = W32;
}
