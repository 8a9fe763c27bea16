// Heat spreading over a plate of 160 by 120 cells: n Jacobi sweeps of a five-point stencil, each with its residual.
#include "floats.h"

enum { WIDTH = 160, HEIGHT = 120 };

static f64 plates[2][HEIGHT][WIDTH];

// The edge is held at fixed temperatures, the inside starts cold; both plates need the edge.
static void prepare(void) {
    for (u32 which = 0; which < 2; which++)
        for (u32 y = 0; y < HEIGHT; y++)
            for (u32 x = 0; x < WIDTH; x++) {
                f64 value = 0;
                if (y == 0)
                    value = 100;
                else if (y == HEIGHT - 1)
                    value = x % 16;
                else if (x == 0 || x == WIDTH - 1)
                    value = 50 - 0.25 * y;
                plates[which][y][x] = value;
            }
}

static NOINLINE f64 sweep(f64 (*from)[WIDTH], f64 (*to)[WIDTH]) {
    f64 residual = 0;
    for (u32 y = 1; y < HEIGHT - 1; y++)
        for (u32 x = 1; x < WIDTH - 1; x++) {
            f64 around = from[y - 1][x] + from[y + 1][x] + from[y][x - 1] + from[y][x + 1];
            f64 next = 0.25 * around;
            f64 change = __builtin_fabs(next - from[y][x]);
            residual = change > residual ? change : residual;
            to[y][x] = next;
        }
    return residual;
}

i64 run(i32 n) {
    u64 sum = 0;
    prepare();
    for (i32 i = 0; i < n; i++)
        sum = fold_f64(sum, sweep(plates[i & 1], plates[~i & 1]));
    for (u32 y = 0; y < HEIGHT; y++)
        for (u32 x = 0; x < WIDTH; x++)
            sum = fold_f64(sum, plates[n & 1][y][x]);
    return (i64)sum;
}
