// Products of n by n matrices of doubles, the textbook way: each element is a row times a column.
#include "floats.h"

enum { MOST = 512, ROUNDS = 4 };

static f64 a[MOST * MOST], b[MOST * MOST], c[MOST * MOST];

static NOINLINE void multiply(u32 n) {
    for (u32 row = 0; row < n; row++)
        for (u32 column = 0; column < n; column++) {
            f64 total = 0;
            for (u32 k = 0; k < n; k++)
                total += a[row * n + k] * b[k * n + column];
            c[row * n + column] = total;
        }
}

i64 run(i32 n) {
    u32 size = (u32)n < MOST ? (u32)n : MOST;
    u64 state = 3, sum = 0;
    for (u32 i = 0; i < size * size; i++) {
        a[i] = (f64)random_below(&state, 2000) * 0.001 - 1;
        b[i] = (f64)random_below(&state, 2000) * 0.001 - 1;
    }
    for (u32 round = 0; round < ROUNDS; round++) {
        multiply(size);
        for (u32 i = 0; i < size * size; i++)
            a[i] = c[i] / size;
    }
    for (u32 i = 0; i < size * size; i++)
        sum = fold_f64(sum, c[i]);
    return (i64)sum;
}
