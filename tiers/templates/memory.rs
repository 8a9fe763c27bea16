//! Loads and stores of integers and scalar floats.

use terrace_masm::{Float, FloatWidth, Fpr, Gpr, Load, Masm, Mem, Store};

macro_rules! loads {
    ($($name:ident = $load:ident;)*) => {$(
        #[doc = concat!("`", stringify!($name), "`")]
        pub fn $name<M: Masm>(m: &mut M, d: Gpr, mem: Mem) {
            m.load(Load::$load, d, mem)
        }
    )*};
}

macro_rules! stores {
    ($($name:ident = $store:ident;)*) => {$(
        #[doc = concat!("`", stringify!($name), "`")]
        pub fn $name<M: Masm>(m: &mut M, mem: Mem, a: Gpr) {
            m.store(Store::$store, mem, a)
        }
    )*};
}

loads! {
    i32_load = U32;
    i64_load = W64;
    i32_load8_s = I8To32;
    i32_load8_u = U8;
    i32_load16_s = I16To32;
    i32_load16_u = U16;
    i64_load8_s = I8;
    i64_load8_u = U8;
    i64_load16_s = I16;
    i64_load16_u = U16;
    i64_load32_s = I32;
    i64_load32_u = U32;
}

stores! {
    i32_store = W32;
    i64_store = W64;
    i32_store8 = W8;
    i32_store16 = W16;
    i64_store8 = W8;
    i64_store16 = W16;
    i64_store32 = W32;
}

/// `f32.load`
pub fn f32_load<M: Float>(m: &mut M, d: Fpr, mem: Mem) {
    m.load_float(FloatWidth::F32, d, mem)
}

/// `f64.load`
pub fn f64_load<M: Float>(m: &mut M, d: Fpr, mem: Mem) {
    m.load_float(FloatWidth::F64, d, mem)
}

/// `f32.store`
pub fn f32_store<M: Float>(m: &mut M, mem: Mem, a: Fpr) {
    m.store_float(FloatWidth::F32, mem, a)
}

/// `f64.store`
pub fn f64_store<M: Float>(m: &mut M, mem: Mem, a: Fpr) {
    m.store_float(FloatWidth::F64, mem, a)
}
