// 64-bit integer arithmetic: generators, a hash with 128-bit products, modular powers and primality tests.
#include "common.h"

static u64 buffer[512];

static inline u64 rotate(u64 x, u32 by) { return x << by | x >> (64 - by); }

// xoshiro256**
static NOINLINE void fill(u64 state[4]) {
    for (u32 i = 0; i < LENGTH(buffer); i++) {
        u64 t = state[1] << 17;
        buffer[i] = rotate(state[1] * 5, 7) * 9;
        state[2] ^= state[0];
        state[3] ^= state[1];
        state[1] ^= state[2];
        state[0] ^= state[3];
        state[2] ^= t;
        state[3] = rotate(state[3], 45);
    }
}

static inline u64 high_product(u64 a, u64 b, u64 *low) {
    u64 a0 = (u32)a, a1 = a >> 32, b0 = (u32)b, b1 = b >> 32;
    u64 middle = a1 * b0 + (a0 * b0 >> 32);
    __asm__("" : "+r"(middle));  // else the compiler sees a 128-bit product and calls its library
    u64 other = a0 * b1 + (u32)middle;
    *low = a * b;
    return a1 * b1 + (middle >> 32) + (other >> 32);
}

static NOINLINE u64 hash(const u64 *words, u32 length, u64 seed) {
    for (u32 i = 0; i + 1 < length; i += 2) {
        u64 low, high = high_product(words[i] ^ 0xa0761d6478bd642full, words[i + 1] ^ seed, &low);
        seed = high ^ low;
    }
    return seed ^ length;
}

static u64 power(u64 base, u64 exponent, u64 modulus) {
    u64 result = 1;
    for (base %= modulus; exponent; exponent >>= 1) {
        if (exponent & 1) result = result * base % modulus;
        base = base * base % modulus;
    }
    return result;
}

// Miller-Rabin for odd 32-bit numbers above 7.
static NOINLINE i32 is_prime(u64 number) {
    static const u8 bases[3] = {2, 7, 61};
    u32 twos = (u32)__builtin_ctzll(number - 1);
    for (u32 i = 0; i < 3; i++) {
        if (number == bases[i]) continue;
        u64 x = power(bases[i], (number - 1) >> twos, number);
        if (x == 1 || x == number - 1) continue;
        u32 round = 1;
        for (; round < twos && x != number - 1; round++) x = x * x % number;
        if (x != number - 1) return 0;
    }
    return 1;
}

static NOINLINE u64 bits(const u64 *words, u32 length) {
    u64 sum = 0;
    for (u32 i = 0; i < length; i++) {
        u64 x = words[i] | 1ull << 63;
        sum += (u64)__builtin_popcountll(x) * (u64)__builtin_ctzll(x) + (u64)__builtin_clzll(x >> (i & 31));
        sum = rotate(sum, (u32)(x & 63) | 1) + (u64)((i64)x >> (i & 63)) % (i + 1);
    }
    return sum;
}

i64 run(i32 n) {
    u64 state[4] = {1, 2, 3, 4}, sum = 0;
    for (i32 round = 0; round < n; round++) {
        fill(state);
        sum = hash(buffer, LENGTH(buffer), sum);
        sum = fold(sum, bits(buffer, LENGTH(buffer)));
        for (u32 i = 0; i < 8; i++) sum += (u64)is_prime((u32)buffer[i * 64 + (sum & 63)] | 9) << i * 8;
    }
    return (i64)sum;
}
