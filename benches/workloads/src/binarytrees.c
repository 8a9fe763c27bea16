// Binary trees: complete ones built and dropped over a free list, and a treap under inserts, deletions and range
// queries.
#include "common.h"

struct node {
    struct node *left, *right;
    u32 key, priority, size;
};

static struct node pool[1 << 12];
static struct node *free_nodes;

static void reset(void) {
    free_nodes = NULL;
    for (u32 i = LENGTH(pool); i-- > 0;) {
        pool[i].left = free_nodes;
        free_nodes = &pool[i];
    }
}

static struct node *create(struct node *left, struct node *right, u32 key, u32 priority) {
    struct node *node = free_nodes;
    free_nodes = node->left;
    *node = (struct node){left, right, key, priority, 1};
    return node;
}

static void discard(struct node *node) {
    node->left = free_nodes;
    free_nodes = node;
}

static NOINLINE struct node *complete(u32 depth, u32 key) {
    if (depth == 0) return create(NULL, NULL, key, 0);
    struct node *left = complete(depth - 1, key * 2);
    return create(left, complete(depth - 1, key * 2 + 1), key, 0);
}

static NOINLINE u64 check(const struct node *node, u32 depth) {
    if (!node) return depth;
    return check(node->left, depth + 1) * 3 + check(node->right, depth + 1) + node->key;
}

static NOINLINE void drop(struct node *node) {
    if (!node) return;
    drop(node->left);
    drop(node->right);
    discard(node);
}

static u32 size(const struct node *node) { return node ? node->size : 0; }

static struct node *update(struct node *node) {
    node->size = size(node->left) + size(node->right) + 1;
    return node;
}

// Splits into keys below `key` and the rest.
static void split(struct node *node, u32 key, struct node **below, struct node **rest) {
    if (!node) {
        *below = *rest = NULL;
    } else if (node->key < key) {
        split(node->right, key, &node->right, rest);
        *below = update(node);
    } else {
        split(node->left, key, below, &node->left);
        *rest = update(node);
    }
}

static struct node *join(struct node *a, struct node *b) {
    if (!a) return b;
    if (!b) return a;
    if (a->priority > b->priority) {
        a->right = join(a->right, b);
        return update(a);
    }
    b->left = join(a, b->left);
    return update(b);
}

static u32 nth(const struct node *node, u32 index) {
    for (;;) {
        u32 left = size(node->left);
        if (index == left) return node->key;
        if (index < left) node = node->left;
        else index -= left + 1, node = node->right;
    }
}

static NOINLINE u64 treap(u32 steps, u64 *random) {
    struct node *root = NULL;
    u64 sum = 0;
    for (u32 i = 0; i < steps; i++) {
        u64 r = next_random(random);
        u32 key = (u32)(r >> 32) % 50000;
        struct node *below, *middle, *rest;
        split(root, key, &below, &rest);
        split(rest, key + 1 + ((r & 7) == 7 ? 40 : 0), &middle, &rest);
        sum = sum * 7 + size(middle);
        if ((r & 7) < 5 && !middle) {
            middle = create(NULL, NULL, key, (u32)r >> 3);
        } else if ((r & 7) == 7) {
            sum = fold(sum, check(middle, 0));
        } else {
            drop(middle);
            middle = NULL;
        }
        root = join(join(below, middle), rest);
        if (size(root)) sum += nth(root, (u32)(r >> 20) % size(root));
    }
    sum = fold(sum, check(root, 0));
    drop(root);
    return sum;
}

i64 run(i32 n) {
    u64 random = 23, sum = 0;
    reset();
    for (i32 round = 0; round < n; round++) {
        struct node *kept = complete(9, (u32)round);
        for (u32 depth = 2; depth <= 8; depth += 2)
            for (u32 i = 0; i < 64u >> depth / 2; i++) {
                struct node *tree = complete(depth, i);
                sum = fold(sum, check(tree, 0));
                drop(tree);
            }
        sum = fold(sum, treap(500, &random));
        sum = fold(sum, check(kept, 0));
        drop(kept);
    }
    return (i64)sum;
}
