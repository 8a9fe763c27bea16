// Spelling correction: the nearest of 64 dictionary words to each of n misspelt ones, by edit distance with
// transpositions, giving up on a word as soon as it cannot win.
#include "common.h"

enum { WORDS = 64, LONGEST = 40 };

static u8 dictionary[WORDS][LONGEST];
static u32 lengths[WORDS];

static u32 least(u32 a, u32 b) {
    return a < b ? a : b;
}

// The distance from `a` to `b`, or anything not below `limit`.
static NOINLINE u32 distance(const u8 *a, u32 a_length, const u8 *b, u32 b_length, u32 limit) {
    u16 rows[3][LONGEST + 1];
    u16 *before = rows[0], *above = rows[1], *row = rows[2];
    for (u32 j = 0; j <= b_length; j++)
        above[j] = before[j] = (u16)j;
    for (u32 i = 0; i < a_length; i++) {
        u32 best = row[0] = (u16)(i + 1);
        for (u32 j = 0; j < b_length; j++) {
            u32 cost = least(least(above[j + 1], row[j]) + 1u, above[j] + (u32)(a[i] != b[j]));
            if (i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j])
                cost = least(cost, before[j - 1] + 1u);
            row[j + 1] = (u16)cost;
            best = least(best, cost);
        }
        if (best > limit)
            return best;
        u16 *spare = before;
        before = above;
        above = row;
        row = spare;
    }
    return above[b_length];
}

// Copies dictionary word `from` with a few random edits; its length.
static u32 misspell(u64 *state, u32 from, u8 *to) {
    u32 length = lengths[from];
    for (u32 i = 0; i < length; i++)
        to[i] = dictionary[from][i];
    for (u32 edits = 1 + random_below(state, 5); edits; edits--) {
        u32 at = random_below(state, length - 1);
        u8 letter = (u8)('a' + random_below(state, 8)), held = to[at];
        switch (random_below(state, 4)) {
        case 0:
            to[at] = letter;
            break;
        case 1:
            to[at] = to[at + 1];
            to[at + 1] = held;
            break;
        case 2:
            if (length > 4) {
                length--;
                for (u32 i = at; i < length; i++)
                    to[i] = to[i + 1];
            }
            break;
        default:
            if (length < LONGEST) {
                for (u32 i = length++; i > at; i--)
                    to[i] = to[i - 1];
                to[at] = letter;
            }
        }
    }
    return length;
}

i64 run(i32 n) {
    u64 state = 41, sum = 0;
    u8 word[LONGEST];
    u32 right = 0;
    for (u32 i = 0; i < WORDS; i++) {
        lengths[i] = 10 + random_below(&state, LONGEST - 12);
        for (u32 j = 0; j < lengths[i]; j++)
            dictionary[i][j] = (u8)('a' + random_below(&state, 8));
    }
    for (i32 i = 0; i < n; i++) {
        u32 meant = random_below(&state, WORDS), length = misspell(&state, meant, word);
        u32 nearest = 0, limit = LONGEST;
        for (u32 j = 0; j < WORDS; j++) {
            u32 found = distance(word, length, dictionary[j], lengths[j], limit);
            if (found < limit) {
                limit = found;
                nearest = j;
            }
        }
        right += nearest == meant;
        sum = fold(sum, nearest << 8 | limit);
    }
    return (i64)fold(sum, right);
}
