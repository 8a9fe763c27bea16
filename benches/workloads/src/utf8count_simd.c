// Counts characters, lines, blanks and capitals in n KiB of UTF-8, 16 bytes at a time in v128.
// flags: -msimd128
#include <wasm_simd128.h>

#include "utf8count.h"

static inline u32 set_lanes(v128_t mask) {
    return (u32)__builtin_popcount(wasm_i8x16_bitmask(mask));
}

static inline u32 sum_of_bytes(v128_t bytes) {
    v128_t sums = wasm_u32x4_extadd_pairwise_u16x8(wasm_u16x8_extadd_pairwise_u8x16(bytes));
    return wasm_u32x4_extract_lane(sums, 0) + wasm_u32x4_extract_lane(sums, 1) + wasm_u32x4_extract_lane(sums, 2) +
           wasm_u32x4_extract_lane(sums, 3);
}

static NOINLINE Counts count(const u8 *bytes, u32 length) {
    Counts counts = {0};
    u32 i = 0;
    while (length - i >= 16) {
        // Byte counters, emptied before they can overflow.
        v128_t starts = wasm_i8x16_const_splat(0), blanks = starts, capitals = starts;
        u32 end = length - i > 255 * 16 ? i + 255 * 16 : i + (length - i) / 16 * 16;
        for (; i < end; i += 16) {
            v128_t v = wasm_v128_load(bytes + i);
            // Continuation bytes are the least of all as signed numbers.
            starts = wasm_i8x16_sub(starts, wasm_i8x16_gt(v, wasm_i8x16_const_splat(-65)));
            v128_t space = wasm_i8x16_eq(v, wasm_i8x16_const_splat(' '));
            blanks = wasm_i8x16_sub(blanks, wasm_v128_or(space, wasm_i8x16_eq(v, wasm_i8x16_const_splat('\t'))));
            v128_t letter = wasm_i8x16_sub(v, wasm_i8x16_const_splat('A'));
            capitals = wasm_i8x16_sub(capitals, wasm_u8x16_lt(letter, wasm_u8x16_const_splat(26)));
            counts.lines += set_lanes(wasm_i8x16_eq(v, wasm_i8x16_const_splat('\n')));
        }
        counts.characters += sum_of_bytes(starts);
        counts.blanks += sum_of_bytes(blanks);
        counts.capitals += sum_of_bytes(capitals);
    }
    for (; i < length; i++) {
        counts.characters += (bytes[i] & 0xc0) != 0x80;
        counts.lines += bytes[i] == '\n';
        counts.blanks += bytes[i] == ' ' || bytes[i] == '\t';
        counts.capitals += bytes[i] - 'A' < 26u;
    }
    return counts;
}
