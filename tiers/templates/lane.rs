//! Single lanes of vectors, and their permutations. Lanes are constants, unless a name says otherwise.

use terrace_masm::{FloatWidth, Fpr, Gpr, Lanes, Mem, Simd};

use crate::simd::rows;
use FloatWidth::{F32, F64};
use Lanes::{I8x16, I16x8, I32x4, I64x2};

rows! {
    [extract_lane(d: Gpr, a: Fpr, lane: u8):
        i8x16_extract_lane_s(I8x16, true), i8x16_extract_lane_u(I8x16, false), i16x8_extract_lane_s(I16x8, true),
        i16x8_extract_lane_u(I16x8, false), i32x4_extract_lane(I32x4, false), i64x2_extract_lane(I64x2, false)]
    [extract_lane_float(d: Fpr, a: Fpr, lane: u8):
        f32x4_extract_lane(F32), f64x2_extract_lane(F64)]
    [replace_lane(d: Fpr, a: Fpr, b: Gpr, lane: u8):
        i8x16_replace_lane(I8x16), i16x8_replace_lane(I16x8), i32x4_replace_lane(I32x4), i64x2_replace_lane(I64x2)]
    [replace_lane_float(d: Fpr, a: Fpr, b: Fpr, lane: u8):
        f32x4_replace_lane(F32), f64x2_replace_lane(F64)]
    [load_lane(d: Fpr, a: Fpr, mem: Mem, lane: u8):
        v128_load8_lane(I8x16), v128_load16_lane(I16x8), v128_load32_lane(I32x4), v128_load64_lane(I64x2)]
    [store_lane(mem: Mem, a: Fpr, lane: u8):
        v128_store8_lane(I8x16), v128_store16_lane(I16x8), v128_store32_lane(I32x4), v128_store64_lane(I64x2)]

    [shuffle_const(d: Fpr, a: Fpr, b: Fpr, lanes: u128):
        i8x16_shuffle()]
    [shuffle(d: Fpr, a: Fpr, b: Fpr, lanes: Fpr):
        i8x16_shuffle_variable()]
    [swizzle(d: Fpr, a: Fpr, b: Fpr):
        i8x16_swizzle(), i8x16_relaxed_swizzle()]
}
