// Generated text that compresses and counts like prose: a vocabulary of pronounceable words, the frequent ones short
// and used far more often than the rest.
#include "common.h"

enum { VOCABULARY = 2000, WORD_MOST = 16 };

static u8 vocabulary[VOCABULARY][WORD_MOST];
static u8 word_lengths[VOCABULARY];

// Words 0..count of the vocabulary.
static void make_vocabulary(u64 *state, u32 count) {
    static const char consonants[] = "tnshrdlcmfwpgbvk", vowels[] = "eaoiu";
    for (u32 i = 0; i < count; i++) {
        u32 syllables = 1 + (i > 20) + (i > 300) + random_below(state, 2), length = 0;
        while (syllables--) {
            vocabulary[i][length++] = (u8)consonants[random_below(state, 16)];
            vocabulary[i][length++] = (u8)vowels[random_below(state, 5)];
            if (random_below(state, 3) == 0)
                vocabulary[i][length++] = (u8)consonants[random_below(state, 16)];
        }
        word_lengths[i] = (u8)length;
    }
}

// Fills `text` with sentences of words 0..count.
static void make_prose(u64 *state, u8 *text, u32 length, u32 count) {
    u32 at = 0, left_in_sentence = 0;
    while (at < length) {
        // The least of three: low indices are frequent.
        u32 word = random_below(state, count);
        for (u32 i = 0; i < 2; i++) {
            u32 other = random_below(state, count);
            word = other < word ? other : word;
        }
        int first = left_in_sentence == 0;
        if (first)
            left_in_sentence = 4 + random_below(state, 12);
        for (u32 i = 0; i < word_lengths[word] && at < length; i++)
            text[at++] = (u8)(vocabulary[word][i] ^ (first && i == 0 ? 0x20 : 0));
        if (--left_in_sentence == 0 && at < length)
            text[at++] = random_below(state, 5) ? '.' : '\n';
        if (at < length)
            text[at++] = ' ';
    }
}

// Copies `edits` short stretches of `text`, of `length` bytes, into the `size` bytes at `block`: still prose, but new.
static inline void edit_prose(u64 *state, const u8 *text, u32 length, u8 *block, u32 size, u32 edits) {
    enum { LONGEST_EDIT = 100 };
    while (edits--) {
        u32 stretch = 1 + random_below(state, LONGEST_EDIT);
        const u8 *from = text + random_below(state, length - stretch);
        u8 *to = block + random_below(state, size - stretch);
        for (u32 i = 0; i < stretch; i++)
            to[i] = from[i];
    }
}
