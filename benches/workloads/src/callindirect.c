// A table of small functions called through pointers; each result decides which function comes next.
#include "common.h"

struct state {
    u32 a, b, c, steps;
};

typedef u32 (*operation)(struct state *, u32);

static u32 add(struct state *s, u32 x) { return s->a += x; }
static u32 subtract(struct state *s, u32 x) { return s->b -= x ^ s->a; }
static u32 multiply(struct state *s, u32 x) { return s->c = s->c * 2654435761u + x; }
static u32 rotate(struct state *s, u32 x) { return s->a = (s->a << 7 | s->a >> 25) ^ x; }
static u32 swap(struct state *s, u32 x) {
    u32 t = s->a;
    s->a = s->b;
    s->b = t;
    return t + x;
}
static u32 branch(struct state *s, u32 x) {
    if (s->c & 16) return s->b ^= x >> 3;
    return s->c += x << 5;
}
static u32 count(struct state *s, u32 x) {
    u32 bits = 0;
    for (u32 rest = x & 255; rest; rest &= rest - 1) bits++;
    return s->a ^= bits + x;
}
static u32 mix(struct state *s, u32 x) {
    x ^= x >> 16;
    x *= 0x7feb352d;
    x ^= x >> 15;
    return s->b += x;
}
static u32 divide(struct state *s, u32 x) { return s->c / ((x & 31) + 1) + s->b; }
static u32 step(struct state *s, u32 x) { return ++s->steps * 40503u + x; }

static const operation initial[16] = {add,    subtract, multiply, rotate, swap,   branch, count,  mix,
                                      divide, step,     add,      mix,    rotate, count,  branch, multiply};

static operation table[16];

// The other kind of indirect call: a comparison function handed to a generic routine.
typedef i32 (*comparison)(u32, u32);

static i32 ascending(u32 a, u32 b) { return a > b; }
static i32 by_low_byte(u32 a, u32 b) { return (a & 255) > (b & 255); }
static i32 by_bits(u32 a, u32 b) { return (a ^ a >> 1) > (b ^ b >> 1); }

static comparison orders[3] = {ascending, by_low_byte, by_bits};

static NOINLINE void insertion_sort(u32 *items, u32 length, comparison order) {
    for (u32 i = 1; i < length; i++) {
        u32 item = items[i], j = i;
        for (; j > 0 && order(items[j - 1], item); j--) items[j] = items[j - 1];
        items[j] = item;
    }
}

i64 run(i32 n) {
    struct state s = {1, 2, 3, 0};
    u32 items[32], x = 12345;
    u64 sum = 0;
    for (u32 i = 0; i < LENGTH(table); i++) table[i] = initial[i];
    for (i32 round = 0; round < n; round++) {
        for (u32 i = 0; i < 400; i++) {
            x = table[x >> 13 & 15](&s, x);
            if ((i & 63) == 63) {
                u32 at = s.steps & 15, other = x & 15;
                operation kept = table[at];
                table[at] = table[other];
                table[other] = kept;
            }
        }
        u64 seed = x;
        for (u32 i = 0; i < LENGTH(items); i++) items[i] = (u32)next_random(&seed);
        insertion_sort(items, LENGTH(items), orders[x % 3]);
        x ^= items[s.a % LENGTH(items)];
        sum = fold(sum, (u64)x << 32 ^ s.a ^ (u64)s.b << 16 ^ s.c);
    }
    return (i64)sum;
}
