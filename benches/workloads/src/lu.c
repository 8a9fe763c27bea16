// Solves systems of n linear equations: LU decomposition with partial pivoting, then substitution and the residual.
#include "floats.h"

enum { MOST = 512, ROUNDS = 8 };

static f64 matrix[MOST][MOST], factors[MOST][MOST];
static f64 right[MOST], solution[MOST];
static u32 permutation[MOST];

static void generate(u32 n, u64 *state) {
    for (u32 i = 0; i < n; i++) {
        for (u32 j = 0; j < n; j++)
            factors[i][j] = matrix[i][j] = (f64)(i32)random_below(state, 20001) * 1e-4 - 1;
        right[i] = (f64)random_below(state, 100);
        permutation[i] = i;
    }
}

static void swap_rows(u32 n, u32 a, u32 b) {
    for (u32 j = 0; j < n; j++) {
        f64 held = factors[a][j];
        factors[a][j] = factors[b][j];
        factors[b][j] = held;
    }
    u32 held = permutation[a];
    permutation[a] = permutation[b];
    permutation[b] = held;
}

// False for a singular matrix.
static NOINLINE int decompose(u32 n) {
    for (u32 k = 0; k < n; k++) {
        u32 pivot = k;
        for (u32 i = k + 1; i < n; i++)
            if (__builtin_fabs(factors[i][k]) > __builtin_fabs(factors[pivot][k]))
                pivot = i;
        if (factors[pivot][k] == 0)
            return 0;
        if (pivot != k)
            swap_rows(n, pivot, k);
        for (u32 i = k + 1; i < n; i++) {
            f64 factor = factors[i][k] /= factors[k][k];
            for (u32 j = k + 1; j < n; j++)
                factors[i][j] -= factor * factors[k][j];
        }
    }
    return 1;
}

static void substitute(u32 n) {
    for (u32 i = 0; i < n; i++) {
        f64 value = right[permutation[i]];
        for (u32 j = 0; j < i; j++)
            value -= factors[i][j] * solution[j];
        solution[i] = value;
    }
    for (u32 i = n; i-- > 0;) {
        f64 value = solution[i];
        for (u32 j = i + 1; j < n; j++)
            value -= factors[i][j] * solution[j];
        solution[i] = value / factors[i][i];
    }
}

// The largest |matrix * solution - right|.
static f64 residual(u32 n) {
    f64 worst = 0;
    for (u32 i = 0; i < n; i++) {
        f64 value = -right[i];
        for (u32 j = 0; j < n; j++)
            value += matrix[i][j] * solution[j];
        value = __builtin_fabs(value);
        worst = value > worst ? value : worst;
    }
    return worst;
}

i64 run(i32 n) {
    u32 size = (u32)n < MOST ? (u32)n : MOST;
    u64 state = 17, sum = 0;
    for (u32 round = 0; round < ROUNDS; round++) {
        generate(size, &state);
        if (!decompose(size))
            return -1;
        substitute(size);
        f64 worst = residual(size);
        if (!(worst < 1e-6))
            return -2;
        sum = fold_f64(sum, worst);
        for (u32 i = 0; i < size; i++)
            sum = fold_f64(fold(sum, permutation[i]), solution[i]);
    }
    return (i64)sum;
}
