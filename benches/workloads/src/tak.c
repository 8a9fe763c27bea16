// flags: -fno-optimize-sibling-calls
// Takeuchi's function on integers, and the same recursion on lists (`mas` of the Gabriel benchmarks' idea):
// calls whose results decide the next calls.
#include "common.h"

static NOINLINE i32 tak(i32 x, i32 y, i32 z) {
    if (y >= x) return z;
    return tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y));
}

struct cell {
    struct cell *next;
};

static struct cell cells[64];

static NOINLINE i32 shorter(const struct cell *a, const struct cell *b) {
    while (a && b) {
        a = a->next;
        b = b->next;
    }
    return !a && b;
}

static struct cell *rest(const struct cell *list) { return list ? list->next : NULL; }

static u64 length(const struct cell *list) {
    u64 length = 0;
    for (; list; list = list->next) length++;
    return length;
}

static NOINLINE struct cell *list_tak(struct cell *x, struct cell *y, struct cell *z) {
    if (!shorter(y, x)) return z;
    return list_tak(list_tak(rest(x), y, z), list_tak(rest(y), z, x), list_tak(rest(z), x, y));
}

i64 run(i32 n) {
    for (u32 i = 1; i < LENGTH(cells); i++) cells[i].next = &cells[i - 1];
    u64 sum = 0;
    for (i32 round = 0; round < n; round++) {
        sum = fold(sum, (u64)tak(14 + (i32)(sum & 1), 9, 3 + round % 3));
        sum = fold(sum, length(list_tak(&cells[13], &cells[8], &cells[3 + round % 4])));
    }
    return (i64)sum;
}
