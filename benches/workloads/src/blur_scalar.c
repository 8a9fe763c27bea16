// n rounds of an image filter on a picture of bytes, one pixel at a time.
#include "blur.h"

static NOINLINE void blur(const Picture from, Picture to) {
    for (u32 y = 1; y < HEIGHT - 1; y++)
        for (u32 x = 1; x < WIDTH - 1; x++) {
            u32 total = 8;
            for (u32 row = 0; row < 3; row++) {
                const u8 *at = &from[y + row - 1][x - 1];
                total += (at[0] + 2u * at[1] + at[2]) << (row == 1);
            }
            to[y][x] = (u8)(total >> 4);
        }
}

static NOINLINE void sharpen(const Picture from, const Picture blurred, Picture to) {
    for (u32 y = 0; y < HEIGHT; y++)
        for (u32 x = 0; x < WIDTH; x++) {
            i32 value = 2 * from[y][x] - blurred[y][x];
            to[y][x] = (u8)(value < 0 ? 0 : value > 255 ? 255 : value);
        }
}
