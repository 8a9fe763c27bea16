// An open-addressing hash map (linear probing, deletion by shifting back, growth by rehashing) under a mix of
// inserts, look-ups and deletions.
#include "common.h"

struct entry {
    u64 key;  // 0: free
    u32 value;
};

enum { LARGEST = 1 << 16 };

struct map {
    struct entry *entries;
    u32 mask, used;
};

static struct entry arenas[2][LARGEST];

static inline u32 home(const struct map *map, u64 key) {
    return (u32)((key * 0x9e3779b97f4a7c15ull) >> 40) & map->mask;
}

static NOINLINE u32 find(const struct map *map, u64 key) {
    u32 at = home(map, key);
    while (map->entries[at].key != 0 && map->entries[at].key != key) at = (at + 1) & map->mask;
    return at;
}

static NOINLINE void grow(struct map *map) {
    struct entry *old = map->entries;
    u32 length = map->mask + 1;
    map->entries = old == arenas[0] ? arenas[1] : arenas[0];
    map->mask = length * 2 - 1;
    for (u32 i = 0; i < length * 2; i++) map->entries[i] = (struct entry){0, 0};
    for (u32 i = 0; i < length; i++)
        if (old[i].key != 0) map->entries[find(map, old[i].key)] = old[i];
}

static u32 *slot(struct map *map, u64 key) {
    u32 at = find(map, key);
    if (map->entries[at].key == 0) {
        if (map->used >= map->mask / 4 * 3 && map->mask + 1 < LARGEST) {
            grow(map);
            at = find(map, key);
        }
        map->entries[at] = (struct entry){key, 0};
        map->used++;
    }
    return &map->entries[at].value;
}

static NOINLINE i32 delete(struct map *map, u64 key) {
    u32 hole = find(map, key);
    if (map->entries[hole].key == 0) return 0;
    for (u32 at = (hole + 1) & map->mask; map->entries[at].key != 0; at = (at + 1) & map->mask) {
        u32 wanted = home(map, map->entries[at].key);
        if (((at - wanted) & map->mask) >= ((at - hole) & map->mask)) {
            map->entries[hole] = map->entries[at];
            hole = at;
        }
    }
    map->entries[hole].key = 0;
    map->used--;
    return 1;
}

i64 run(i32 n) {
    u64 random = 3, sum = 0;
    struct map map;
    for (i32 step = 0; step < n; step++) {
        if (step % 200000 == 0) {
            map = (struct map){arenas[0], 63, 0};
            for (u32 i = 0; i <= map.mask; i++) map.entries[i] = (struct entry){0, 0};
        }
        u64 r = next_random(&random);
        u64 key = (r >> 8) % 60000 + 1;
        switch (r & 7) {
            case 0:
            case 1:
            case 2: *slot(&map, key) += (u32)(r >> 40); break;
            case 3: sum += (u64)delete(&map, key * 2 % 60000 + 1); break;
            default: {
                u32 at = find(&map, key);
                sum = fold(sum, map.entries[at].key == key ? map.entries[at].value : 1);
            }
        }
    }
    return (i64)fold(sum, map.used);
}
