// Writes a JSON document, parses it into a tree, queries and edits the tree, and writes it again.
#include "common.h"

enum kind { NOTHING, FALSE, TRUE, NUMBER, STRING, LIST, OBJECT };

struct node {
    enum kind kind;
    u32 length;           // of a string, or the number of members
    i64 number;           // in millionths
    const char *text;
    struct node *first, *next;
    const char *name;
    u32 name_length;
};

enum { DEPTH = 7 };  // of what is generated

static struct node nodes[1 << 13];
static u32 node_count;
static char strings[1 << 17], text[1 << 17], again[1 << 17];
static u32 string_length;

struct writer {
    char *at;
};

static void put(struct writer *w, const char *s) {
    while (*s) *w->at++ = *s++;
}

static void put_number(struct writer *w, i64 millionths) {
    if (millionths < 0) *w->at++ = '-', millionths = -millionths;
    char digits[24];
    u32 count = 0;
    i64 whole = millionths / 1000000, part = millionths % 1000000;
    do digits[count++] = (char)('0' + whole % 10);
    while (whole /= 10);
    while (count > 0) *w->at++ = digits[--count];
    if (part == 0) return;
    *w->at++ = '.';
    for (i64 unit = 100000; part != 0; part %= unit, unit /= 10) *w->at++ = (char)('0' + part / unit);
}

static void put_string(struct writer *w, const char *s, u32 length) {
    *w->at++ = '"';
    for (u32 i = 0; i < length; i++) {
        u8 c = (u8)s[i];
        switch (c) {
            case '"': put(w, "\\\""); break;
            case '\\': put(w, "\\\\"); break;
            case '\n': put(w, "\\n"); break;
            case '\t': put(w, "\\t"); break;
            default:
                if (c < 32) {
                    put(w, "\\u00");
                    *w->at++ = "01"[c >> 4];
                    *w->at++ = "0123456789abcdef"[c & 15];
                } else {
                    *w->at++ = (char)c;
                }
        }
    }
    *w->at++ = '"';
}

static const char *const words[] = {
    "alpha",         "beta\tgamma", "delta \"quoted\"", "",      "a longer piece of text, with commas",
    "path\\to\\it", "line\nbreak", "\x01\x1f",         "omega", "caf\xc3\xa9",
};
static const char *const keys[] = {"id", "name", "tags", "size", "parent", "enabled", "x", "y"};

static u32 length_of(const char *s) {
    u32 length = 0;
    while (s[length]) length++;
    return length;
}

static void generate(struct writer *w, u64 *random, u32 depth) {
    u32 kind = random_below(random, depth == 0 ? 5 : 10);
    if (depth == DEPTH) kind = 9;
    if (w->at - text > (i32)sizeof text / 2) kind = 0;
    switch (kind) {
        case 0: put(w, "null"); break;
        case 1: put(w, random_below(random, 2) ? "true" : "false"); break;
        case 2: put_number(w, (i64)next_random(random) >> 12); break;
        case 3: put_number(w, (i64)random_below(random, 2000) * 1000000 - 500000000); break;
        case 4: {
            const char *word = words[random_below(random, LENGTH(words))];
            put_string(w, word, length_of(word));
            break;
        }
        case 5:
        case 6: {
            put(w, "[");
            for (u32 i = random_below(random, 7); i > 0; i--) {
                generate(w, random, depth - 1);
                if (i > 1) put(w, ", ");
            }
            put(w, "]");
            break;
        }
        default: {
            put(w, "{\n");
            for (u32 i = 1 + random_below(random, 6); i > 0; i--) {
                const char *key = keys[random_below(random, LENGTH(keys))];
                put_string(w, key, length_of(key));
                put(w, ": ");
                generate(w, random, depth - 1);
                put(w, i > 1 ? ",\n" : "\n");
            }
            put(w, "}");
        }
    }
}

struct parser {
    const char *at, *end;
    i32 failed;
};

static void skip_space(struct parser *p) {
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\n' || *p->at == '\t' || *p->at == '\r')) p->at++;
}

static i32 accept(struct parser *p, char c) {
    skip_space(p);
    if (p->at == p->end || *p->at != c) return 0;
    p->at++;
    return 1;
}

static i32 keyword(struct parser *p, const char *word) {
    for (; *word; word++)
        if (p->at == p->end || *p->at++ != *word) return p->failed = 1, 0;
    return 1;
}

static u32 digit_value(char c) {
    return c >= '0' && c <= '9' ? (u32)(c - '0') : ((u32)c | 32) - 'a' + 10;
}

static const char *parse_string(struct parser *p, u32 *length) {
    char *start = strings + string_length, *to = start;
    while (p->at < p->end && *p->at != '"') {
        char c = *p->at++;
        if (c == '\\') {
            switch (c = *p->at++) {
                case 'n': c = '\n'; break;
                case 't': c = '\t'; break;
                case 'u':
                    c = (char)(digit_value(p->at[2]) * 16 + digit_value(p->at[3]));
                    p->at += 4;
                    break;
                case '"':
                case '\\': break;
                default: p->failed = 1;
            }
        }
        *to++ = c;
    }
    if (!accept(p, '"')) p->failed = 1;
    *length = (u32)(to - start);
    string_length += *length;
    return start;
}

