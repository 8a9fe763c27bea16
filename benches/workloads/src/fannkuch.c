// The most prefix reversals that any permutation of n numbers needs to bring the 1 to the front, over all n!.
#include "common.h"

enum { MOST = 12 };

static u32 flips_of(const u8 *permutation, u32 n) {
    u8 work[MOST];
    for (u32 i = 0; i < n; i++)
        work[i] = permutation[i];
    u32 flips = 0;
    for (u32 first = work[0]; first != 0; first = work[0]) {
        for (u32 low = 0, high = first; low < high; low++, high--) {
            u8 held = work[low];
            work[low] = work[high];
            work[high] = held;
        }
        flips++;
    }
    return flips;
}

// Moves on to the next permutation in the order of a mixed-radix counter of rotations; false after the last.
static int advance(u8 *permutation, u8 *count, u32 n) {
    for (u32 level = 1; level < n; level++) {
        u8 first = permutation[0];
        for (u32 i = 0; i < level; i++)
            permutation[i] = permutation[i + 1];
        permutation[level] = first;
        if (count[level]++ < level)
            return 1;
        count[level] = 0;
    }
    return 0;
}

i64 run(i32 n) {
    u8 permutation[MOST], count[MOST] = {0};
    u32 size = (u32)n < MOST ? (u32)n : MOST, most = 0, index = 0;
    u64 sum = 0;
    for (u32 i = 0; i < size; i++)
        permutation[i] = (u8)i;
    do {
        u32 flips = flips_of(permutation, size);
        most = flips > most ? flips : most;
        sum += (u64)flips * (index++ % 64 + 1);
    } while (advance(permutation, count, size));
    return (i64)(sum << 8 | most);
}
