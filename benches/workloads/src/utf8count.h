// What utf8count_scalar and utf8count_simd share: the text and the counts.
#include "common.h"

enum { SIZE = 16384 };

typedef struct {
    u32 characters, lines, blanks, capitals;
} Counts;

// Counts what starts in `length` bytes of UTF-8; only letters of ASCII can be capitals.
static Counts count(const u8 *text, u32 length);

static u8 text[SIZE];

static void make_text(u64 *state, u32 size) {
    static const char pattern[] = "The Fox, \xc3\xa4lter als sein \xd0\x91\xd1\x80\xd0\xb0\xd1\x82, "
                                  "saw \xe4\xb8\x96\xe7\x95\x8c.\n";
    for (u32 at = 0; at < size;) {
        u32 from = random_below(state, sizeof pattern - 1), to = from + random_below(state, sizeof pattern - from);
        for (; from < to && at < size; from++)
            text[at++] = (u8)pattern[from];
    }
}

// Counts in n KiB of text, in pieces that start and end anywhere.
i64 run(i32 n) {
    u64 state = 101, sum = 0;
    u32 size = (u32)n < SIZE / 1024 ? (u32)n * 1024 : SIZE;
    make_text(&state, size);
    for (i64 left = (i64)n * 1024; left > 0;) {
        u32 start = random_below(&state, size), length = random_below(&state, size - start + 1);
        Counts counts = count(text + start, length);
        sum = fold(fold(sum, (u64)counts.characters << 32 | counts.lines), (u64)counts.blanks << 32 | counts.capitals);
        text[start] = "\n aZ"[sum % 4];
        left -= length + 1;
    }
    return (i64)sum;
}
