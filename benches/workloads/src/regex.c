// A backtracking matcher of regular expressions, compiled to a graph of nodes, over generated log lines.
#include "common.h"

// Syntax: literals, . \d \w \s, [a-z^], groups, |, and * + ? greedy (or lazy with a further ?), ^ and $.
enum kind { CHARACTER, ANY, SET, START, END, SPLIT, SAVE, MATCH };

struct node {
    enum kind kind;
    u32 argument;   // character, index of a set or of a capture
    u16 next, other;
};

static struct node program[256];
static u32 program_length;
static u32 sets[32][8];
static u32 set_count, capture_count;

static u16 emit(enum kind kind, u32 argument, u16 next, u16 other) {
    program[program_length] = (struct node){kind, argument, next, other};
    return (u16)program_length++;
}

static void set_add(u32 *set, u32 first, u32 last) {
    for (u32 c = first; c <= last; c++) set[c / 32] |= 1u << c % 32;
}

static void set_class(u32 *set, char class) {
    switch (class) {
        case 'd': set_add(set, '0', '9'); break;
        case 's': set_add(set, ' ', ' '), set_add(set, '\t', '\r'); break;
        case 'w': set_add(set, 'a', 'z'), set_add(set, 'A', 'Z'), set_add(set, '0', '9'), set_add(set, '_', '_'); break;
        default: set_add(set, (u8)class, (u8)class);
    }
}

// Each compile_* takes the node that follows and returns the one to start at: what comes last is compiled first.
static u16 compile_alternatives(const char *from, const char *to, u16 next);

static const char *atom_end(const char *at) {
    if (*at == '\\') return at + 2;
    if (*at == '[') {
        for (at += 2; *at != ']'; at++)
            if (*at == '\\') at++;
        return at + 1;
    }
    if (*at != '(') return at + 1;
    for (u32 depth = 0;; at++) {
        if (*at == '\\') at++;
        else if (*at == '(') depth++;
        else if (*at == ')' && --depth == 0) return at + 1;
    }
}

static u16 compile_atom(const char *from, const char *to, u16 next) {
    switch (*from) {
        case '.': return emit(ANY, 0, next, 0);
        case '^': return emit(START, 0, next, 0);
        case '$': return emit(END, 0, next, 0);
        case '(': {
            u32 capture = capture_count++;
            u16 close = emit(SAVE, capture * 2 + 1, next, 0);
            return emit(SAVE, capture * 2, compile_alternatives(from + 1, to - 1, close), 0);
        }
        case '\\':
        case '[': {
            u32 index = set_count++, *set = sets[index];
            for (u32 i = 0; i < 8; i++) set[i] = 0;
            if (*from == '\\') {
                set_class(set, from[1]);
            } else {
                i32 negated = from[1] == '^';
                for (const char *at = from + 1 + negated; at < to - 1; at++) {
                    if (*at == '\\') set_class(set, *++at);
                    else if (at[1] == '-' && at + 2 < to - 1) set_add(set, (u8)at[0], (u8)at[2]), at += 2;
                    else set_add(set, (u8)*at, (u8)*at);
                }
                for (u32 i = 0; negated && i < 8; i++) set[i] = ~set[i];
            }
            return emit(SET, index, next, 0);
        }
        default: return emit(CHARACTER, (u8)*from, next, 0);
    }
}

static u16 compile_sequence(const char *from, const char *to, u16 next) {
    if (from == to) return next;
    const char *end = atom_end(from), *rest = end;
    char repeat = end < to ? *end : 0;
    i32 lazy = 0;
    if (repeat == '*' || repeat == '+' || repeat == '?') {
        rest++;
        if (rest < to && *rest == '?') lazy = 1, rest++;
    } else {
        repeat = 0;
    }
    u16 after = compile_sequence(rest, to, next);
    if (!repeat) return compile_atom(from, end, after);
    u16 split = emit(SPLIT, repeat, after, after);
    u16 body = compile_atom(from, end, repeat == '?' ? after : split);
    if (lazy) program[split].other = body;
    else program[split].next = body;
    return repeat == '+' ? body : split;
}

