// n pictures of a turning cloud of points: matrices times vectors, one number at a time.
#include "vertices.h"

static inline Vector apply(const Vector matrix[4], const Vector *v) {
    Vector out;
    for (u32 axis = 0; axis < 4; axis++)
        out.at[axis] = (matrix[0].at[axis] * v->at[0] + matrix[1].at[axis] * v->at[1]) +
                       (matrix[2].at[axis] * v->at[2] + matrix[3].at[axis] * v->at[3]);
    return out;
}

static void multiply(const Vector a[4], const Vector b[4], Vector out[4]) {
    for (u32 column = 0; column < 4; column++)
        out[column] = apply(a, &b[column]);
}

static NOINLINE void project(const Vector matrix[4], const Vector *in, Vector *out, u32 count, Vector *low,
                            Vector *high) {
    *low = (Vector){{1e9f, 1e9f, 1e9f, 1e9f}};
    *high = (Vector){{-1e9f, -1e9f, -1e9f, -1e9f}};
    for (u32 i = 0; i < count; i++) {
        Vector v = apply(matrix, &in[i]);
        f32 distance = v.at[3];
        for (u32 axis = 0; axis < 4; axis++) {
            f32 value = v.at[axis] / distance;
            out[i].at[axis] = value;
            low->at[axis] = value < low->at[axis] ? value : low->at[axis];
            high->at[axis] = high->at[axis] < value ? value : high->at[axis];
        }
    }
}
