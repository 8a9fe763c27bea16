// Products of n by n matrices of floats as libraries do it: panels of b packed, tiles of 4 by 4 results in locals,
// the ragged edge one by one.
#include "floats.h"

enum { MOST = 512, TILE = 4, ROUNDS = 4 };

static f32 a[MOST * MOST], b[MOST * MOST], c[MOST * MOST];
static f32 panel[MOST * TILE];

static void pack(u32 n, u32 column) {
    for (u32 k = 0; k < n; k++)
        for (u32 j = 0; j < TILE; j++)
            panel[k * TILE + j] = b[k * n + column + j];
}

static NOINLINE void tile(u32 n, u32 row, u32 column) {
    f32 total[TILE][TILE] = {{0}};
    const f32 *rows = &a[row * n];
    for (u32 k = 0; k < n; k++) {
        const f32 *packed = &panel[k * TILE];
#pragma unroll
        for (u32 i = 0; i < TILE; i++)
#pragma unroll
            for (u32 j = 0; j < TILE; j++)
                total[i][j] += rows[i * n + k] * packed[j];
    }
    for (u32 i = 0; i < TILE; i++)
        for (u32 j = 0; j < TILE; j++)
            c[(row + i) * n + column + j] = total[i][j];
}

static f32 single(u32 n, u32 row, u32 column) {
    f32 total = 0;
    for (u32 k = 0; k < n; k++)
        total += a[row * n + k] * b[k * n + column];
    return total;
}

static void multiply(u32 n) {
    u32 whole = n - n % TILE;
    for (u32 column = 0; column < whole; column += TILE) {
        pack(n, column);
        for (u32 row = 0; row < whole; row += TILE)
            tile(n, row, column);
    }
    for (u32 row = 0; row < n; row++)
        for (u32 column = row < whole ? whole : 0; column < n; column++)
            c[row * n + column] = single(n, row, column);
}

i64 run(i32 n) {
    u32 size = (u32)n < MOST ? (u32)n : MOST;
    u64 state = 5, sum = 0;
    for (u32 i = 0; i < size * size; i++) {
        a[i] = (f32)random_below(&state, 512) / 256 - 1;
        b[i] = (f32)random_below(&state, 512) / 256 - 1;
    }
    for (u32 round = 0; round < ROUNDS; round++) {
        multiply(size);
        for (u32 i = 0; i < size * size; i++)
            a[i] = c[i] / (f32)size;
    }
    for (u32 i = 0; i < size * size; i++)
        sum = fold_f64(sum, c[i]);
    return (i64)sum;
}
