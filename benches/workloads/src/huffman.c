// Canonical Huffman coding: n blocks of generated prose are counted, coded, packed into bits, decoded and compared.
#include "prose.h"

enum { BLOCK = 8192, SYMBOLS = 256, LONGEST = 24 };

typedef struct {
    u32 code;
    u32 length;
} Code;

// What a canonical decoder needs: for each length, its first code and where its symbols start.
typedef struct {
    u32 first[LONGEST + 2], start[LONGEST + 2], count[LONGEST + 2];
    u8 symbols[SYMBOLS];
} Decoder;

static u8 text[4 * BLOCK], packed[2 * BLOCK + 8], unpacked[BLOCK];
static u32 weights[2 * SYMBOLS];
static u16 parents[2 * SYMBOLS], heap[SYMBOLS];
static u32 heap_size;

static void sift_down(u32 at) {
    u16 node = heap[at];
    for (u32 child; (child = 2 * at + 1) < heap_size; at = child) {
        if (child + 1 < heap_size && weights[heap[child + 1]] < weights[heap[child]])
            child++;
        if (weights[node] <= weights[heap[child]])
            break;
        heap[at] = heap[child];
    }
    heap[at] = node;
}

// Each symbol's code length by the usual merging of the two lightest trees.
static NOINLINE void find_lengths(const u8 *block, Code codes[SYMBOLS]) {
    for (u32 i = 0; i < SYMBOLS; i++)
        weights[i] = 0;
    for (u32 i = 0; i < BLOCK; i++)
        weights[block[i]]++;
    heap_size = 0;
    for (u32 i = 0; i < SYMBOLS; i++) {
        codes[i] = (Code){0, 0};
        if (weights[i])
            heap[heap_size++] = (u16)i;
    }
    for (u32 i = heap_size / 2; i-- > 0;)
        sift_down(i);
    u32 next = SYMBOLS;
    while (heap_size > 1) {
        u16 light = heap[0];
        heap[0] = heap[--heap_size];
        sift_down(0);
        weights[next] = weights[light] + weights[heap[0]];
        parents[light] = parents[heap[0]] = (u16)next;
        heap[0] = (u16)next++;
        sift_down(0);
    }
    for (u32 i = 0; i < SYMBOLS; i++)
        if (weights[i])
            for (u32 node = i; node != next - 1; node = parents[node])
                codes[i].length++;
}

// Codes in order of length, then symbol; false if one is too long.
static int assign_codes(Code codes[SYMBOLS], Decoder *decoder) {
    *decoder = (Decoder){.first = {0}};
    for (u32 i = 0; i < SYMBOLS; i++) {
        if (codes[i].length > LONGEST)
            return 0;
        decoder->count[codes[i].length]++;
    }
    u32 code = 0, start = 0;
    for (u32 length = 1; length <= LONGEST; length++) {
        decoder->first[length] = code;
        decoder->start[length] = start;
        for (u32 i = 0; i < SYMBOLS; i++)
            if (codes[i].length == length) {
                codes[i].code = code++;
                decoder->symbols[start++] = (u8)i;
            }
        code *= 2;
    }
    return 1;
}

static NOINLINE u32 encode(const u8 *block, const Code codes[SYMBOLS]) {
    u64 bits = 0;
    u32 pending = 0, size = 0;
    for (u32 i = 0; i < BLOCK; i++) {
        Code code = codes[block[i]];
        bits = bits << code.length | code.code;
        pending += code.length;
        while (pending >= 8)
            packed[size++] = (u8)(bits >> (pending -= 8));
    }
    packed[size++] = (u8)(bits << (8 - pending));
    return size;
}

static NOINLINE void decode(const Decoder *decoder) {
    const u8 *in = packed;
    u32 current = 0, left = 0;
    for (u32 i = 0; i < BLOCK; i++) {
        u32 code = 0, length = 0, index;
        do {
            if (left == 0) {
                current = *in++;
                left = 8;
            }
            code = code << 1 | (current >> --left & 1);
            index = code - decoder->first[++length];
        } while (index >= decoder->count[length] && length < LONGEST);
        unpacked[i] = decoder->symbols[(decoder->start[length] + index) % SYMBOLS];
    }
}

i64 run(i32 n) {
    static Code codes[SYMBOLS];
    static Decoder decoder;
    u64 state = 22, sum = 0;
    u32 have = (u32)n < 4 ? (u32)n : 4;
    make_vocabulary(&state, 300);
    make_prose(&state, text, have * BLOCK, 300);
    for (i32 i = 0; i < n; i++) {
        u8 *block = text + (u32)i % have * BLOCK;
        edit_prose(&state, text, have * BLOCK, block, BLOCK, 4);
        block[random_below(&state, BLOCK)] = (u8)next_random(&state);
        find_lengths(block, codes);
        if (!assign_codes(codes, &decoder))
            return -1;
        u32 size = encode(block, codes);
        decode(&decoder);
        for (u32 j = 0; j < BLOCK; j++)
            if (unpacked[j] != block[j])
                return -2;
        sum = fold(sum, size);
        for (u32 j = 0; j < size; j += 11)
            sum = fold(sum, packed[j]);
    }
    return (i64)sum;
}
