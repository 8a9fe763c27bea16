// A walk through what a WebAssembly program can see: arguments, environment, clocks, random bytes,
// directories, standard input, and how fast its own code runs. Everything it prints comes from the
// host through WASI, and everything the host does not grant stays out of reach.
//
//   terrace run --dir . --env WHO=you tour.wasm one two

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static void label(const char *name) { printf("\n%-12s ", name); }

static void arguments(int argc, char **argv) {
    label("arguments");
    for (int i = 0; i < argc; i++)
        printf("%s%s", i ? ", " : "", argv[i]);
}

static void environment(void) {
    label("environment");
    if (!environ || !*environ) {
        printf("empty; pass --env NAME=VALUE to add to it");
        return;
    }
    for (char **variable = environ; *variable; variable++)
        printf("%s%s", variable == environ ? "" : ", ", *variable);
}

static void clocks(void) {
    struct timespec now;
    char text[32];
    label("clock");
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) {
        printf("none: %s", strerror(errno));
        return;
    }
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", gmtime(&now.tv_sec));
    printf("%s", text);
}

static void random_bytes(void) {
    unsigned char bytes[16];
    label("random");
    if (getentropy(bytes, sizeof bytes) != 0) {
        printf("none: %s", strerror(errno));
        return;
    }
    for (size_t i = 0; i < sizeof bytes; i++)
        printf("%02x", bytes[i]);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void directory(void) {
    enum { MOST = 512 };
    static char *names[MOST];
    size_t count = 0;
    label("directory");
    DIR *here = opendir(".");
    if (!here) {
        printf("none; pass --dir . to grant this one");
        return;
    }
    for (struct dirent *entry; count < MOST && (entry = readdir(here));)
        if (entry->d_name[0] != '.')
            names[count++] = strdup(entry->d_name);
    closedir(here);
    qsort(names, count, sizeof *names, by_name);
    printf("%zu entries", count);
    for (size_t i = 0; i < count; i++) {
        struct stat info;
        if (stat(names[i], &info) != 0)
            continue;
        if (S_ISDIR(info.st_mode))
            printf("\n%-12s %10s  %s/", "", "", names[i]);
        else
            printf("\n%-12s %10lld  %s", "", (long long)info.st_size, names[i]);
    }
}

// Three ways out of a sandbox, each of which a host has to refuse.
static void escapes(void) {
    static const char *const paths[] = {"/etc/passwd", "../..", "./../../../../etc/hostname"};
    label("outside");
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        int file = open(paths[i], O_RDONLY);
        printf("%s%s: %s", i ? ", " : "", paths[i], file < 0 ? "refused" : "OPENED");
        if (file >= 0)
            close(file);
    }
}

static void standard_input(void) {
    size_t lines = 0, bytes = 0;
    char block[4096];
    label("stdin");
    if (isatty(0)) {
        printf("a terminal; pipe something in to have it counted");
        return;
    }
    for (ssize_t got; (got = read(0, block, sizeof block)) > 0; bytes += (size_t)got)
        for (ssize_t i = 0; i < got; i++)
            lines += block[i] == '\n';
    printf("%zu bytes, %zu lines", bytes, lines);
}

// The Mandelbrot set: doubles, loops and nothing else. Returns the number of iterations run.
static uint64_t picture(void) {
    enum { WIDTH = 68, HEIGHT = 22, LIMIT = 5000 };
    static const char shades[] = " .:-=+*#%@";
    uint64_t total = 0;
    putchar('\n');
    for (int row = 0; row < HEIGHT; row++) {
        char line[WIDTH + 1];
        for (int column = 0; column < WIDTH; column++) {
            double cr = -2.2 + 3.2 * column / (WIDTH - 1), ci = -1.15 + 2.3 * row / (HEIGHT - 1);
            double zr = 0, zi = 0;
            int n = 0;
            for (; n < LIMIT && zr * zr + zi * zi < 4; n++) {
                double next = zr * zr - zi * zi + cr;
                zi = 2 * zr * zi + ci;
                zr = next;
            }
            total += (uint64_t)n;
            line[column] = n == LIMIT ? '@' : shades[n < 9 ? n : 8];
        }
        line[WIDTH] = 0;
        printf("\n  %s", line);
    }
    putchar('\n');
    return total;
}

static uint64_t nanoseconds(void) {
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int main(int argc, char **argv) {
    printf("Hello from inside a WebAssembly program. This is all I can see:\n");
    arguments(argc, argv);
    environment();
    clocks();
    random_bytes();
    directory();
    escapes();
    standard_input();
    uint64_t before = nanoseconds();
    uint64_t iterations = picture();
    uint64_t taken = nanoseconds() - before;
    label("computed");
    printf("%llu iterations", (unsigned long long)iterations);
    if (taken)
        printf(" in %llu ms", (unsigned long long)(taken / 1000000));
    printf("\n");
    return 0;
}
