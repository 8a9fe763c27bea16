// flags: -mtail-call
// Threaded code by tail calls: handlers that end by calling the next through a table, and mutually recursive
// states of a scanner. Thousands of calls deep if a tail call were a call.
#include "common.h"

#if defined(__clang__)
#define TAIL __attribute__((musttail)) return
#else
#define TAIL return
#endif

struct machine {
    u64 sum;
    u32 steps;
};

typedef u64 handler(struct machine *, const u8 *, u32, u32);

enum { ADD, SHIFT, SWAP, LOOP, IF_ODD, FOLD, SUBTRACT, STOP };

static handler *const handlers[];

#define NEXT(pc, a, b) TAIL handlers[*(pc)](m, pc, a, b)

static u64 op_add(struct machine *m, const u8 *pc, u32 a, u32 b) { NEXT(pc + 2, a + b * pc[1], b); }
static u64 op_shift(struct machine *m, const u8 *pc, u32 a, u32 b) {
    NEXT(pc + 2, a << pc[1] | a >> (32 - pc[1]), b);
}
static u64 op_swap(struct machine *m, const u8 *pc, u32 a, u32 b) { NEXT(pc + 1, b, a); }
static u64 op_loop(struct machine *m, const u8 *pc, u32 a, u32 b) {
    const u8 *next = --m->steps ? pc - pc[1] : pc + 2;
    NEXT(next, a, b);
}
static u64 op_if_odd(struct machine *m, const u8 *pc, u32 a, u32 b) {
    const u8 *next = a & 1 ? pc + 2 : pc + 2 + pc[1];
    NEXT(next, a, b);
}
static u64 op_fold(struct machine *m, const u8 *pc, u32 a, u32 b) {
    m->sum = fold(m->sum, (u64)a << 32 | b);
    NEXT(pc + 1, a, b);
}
static u64 op_subtract(struct machine *m, const u8 *pc, u32 a, u32 b) { NEXT(pc + 2, a, b - (a ^ pc[1])); }
static u64 op_stop(struct machine *m, const u8 *pc, u32 a, u32 b) { return fold(m->sum, a ^ b) + *pc; }

static handler *const handlers[] = {op_add, op_shift, op_swap, op_loop, op_if_odd, op_fold, op_subtract, op_stop};

static const u8 program[] = {
    ADD, 7, SHIFT, 5, IF_ODD, 3, SWAP, SUBTRACT, 99,
    ADD, 3, IF_ODD, 4, FOLD, SHIFT, 11, SWAP, SUBTRACT, 5, LOOP, 19, STOP,
};

// The scanner: one function per state, each byte a direct tail call.
static const char *text_end;
static u32 names, numbers, others;

static u64 in_space(const char *c, u64 sum);

static NOINLINE u64 in_name(const char *c, u64 sum) {
    if (c == text_end) return sum + 1;
    u8 byte = (u8)*c;
    if ((byte | 32) >= 'a' && (byte | 32) <= 'z') TAIL in_name(c + 1, sum * 31 + byte);
    names++;
    TAIL in_space(c, sum);
}

static NOINLINE u64 in_number(const char *c, u64 sum) {
    if (c == text_end) return sum + 2;
    u8 byte = (u8)*c;
    if (byte >= '0' && byte <= '9') TAIL in_number(c + 1, sum * 10 + byte);
    numbers++;
    TAIL in_space(c, sum);
}

static NOINLINE u64 in_space(const char *c, u64 sum) {
    if (c == text_end) return sum;
    u8 byte = (u8)*c;
    if ((byte | 32) >= 'a' && (byte | 32) <= 'z') TAIL in_name(c + 1, sum ^ byte);
    if (byte >= '0' && byte <= '9') TAIL in_number(c + 1, sum + byte);
    others += byte & 1;
    TAIL in_space(c + 1, sum);
}

static char text[4096];

i64 run(i32 n) {
    u64 random = 13, sum = 0;
    names = numbers = others = 0;
    for (i32 round = 0; round < n; round++) {
        struct machine machine = {sum, 1000};
        sum = handlers[program[0]](&machine, program, (u32)round, 12345);
        if (round % 16 == 0)
            for (u32 i = 0; i < sizeof text; i++) text[i] = "abcXYZ019 ,_"[random_below(&random, 12)];
        text_end = text + sizeof text - (round & 15);
        sum = fold(sum, in_space(text, sum));
    }
    return (i64)fold(sum, (u64)names << 40 ^ (u64)numbers << 20 ^ others);
}
