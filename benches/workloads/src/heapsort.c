// Binary heaps: heapsort of doubles in place, then a priority queue that simulates events.
#include "common.h"

enum { CAPACITY = 1 << 14 };

static f64 values[CAPACITY];

static void sift_down(f64 *heap, u32 root, u32 end) {
    f64 value = heap[root];
    for (u32 child; (child = 2 * root + 1) < end; root = child) {
        if (child + 1 < end && heap[child] < heap[child + 1]) child++;
        if (value >= heap[child]) break;
        heap[root] = heap[child];
    }
    heap[root] = value;
}

static NOINLINE void heapsort(f64 *heap, u32 length) {
    for (u32 root = length / 2; root-- > 0;) sift_down(heap, root, length);
    for (u32 end = length; end-- > 1;) {
        f64 greatest = heap[0];
        heap[0] = heap[end];
        heap[end] = greatest;
        sift_down(heap, 0, end);
    }
}

struct event {
    u64 time;
    u32 kind, serial;
};

static struct event queue[1024];
static u32 queued;

static inline i32 before(const struct event *a, const struct event *b) {
    return a->time < b->time || (a->time == b->time && a->serial < b->serial);
}

static void push(struct event event) {
    u32 at = queued++;
    for (u32 parent; at > 0 && before(&event, &queue[parent = (at - 1) / 2]); at = parent)
        queue[at] = queue[parent];
    queue[at] = event;
}

static struct event pop(void) {
    struct event first = queue[0], last = queue[--queued];
    u32 at = 0;
    for (u32 child; (child = 2 * at + 1) < queued; at = child) {
        if (child + 1 < queued && before(&queue[child + 1], &queue[child])) child++;
        if (!before(&queue[child], &last)) break;
        queue[at] = queue[child];
    }
    queue[at] = last;
    return first;
}

static NOINLINE u64 simulate(u32 steps, u64 *random) {
    u64 sum = 0;
    u32 serial = 0;
    queued = 0;
    while (serial < 300) push((struct event){random_below(random, 1000), serial % 5, serial}), serial++;
    while (steps-- > 0 && queued > 0) {
        struct event event = pop();
        sum = fold(sum, event.time * 8 + event.kind);
        u32 children = event.kind == 0 ? (queued > 600 ? 0 : 3) : event.kind == 1 ? (queued < 200 ? 2 : 0) : 1;
        for (u32 i = 0; i < children; i++, serial++)
            push((struct event){event.time + 1 + random_below(random, 500), (event.kind + i * serial) % 5, serial});
    }
    return sum;
}

i64 run(i32 n) {
    u64 random = 99, sum = 0;
    for (i32 remaining = n; remaining > 0;) {
        u32 length = remaining < CAPACITY ? (u32)remaining : CAPACITY;
        remaining -= (i32)length;
        for (u32 i = 0; i < length; i++) values[i] = (f64)(i64)next_random(&random) / 1048576.0;
        heapsort(values, length);
        for (u32 i = 1; i < length; i++)
            if (values[i - 1] > values[i]) return -1;
        for (u32 i = 0; i < length; i += 7) sum = fold(sum, (u64)(i64)values[i]);
        sum = fold(sum, simulate(length, &random));
    }
    return (i64)sum;
}
