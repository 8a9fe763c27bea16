// The sieve of Eratosthenes three ways: bytes, bits in segments, and smallest prime factors.
#include "common.h"

enum { LIMIT = 1 << 18, SEGMENT = 1 << 15 };

static u8 composite[LIMIT];
static u32 bits[SEGMENT / 32];
static u32 factor[LIMIT / 2], primes[LIMIT / 4];

static NOINLINE u64 with_bytes(u32 limit) {
    u64 sum = 0;
    for (u32 i = 0; i < limit; i++) composite[i] = 0;
    for (u32 i = 2; i < limit; i++) {
        if (composite[i]) continue;
        sum += i;
        if (i < 65536)
            for (u32 j = i * i; j < limit; j += i) composite[j] = 1;
    }
    return sum;
}

// `composite` holds the primes below the square root already.
static NOINLINE u64 with_bits(u32 from) {
    u64 sum = 0;
    for (u32 i = 0; i < LENGTH(bits); i++) bits[i] = 0;
    for (u32 p = 2; p * p < from + SEGMENT; p++) {
        if (composite[p]) continue;
        u32 start = (from + p - 1) / p * p;
        if (start < p * p) start = p * p;
        for (u32 j = start - from; j < SEGMENT; j += p) bits[j / 32] |= 1u << j % 32;
    }
    for (u32 i = 0; i < LENGTH(bits); i++)
        for (u32 left = ~bits[i]; left; left &= left - 1) sum += from + i * 32 + (u32)__builtin_ctz(left);
    return sum;
}

static NOINLINE u64 linear(u32 limit) {
    u32 count = 0;
    u64 sum = 0;
    for (u32 i = 0; i < limit; i++) factor[i] = 0;
    for (u32 i = 2; i < limit; i++) {
        if (factor[i] == 0) factor[i] = primes[count++] = i;
        for (u32 k = 0; k < count && primes[k] <= factor[i] && i * primes[k] < limit; k++)
            factor[i * primes[k]] = primes[k];
        sum += factor[i] ^ i;
    }
    return fold(sum, count);
}

i64 run(i32 n) {
    u64 sum = 0;
    u32 limit = n < LIMIT ? (u32)n : LIMIT;
    u32 rounds = (u32)n / limit;
    for (u32 round = 0; round < rounds; round++) {
        sum = fold(sum, with_bytes(limit - round));
        sum = fold(sum, with_bits(round * SEGMENT + (limit & ~31u)));
        sum = fold(sum, linear(limit / 2 - round));
    }
    return (i64)sum;
}
