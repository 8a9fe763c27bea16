// Recursive quicksort of integers (median of three, insertion sort of what is short), over several
// distributions; then binary searches in the sorted array.
#include "common.h"

static u32 items[1 << 16];

static void insertion_sort(u32 *first, u32 *last) {
    for (u32 *i = first + 1; i <= last; i++) {
        u32 item = *i, *j = i;
        for (; j > first && j[-1] > item; j--) *j = j[-1];
        *j = item;
    }
}

static inline void swap(u32 *a, u32 *b) {
    u32 t = *a;
    *a = *b;
    *b = t;
}

static NOINLINE void quicksort(u32 *first, u32 *last) {
    if (last - first < 12) {
        insertion_sort(first, last);
        return;
    }
    u32 *middle = first + (last - first) / 2;
    if (*middle < *first) swap(middle, first);
    if (*last < *first) swap(last, first);
    if (*last < *middle) swap(last, middle);
    u32 pivot = *middle, *i = first, *j = last;
    do {
        while (*i < pivot) i++;
        while (*j > pivot) j--;
        if (i <= j) swap(i++, j--);
    } while (i <= j);
    quicksort(first, j);
    quicksort(i, last);
}

static u32 position(const u32 *sorted, u32 length, u32 wanted) {
    u32 low = 0;
    while (length > 0) {
        u32 half = length / 2;
        if (sorted[low + half] < wanted) {
            low += half + 1;
            length -= half + 1;
        } else {
            length = half;
        }
    }
    return low;
}

i64 run(i32 n) {
    u64 random = 42, sum = 0;
    for (i32 remaining = n, round = 0; remaining > 0; round++) {
        u32 length = remaining < (i32)LENGTH(items) ? (u32)remaining : (u32)LENGTH(items);
        remaining -= (i32)length;
        for (u32 i = 0; i < length; i++) {
            u32 r = (u32)next_random(&random);
            switch (round & 3) {
                case 0: items[i] = r; break;
                case 1: items[i] = r & 255; break;
                case 2: items[i] = i * 16 + (r & 1023); break;
                default: items[i] = (length - i) * 8 + (r & 7); break;
            }
        }
        quicksort(items, items + length - 1);
        for (u32 i = 1; i < length; i++) {
            if (items[i - 1] > items[i]) return -1;
            if ((i & 15) == 0) sum = fold(sum, items[i]);
        }
        for (u32 i = 0; i < length / 4; i++)
            sum += position(items, length, items[random_below(&random, length)] + (i & 1)) * (u64)(i + 1);
    }
    return (i64)sum;
}
