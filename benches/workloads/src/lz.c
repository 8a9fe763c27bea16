// LZ77 with byte-aligned tokens: compresses and decompresses n blocks of 16 KiB of generated prose and compares.
//
// A token is a byte (literals << 4 | match length - SHORTEST, 15 of either continued in bytes of 255), the literals,
// and the two bytes of the match's distance; the last token of a block has literals only.
#include "prose.h"

enum { BLOCK = 16384, ROOM = BLOCK + BLOCK / 128 + 16, SHORTEST = 4, HASH_BITS = 12 };

static u8 text[4 * BLOCK], packed[ROOM], unpacked[BLOCK];
static u16 latest[1 << HASH_BITS];

static inline u32 load(const u8 *from) {
    u32 word;
    __builtin_memcpy(&word, from, 4);
    return word;
}

static u8 *put_length(u8 *out, u32 rest) {
    for (; rest >= 255; rest -= 255)
        *out++ = 255;
    *out++ = (u8)rest;
    return out;
}

static u8 *put_token(u8 *out, const u8 *literals, u32 count, u32 match, u32 distance) {
    u8 *token = out++;
    u32 extra = match ? match - SHORTEST : 0;
    *token = (u8)((count < 15 ? count : 15) << 4 | (extra < 15 ? extra : 15));
    if (count >= 15)
        out = put_length(out, count - 15);
    for (u32 i = 0; i < count; i++)
        *out++ = literals[i];
    if (match) {
        *out++ = (u8)distance;
        *out++ = (u8)(distance >> 8);
        if (extra >= 15)
            out = put_length(out, extra - 15);
    }
    return out;
}

static NOINLINE u32 compress(const u8 *in, u32 length, u8 *to) {
    u8 *out = to;
    u32 at = 0, anchor = 0;
    for (u32 i = 0; i < LENGTH(latest); i++)
        latest[i] = 0;
    while (at + SHORTEST <= length) {
        u32 word = load(in + at), slot = word * 2654435761u >> (32 - HASH_BITS);
        u32 candidate = latest[slot];
        latest[slot] = (u16)at;
        if (candidate >= at || load(in + candidate) != word) {
            // The longer nothing matches, the bigger the steps.
            at += 1 + (at - anchor) / 64;
            continue;
        }
        u32 match = SHORTEST;
        while (at + match < length && in[candidate + match] == in[at + match])
            match++;
        out = put_token(out, in + anchor, at - anchor, match, at - candidate);
        at += match;
        anchor = at;
    }
    return (u32)(put_token(out, in + anchor, length - anchor, 0, 0) - to);
}

static u32 get_length(const u8 **in) {
    u32 total = 0, next;
    do
        total += next = *(*in)++;
    while (next == 255);
    return total;
}

static NOINLINE u32 decompress(const u8 *in, u32 length, u8 *to) {
    const u8 *end = in + length;
    u8 *out = to;
    while (in < end) {
        u32 token = *in++, count = token >> 4, match = token & 15;
        if (count == 15)
            count += get_length(&in);
        for (; count; count--)
            *out++ = *in++;
        if (in == end)
            break;
        u32 distance = in[0] | (u32)in[1] << 8;
        in += 2;
        if (match == 15)
            match += get_length(&in);
        // The match may overlap what it produces.
        for (match += SHORTEST; match; match--, out++)
            *out = *(out - distance);
    }
    return (u32)(out - to);
}

i64 run(i32 n) {
    u64 state = 21, sum = 0;
    u32 have = (u32)n < 4 ? (u32)n : 4;
    make_vocabulary(&state, 150);
    make_prose(&state, text, have * BLOCK, 150);
    for (i32 i = 0; i < n; i++) {
        u8 *block = text + (u32)i % have * BLOCK;
        edit_prose(&state, text, have * BLOCK, block, BLOCK, 8);
        u32 size = compress(block, BLOCK, packed);
        if (decompress(packed, size, unpacked) != BLOCK)
            return -1;
        for (u32 j = 0; j < BLOCK; j++)
            if (unpacked[j] != block[j])
                return -2;
        sum = fold(sum, size);
        for (u32 j = 0; j < size; j += 13)
            sum = fold(sum, packed[j]);
    }
    return (i64)sum;
}
