// Escape-time iteration over an n by n grid of the complex plane, one point at a time.
#include "mandelbrot.h"

// Steps until z = z * z + c leaves the circle of radius 2, or LIMIT.
static u32 escape_time(f64 c_re, f64 c_im) {
    f64 re = 0, im = 0;
    for (u32 step = 0; step < LIMIT; step++) {
        f64 re2 = re * re, im2 = im * im;
        if (re2 + im2 > 4)
            return step;
        im = 2 * re * im + c_im;
        re = re2 - im2 + c_re;
    }
    return LIMIT;
}

i64 run(i32 n) {
    u64 sum = 0;
    f64 scale = EXTENT / n;
    for (i32 y = 0; y < n; y++)
        for (i32 x = 0; x < n; x++)
            sum = fold(sum, escape_time(LEFT + x * scale, TOP + y * scale));
    return (i64)sum;
}
