// What every workload shares: fixed-width types, the exported entry and a source of reproducible numbers.
// Freestanding: nothing here or in a workload may call a C library or import anything.
#ifndef WORKLOADS_COMMON_H
#define WORKLOADS_COMMON_H

typedef signed char i8;
typedef unsigned char u8;
typedef short i16;
typedef unsigned short u16;
typedef int i32;
typedef unsigned int u32;
typedef long long i64;
typedef unsigned long long u64;
typedef float f32;
typedef double f64;

#define NULL ((void *)0)
#define NOINLINE __attribute__((noinline))
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

// The one export of a workload: does an amount of work that grows with `n` and returns a checksum of all of it.
i64 run(i32 n);

// splitmix64: good enough to shuffle, small enough not to be the workload.
static inline u64 next_random(u64 *state) {
    u64 z = *state += 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

// Uniform enough in 0..bound, bound > 0.
static inline u32 random_below(u64 *state, u32 bound) {
    return (u32)(((next_random(state) >> 32) * bound) >> 32);
}

// Folds `value` into a checksum; the order of the folds matters.
static inline u64 fold(u64 sum, u64 value) {
    sum = (sum ^ value) * 0xff51afd7ed558ccdull;
    return sum ^ (sum >> 32);
}

#endif
