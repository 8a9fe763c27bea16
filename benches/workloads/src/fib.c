// flags: -fno-optimize-sibling-calls
// The doubly recursive Fibonacci function: nothing but calls. The flag keeps the second call a call.
#include "common.h"

static NOINLINE u32 fib(u32 n) {
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

i64 run(i32 n) {
    return fib((u32)n);
}
