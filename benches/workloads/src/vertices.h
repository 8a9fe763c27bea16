// What vertices_scalar and vertices_simd share: a cloud of points that turns, and where it appears on a screen.
#include "floats.h"

enum { POINTS = 2048 };

typedef struct {
    f32 at[4];
} Vector;

// The product of matrices of columns: `out` is a * b.
static void multiply(const Vector a[4], const Vector b[4], Vector out[4]);

// Transforms the points and divides by the distance; `low` and `high` become the corners of a box around them.
static void project(const Vector matrix[4], const Vector *in, Vector *out, u32 count, Vector *low, Vector *high);

static Vector points[POINTS], projected[POINTS];

// Draws n pictures of at most POINTS points.
i64 run(i32 n) {
    const f32 cosine = 0.99995f, sine = 0.0099998f;
    const Vector turn_x[4] = {{{1, 0, 0, 0}}, {{0, cosine, sine, 0}}, {{0, -sine, cosine, 0}}, {{0, 0, 0, 1}}};
    const Vector turn_y[4] = {{{cosine, 0, -sine, 0}}, {{0, 1, 0, 0}}, {{sine, 0, cosine, 0}}, {{0, 0, 0, 1}}};
    const Vector camera[4] = {{{1.5f, 0, 0, 0}}, {{0, 2, 0, 0}}, {{0, 0, 1.01f, 1}}, {{0, 0, 4, 5}}};
    Vector pose[4] = {{{1, 0, 0, 0}}, {{0, 1, 0, 0}}, {{0, 0, 1, 0}}, {{0, 0, 0, 1}}};
    u64 state = 111, sum = 0;
    u32 count = (u32)n < POINTS / 256 ? (u32)n * 256 : POINTS;
    for (u32 i = 0; i < count; i++) {
        for (u32 axis = 0; axis < 3; axis++)
            points[i].at[axis] = (f32)random_below(&state, 4096) / 2048 - 1;
        points[i].at[3] = 1;
    }
    for (i32 i = 0; i < n; i++) {
        Vector matrix[4], next[4], low, high;
        multiply(camera, pose, matrix);
        project(matrix, points, projected, count, &low, &high);
        for (u32 axis = 0; axis < 3; axis++)
            sum = fold_f64(fold_f64(sum, low.at[axis]), high.at[axis]);
        sum = fold_f64(sum, projected[(u32)i % count].at[0]);
        multiply(turn_x, pose, next);
        multiply(turn_y, next, pose);
    }
    return (i64)sum;
}
