// A bytecode machine with a stack, locals, calls and an array, a switch in a loop; it runs three programs of its
// own: counting primes, Euclid's algorithm by recursion, and sorting.
#include "common.h"

enum opcode {
    PUSH,    // value
    GET,     // local
    SET,     // local
    ADD,
    SUB,
    MUL,
    REM,
    LESS,
    EQUAL,
    LOAD,    // address -> value
    STORE,   // address value ->
    JUMP,    // target
    UNLESS,  // target: jumps when the condition is 0
    CALL,    // target, arguments; results in one value
    RETURN,
    DUP,
    BUMP,    // local, amount
    HALT,
    LABEL,   // number; only before assembly
};

// The programs are written with labels: `LABEL, k` marks a place, jumps and calls name k.

// primes(limit): the number of primes below the limit, by trial division
static const i32 primes[] = {
    PUSH, 0, SET, 1,                                    // count = 0
    PUSH, 2, SET, 2,                                    // i = 2
    LABEL, 0, GET, 2, GET, 0, LESS, UNLESS, 4,          // while i < limit
    PUSH, 2, SET, 3,                                    //   d = 2
    LABEL, 1, GET, 2, GET, 3, DUP, MUL, LESS,           //   until i < d * d
    PUSH, 0, EQUAL, UNLESS, 2,
    GET, 2, GET, 3, REM, UNLESS, 3,                     //     next i if i % d == 0
    BUMP, 3, 1, JUMP, 1,                                //     d++
    LABEL, 2, BUMP, 1, 1,                               //   count++
    LABEL, 3, BUMP, 2, 1, JUMP, 0,                      //   i++
    LABEL, 4, GET, 1, HALT,
};

// divisors(limit): the sum of gcd(i, limit) for i below the limit
static const i32 divisors[] = {
    PUSH, 0, SET, 1,                                    // sum = 0
    PUSH, 1, SET, 2,                                    // i = 1
    LABEL, 0, GET, 2, GET, 0, LESS, UNLESS, 1,          // while i < limit
    GET, 1, GET, 2, GET, 0, CALL, 2, 2, ADD, SET, 1,    //   sum += gcd(i, limit)
    BUMP, 2, 1, JUMP, 0,                                //   i++
    LABEL, 1, GET, 1, HALT,
    LABEL, 2, GET, 1, UNLESS, 3,                        // gcd(a, b): if b != 0
    GET, 1, GET, 0, GET, 1, REM, CALL, 2, 2, RETURN,    //   return gcd(b, a % b)
    LABEL, 3, GET, 0, RETURN,                           // return a
};

// sorting(length): fills the array with pseudo-random numbers and sorts it, by gnome sort; the number of swaps
static const i32 sorting[] = {
    PUSH, 0, SET, 1, PUSH, 0, SET, 3,                   // i = 0, swaps = 0
    GET, 0, PUSH, 271, MUL, SET, 2,                     // x = length * 271
    LABEL, 0, GET, 1, GET, 0, LESS, UNLESS, 1,          // while i < length
    GET, 2, PUSH, 1103, MUL, PUSH, 12347, ADD,          //   x = (x * 1103 + 12347) % 65521
    PUSH, 65521, REM, SET, 2,
    GET, 1, GET, 2, STORE, BUMP, 1, 1, JUMP, 0,         //   array[i] = x, i++
    LABEL, 1, PUSH, 0, SET, 1,                          // i = 0
    LABEL, 2, GET, 1, GET, 0, LESS, UNLESS, 4,          // while i < length
    GET, 1, UNLESS, 3,                                  //   if i != 0
    GET, 1, LOAD, GET, 1, PUSH, 1, SUB, LOAD, LESS,     //   and array[i] < array[i - 1]
    UNLESS, 3,
    GET, 1, LOAD, SET, 2,                               //     exchange them
    GET, 1, GET, 1, PUSH, 1, SUB, LOAD, STORE,
    BUMP, 1, -1, GET, 1, GET, 2, STORE,                 //     i--
    BUMP, 3, 1, JUMP, 2,
    LABEL, 3, BUMP, 1, 1, JUMP, 2,                      //   else i++
    LABEL, 4, GET, 3, HALT,
};

