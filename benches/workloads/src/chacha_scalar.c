// ChaCha20 over n KiB, one block after the other.
#include "chacha.h"

static inline u32 rotate(u32 value, u32 by) {
    return value << by | value >> (32 - by);
}

static inline void quarter_round(u32 *x, u32 a, u32 b, u32 c, u32 d) {
    x[a] += x[b], x[d] = rotate(x[d] ^ x[a], 16);
    x[c] += x[d], x[b] = rotate(x[b] ^ x[c], 12);
    x[a] += x[b], x[d] = rotate(x[d] ^ x[a], 8);
    x[c] += x[d], x[b] = rotate(x[b] ^ x[c], 7);
}

static NOINLINE void block(const u32 state[16], u8 *data) {
    u32 x[16];
    for (u32 i = 0; i < 16; i++)
        x[i] = state[i];
    for (u32 round = 0; round < 20; round += 2) {
        quarter_round(x, 0, 4, 8, 12);
        quarter_round(x, 1, 5, 9, 13);
        quarter_round(x, 2, 6, 10, 14);
        quarter_round(x, 3, 7, 11, 15);
        quarter_round(x, 0, 5, 10, 15);
        quarter_round(x, 1, 6, 11, 12);
        quarter_round(x, 2, 7, 8, 13);
        quarter_round(x, 3, 4, 9, 14);
    }
    for (u32 i = 0; i < 16; i++) {
        u32 word;
        __builtin_memcpy(&word, data + 4 * i, 4);
        word ^= x[i] + state[i];
        __builtin_memcpy(data + 4 * i, &word, 4);
    }
}

static void encrypt(u32 state[16], u8 *data, u32 blocks) {
    for (u32 i = 0; i < blocks; i++) {
        block(state, data + i * BLOCK);
        state[12]++;
    }
}
