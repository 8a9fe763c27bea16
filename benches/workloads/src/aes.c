// AES-128 in counter mode over n KiB, with tables built from the field's arithmetic.
#include "common.h"

enum { ROUNDS = 10 };

static u8 substitution[256];
// Substitution and column mixing in one lookup, for the first byte of a column; the others are rotations of it.
static u32 mixed[256];

static inline u8 twice(u8 value) {
    return (u8)(value << 1 ^ (value >> 7) * 0x1b);
}

static inline u32 rotate(u32 value, u32 by) {
    return value << by | value >> (-by & 31);
}

static void prepare(void) {
    // `p` runs through the field's units as powers of 3, `q` through their inverses.
    u8 p = 1, q = 1;
    do {
        p = (u8)(p ^ twice(p));
        q ^= (u8)(q << 1);
        q ^= (u8)(q << 2);
        q ^= (u8)(q << 4);
        if (q & 0x80)
            q ^= 0x09;
        u32 wide = q | (u32)q << 8;
        substitution[p] = (u8)(q ^ wide >> 7 ^ wide >> 6 ^ wide >> 5 ^ wide >> 4 ^ 0x63);
    } while (p != 1);
    substitution[0] = 0x63;
    for (u32 i = 0; i < 256; i++) {
        u32 s = substitution[i], s2 = twice((u8)s);
        mixed[i] = s2 | s << 8 | s << 16 | (s ^ s2) << 24;
    }
}

static inline u32 substitute(u32 word) {
    return substitution[word & 255] | (u32)substitution[word >> 8 & 255] << 8 |
           (u32)substitution[word >> 16 & 255] << 16 | (u32)substitution[word >> 24] << 24;
}

static void expand(const u8 key[16], u32 keys[4 * (ROUNDS + 1)]) {
    u8 constant = 1;
    __builtin_memcpy(keys, key, 16);
    for (u32 i = 4; i < 4 * (ROUNDS + 1); i++) {
        u32 word = keys[i - 1];
        if (i % 4 == 0) {
            word = substitute(rotate(word, 24)) ^ constant;
            constant = twice(constant);
        }
        keys[i] = keys[i - 4] ^ word;
    }
}

static inline u32 mix(u32 a, u32 b, u32 c, u32 d) {
    return mixed[a & 255] ^ rotate(mixed[b >> 8 & 255], 8) ^ rotate(mixed[c >> 16 & 255], 16) ^
           rotate(mixed[d >> 24], 24);
}

static inline u32 pick(u32 a, u32 b, u32 c, u32 d) {
    return (a & 0xff) | (b & 0xff00) | (c & 0xff0000) | (d & 0xff000000);
}

static NOINLINE void encrypt(const u32 *keys, const u32 in[4], u32 out[4]) {
    u32 a = in[0] ^ keys[0], b = in[1] ^ keys[1], c = in[2] ^ keys[2], d = in[3] ^ keys[3];
    for (u32 round = 1; round < ROUNDS; round++) {
        keys += 4;
        u32 e = mix(a, b, c, d) ^ keys[0], f = mix(b, c, d, a) ^ keys[1];
        u32 g = mix(c, d, a, b) ^ keys[2], h = mix(d, a, b, c) ^ keys[3];
        a = e, b = f, c = g, d = h;
    }
    keys += 4;
    out[0] = substitute(pick(a, b, c, d)) ^ keys[0];
    out[1] = substitute(pick(b, c, d, a)) ^ keys[1];
    out[2] = substitute(pick(c, d, a, b)) ^ keys[2];
    out[3] = substitute(pick(d, a, b, c)) ^ keys[3];
}

// The example of FIPS 197, appendix C.1.
static int known_answer(void) {
    u8 key[16], text[16];
    u32 keys[4 * (ROUNDS + 1)], in[4], out[4];
    for (u32 i = 0; i < 16; i++) {
        key[i] = (u8)i;
        text[i] = (u8)(i * 0x11);
    }
    expand(key, keys);
    __builtin_memcpy(in, text, 16);
    encrypt(keys, in, out);
    return out[0] == 0xd8e0c469 && out[3] == 0x5ac5b470;
}

i64 run(i32 n) {
    static u32 data[256];
    u8 key[16];
    u32 keys[4 * (ROUNDS + 1)], counter[4] = {1, 2, 3, 0}, stream[4];
    u64 state = 4, sum = 0;
    prepare();
    __builtin_memset(data, 0, sizeof data);
    if (!known_answer())
        return -1;
    for (i32 i = 0; i < n; i++) {
        if (i % 16 == 0) {
            for (u32 j = 0; j < 16; j++)
                key[j] = (u8)(next_random(&state) ^ data[j]);
            expand(key, keys);
        }
        for (u32 j = 0; j < LENGTH(data); j += 4) {
            counter[3]++;
            encrypt(keys, counter, stream);
            for (u32 k = 0; k < 4; k++)
                data[j + k] ^= stream[k];
        }
        sum = fold(sum, data[i % LENGTH(data)]);
    }
    for (u32 i = 0; i < LENGTH(data); i++)
        sum = fold(sum, data[i]);
    return (i64)sum;
}
