// mandelbrot with two points at a time in v128; the same result for even n.
// flags: -msimd128
#include <wasm_simd128.h>

#include "mandelbrot.h"

// The steps until each lane of z = z * z + c leaves the circle of radius 2, or LIMIT.
static v128_t escape_times(v128_t c_re, v128_t c_im) {
    v128_t re = wasm_f64x2_const_splat(0), im = re;
    v128_t steps = wasm_i64x2_const_splat(0), inside = wasm_i64x2_const_splat(-1);
    for (u32 step = 0; step < LIMIT; step++) {
        v128_t re2 = wasm_f64x2_mul(re, re), im2 = wasm_f64x2_mul(im, im);
        // A lane that has left stays outside, whatever its z becomes.
        inside = wasm_v128_and(inside, wasm_f64x2_le(wasm_f64x2_add(re2, im2), wasm_f64x2_const_splat(4)));
        if (!wasm_v128_any_true(inside))
            break;
        steps = wasm_i64x2_sub(steps, inside);
        v128_t product = wasm_f64x2_mul(re, im);
        im = wasm_f64x2_add(wasm_f64x2_add(product, product), c_im);
        re = wasm_f64x2_add(wasm_f64x2_sub(re2, im2), c_re);
    }
    return steps;
}

i64 run(i32 n) {
    u64 sum = 0;
    f64 scale = EXTENT / n;
    for (i32 y = 0; y < n; y++)
        for (i32 x = 0; x + 1 < n; x += 2) {
            v128_t columns = wasm_f64x2_make(LEFT + x * scale, LEFT + (x + 1) * scale);
            v128_t steps = escape_times(columns, wasm_f64x2_splat(TOP + y * scale));
            sum = fold(sum, (u64)wasm_i64x2_extract_lane(steps, 0));
            sum = fold(sum, (u64)wasm_i64x2_extract_lane(steps, 1));
        }
    return (i64)sum;
}
