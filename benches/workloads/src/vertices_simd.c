// n pictures of a turning cloud of points: matrices times vectors, four numbers at a time in v128.
// flags: -msimd128
#include <wasm_simd128.h>

#include "vertices.h"

static inline v128_t apply(const v128_t matrix[4], const Vector *v) {
    v128_t x = wasm_f32x4_mul(matrix[0], wasm_v128_load32_splat(&v->at[0]));
    v128_t y = wasm_f32x4_mul(matrix[1], wasm_v128_load32_splat(&v->at[1]));
    v128_t z = wasm_f32x4_mul(matrix[2], wasm_v128_load32_splat(&v->at[2]));
    v128_t w = wasm_f32x4_mul(matrix[3], wasm_v128_load32_splat(&v->at[3]));
    return wasm_f32x4_add(wasm_f32x4_add(x, y), wasm_f32x4_add(z, w));
}

static void multiply(const Vector a[4], const Vector b[4], Vector out[4]) {
    v128_t columns[4];
    for (u32 i = 0; i < 4; i++)
        columns[i] = wasm_v128_load(&a[i]);
    for (u32 i = 0; i < 4; i++)
        wasm_v128_store(&out[i], apply(columns, &b[i]));
}

static NOINLINE void project(const Vector matrix[4], const Vector *in, Vector *out, u32 count, Vector *low,
                            Vector *high) {
    v128_t columns[4], least = wasm_f32x4_const_splat(1e9f), most = wasm_f32x4_const_splat(-1e9f);
    for (u32 i = 0; i < 4; i++)
        columns[i] = wasm_v128_load(&matrix[i]);
    for (u32 i = 0; i < count; i++) {
        v128_t v = apply(columns, &in[i]);
        v = wasm_f32x4_div(v, wasm_i32x4_shuffle(v, v, 3, 3, 3, 3));
        wasm_v128_store(&out[i], v);
        least = wasm_f32x4_pmin(least, v);
        most = wasm_f32x4_pmax(most, v);
    }
    wasm_v128_store(low, least);
    wasm_v128_store(high, most);
}