static u16 compile_alternatives(const char *from, const char *to, u16 next) {
    const char *bar = from;
    while (bar < to && *bar != '|') bar = atom_end(bar);
    u16 first = compile_sequence(from, bar, next);
    if (bar >= to) return first;
    u16 second = compile_alternatives(bar + 1, to, next);
    return emit(SPLIT, '|', first, second);
}

static u16 compile(const char *source) {
    const char *end = source;
    while (*end) end++;
    program_length = set_count = capture_count = 0;
    u16 match = emit(MATCH, 0, 0, 0);
    return compile_alternatives(source, end, match);
}

static const char *text, *text_end;
static const char *captures[32];
static u64 steps;

static NOINLINE const char *match(u16 at, const char *c) {
    for (;;) {
        const struct node *node = &program[at];
        steps++;
        switch (node->kind) {
            case CHARACTER:
                if (c == text_end || (u8)*c != node->argument) return NULL;
                c++;
                break;
            case ANY:
                if (c == text_end) return NULL;
                c++;
                break;
            case SET:
                if (c == text_end || !(sets[node->argument][(u8)*c / 32] >> ((u8)*c % 32) & 1)) return NULL;
                c++;
                break;
            case START:
                if (c != text) return NULL;
                break;
            case END:
                if (c != text_end) return NULL;
                break;
            case SPLIT: {
                const char *end = match(node->next, c);
                if (end) return end;
                at = node->other;
                continue;
            }
            case SAVE: {
                const char *kept = captures[node->argument];
                captures[node->argument] = c;
                const char *end = match(node->next, c);
                if (!end) captures[node->argument] = kept;
                return end;
            }
            case MATCH: return c;
        }
        at = node->next;
    }
}

static const char *const patterns[] = {
    "(\\d+)-(\\d\\d)-(\\d\\d)",
    "^\\[(\\w+)\\]\\s+([^:]+): ",
    "(error|warning|fatal).*code=([0-9]+)",
    "([\\w.]+)@([\\w.]+)\\.(com|org|net)",
    "(a|b)*?c(ab|ba|a|b)+$",
    "\"([^\"\\\\]|\\\\.)*\"",
    "(/[\\w.]+)+/?(\\?(\\w+=\\w+&?)*)?",
    "x*x*x*y",
};

static const char *const pieces[] = {
    "[net] server: ", "2024-05-17 ", "error in handler ", "code=", "user.name@mail.example.com ", "\"a \\\"b\\\" c\" ",
    "/usr/lib/x.so ", "/q?a=b&c=d ", "warning: ",          "ababbabac",
    "abba",           "xxxxxxxx",    "1234",               "the quick brown fox ",
    "fatal ",         " 17-3-2 ",
};

static char line[256];

static u32 generate(u64 *random) {
    u32 length = 0, count = 3 + random_below(random, 8);
    for (u32 i = 0; i < count; i++) {
        const char *piece = pieces[random_below(random, LENGTH(pieces))];
        while (*piece && length < 160) line[length++] = *piece++;
        if (random_below(random, 4) == 0) line[length++] = (char)('0' + random_below(random, 75));
    }
    return length;
}

i64 run(i32 n) {
    u64 random = 21, sum = 0;
    steps = 0;
    for (u32 index = 0; index < LENGTH(patterns); index++) {
        u16 start = compile(patterns[index]);
        for (i32 count = 0; count < n; count++) {
            text = line;
            text_end = line + generate(&random);
            for (const char *from = text; from <= text_end; from++) {
                for (u32 i = 0; i < capture_count * 2; i++) captures[i] = NULL;
                const char *end = match(start, from);
                if (!end) continue;
                sum = fold(sum, (u64)(from - text) * 256 + (u64)(end - text));
                for (u32 i = 0; i < capture_count * 2; i++)
                    sum = sum * 31 + (captures[i] ? (u64)(captures[i] - text) : 999);
                if (end > from) from = end - 1;
            }
        }
    }
    return (i64)fold(sum, steps);
}
