// CRC-32 over n KiB in records of uneven lengths and alignments: eight tables, eight bytes per step.
#include "common.h"

static u32 tables[8][256];

static void prepare(void) {
    for (u32 i = 0; i < 256; i++) {
        u32 crc = i;
        for (u32 bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
        tables[0][i] = crc;
    }
    for (u32 k = 1; k < 8; k++)
        for (u32 i = 0; i < 256; i++)
            tables[k][i] = tables[k - 1][i] >> 8 ^ tables[0][tables[k - 1][i] & 255];
}

static NOINLINE u32 crc32(u32 crc, const u8 *bytes, u32 length) {
    crc = ~crc;
    for (; length && (unsigned long)bytes % 4; length--)
        crc = crc >> 8 ^ tables[0][(crc ^ *bytes++) & 255];
    for (; length >= 8; length -= 8, bytes += 8) {
        u32 low, high;
        __builtin_memcpy(&low, bytes, 4);
        __builtin_memcpy(&high, bytes + 4, 4);
        low ^= crc;
        crc = tables[7][low & 255] ^ tables[6][low >> 8 & 255] ^ tables[5][low >> 16 & 255] ^ tables[4][low >> 24] ^
              tables[3][high & 255] ^ tables[2][high >> 8 & 255] ^ tables[1][high >> 16 & 255] ^ tables[0][high >> 24];
    }
    for (; length; length--)
        crc = crc >> 8 ^ tables[0][(crc ^ *bytes++) & 255];
    return ~crc;
}

i64 run(i32 n) {
    static u8 data[16384];
    u64 state = 2, sum = 0;
    prepare();
    if (crc32(0, (const u8 *)"123456789", 9) != 0xcbf43926)
        return -1;
    for (u32 i = 0; i < sizeof data; i++)
        data[i] = (u8)(next_random(&state) >> 20);
    for (i64 left = (i64)n * 1024; left > 0;) {
        u32 start = random_below(&state, sizeof data);
        u32 length = random_below(&state, sizeof data - start) % 3000;
        u32 crc = crc32((u32)sum, data + start, length);
        sum = fold(sum, crc);
        data[start] ^= (u8)crc;
        left -= length + 1;
    }
    return (i64)sum;
}
