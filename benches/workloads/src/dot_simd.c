// n layers of a quantized neural network, 16 products at a time in v128.
// flags: -msimd128
#include <wasm_simd128.h>

#include "dot.h"

static NOINLINE i32 dot(const i8 *a, const i8 *b, u32 count) {
    v128_t low = wasm_i32x4_const_splat(0), high = low;
    for (u32 i = 0; i < count; i += 16) {
        v128_t x = wasm_v128_load(a + i), y = wasm_v128_load(b + i);
        low = wasm_i32x4_add(low, wasm_i32x4_dot_i16x8(wasm_i16x8_extend_low_i8x16(x), wasm_i16x8_extend_low_i8x16(y)));
        high = wasm_i32x4_add(high, wasm_i32x4_extadd_pairwise_i16x8(wasm_i16x8_extmul_high_i8x16(x, y)));
    }
    v128_t total = wasm_i32x4_add(low, high);
    total = wasm_i32x4_add(total, wasm_i32x4_shuffle(total, total, 2, 3, 0, 1));
    return wasm_i32x4_extract_lane(total, 0) + wasm_i32x4_extract_lane(total, 1);
}
