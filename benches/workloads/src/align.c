// Global alignment of n pairs of related sequences, with affine gap costs: three matrices of scores, a matrix of
// choices, and the way back through it.
#include "common.h"

enum { MOST = 128, MATCH = 5, MISMATCH = -4, OPEN = -8, EXTEND = -1, NEVER = -1 << 28 };
enum { DIAGONAL = 0, DOWN = 1, ACROSS = 2, DOWN_STAYS = 4, ACROSS_STAYS = 8 };

static u8 first[MOST], second[MOST + MOST / 4];
static u8 choices[MOST + 1][MOST + MOST / 4 + 1];

static inline i32 most(i32 a, i32 b) {
    return a > b ? a : b;
}

// Fills `choices`; the best score.
static NOINLINE i32 fill(u32 rows, u32 columns) {
    static i32 best[LENGTH(choices[0])], down[LENGTH(choices[0])];
    best[0] = 0;
    down[0] = NEVER;
    for (u32 j = 1; j <= columns; j++) {
        best[j] = OPEN + (i32)(j - 1) * EXTEND;
        down[j] = NEVER;
        choices[0][j] = ACROSS | (j > 1 ? ACROSS_STAYS : 0);
    }
    for (u32 i = 1; i <= rows; i++) {
        i32 diagonal = best[0], across = NEVER;
        best[0] = OPEN + (i32)(i - 1) * EXTEND;
        choices[i][0] = DOWN | (i > 1 ? DOWN_STAYS : 0);
        for (u32 j = 1; j <= columns; j++) {
            u32 choice = DIAGONAL;
            i32 score = diagonal + (first[i - 1] == second[j - 1] ? MATCH : MISMATCH);
            if (down[j] + EXTEND > best[j] + OPEN)
                choice |= DOWN_STAYS;
            down[j] = most(down[j] + EXTEND, best[j] + OPEN);
            if (across + EXTEND > best[j - 1] + OPEN)
                choice |= ACROSS_STAYS;
            across = most(across + EXTEND, best[j - 1] + OPEN);
            if (down[j] > score) {
                score = down[j];
                choice |= DOWN;
            }
            if (across > score) {
                score = across;
                choice = (choice & ~3u) | ACROSS;
            }
            diagonal = best[j];
            best[j] = score;
            choices[i][j] = (u8)choice;
        }
    }
    return best[columns];
}

// Walks back from the end and folds the alignment into `sum`; `*score` becomes what the steps are worth.
static NOINLINE u64 trace(u32 i, u32 j, u64 sum, i32 *score) {
    i32 total = 0;
    u32 mode = choices[i][j] & 3;
    while (i || j) {
        u32 choice = choices[i][j], stays;
        if (mode == DIAGONAL) {
            i--, j--;
            total += first[i] == second[j] ? MATCH : MISMATCH;
            stays = 0;
        } else if (mode == DOWN) {
            i--;
            stays = choice & DOWN_STAYS;
            total += stays ? EXTEND : OPEN;
        } else {
            j--;
            stays = choice & ACROSS_STAYS;
            total += stays ? EXTEND : OPEN;
        }
        sum = sum * 5 + mode + 1;
        if (!stays)
            mode = choices[i][j] & 3;
    }
    *score = total;
    return fold(sum, (u32)total);
}

i64 run(i32 n) {
    u64 state = 51, sum = 0;
    for (i32 pair = 0; pair < n; pair++) {
        u32 rows = MOST / 2 + random_below(&state, MOST / 2), columns = 0;
        for (u32 i = 0; i < rows; i++)
            first[i] = "ACGT"[random_below(&state, 4)];
        // The second sequence is the first with mutations, insertions and deletions.
        for (u32 i = 0; i < rows && columns + 8 < sizeof second; i++) {
            u32 event = random_below(&state, 40);
            if (event == 0)
                i += random_below(&state, 6);
            else if (event == 1)
                for (u32 more = 1 + random_below(&state, 6); more; more--)
                    second[columns++] = "ACGT"[random_below(&state, 4)];
            else
                second[columns++] = event < 5 ? "ACGT"[random_below(&state, 4)] : first[i];
        }
        i32 score = fill(rows, columns), walked;
        sum = trace(rows, columns, sum, &walked);
        if (walked != score)
            return -1;
    }
    return (i64)sum;
}
