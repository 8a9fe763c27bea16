// n rounds of an image filter on a picture of bytes, 16 pixels at a time in v128.
// flags: -msimd128
#include <wasm_simd128.h>

#include "blur.h"

_Static_assert(WIDTH % 16 == 0, "a row is whole vectors");

typedef struct {
    v128_t low, high;
} Wide;

static inline v128_t weigh(v128_t a, v128_t b, v128_t c) {
    return wasm_i16x8_add(wasm_i16x8_add(a, c), wasm_i16x8_shl(b, 1));
}

// a + 2 * b + c of 16 pixels, in 16 bits.
static inline Wide across(const u8 *at) {
    v128_t a = wasm_v128_load(at - 1), b = wasm_v128_load(at), c = wasm_v128_load(at + 1);
    return (Wide){
        weigh(wasm_u16x8_extend_low_u8x16(a), wasm_u16x8_extend_low_u8x16(b), wasm_u16x8_extend_low_u8x16(c)),
        weigh(wasm_u16x8_extend_high_u8x16(a), wasm_u16x8_extend_high_u8x16(b), wasm_u16x8_extend_high_u8x16(c)),
    };
}

static inline v128_t down(v128_t a, v128_t b, v128_t c) {
    return wasm_u16x8_shr(wasm_i16x8_add(weigh(a, b, c), wasm_i16x8_const_splat(8)), 4);
}

static NOINLINE void blur(const Picture from, Picture to) {
    for (u32 x = 1; x < WIDTH - 1; x += 16) {
        // The last column of vectors starts early so that it ends inside.
        if (x > WIDTH - 17)
            x = WIDTH - 17;
        Wide above = across(&from[0][x]), middle = across(&from[1][x]);
        for (u32 y = 1; y < HEIGHT - 1; y++) {
            Wide below = across(&from[y + 1][x]);
            v128_t low = down(above.low, middle.low, below.low), high = down(above.high, middle.high, below.high);
            wasm_v128_store(&to[y][x], wasm_u8x16_narrow_i16x8(low, high));
            above = middle;
            middle = below;
        }
    }
}

static NOINLINE void sharpen(const Picture from, const Picture blurred, Picture to) {
    const u8 *a = from[0], *b = blurred[0];
    u8 *out = to[0];
    for (u32 i = 0; i < WIDTH * HEIGHT; i += 16) {
        v128_t x = wasm_v128_load(a + i), y = wasm_v128_load(b + i);
        // x + (x - y), in the order that saturates right: one of the differences is zero.
        v128_t more = wasm_u8x16_sub_sat(x, y), less = wasm_u8x16_sub_sat(y, x);
        wasm_v128_store(out + i, wasm_u8x16_sub_sat(wasm_u8x16_add_sat(x, more), less));
    }
}
