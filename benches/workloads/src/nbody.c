// A star with six planets under gravity: n steps of a leapfrog integrator, structures of doubles.
#include "floats.h"

typedef struct {
    f64 position[3], velocity[3], mass;
} Body;

enum { BODIES = 7 };

static Body bodies[BODIES];

// Planets on tilted, nearly circular orbits around a star of mass 1, in units where G = 1.
static void place(void) {
    u64 state = 11;
    bodies[0] = (Body){.mass = 1};
    for (u32 i = 1; i < BODIES; i++) {
        f64 radius = 0.5 * i * i, speed = 1 / __builtin_sqrt(radius);
        f64 tilt = random_below(&state, 1000) * 1e-4;
        Body *body = &bodies[i];
        *body = (Body){.mass = 1e-4 * (1 + random_below(&state, 20))};
        f64 direction = i & 1 ? 1 : -1;
        body->position[i % 2] = direction * radius;
        body->velocity[1 - i % 2] = speed * (1 - tilt);
        body->velocity[2] = speed * tilt;
    }
    // The star moves so that the centre of mass rests.
    for (u32 axis = 0; axis < 3; axis++)
        for (u32 i = 1; i < BODIES; i++)
            bodies[0].velocity[axis] -= bodies[i].velocity[axis] * bodies[i].mass;
}

static f64 energy(void) {
    f64 total = 0;
    for (u32 i = 0; i < BODIES; i++) {
        const Body *a = &bodies[i];
        f64 speed2 = 0;
        for (u32 axis = 0; axis < 3; axis++)
            speed2 += a->velocity[axis] * a->velocity[axis];
        total += 0.5 * a->mass * speed2;
        for (u32 j = i + 1; j < BODIES; j++) {
            const Body *b = &bodies[j];
            f64 distance2 = 0;
            for (u32 axis = 0; axis < 3; axis++) {
                f64 d = a->position[axis] - b->position[axis];
                distance2 += d * d;
            }
            total -= a->mass * b->mass / __builtin_sqrt(distance2);
        }
    }
    return total;
}

static void step(f64 dt) {
    for (u32 i = 0; i < BODIES; i++) {
        Body *a = &bodies[i];
        for (u32 j = i + 1; j < BODIES; j++) {
            Body *b = &bodies[j];
            f64 dx = a->position[0] - b->position[0];
            f64 dy = a->position[1] - b->position[1];
            f64 dz = a->position[2] - b->position[2];
            f64 distance2 = dx * dx + dy * dy + dz * dz;
            f64 pull = dt / (distance2 * __builtin_sqrt(distance2));
            f64 on_a = b->mass * pull, on_b = a->mass * pull;
            a->velocity[0] -= dx * on_a;
            a->velocity[1] -= dy * on_a;
            a->velocity[2] -= dz * on_a;
            b->velocity[0] += dx * on_b;
            b->velocity[1] += dy * on_b;
            b->velocity[2] += dz * on_b;
        }
    }
    for (u32 i = 0; i < BODIES; i++)
        for (u32 axis = 0; axis < 3; axis++)
            bodies[i].position[axis] += dt * bodies[i].velocity[axis];
}

i64 run(i32 n) {
    place();
    f64 before = energy();
    for (i32 i = 0; i < n; i++)
        step(0.001);
    u64 sum = fold_f64(fold_f64(0, before), energy());
    for (u32 i = 0; i < BODIES; i++)
        for (u32 axis = 0; axis < 3; axis++)
            sum = fold_f64(sum, bodies[i].position[axis]);
    return (i64)sum;
}