static i64 parse_number(struct parser *p) {
    i32 negative = accept(p, '-');
    i64 value = 0, unit = 1000000;
    for (; p->at < p->end && *p->at >= '0' && *p->at <= '9'; p->at++) value = value * 10 + (*p->at - '0') * 1000000ll;
    if (p->at < p->end && *p->at == '.')
        for (p->at++; p->at < p->end && *p->at >= '0' && *p->at <= '9'; p->at++) value += (*p->at - '0') * (unit /= 10);
    return negative ? -value : value;
}

static NOINLINE struct node *parse(struct parser *p) {
    struct node *node = &nodes[node_count++];
    *node = (struct node){0};
    skip_space(p);
    if (p->failed || p->at == p->end || node_count == LENGTH(nodes)) return p->failed = 1, node;
    switch (*p->at) {
        case 'n': keyword(p, "null"); break;
        case 't': node->kind = TRUE, keyword(p, "true"); break;
        case 'f': node->kind = FALSE, keyword(p, "false"); break;
        case '"':
            p->at++;
            node->kind = STRING;
            node->text = parse_string(p, &node->length);
            break;
        case '[':
        case '{': {
            node->kind = *p->at == '{' ? OBJECT : LIST;
            char end = *p->at++ == '{' ? '}' : ']';
            struct node **tail = &node->first;
            if (accept(p, end)) break;
            do {
                const char *name = NULL;
                u32 name_length = 0;
                if (node->kind == OBJECT) {
                    if (!accept(p, '"')) return p->failed = 1, node;
                    name = parse_string(p, &name_length);
                    if (!accept(p, ':')) return p->failed = 1, node;
                }
                struct node *member = parse(p);
                member->name = name;
                member->name_length = name_length;
                *tail = member;
                tail = &member->next;
                node->length++;
            } while (!p->failed && accept(p, ','));
            if (!accept(p, end)) p->failed = 1;
            break;
        }
        default: node->kind = NUMBER, node->number = parse_number(p);
    }
    return node;
}

static void write(struct writer *w, const struct node *node) {
    switch (node->kind) {
        case NOTHING: put(w, "null"); break;
        case FALSE: put(w, "false"); break;
        case TRUE: put(w, "true"); break;
        case NUMBER: put_number(w, node->number); break;
        case STRING: put_string(w, node->text, node->length); break;
        case LIST:
        case OBJECT:
            put(w, node->kind == LIST ? "[" : "{");
            for (const struct node *member = node->first; member; member = member->next) {
                if (node->kind == OBJECT) put_string(w, member->name, member->name_length), put(w, ":");
                write(w, member);
                if (member->next) put(w, ",");
            }
            put(w, node->kind == LIST ? "]" : "}");
    }
}

static const struct node *member_of(const struct node *object, const char *name) {
    u32 length = length_of(name);
    for (const struct node *member = object->first; member; member = member->next) {
        u32 i = 0;
        if (member->name_length != length) continue;
        while (i < length && member->name[i] == name[i]) i++;
        if (i == length) return member;
    }
    return NULL;
}

// Visits the tree: sums numbers, looks members up by name, drops every third empty container.
static u64 visit(struct node *node, u32 depth) {
    u64 sum = (u64)node->kind * 31 + depth;
    if (node->kind == NUMBER) return fold(sum, (u64)node->number);
    if (node->kind == STRING) {
        for (u32 i = 0; i < node->length; i++) sum = sum * 33 + (u8)node->text[i];
        return sum;
    }
    if (node->kind == OBJECT) {
        const struct node *found = member_of(node, keys[depth % LENGTH(keys)]);
        if (found) sum = fold(sum, found->kind);
    }
    for (struct node **member = &node->first; *member; member = &(*member)->next) {
        sum = fold(sum, visit(*member, depth + 1));
        if ((*member)->kind >= LIST && (*member)->length == 0 && node->length % 3 == 0) {
            *member = (*member)->next;
            node->length--;
            if (!*member) break;
        }
    }
    return sum;
}

i64 run(i32 n) {
    u64 random = 11, sum = 0;
    for (i32 round = 0; round < n; round++) {
        struct writer w = {text};
        generate(&w, &random, DEPTH);
        struct parser p = {text, w.at, 0};
        node_count = string_length = 0;
        struct node *root = parse(&p);
        if (p.failed) return -1 - round;
        sum = fold(sum, visit(root, 0));
        struct writer second = {again};
        write(&second, root);
        for (const char *c = again; c < second.at; c++) sum = sum * 31 + (u8)*c;
        sum = fold(sum, node_count);
    }
    return (i64)sum;
}
