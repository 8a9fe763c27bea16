// Counts and hashes the solutions of the n queens problem: once with bit masks, once on a board of arrays.
#include "common.h"

static u64 hash;

static NOINLINE u32 with_masks(u32 all, u32 columns, u32 left, u32 right, u32 path) {
    if (columns == all) {
        hash += (u64)path * path;
        return 1;
    }
    u32 found = 0;
    for (u32 free = all & ~(columns | left | right); free; free &= free - 1) {
        u32 bit = free & -free;
        found += with_masks(all, columns | bit, (left | bit) << 1, (right | bit) >> 1, path * 31 + bit);
    }
    return found;
}

struct board {
    i32 size;
    i8 queen[32];
    u8 column[32], up[64], down[64];
};

static NOINLINE u32 on_board(struct board *board, i32 row) {
    if (row == board->size) {
        u64 path = 0;
        for (i32 i = 0; i < row; i++) path = path * 17 + (u64)board->queen[i];
        hash = fold(hash, path);
        return 1;
    }
    u32 found = 0;
    for (i32 column = 0; column < board->size; column++) {
        u8 *a = &board->column[column], *b = &board->up[row + column], *c = &board->down[row - column + 31];
        if (*a | *b | *c) continue;
        *a = *b = *c = 1;
        board->queen[row] = (i8)column;
        found += on_board(board, row + 1);
        *a = *b = *c = 0;
    }
    return found;
}

i64 run(i32 n) {
    hash = 0;
    struct board board = {.size = n - 1};
    u32 masks = with_masks((1u << n) - 1, 0, 0, 0, 0);
    u32 arrays = on_board(&board, 0);
    return (i64)fold(hash, (u64)masks << 32 | arrays);
}
