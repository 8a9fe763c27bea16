// What blur_scalar and blur_simd share: a picture in grey, blurred and sharpened by turns.
#include "common.h"

enum { WIDTH = 192, HEIGHT = 128 };

typedef u8 Picture[HEIGHT][WIDTH];

// Each pixel but the outermost becomes the mean of its neighbourhood, weighted 1 2 1 both ways and rounded.
static void blur(const Picture from, Picture to);

// Each pixel becomes twice itself less what `blurred` has, within 0..255.
static void sharpen(const Picture from, const Picture blurred, Picture to);

static Picture pictures[3];

static void draw(u64 *state, i32 shapes) {
    for (i32 i = 0; i < shapes; i++) {
        u32 left = random_below(state, WIDTH - 24), top = random_below(state, HEIGHT - 24);
        u8 grey = (u8)next_random(state);
        for (u32 y = top; y < top + 24; y++)
            for (u32 x = left; x < left + 24; x++)
                if ((x - left) * (y - top) % 24 < 16)
                    pictures[0][y][x] ^= grey;
    }
}

i64 run(i32 n) {
    u64 state = 91, sum = 0;
    __builtin_memset(pictures, 0, sizeof pictures);
    for (i32 i = 0; i < n; i++) {
        draw(&state, 1);
        blur(pictures[0], pictures[1]);
        blur(pictures[1], pictures[2]);
        sharpen(pictures[1], pictures[2], pictures[0]);
        sum = fold(sum, pictures[0][i % HEIGHT][i % WIDTH]);
    }
    for (u32 y = 0; y < HEIGHT; y++)
        for (u32 x = 0; x < WIDTH; x++)
            sum = fold(sum, pictures[0][y][x]);
    return (i64)sum;
}
