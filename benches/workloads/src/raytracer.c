// A picture of n by n pixels of mirroring spheres over a chequered floor: single-precision vectors passed by value,
// shadows, reflections by recursion.
#include "floats.h"

typedef struct {
    f32 x, y, z;
} Vector;

typedef struct {
    Vector centre, colour;
    f32 radius, mirror;
} Sphere;

typedef struct {
    Vector origin, direction;
} Ray;

typedef struct {
    f32 distance;
    Vector point, normal, colour;
    f32 mirror;
} Hit;

enum { SPHERES = 12, DEPTH = 4 };

static Sphere spheres[SPHERES];
static const Vector light = {0.36f, 0.8f, -0.48f};

static inline Vector add(Vector a, Vector b) {
    return (Vector){a.x + b.x, a.y + b.y, a.z + b.z};
}

static inline Vector subtract(Vector a, Vector b) {
    return (Vector){a.x - b.x, a.y - b.y, a.z - b.z};
}

static inline Vector scale(Vector a, f32 by) {
    return (Vector){a.x * by, a.y * by, a.z * by};
}

static inline f32 dot(Vector a, Vector b) {
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

static inline Vector normalized(Vector a) {
    return scale(a, 1 / __builtin_sqrtf(dot(a, a)));
}

// The distance at which the ray enters the sphere, or a negative number.
static inline f32 enters(const Sphere *sphere, const Ray *ray) {
    Vector to = subtract(sphere->centre, ray->origin);
    f32 along = dot(to, ray->direction);
    f32 inside = sphere->radius * sphere->radius - dot(to, to) + along * along;
    return inside < 0 ? -1 : along - __builtin_sqrtf(inside);
}

static NOINLINE int find(const Ray *ray, Hit *hit) {
    const f32 nearest = 0.001f;
    const Sphere *found = NULL;
    hit->distance = 1000;
    for (u32 i = 0; i < SPHERES; i++) {
        f32 distance = enters(&spheres[i], ray);
        if (distance > nearest && distance < hit->distance) {
            hit->distance = distance;
            found = &spheres[i];
        }
    }
    if (found) {
        hit->point = add(ray->origin, scale(ray->direction, hit->distance));
        hit->normal = scale(subtract(hit->point, found->centre), 1 / found->radius);
        hit->colour = found->colour;
        hit->mirror = found->mirror;
        return 1;
    }
    f32 distance = -ray->origin.y / ray->direction.y;
    if (!(ray->direction.y < 0 && distance > nearest && distance < hit->distance))
        return 0;
    hit->distance = distance;
    hit->point = add(ray->origin, scale(ray->direction, distance));
    hit->normal = (Vector){0, 1, 0};
    f32 tiles = __builtin_floorf(hit->point.x) + __builtin_floorf(hit->point.z);
    f32 shade = tiles * 0.5f == __builtin_floorf(tiles * 0.5f) ? 0.9f : 0.2f;
    hit->colour = (Vector){shade, shade, shade};
    hit->mirror = 0.1f;
    return 1;
}

static int in_shadow(Vector point) {
    Ray ray = {point, light};
    for (u32 i = 0; i < SPHERES; i++)
        if (enters(&spheres[i], &ray) > 0.001f)
            return 1;
    return 0;
}

static NOINLINE Vector trace(const Ray *ray, u32 depth) {
    Hit hit;
    if (!find(ray, &hit)) {
        f32 height = ray->direction.y > 0 ? ray->direction.y : 0;
        return add(scale((Vector){0.9f, 0.9f, 0.8f}, 1 - height), scale((Vector){0.2f, 0.4f, 0.9f}, height));
    }
    f32 facing = dot(hit.normal, light), bright = 0.15f;
    if (facing > 0 && !in_shadow(hit.point))
        bright += facing * 0.85f;
    Vector colour = scale(hit.colour, bright * (1 - hit.mirror));
    if (depth > 0 && hit.mirror > 0) {
        f32 against = -2 * dot(hit.normal, ray->direction);
        Ray reflected = {hit.point, normalized(add(ray->direction, scale(hit.normal, against)))};
        colour = add(colour, scale(trace(&reflected, depth - 1), hit.mirror));
    }
    return colour;
}

static u32 to_byte(f32 value) {
    return value <= 0 ? 0 : value >= 1 ? 255 : (u32)(value * 255 + 0.5f);
}

i64 run(i32 n) {
    u64 state = 71, sum = 0;
    for (u32 i = 0; i < SPHERES; i++) {
        f32 radius = 0.3f + (f32)random_below(&state, 100) * 0.005f;
        spheres[i] = (Sphere){
            .centre = {(f32)(i % 4) * 1.8f - 2.7f, radius + (f32)random_below(&state, 60) * 0.02f, (f32)(i / 4) * 1.8f},
            .colour = {(f32)random_below(&state, 256) / 255, (f32)random_below(&state, 256) / 255, 0.5f},
            .radius = radius,
            .mirror = (f32)random_below(&state, 8) * 0.1f,
        };
    }
    for (i32 y = 0; y < n; y++)
        for (i32 x = 0; x < n; x++) {
            f32 right = ((f32)x + 0.5f) / (f32)n - 0.5f, up = 0.5f - ((f32)y + 0.5f) / (f32)n;
            Ray ray = {{0, 1.7f, -6}, normalized((Vector){right, up - 0.05f, 0.9f})};
            Vector colour = trace(&ray, DEPTH);
            sum = fold(sum, to_byte(colour.x) << 16 | to_byte(colour.y) << 8 | to_byte(colour.z));
        }
    return (i64)sum;
}