static i32 code[3][256];

// Copies a program and turns the labels of its jumps into positions.
static void assemble(i32 *to, const i32 *from, u32 length) {
    i32 places[16] = {0};
    for (u32 pass = 0; pass < 2; pass++) {
        i32 at = 0;
        for (u32 i = 0; i < length;) {
            i32 opcode = from[i++];
            if (opcode == LABEL) {
                places[from[i++]] = at;
                continue;
            }
            to[at++] = opcode;
            if (opcode == JUMP || opcode == UNLESS || opcode == CALL) to[at++] = places[from[i++]];
            else if (opcode <= SET) to[at++] = from[i++];
            if (opcode == BUMP) to[at++] = from[i++];
            if (opcode == BUMP || opcode == CALL) to[at++] = from[i++];
        }
    }
}

static i32 stack[1024], array[512];
static u64 executed;

static NOINLINE i32 interpret(const i32 *code, i32 argument) {
    i32 *sp = stack, *locals = sp;
    *sp = argument;
    sp += 4;
    i32 *frames[128];
    const i32 *returns[128];
    u32 depth = 0;
    u64 count = 0;
    for (const i32 *pc = code;;) {
        count++;
        switch (*pc++) {
            case PUSH: *sp++ = *pc++; break;
            case GET: *sp++ = locals[*pc++]; break;
            case SET: locals[*pc++] = *--sp; break;
            case ADD: sp--, sp[-1] = (i32)((u32)sp[-1] + (u32)sp[0]); break;
            case SUB: sp--, sp[-1] = (i32)((u32)sp[-1] - (u32)sp[0]); break;
            case MUL: sp--, sp[-1] = (i32)((u32)sp[-1] * (u32)sp[0]); break;
            case REM: sp--, sp[-1] = sp[0] ? sp[-1] % sp[0] : 0; break;
            case LESS: sp--, sp[-1] = sp[-1] < sp[0]; break;
            case EQUAL: sp--, sp[-1] = sp[-1] == sp[0]; break;
            case LOAD: sp[-1] = array[(u32)sp[-1] % LENGTH(array)]; break;
            case STORE: sp -= 2, array[(u32)sp[0] % LENGTH(array)] = sp[1]; break;
            case JUMP: pc = code + *pc; break;
            case UNLESS: pc = *--sp ? pc + 1 : code + *pc; break;
            case CALL:
                frames[depth] = locals;
                returns[depth++] = pc + 2;
                locals = sp - pc[1];
                sp = locals + 4;
                pc = code + *pc;
                break;
            case RETURN: {
                i32 result = *--sp;
                sp = locals;
                *sp++ = result;
                locals = frames[--depth];
                pc = returns[depth];
                break;
            }
            case DUP: *sp = sp[-1], sp++; break;
            case BUMP: locals[pc[0]] += pc[1], pc += 2; break;
            case HALT: executed += count; return sp[-1];
            default: return -1;
        }
    }
}

i64 run(i32 n) {
    u64 sum = 0;
    executed = 0;
    assemble(code[0], primes, LENGTH(primes));
    assemble(code[1], divisors, LENGTH(divisors));
    assemble(code[2], sorting, LENGTH(sorting));
    for (i32 round = 0; round < n; round++) {
        sum = fold(sum, (u64)interpret(code[0], 300 + round % 100));
        sum = fold(sum, (u64)interpret(code[1], 200 + (i32)(sum & 63)));
        sum = fold(sum, (u64)interpret(code[2], 40 + round % 16));
        for (i32 i = 0; i < 40; i++) sum = fold(sum, (u64)array[i]);
    }
    return (i64)fold(sum, executed);
}
