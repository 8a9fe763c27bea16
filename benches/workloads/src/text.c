// Word frequencies of n KiB of mixed-script text: UTF-8 decoding, case folding, a hash table of words, and the most
// frequent ones sorted.
#include "prose.h"

enum { PIECE = 4096, SLOTS = 8192, LONGEST = 24, TOP = 16 };

typedef struct {
    u32 hash, count, length;
    u32 letters[LONGEST];
} Entry;

static u8 latin[PIECE], text[3 * PIECE];
static Entry entries[SLOTS];
static u32 entry_count;

static u8 *put(u8 *out, u32 code) {
    if (code < 0x80) {
        *out++ = (u8)code;
    } else if (code < 0x800) {
        *out++ = (u8)(0xc0 | code >> 6);
        *out++ = (u8)(0x80 | (code & 63));
    } else {
        *out++ = (u8)(0xe0 | code >> 12);
        *out++ = (u8)(0x80 | (code >> 6 & 63));
        *out++ = (u8)(0x80 | (code & 63));
    }
    return out;
}

// Rewrites words of `latin` in other scripts, by their length; the number of bytes.
static u32 transcribe(void) {
    u8 *out = text;
    for (u32 at = 0; at < PIECE;) {
        u32 end = at;
        while (end < PIECE && (latin[end] | 0x20) >= 'a')
            end++;
        u32 length = end - at;
        for (; at < end; at++) {
            u32 letter = (latin[at] | 0x20u) - 'a', upper = !(latin[at] & 0x20);
            if (length % 7 == 3)
                out = put(out, (upper ? 0x410 : 0x430) + letter);
            else if (length % 7 == 5)
                out = put(out, (upper ? 0x391 : 0x3b1) + letter % 17);
            else if (length % 7 == 6)
                out = put(out, 0x4e00 + letter * 37);
            else
                out = put(out, latin[at]);
        }
        if (at < PIECE)
            out = put(out, latin[at++]);
    }
    return (u32)(out - text);
}

// Decodes one character; a malformed byte becomes U+FFFD.
static inline u32 decode(const u8 **in, const u8 *end) {
    const u8 *at = *in;
    u32 lead = *at++, code, more;
    if (lead < 0x80) {
        *in = at;
        return lead;
    }
    if (lead >= 0xc2 && lead < 0xe0)
        code = lead & 31, more = 1;
    else if (lead >= 0xe0 && lead < 0xf0)
        code = lead & 15, more = 2;
    else if (lead >= 0xf0 && lead < 0xf5)
        code = lead & 7, more = 3;
    else
        code = 0xfffd, more = 0;
    for (; more; more--) {
        if (at == end || (*at & 0xc0) != 0x80) {
            code = 0xfffd;
            break;
        }
        code = code << 6 | (*at++ & 63);
    }
    *in = at;
    return code;
}

static u32 fold_case(u32 code) {
    if (code - 'A' < 26)
        return code + 32;
    if (code < 0x80)
        return code;
    if (code - 0xc0 < 31 && code != 0xd7)
        return code + 32;
    if (code - 0x391 < 25 && code != 0x3a2)
        return code + 32;
    if (code == 0x3c2)
        return 0x3c3;
    if (code - 0x410 < 32)
        return code + 32;
    if (code - 0x400 < 16)
        return code + 80;
    return code;
}

static int is_letter(u32 code) {
    if (code < 0x80)
        return (code | 32) - 'a' < 26;
    switch (code >> 8) {
    case 0x00: return code >= 0xc0 && code != 0xd7 && code != 0xf7;
    case 0x01:
    case 0x02:
    case 0x03:
    case 0x04: return code != 0x37e && code != 0x387;
    default: return code - 0x4e00 < 0x5200;
    }
}

// False if the table is full.
static int count_word(const u32 *letters, u32 length) {
    u32 hash = 2166136261u;
    for (u32 i = 0; i < length; i++)
        hash = (hash ^ letters[i]) * 16777619u;
    for (u32 slot = hash % SLOTS;; slot = (slot + 1) % SLOTS) {
        Entry *entry = &entries[slot];
        if (entry->count == 0) {
            if (entry_count == SLOTS * 3 / 4)
                return 0;
            entry_count++;
            entry->hash = hash;
            entry->length = length;
            for (u32 i = 0; i < length; i++)
                entry->letters[i] = letters[i];
        } else if (entry->hash != hash || entry->length != length) {
            continue;
        } else {
            u32 i = 0;
            while (i < length && entry->letters[i] == letters[i])
                i++;
            if (i < length)
                continue;
        }
        entry->count++;
        return 1;
    }
}

static NOINLINE int count_words(const u8 *in, u32 size) {
    const u8 *end = in + size;
    u32 letters[LONGEST], length = 0;
    while (in < end) {
        u32 code = decode(&in, end);
        if (is_letter(code)) {
            if (length < LONGEST)
                letters[length++] = fold_case(code);
        } else if (length) {
            if (!count_word(letters, length))
                return 0;
            length = 0;
        }
    }
    return length == 0 || count_word(letters, length);
}

i64 run(i32 n) {
    u64 state = 31, sum = 0;
    u32 words = (u32)n < VOCABULARY / 4 ? (u32)n * 4 : VOCABULARY;
    for (u32 i = 0; i < SLOTS; i++)
        entries[i].count = 0;
    entry_count = 0;
    make_vocabulary(&state, words);
    for (i64 left = (i64)n * 1024; left > 0;) {
        make_prose(&state, latin, PIECE, words);
        u32 size = transcribe();
        // A piece of text is read several times, as it would be for several queries.
        for (u32 again = 0; again < 8 && left > 0; again++, left -= size)
            if (!count_words(text, size))
                return -1;
    }

    const Entry *top[TOP] = {0};
    for (u32 i = 0; i < SLOTS; i++) {
        const Entry *entry = &entries[i];
        if (entry->count == 0)
            continue;
        sum += (u64)entry->hash * entry->count;
        u32 at = TOP;
        while (at > 0 && (!top[at - 1] || top[at - 1]->count < entry->count))
            at--;
        for (u32 j = TOP - 1; j > at; j--)
            top[j] = top[j - 1];
        if (at < TOP)
            top[at] = entry;
    }
    for (u32 i = 0; i < TOP && top[i]; i++)
        sum = fold(fold(sum, top[i]->count), top[i]->hash);
    return (i64)fold(sum, entry_count);
}
