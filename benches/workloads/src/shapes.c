// Objects behind tables of virtual functions: a scene of shapes that move, collide, grow and turn into others.
#include "common.h"

struct shape;

struct class {
    i32 (*area)(const struct shape *);
    i32 (*contains)(const struct shape *, i32 x, i32 y);
    void (*move)(struct shape *, i32 width, i32 height);
    void (*scale)(struct shape *, i32 percent);
    u32 corners;
};

struct shape {
    const struct class *class;
    i32 x, y, dx, dy;
    i32 a, b;
    struct shape *members;
    u32 weight;
};

static void bounce(struct shape *s, i32 width, i32 height) {
    s->x += s->dx;
    s->y += s->dy;
    if (s->x < 0 || s->x >= width) s->dx = -s->dx, s->x += 2 * s->dx;
    if (s->y < 0 || s->y >= height) s->dy = -s->dy, s->y += 2 * s->dy;
}

static void wrap(struct shape *s, i32 width, i32 height) {
    s->x = (s->x + s->dx + width) % width;
    s->y = (s->y + s->dy + height) % height;
}

static i32 clamp(i32 value) { return value < 2 ? 2 : value > 90 ? 90 : value; }

static void scale_both(struct shape *s, i32 percent) {
    s->a = clamp(s->a * percent / 100);
    s->b = clamp(s->b * percent / 100);
}

static void scale_first(struct shape *s, i32 percent) { s->a = clamp(s->a * percent / 100); }

static i32 magnitude(i32 value) { return value < 0 ? -value : value; }

static i32 rectangle_area(const struct shape *s) { return s->a * s->b; }
static i32 rectangle_contains(const struct shape *s, i32 x, i32 y) {
    return x >= s->x && x < s->x + s->a && y >= s->y && y < s->y + s->b;
}

static i32 circle_area(const struct shape *s) { return s->a * s->a * 355 / 113; }
static i32 circle_contains(const struct shape *s, i32 x, i32 y) {
    return (x - s->x) * (x - s->x) + (y - s->y) * (y - s->y) <= s->a * s->a;
}

static i32 diamond_area(const struct shape *s) { return 2 * s->a * s->a; }
static i32 diamond_contains(const struct shape *s, i32 x, i32 y) {
    return magnitude(x - s->x) + magnitude(y - s->y) <= s->a;
}

static i32 triangle_area(const struct shape *s) { return s->a * s->b / 2; }
static i32 triangle_contains(const struct shape *s, i32 x, i32 y) {
    i32 right = x - s->x, up = y - s->y;
    return right >= 0 && up >= 0 && right * s->b + up * s->a <= s->a * s->b;
}

// A group is made of shapes itself: virtual calls within virtual calls.
static i32 group_area(const struct shape *s) {
    i32 area = 0;
    for (const struct shape *m = s->members; m; m = m->members) area += m->class->area(m);
    return area;
}
static i32 group_contains(const struct shape *s, i32 x, i32 y) {
    for (const struct shape *m = s->members; m; m = m->members)
        if (m->class->contains(m, x - s->x / 4, y - s->y / 4)) return 1;
    return 0;
}
static void group_scale(struct shape *s, i32 percent) {
    for (struct shape *m = s->members; m; m = m->members) m->class->scale(m, 200 - percent);
}

static const struct class classes[] = {
    {rectangle_area, rectangle_contains, bounce, scale_both, 4},
    {circle_area, circle_contains, bounce, scale_first, 0},
    {diamond_area, diamond_contains, wrap, scale_first, 4},
    {triangle_area, triangle_contains, wrap, scale_both, 3},
    {group_area, group_contains, bounce, group_scale, 1},
};

enum { WIDTH = 640, HEIGHT = 480, SHAPES = 200, GROUP = 4 };

static struct shape scene[SHAPES], pool[SHAPES * GROUP];

static void place(struct shape *s, u32 kinds, u64 *random) {
    *s = (struct shape){.class = &classes[random_below(random, kinds)],
                        .x = (i32)random_below(random, WIDTH),
                        .y = (i32)random_below(random, HEIGHT),
                        .dx = (i32)random_below(random, 9) - 4,
                        .dy = (i32)random_below(random, 7) - 3,
                        .a = 5 + (i32)random_below(random, 60),
                        .b = 5 + (i32)random_below(random, 60)};
}

i64 run(i32 n) {
    u64 random = 7, sum = 0;
    for (u32 i = 0; i < SHAPES; i++) {
        place(&scene[i], LENGTH(classes), &random);
        struct shape *next = NULL;
        for (u32 k = 0; k < GROUP; k++) {
            struct shape *member = &pool[i * GROUP + k];
            place(member, LENGTH(classes) - 1, &random);
            member->members = next;
            next = member;
        }
        scene[i].members = next;
    }
    for (i32 frame = 0; frame < n; frame++) {
        i32 x = (i32)random_below(&random, WIDTH), y = (i32)random_below(&random, HEIGHT);
        for (u32 i = 0; i < SHAPES; i++) {
            struct shape *s = &scene[i];
            s->class->move(s, WIDTH, HEIGHT);
            if (s->class->contains(s, x, y)) {
                s->weight += s->class->corners + 1;
                s->class->scale(s, s->weight & 1 ? 110 : 93);
                sum = fold(sum, i);
            }
            sum += (u64)s->class->area(s);
        }
        struct shape *changed = &scene[random_below(&random, SHAPES)];
        changed->class = &classes[(changed->weight + (u32)frame) % LENGTH(classes)];
        sum = fold(sum, (u64)(changed->x * WIDTH + changed->y));
    }
    return (i64)sum;
}
