//! Comparisons, as conditions that a tier branches on, selects by, or sets.

use terrace_masm::{Cond, Float, FloatCond, FloatWidth, Fpr, Gpr, Masm, Rhs, Width};

macro_rules! ints {
    ($($narrow:ident $wide:ident = $cond:ident;)*) => {$(
        #[doc = concat!("`", stringify!($narrow), "`")]
        pub fn $narrow<M: Masm>(m: &mut M, a: Gpr, b: Rhs) -> Cond {
            int(m, Width::W32, Cond::$cond, a, b)
        }

        #[doc = concat!("`", stringify!($wide), "`")]
        pub fn $wide<M: Masm>(m: &mut M, a: Gpr, b: Rhs) -> Cond {
            int(m, Width::W64, Cond::$cond, a, b)
        }
    )*};
}

macro_rules! floats {
    ($($narrow:ident $wide:ident = $cond:ident;)*) => {$(
        #[doc = concat!("`", stringify!($narrow), "`")]
        pub fn $narrow<M: Float>(m: &mut M, a: Fpr, b: Fpr) -> Cond {
            m.compare_float(FloatWidth::F32, FloatCond::$cond, a, b)
        }

        #[doc = concat!("`", stringify!($wide), "`")]
        pub fn $wide<M: Float>(m: &mut M, a: Fpr, b: Fpr) -> Cond {
            m.compare_float(FloatWidth::F64, FloatCond::$cond, a, b)
        }
    )*};
}

fn int<M: Masm>(m: &mut M, width: Width, cond: Cond, a: Gpr, b: Rhs) -> Cond {
    // Zero compares shorter with itself, where only the value's own flags matter.
    if b == Rhs::Imm(0) && matches!(cond, Cond::Eq | Cond::Ne) {
        m.test(width, a, a.into());
    } else {
        m.compare(width, a, b);
    }
    cond
}

ints! {
    i32_eq i64_eq = Eq;
    i32_ne i64_ne = Ne;
    i32_lt_s i64_lt_s = LtS;
    i32_lt_u i64_lt_u = LtU;
    i32_gt_s i64_gt_s = GtS;
    i32_gt_u i64_gt_u = GtU;
    i32_le_s i64_le_s = LeS;
    i32_le_u i64_le_u = LeU;
    i32_ge_s i64_ge_s = GeS;
    i32_ge_u i64_ge_u = GeU;
}

floats! {
    f32_eq f64_eq = Eq;
    f32_ne f64_ne = Ne;
    f32_lt f64_lt = Lt;
    f32_gt f64_gt = Gt;
    f32_le f64_le = Le;
    f32_ge f64_ge = Ge;
}
