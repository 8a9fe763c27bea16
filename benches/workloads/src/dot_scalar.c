// n layers of a quantized neural network, one product at a time.
#include "dot.h"

static NOINLINE i32 dot(const i8 *a, const i8 *b, u32 count) {
    i32 total = 0;
    for (u32 i = 0; i < count; i++)
        total += a[i] * b[i];
    return total;
}
