// Counts lines, words and bytes of files (or of standard input), and lists the ten most frequent words.
//
//   wordcount [FILE…]
//
// A word is a run of ASCII letters, digits and bytes above 127, compared without regard to ASCII case.
// Equal counts are listed in byte order, so that the output depends on the input alone.

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct word {
    struct word *next;
    uint64_t count;
    size_t length;
    char text[];
};

struct totals {
    uint64_t lines, words, bytes;
};

enum { FIRST_BUCKETS = 1024, TOP = 10 };

static struct word **buckets;
static size_t bucket_count, word_count;

static void *need(void *pointer) {
    if (!pointer) {
        fprintf(stderr, "wordcount: out of memory\n");
        exit(1);
    }
    return pointer;
}

static uint32_t hash(const char *text, size_t length) {
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < length; i++)
        h = (h ^ (unsigned char)text[i]) * 16777619u;
    return h;
}

static void grow(void) {
    size_t count = bucket_count ? bucket_count * 2 : FIRST_BUCKETS;
    struct word **grown = need(calloc(count, sizeof *grown));
    for (size_t i = 0; i < bucket_count; i++)
        for (struct word *word = buckets[i], *next; word; word = next) {
            struct word **bucket = &grown[hash(word->text, word->length) & (count - 1)];
            next = word->next;
            word->next = *bucket;
            *bucket = word;
        }
    free(buckets);
    buckets = grown;
    bucket_count = count;
}

static void add(const char *text, size_t length) {
    if (word_count >= bucket_count)
        grow();
    struct word **bucket = &buckets[hash(text, length) & (bucket_count - 1)];
    for (struct word *word = *bucket; word; word = word->next)
        if (word->length == length && memcmp(word->text, text, length) == 0) {
            word->count++;
            return;
        }
    struct word *word = need(malloc(sizeof *word + length + 1));
    word->next = *bucket;
    word->count = 1;
    word->length = length;
    memcpy(word->text, text, length);
    word->text[length] = 0;
    *bucket = word;
    word_count++;
}

static int in_word(int c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c > 127;
}

static struct totals count(FILE *file) {
    static char *text;
    static size_t capacity;
    struct totals totals = {0};
    size_t length = 0;
    for (int c = 0; c != EOF;) {
        c = getc(file);
        if (c != EOF) {
            totals.bytes++;
            totals.lines += c == '\n';
            if (c >= 'A' && c <= 'Z')
                c += 'a' - 'A';
            if (in_word(c)) {
                if (length == capacity) {
                    capacity = capacity ? capacity * 2 : 64;
                    text = need(realloc(text, capacity));
                }
                text[length++] = (char)c;
                continue;
            }
        }
        if (length) {
            totals.words++;
            add(text, length);
            length = 0;
        }
    }
    return totals;
}

static int by_count(const void *a, const void *b) {
    const struct word *x = *(struct word *const *)a, *y = *(struct word *const *)b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return strcmp(x->text, y->text);
}

static void print(struct totals totals, const char *name) {
    printf("%8llu %8llu %9llu%s%s\n", (unsigned long long)totals.lines, (unsigned long long)totals.words,
           (unsigned long long)totals.bytes, *name ? "  " : "", name);
}

int main(int argc, char **argv) {
    struct totals all = {0};
    int status = 0;
    if (argc < 2)
        print(all = count(stdin), "");
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (!file) {
            fprintf(stderr, "wordcount: %s: %s\n", argv[i], strerror(errno));
            status = 1;
            continue;
        }
        struct totals totals = count(file);
        if (ferror(file)) {
            fprintf(stderr, "wordcount: %s: %s\n", argv[i], strerror(errno));
            status = 1;
        }
        fclose(file);
        print(totals, argv[i]);
        all.lines += totals.lines;
        all.words += totals.words;
        all.bytes += totals.bytes;
    }
    if (argc > 2)
        print(all, "total");

    struct word **words = need(malloc((word_count + 1) * sizeof *words));
    size_t n = 0;
    for (size_t i = 0; i < bucket_count; i++)
        for (struct word *word = buckets[i]; word; word = word->next)
            words[n++] = word;
    qsort(words, n, sizeof *words, by_count);
    printf("%zu different words\n", n);
    for (size_t i = 0; i < n && i < TOP; i++)
        printf("%8llu  %s\n", (unsigned long long)words[i]->count, words[i]->text);
    return status;
}
