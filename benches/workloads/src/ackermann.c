// flags: -fno-optimize-sibling-calls
// Ackermann's function, nested calls up to a few hundred deep; A(3, 6) again and again, then A(2, y) for many y.
#include "common.h"

static NOINLINE u32 ackermann(u32 x, u32 y) {
    if (x == 0) return y + 1;
    if (y == 0) return ackermann(x - 1, 1);
    return ackermann(x - 1, ackermann(x, y - 1));
}

i64 run(i32 n) {
    u64 sum = 0;
    for (u32 round = 0; round < (u32)n; round++) {
        sum = fold(sum, ackermann(3, 1 + (u32)(sum & 1) + round % 5));
        sum = fold(sum, ackermann(2, round % 64));
    }
    return (i64)sum;
}
