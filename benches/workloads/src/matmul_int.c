// Products of integer matrices: the plain triple loop, in blocks, by Strassen's recursion, and powers modulo a
// prime.
#include "common.h"

enum { SIZE = 32, BLOCK = 8 };

typedef u32 matrix[SIZE][SIZE];

static matrix a, b, c, d;
static u32 scratch[3 * SIZE * SIZE];

static NOINLINE void plain(matrix to, matrix x, matrix y) {
    for (u32 i = 0; i < SIZE; i++)
        for (u32 j = 0; j < SIZE; j++) {
            u32 sum = 0;
            for (u32 k = 0; k < SIZE; k++) sum += x[i][k] * y[k][j];
            to[i][j] = sum;
        }
}

static NOINLINE void blocked(matrix to, matrix x, matrix y) {
    for (u32 i = 0; i < SIZE; i++)
        for (u32 j = 0; j < SIZE; j++) to[i][j] = 0;
    for (u32 row = 0; row < SIZE; row += BLOCK)
        for (u32 middle = 0; middle < SIZE; middle += BLOCK)
            for (u32 column = 0; column < SIZE; column += BLOCK)
                for (u32 i = row; i < row + BLOCK; i++)
                    for (u32 k = middle; k < middle + BLOCK; k++) {
                        u32 left = x[i][k];
                        for (u32 j = column; j < column + BLOCK; j++) to[i][j] += left * y[k][j];
                    }
}

// to = from + sign * from2, of size x size; `from2` may be NULL. Rows lie `stride` or `stride2` apart.
static void combine(u32 *to, u32 stride, const u32 *from, const u32 *from2, u32 stride2, i32 sign, u32 size) {
    for (u32 i = 0; i < size; i++)
        for (u32 j = 0; j < size; j++) {
            u32 other = from2 ? from2[i * stride2 + j] : 0;
            to[i * stride + j] = from[i * stride2 + j] + (u32)sign * other;
        }
}

static void accumulate(u32 *to, u32 stride, const u32 *from, i32 sign, u32 size) {
    for (u32 i = 0; i < size; i++)
        for (u32 j = 0; j < size; j++) to[i * stride + j] += (u32)sign * from[i * size + j];
}

// Strassen's recursion for size x size matrices whose rows lie ts, xs and ys apart.
static NOINLINE void strassen(u32 *to, u32 ts, const u32 *x, u32 xs, const u32 *y, u32 ys, u32 size, u32 *space) {
    if (size <= 8) {
        for (u32 i = 0; i < size; i++)
            for (u32 j = 0; j < size; j++) {
                u32 sum = 0;
                for (u32 k = 0; k < size; k++) sum += x[i * xs + k] * y[k * ys + j];
                to[i * ts + j] = sum;
            }
        return;
    }
    u32 h = size / 2;
    const u32 *x11 = x, *x12 = x + h, *x21 = x + h * xs, *x22 = x21 + h;
    const u32 *y11 = y, *y12 = y + h, *y21 = y + h * ys, *y22 = y21 + h;
    u32 *t11 = to, *t12 = to + h, *t21 = to + h * ts, *t22 = t21 + h;
    u32 *left = space, *right = left + h * h, *product = right + h * h, *rest = product + h * h;
    struct {
        const u32 *x, *x2, *y, *y2;
        i32 xsign, ysign, into[4];
    } terms[7] = {
        {x11, x22, y11, y22, 1, 1, {1, 0, 0, 1}},  {x21, x22, y11, NULL, 1, 0, {0, 0, 1, -1}},
        {x11, NULL, y12, y22, 0, -1, {0, 1, 0, 1}}, {x22, NULL, y21, y11, 0, -1, {1, 0, 1, 0}},
        {x11, x12, y22, NULL, 1, 0, {-1, 1, 0, 0}}, {x21, x11, y11, y12, -1, 1, {0, 0, 0, 1}},
        {x12, x22, y21, y22, -1, 1, {1, 0, 0, 0}},
    };
    u32 *targets[4] = {t11, t12, t21, t22};
    for (u32 i = 0; i < size; i++)
        for (u32 j = 0; j < size; j++) to[i * ts + j] = 0;
    for (u32 term = 0; term < 7; term++) {
        combine(left, h, terms[term].x, terms[term].x2, xs, terms[term].xsign, h);
        combine(right, h, terms[term].y, terms[term].y2, ys, terms[term].ysign, h);
        strassen(product, h, left, h, right, h, h, rest);
        for (u32 part = 0; part < 4; part++)
            if (terms[term].into[part]) accumulate(targets[part], ts, product, terms[term].into[part], h);
    }
}

static NOINLINE void modular(matrix to, matrix x, matrix y, u32 prime) {
    for (u32 i = 0; i < SIZE / 2; i++)
        for (u32 j = 0; j < SIZE / 2; j++) {
            u64 sum = 0;
            for (u32 k = 0; k < SIZE / 2; k++) sum = (sum + (u64)x[i][k] * y[k][j]) % prime;
            to[i][j] = (u32)sum;
        }
}

i64 run(i32 n) {
    u64 random = 5, sum = 0;
    for (u32 i = 0; i < SIZE; i++)
        for (u32 j = 0; j < SIZE; j++) a[i][j] = (u32)next_random(&random), b[i][j] = random_below(&random, 100);
    for (i32 round = 0; round < n; round++) {
        plain(c, a, b);
        blocked(d, a, b);
        strassen(&a[0][0], SIZE, &c[0][0], SIZE, &b[0][0], SIZE, SIZE, scratch);
        for (u32 i = 0; i < SIZE; i++)
            for (u32 j = 0; j < SIZE; j++) {
                if (c[i][j] != d[i][j]) return -1;
                sum = fold(sum, a[i][j]);
            }
        modular(d, c, b, 998244353u - (u32)(sum & 254));
        for (u32 i = 0; i < SIZE / 2; i++) b[i][i] ^= d[i][SIZE / 2 - 1 - i] & 63;
    }
    return (i64)sum;
}
