// The editing buffer of a text editor, with memory.copy and memory.fill: n insertions, deletions, moves (overlapping
// in both directions), clearings and page copies of lengths from a byte to pages.
#include "common.h"

enum { CAPACITY = 1 << 16, PAGE = 4096, PAGES = 16 };

static u8 buffer[CAPACITY], pages[PAGES][PAGE];
static u32 used;

static void insert(u32 at, const u8 *bytes, u32 length) {
    __builtin_memmove(buffer + at + length, buffer + at, used - at);
    __builtin_memcpy(buffer + at, bytes, length);
    used += length;
}

static void delete(u32 at, u32 length) {
    used -= length;
    __builtin_memmove(buffer + at, buffer + at + length, used - at);
}

// Mostly a few bytes, at times up to a page.
static u32 some_length(u64 *state) {
    u32 kind = random_below(state, 16);
    if (kind < 10)
        return 1 + random_below(state, 32);
    if (kind < 15)
        return 1 + random_below(state, 400);
    return 1 + random_below(state, PAGE);
}

// A place for `length` bytes within what is used, near the end more often than not, as in an editor.
static u32 some_place(u64 *state, u32 length) {
    u32 room = used - length + 1, window = room < 3000 ? room : 3000;
    return random_below(state, 4) ? room - 1 - random_below(state, window) : random_below(state, room);
}

i64 run(i32 n) {
    u64 state = 61, sum = 0;
    for (u32 page = 0; page < PAGES; page++)
        __builtin_memset(pages[page], (i32)page + 'a', PAGE);
    used = 3 * PAGE;
    __builtin_memset(buffer, ' ', used);
    for (i32 i = 0; i < n; i++) {
        u32 length = some_length(&state), at = some_place(&state, length);
        u8 *page = pages[random_below(&state, PAGES)];
        switch (random_below(&state, 8)) {
        case 0:
        case 1:
            if (used + length <= CAPACITY)
                insert(at, page + random_below(&state, PAGE + 1 - length), length);
            break;
        case 2:
        case 3:
            if (used > 2 * PAGE)
                delete(at, length);
            break;
        case 4:
            __builtin_memset(buffer + at, (i32)(sum & 0x7f), length);
            break;
        case 5: // Within the buffer, overlapping or not.
            __builtin_memmove(buffer + some_place(&state, length), buffer + at, length);
            break;
        case 6: // By a byte or a few: the overlap is nearly all of it.
            __builtin_memmove(page + random_below(&state, PAGE + 1 - length), page + (PAGE - length) / 2, length);
            break;
        default:
            __builtin_memcpy(page, buffer + at, length);
            page[length / 2] ^= (u8)i;
        }
        sum = fold(sum, (u64)buffer[at] << 8 | page[length - 1]);
    }
    for (u32 i = 0; i < used; i += 7)
        sum = fold(sum, buffer[i]);
    return (i64)fold(sum, used);
}
