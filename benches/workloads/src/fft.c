// Filters n blocks of 1024 samples in the frequency domain: a radix-2 transform, a low pass, the inverse transform.
#include "floats.h"

enum { SIZE = 1024, BITS = 10 };

typedef struct {
    f64 re, im;
} Complex;

static Complex roots[SIZE / 2], block[SIZE];
static u16 reversed[SIZE];

// Sine and cosine of 2 pi / SIZE by their series; the other roots by repeated products of halves.
static void prepare(void) {
    f64 angle = 6.283185307179586 / SIZE, square = angle * angle;
    f64 cosine = 1, sine = angle, term = 1;
    for (u32 i = 1; i <= 8; i++) {
        term *= -square / (f64)((2 * i - 1) * (2 * i));
        cosine += term;
        sine += term * angle / (f64)(2 * i + 1);
    }
    roots[0] = (Complex){1, 0};
    roots[1] = (Complex){cosine, -sine};
    for (u32 i = 2; i < SIZE / 2; i++) {
        Complex a = roots[i / 2], b = roots[i - i / 2];
        roots[i] = (Complex){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
    }
    for (u32 i = 0; i < SIZE; i++)
        reversed[i] = (u16)(reversed[i / 2] / 2 | (i & 1) << (BITS - 1));
}

static NOINLINE void transform(Complex *values, int inverse) {
    for (u32 i = 0; i < SIZE; i++) {
        u32 j = reversed[i];
        if (i < j) {
            Complex held = values[i];
            values[i] = values[j];
            values[j] = held;
        }
    }
    f64 sign = inverse ? -1 : 1;
    for (u32 half = 1; half < SIZE; half *= 2) {
        u32 stride = SIZE / 2 / half;
        for (u32 start = 0; start < SIZE; start += 2 * half)
            for (u32 k = 0; k < half; k++) {
                Complex root = roots[k * stride], *low = &values[start + k], *high = low + half;
                root.im *= sign;
                Complex turned = {high->re * root.re - high->im * root.im, high->re * root.im + high->im * root.re};
                *high = (Complex){low->re - turned.re, low->im - turned.im};
                *low = (Complex){low->re + turned.re, low->im + turned.im};
            }
    }
}

i64 run(i32 n) {
    u64 state = 7, sum = 0;
    prepare();
    for (i32 i = 0; i < n; i++) {
        for (u32 j = 0; j < SIZE; j++)
            block[j] = (Complex){(f64)((next_random(&state) & 0xffff) + (j & 64) * 100), 0};
        transform(block, 0);
        for (u32 j = SIZE / 16; j <= SIZE - SIZE / 16; j++)
            block[j] = (Complex){0, 0};
        transform(block, 1);
        for (u32 j = 0; j < SIZE; j += 31)
            sum = fold_f64(sum, block[j].re / SIZE);
        // What the low pass leaves of real samples is real, but for rounding.
        for (u32 j = 0; j < SIZE; j += 97)
            if (__builtin_fabs(block[j].im) > 1e-3)
                return -1;
    }
    return (i64)sum;
}
