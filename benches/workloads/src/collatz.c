// The longest Collatz trajectories, with and without a table of those known: tight loops with unpredictable
// branches.
#include "common.h"

static u16 known[1 << 16];

static NOINLINE u32 length_plain(u64 x) {
    u32 length = 0;
    for (; x != 1; length++) x = x & 1 ? 3 * x + 1 : x / 2;
    return length;
}

static NOINLINE u32 length_known(u32 start) {
    u32 length = 0;
    u64 x = start;
    while (x >= start && x != 1) {
        if (x & 1) {
            x += (x + 1) >> 1;
            length += 2;
        } else {
            u32 zeros = (u32)__builtin_ctzll(x);
            x >>= zeros;
            length += zeros;
        }
    }
    if (x < LENGTH(known)) length += known[x];
    else length += length_plain(x);
    if (start < LENGTH(known)) known[start] = (u16)length;
    return length;
}

i64 run(i32 n) {
    u64 sum = 0;
    u32 longest = 0;
    for (u32 i = 1; i < LENGTH(known); i++) known[i] = 0;
    for (u32 start = 2; start < (u32)n; start++) {
        u32 length = length_known(start);
        if (length > longest) {
            longest = length;
            sum = fold(sum, start);
        }
        if (start % 4 == 3 && length != length_plain(start)) return -(i64)start;
        sum += length;
    }
    return (i64)fold(sum, longest);
}
