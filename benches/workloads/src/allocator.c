// An allocator (segregated free lists, boundary tags, coalescing) under a random trace of allocations,
// reallocations and frees, whose blocks hold linked lists, strings and growing arrays.
#include "common.h"

enum { HEAP = 1 << 20, CLASSES = 16, UNIT = 16 };

// A block is a header, its payload and, while it is free, its size again at its end. Sizes count in units,
// headers included; offsets rather than pointers keep the heap the same for every width of pointer.
struct block {
    u32 size;
    u16 used, previous_used;
    u32 next, previous;  // of the free list
};

static struct block heap[HEAP / UNIT];
static u32 lists[CLASSES];
static u32 live;

static inline u32 *footer(u32 at) { return &heap[at + heap[at].size - 1].previous; }

static u32 class_of(u32 size) {
    if (size <= 8) return size - 1;
    u32 class = 8 + (28 - (u32)__builtin_clz(size));
    return class < CLASSES ? class : CLASSES - 1;
}

static void link(u32 at) {
    u32 class = class_of(heap[at].size);
    heap[at].used = 0;
    heap[at].next = lists[class];
    heap[at].previous = 0;
    if (lists[class]) heap[lists[class]].previous = at;
    lists[class] = at;
    if (heap[at].size > 1) *footer(at) = heap[at].size;
    heap[at + heap[at].size].previous_used = 0;
}

static void unlink(u32 at) {
    struct block *b = &heap[at];
    if (b->previous) heap[b->previous].next = b->next;
    else lists[class_of(b->size)] = b->next;
    if (b->next) heap[b->next].previous = b->previous;
}

static void reset(void) {
    for (u32 i = 0; i < CLASSES; i++) lists[i] = 0;
    heap[0] = (struct block){1, 1, 1, 0, 0};
    heap[LENGTH(heap) - 1] = (struct block){1, 1, 0, 0, 0};
    heap[1] = (struct block){LENGTH(heap) - 2, 0, 1, 0, 0};
    live = 0;
    link(1);
}

// The payload of a block starts in the unit after its header; 0 when there is no memory left.
static NOINLINE u32 allocate(u32 bytes) {
    u32 size = 1 + (bytes + UNIT - 1) / UNIT;
    if (size < 3) size = 3;
    for (u32 class = class_of(size); class < CLASSES; class++) {
        for (u32 at = lists[class]; at; at = heap[at].next) {
            if (heap[at].size < size) continue;
            unlink(at);
            u32 rest = heap[at].size - size;
            if (rest >= 4) {
                heap[at].size = size;
                heap[at + size] = (struct block){rest, 0, 1, 0, 0};
                link(at + size);
            } else {
                heap[at + heap[at].size].previous_used = 1;
            }
            heap[at].used = 1;
            live += heap[at].size;
            return at + 1;
        }
    }
    return 0;
}

static NOINLINE void release(u32 payload) {
    u32 at = payload - 1, after = at + heap[at].size;
    live -= heap[at].size;
    if (!heap[after].used) {
        unlink(after);
        heap[at].size += heap[after].size;
    }
    if (!heap[at].previous_used) {
        u32 before = at - heap[at - 1].previous;
        unlink(before);
        heap[before].size += heap[at].size;
        at = before;
    }
    link(at);
}

static u8 *bytes_of(u32 payload) { return (u8 *)&heap[payload]; }
static u32 *words_of(u32 payload) { return (u32 *)&heap[payload]; }

static u32 reallocate(u32 payload, u32 old_bytes, u32 bytes) {
    if ((heap[payload - 1].size - 1) * UNIT >= bytes) return payload;
    u32 moved = allocate(bytes);
    if (!moved) return 0;
    const u32 *from = words_of(payload);
    u32 *to = words_of(moved);
    for (u32 i = 0; i < old_bytes / 4; i++) to[i] = from[i];
    release(payload);
    return moved;
}

enum { SLOTS = 1024 };

static struct slot {
    u32 payload, bytes, kind;
} slots[SLOTS];

// Lists are allocated node by node: word 0 the next node, word 1 a value.
static u64 list_sum(u32 node) {
    u64 sum = 0;
    for (; node; node = words_of(node)[0]) sum = sum * 5 + words_of(node)[1];
    return sum;
}

static void drop(struct slot *slot) {
    if (slot->kind == 1) {
        for (u32 node = slot->payload, next; node; node = next) {
            next = words_of(node)[0];
            release(node);
        }
    } else {
        release(slot->payload);
    }
    slot->payload = 0;
}

i64 run(i32 n) {
    u64 random = 17, sum = 0;
    reset();
    for (u32 i = 0; i < SLOTS; i++) slots[i].payload = 0;
    for (i32 step = 0; step < n; step++) {
        u64 r = next_random(&random);
        struct slot *slot = &slots[r % SLOTS];
        u32 length = 1 + ((u32)(r >> 20) & 31) * (1 + ((r >> 30 & 15) == 0 ? 40 : 0));
        if (!slot->payload) {
            slot->kind = r >> 40 & 3;
            if (slot->kind == 1) {
                for (u32 i = 0; i < (length & 31); i++) {
                    u32 node = allocate(8);
                    if (!node) break;
                    words_of(node)[0] = slot->payload;
                    words_of(node)[1] = i ^ (u32)r;
                    slot->payload = node;
                }
            } else {
                slot->bytes = length * 8;
                slot->payload = allocate(slot->bytes);
                if (!slot->payload) {
                    sum += 77;
                    continue;
                }
                u32 *words = words_of(slot->payload);
                for (u32 i = 0; i < slot->bytes / 4; i++) words[i] = i * (u32)r;
            }
            continue;
        }
        if (slot->kind == 1) {
            sum = fold(sum, list_sum(slot->payload));
            drop(slot);
        } else if (slot->kind == 2 && slot->bytes < 4000 && (r >> 50 & 1)) {
            u32 moved = reallocate(slot->payload, slot->bytes, slot->bytes * 2);
            if (!moved) continue;
            slot->payload = moved;
            for (u32 i = slot->bytes; i < slot->bytes * 2; i++) bytes_of(moved)[i] = (u8)(i ^ r);
            slot->bytes *= 2;
        } else {
            const u32 *words = words_of(slot->payload);
            for (u32 i = 0; i < slot->bytes / 4; i += 3) sum = sum * 3 + words[i];
            drop(slot);
        }
        if ((step & 255) == 0) sum = fold(sum, live);
    }
    for (u32 i = 0; i < SLOTS; i++)
        if (slots[i].payload) drop(&slots[i]);
    // Everything has coalesced into one block again, or the allocator is wrong.
    if (live != 0 || heap[1].size != LENGTH(heap) - 2) return -1;
    return (i64)sum;
}
