// A small quantized neural network, the same for dot_scalar and dot_simd: layers of signed bytes times signed bytes.
#include "common.h"

enum { WIDTH = 256, LAYERS = 4 };

// The dot product of `count` signed bytes each, a multiple of 16.
static i32 dot(const i8 *a, const i8 *b, u32 count);

static i8 weights[LAYERS][WIDTH][WIDTH], activations[2][WIDTH];

static void layer(u32 index, const i8 *in, i8 *out) {
    for (u32 i = 0; i < WIDTH; i++) {
        // Scaled down, rectified with a leak, clamped.
        i32 value = dot(weights[index][i], in, WIDTH) >> 9;
        value = value < 0 ? value >> 1 : value;
        out[i] = (i8)(value > 127 ? 127 : value < -128 ? -128 : value);
    }
}

// Applies n layers, each to the output of the one before and some fresh noise.
i64 run(i32 n) {
    u64 state = 81, sum = 0;
    u32 layers = (u32)n < LAYERS ? (u32)n : LAYERS;
    __builtin_memset(activations, 0, sizeof activations);
    for (u32 i = 0; i < layers; i++)
        for (u32 j = 0; j < WIDTH; j++)
            for (u32 k = 0; k < WIDTH; k += 8) {
                u64 bits = next_random(&state);
                __builtin_memcpy(&weights[i][j][k], &bits, 8);
            }
    for (i32 i = 0; i < n; i++) {
        for (u32 j = 0; j < WIDTH; j += 4)
            activations[i & 1][j] ^= (i8)next_random(&state);
        layer((u32)i % LAYERS, activations[i & 1], activations[~i & 1]);
        u64 word;
        __builtin_memcpy(&word, activations[~i & 1] + i % (WIDTH / 8) * 8, 8);
        sum = fold(sum, word);
    }
    return (i64)sum;
}
