// ChaCha20 over n KiB, four blocks side by side in v128.
// flags: -msimd128
#include <wasm_simd128.h>

#include "chacha.h"

static inline v128_t rotate(v128_t value, u32 by) {
    return wasm_v128_or(wasm_i32x4_shl(value, by), wasm_u32x4_shr(value, 32 - by));
}

// Rotations by whole bytes are shuffles.
static inline v128_t rotate_16(v128_t value) {
    return wasm_i8x16_shuffle(value, value, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
}

static inline v128_t rotate_8(v128_t value) {
    return wasm_i8x16_shuffle(value, value, 3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14);
}

static inline void quarter_round(v128_t *x, u32 a, u32 b, u32 c, u32 d) {
    x[a] = wasm_i32x4_add(x[a], x[b]), x[d] = rotate_16(wasm_v128_xor(x[d], x[a]));
    x[c] = wasm_i32x4_add(x[c], x[d]), x[b] = rotate(wasm_v128_xor(x[b], x[c]), 12);
    x[a] = wasm_i32x4_add(x[a], x[b]), x[d] = rotate_8(wasm_v128_xor(x[d], x[a]));
    x[c] = wasm_i32x4_add(x[c], x[d]), x[b] = rotate(wasm_v128_xor(x[b], x[c]), 7);
}

static inline void xor_into(u8 *data, v128_t stream) {
    wasm_v128_store(data, wasm_v128_xor(wasm_v128_load(data), stream));
}

static NOINLINE void four_blocks(const u32 state[16], u8 *data) {
    v128_t x[16], start[16];
    for (u32 i = 0; i < 16; i++)
        start[i] = wasm_u32x4_splat(state[i]);
    start[12] = wasm_i32x4_add(start[12], wasm_i32x4_const(0, 1, 2, 3));
    for (u32 i = 0; i < 16; i++)
        x[i] = start[i];
    for (u32 round = 0; round < 20; round += 2) {
        quarter_round(x, 0, 4, 8, 12);
        quarter_round(x, 1, 5, 9, 13);
        quarter_round(x, 2, 6, 10, 14);
        quarter_round(x, 3, 7, 11, 15);
        quarter_round(x, 0, 5, 10, 15);
        quarter_round(x, 1, 6, 11, 12);
        quarter_round(x, 2, 7, 8, 13);
        quarter_round(x, 3, 4, 9, 14);
    }
    // Lane l of x[i] is word i of block l: transpose by fours.
    for (u32 i = 0; i < 16; i += 4) {
        v128_t a = wasm_i32x4_add(x[i], start[i]), b = wasm_i32x4_add(x[i + 1], start[i + 1]);
        v128_t c = wasm_i32x4_add(x[i + 2], start[i + 2]), d = wasm_i32x4_add(x[i + 3], start[i + 3]);
        v128_t ab_low = wasm_i32x4_shuffle(a, b, 0, 4, 1, 5), ab_high = wasm_i32x4_shuffle(a, b, 2, 6, 3, 7);
        v128_t cd_low = wasm_i32x4_shuffle(c, d, 0, 4, 1, 5), cd_high = wasm_i32x4_shuffle(c, d, 2, 6, 3, 7);
        u8 *at = data + 4 * i;
        xor_into(at, wasm_i64x2_shuffle(ab_low, cd_low, 0, 2));
        xor_into(at + BLOCK, wasm_i64x2_shuffle(ab_low, cd_low, 1, 3));
        xor_into(at + 2 * BLOCK, wasm_i64x2_shuffle(ab_high, cd_high, 0, 2));
        xor_into(at + 3 * BLOCK, wasm_i64x2_shuffle(ab_high, cd_high, 1, 3));
    }
}

// `blocks` is a multiple of four.
static void encrypt(u32 state[16], u8 *data, u32 blocks) {
    for (u32 i = 0; i < blocks; i += 4) {
        four_blocks(state, data + i * BLOCK);
        state[12] += 4;
    }
}
