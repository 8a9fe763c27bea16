#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A priority queue over an implicit tree, and shortest paths over a grid with it. */

typedef struct {
    uint32_t key, value;
} Entry;

typedef struct {
    Entry *entries;
    size_t length, capacity;
} Queue;

static void push(Queue *q, uint32_t key, uint32_t value) {
    if (q->length == q->capacity) {
        q->capacity = q->capacity ? q->capacity * 2 : 16;
        q->entries = realloc(q->entries, q->capacity * sizeof *q->entries);
        if (!q->entries)
            abort();
    }
    size_t i = q->length++;
    while (i && q->entries[(i - 1) / 2].key > key) {
        q->entries[i] = q->entries[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    q->entries[i] = (Entry){key, value};
}

static Entry pop(Queue *q) {
    Entry first = q->entries[0], last = q->entries[--q->length];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= q->length)
            break;
        if (child + 1 < q->length && q->entries[child + 1].key < q->entries[child].key)
            child++;
        if (last.key <= q->entries[child].key)
            break;
        q->entries[i] = q->entries[child];
        i = child;
    }
    q->entries[i] = last;
    return first;
}

enum { SIDE = 96 };

static uint32_t costs[SIDE * SIDE], distances[SIDE * SIDE];

static uint32_t noise(uint32_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static uint32_t shortest(void) {
    static const int dx[] = {1, -1, 0, 0}, dy[] = {0, 0, 1, -1};
    Queue queue = {0};
    memset(distances, 0xff, sizeof distances);
    distances[0] = costs[0];
    push(&queue, costs[0], 0);
    while (queue.length) {
        Entry at = pop(&queue);
        if (at.key != distances[at.value])
            continue;
        for (int d = 0; d < 4; d++) {
            int x = (int)(at.value % SIDE) + dx[d], y = (int)(at.value / SIDE) + dy[d];
            if (x < 0 || y < 0 || x >= SIDE || y >= SIDE)
                continue;
            uint32_t next = (uint32_t)(y * SIDE + x), length = at.key + costs[next];
            if (length < distances[next]) {
                distances[next] = length;
                push(&queue, length, next);
            }
        }
    }
    free(queue.entries);
    return distances[SIDE * SIDE - 1];
}

double average(const float *values, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i] * values[i];
    return count ? sum / (double)count : 0;
}

int main(int argc, char **argv) {
    uint32_t seed = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) | 1 : 12345;
    for (size_t i = 0; i < SIDE * SIDE; i++)
        costs[i] = 1 + noise(&seed) % 9;
    printf("shortest %u\n", shortest());
    return 0;
}
