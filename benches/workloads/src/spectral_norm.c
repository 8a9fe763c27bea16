// The largest singular value of an n by n matrix whose elements are computed as they are needed.
#include "floats.h"

enum { MOST = 2048, ROUNDS = 6 };

static f64 u[MOST], v[MOST], between[MOST];

// a(i, j) = 1 / ((i + j) * (i + j + 1) / 2 + i + 1), a corner of an infinite matrix.
static inline f64 element(u32 i, u32 j) {
    return 1.0 / (f64)((i + j) * (i + j + 1) / 2 + i + 1);
}

static NOINLINE void multiply(const f64 *in, f64 *out, u32 n) {
    for (u32 i = 0; i < n; i++) {
        f64 total = 0;
        for (u32 j = 0; j < n; j++)
            total += element(i, j) * in[j];
        out[i] = total;
    }
}

static NOINLINE void multiply_transposed(const f64 *in, f64 *out, u32 n) {
    for (u32 i = 0; i < n; i++) {
        f64 total = 0;
        for (u32 j = 0; j < n; j++)
            total += element(j, i) * in[j];
        out[i] = total;
    }
}

i64 run(i32 n) {
    u32 size = (u32)n < MOST ? (u32)n : MOST;
    if (size == 0)
        return 0;
    for (u32 i = 0; i < size; i++)
        u[i] = 1;
    for (u32 round = 0; round < ROUNDS; round++) {
        multiply(u, between, size);
        multiply_transposed(between, v, size);
        multiply(v, between, size);
        multiply_transposed(between, u, size);
    }
    f64 uv = 0, vv = 0;
    for (u32 i = 0; i < size; i++) {
        uv += u[i] * v[i];
        vv += v[i] * v[i];
    }
    return (i64)fold_f64(0, __builtin_sqrt(uv / vv));
}
