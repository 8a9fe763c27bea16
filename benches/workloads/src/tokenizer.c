// A tokenizer for a C-like language over generated source text, then a protocol machine with many states: large
// dense switches inside loops.
#include "common.h"

enum token { IDENTIFIER, KEYWORD, INTEGER, HEX, FLOAT, TEXT, LETTER, OPERATOR, COMMENT, BRACKET, ERROR, TOKENS };

static char source[1 << 13];
static u32 counts[TOKENS];

static const char *const fragments[] = {
    "while (x1 <= 0x1F) { ", "return total_sum;\n",     "/* a comment * with ** stars */ ", "// to the end\n",
    "\"text \\\"and\\\" more\" ", "'c' '\\n' ",         "3.14e-10 ",                        "a->b.c[10] += y << 3; ",
    "if (!(p && *p == 'q')) ", "else goto label_2;\n",  "int i = 0, j = 42; ",              "for (;;) { break; }\n",
    "struct node *next; ",    "x = y > z ? z : y--; ", "~m ^ n | o % 7 ",                   "@ ` # ",
};

static u32 generate(u64 *random) {
    u32 length = 0;
    while (length < sizeof source - 64) {
        const char *fragment = fragments[random_below(random, LENGTH(fragments))];
        while (*fragment) source[length++] = *fragment++;
    }
    source[length] = 0;
    return length;
}

static i32 is_keyword(const char *word, u32 length) {
    switch (length) {
        case 2: return word[0] == 'i' && word[1] == 'f';
        case 3: return (word[0] == 'i' && word[1] == 'n' && word[2] == 't') || (word[0] == 'f' && word[2] == 'r');
        case 4: return (word[0] == 'e' && word[3] == 'e') || (word[0] == 'g' && word[3] == 'o');
        case 5: return (word[0] == 'w' && word[4] == 'e') || (word[0] == 'b' && word[4] == 'k');
        case 6: return (word[0] == 'r' && word[5] == 'n') || (word[0] == 's' && word[5] == 't');
        default: return 0;
    }
}

static inline i32 is_digit(char c) { return c >= '0' && c <= '9'; }
static inline i32 is_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c);
}

static NOINLINE enum token next_token(const char **from) {
    const char *c = *from;
    enum token token;
    switch (*c++) {
        case '_':
        case 'a' ... 'z':
        case 'A' ... 'Z':
            while (is_name(*c)) c++;
            token = is_keyword(*from, (u32)(c - *from)) ? KEYWORD : IDENTIFIER;
            break;
        case '0':
            if (*c == 'x') {
                for (c++; is_digit(*c) || (*c >= 'A' && *c <= 'F') || (*c >= 'a' && *c <= 'f'); c++);
                token = HEX;
                break;
            }
            __attribute__((fallthrough));
        case '1' ... '9':
            token = INTEGER;
            while (is_digit(*c)) c++;
            if (*c == '.') {
                token = FLOAT;
                for (c++; is_digit(*c); c++);
            }
            if (*c == 'e' || *c == 'E') {
                token = FLOAT;
                if (*++c == '-' || *c == '+') c++;
                while (is_digit(*c)) c++;
            }
            break;
        case '"':
        case '\'':
            for (; *c && *c != **from; c++)
                if (*c == '\\') c++;
            token = **from == '"' ? TEXT : LETTER;
            if (*c) c++;
            else token = ERROR;
            break;
        case '/':
            if (*c == '/') {
                while (*c && *c != '\n') c++;
                token = COMMENT;
            } else if (*c == '*') {
                for (c++; *c && !(c[0] == '*' && c[1] == '/'); c++);
                if (*c) c += 2;
                token = COMMENT;
            } else {
                token = OPERATOR;
            }
            break;
        case '(':
        case ')':
        case '[':
        case ']':
        case '{':
        case '}': token = BRACKET; break;
        case '<':
        case '>':
            if (*c == c[-1]) c++;
            if (*c == '=') c++;
            token = OPERATOR;
            break;
        case '&':
        case '|':
        case '+':
            if (*c == c[-1] || *c == '=') c++;
            token = OPERATOR;
            break;
        case '-':
            if (*c == '-' || *c == '=' || *c == '>') c++;
            token = OPERATOR;
            break;
        case '=':
        case '!':
        case '*':
        case '%':
        case '^':
            if (*c == '=') c++;
            token = OPERATOR;
            break;
        case '~':
        case '?':
        case ':':
        case ';':
        case ',':
        case '.': token = OPERATOR; break;
        default: token = ERROR;
    }
    *from = c;
    return token;
}

static NOINLINE u64 tokenize(void) {
    u64 sum = 0;
    for (const char *c = source; *c;) {
        if (*c == ' ' || *c == '\n') {
            c++;
            continue;
        }
        const char *from = c;
        enum token token = next_token(&c);
        counts[token]++;
        sum = sum * 1000003 + (u64)token * 64 + (u64)(c - from);
    }
    return sum;
}

// Sessions of a made-up protocol: a state and an event give, by a dense switch, an action and the next state.
static NOINLINE u64 sessions(u32 events, u64 *random) {
    u32 state = 0, retries = 0, window = 1, bytes = 0, resets = 0, timer = 0;
    u64 sum = 0, bits = 0;
    for (u32 i = 0; i < events; i++, bits >>= 3) {
        if (i % 20 == 0) bits = next_random(random);
        switch (state * 8 + (u32)(bits & 7)) {
            case 0: state = 1, timer = 3; break;
            case 1: state = 2, timer = 5; break;
            case 2: case 3: timer++; break;
            case 4: state = 5, bytes += 11; break;
            case 5: case 6: case 7: resets++; break;
            case 8: case 9: state = 3, retries = 0; break;
            case 10: retries++, state = retries > 3 ? 0 : 1; break;
            case 11: state = 2, window = 2; break;
            case 12: state = 0, resets += 2; break;
            case 13: timer = timer * 2 & 255; break;
            case 14: state = 4, bytes ^= timer; break;
            case 15: state = 6; break;
            case 16: state = 3, window *= 2; break;
            case 17: state = 3, window += 1; break;
            case 18: bytes += window * 3; break;
            case 19: bytes -= retries; break;
            case 20: case 21: state = 4, timer = bytes & 7; break;
            case 22: state = 0, retries++; break;
            case 23: state = 7, sum += bytes; break;
            case 24: case 25: case 26: case 27: bytes += window, timer = 0; break;
            case 28: window = window < 64 ? window * 2 : 64; break;
            case 29: window = window / 2 + 1, retries++; break;
            case 30: state = 5; break;
            case 31: state = 6, sum = fold(sum, bytes); break;
            case 32: state = timer & 1 ? 3 : 5; break;
            case 33: state = 3, bytes += 100; break;
            case 34: case 35: timer += 7; break;
            case 36: state = 2, resets ^= 1; break;
            case 37: sum += (u64)timer * window; break;
            case 38: state = 7; break;
            case 39: state = 1, window = 1; break;
            case 40: state = 6, timer = 9; break;
            case 41: bytes = bytes << 1 | bytes >> 31; break;
            case 42: case 44: state = 3; break;
            case 43: state = 4, retries = timer & 3; break;
            case 45: sum = fold(sum, retries * 16 + state); break;
            case 46: state = 0; break;
            case 47: timer -= window; break;
            case 48: case 49: case 50: state = 7, sum += resets; break;
            case 51: state = 0, bytes = 0; break;
            case 52: window ^= 5; break;
            case 53: state = 5, window |= 1; break;
            case 54: state = 3, resets++; break;
            case 55: sum ^= (u64)bytes << 17; break;
            case 56: case 57: case 58: case 59: state = 0, sum = fold(sum, bytes + resets); break;
            case 60: state = 1; break;
            case 61: state = 2, retries = 0; break;
            case 62: state = 4, timer = 1; break;
            default: bytes += i & 15;
        }
    }
    return fold(sum, (u64)bytes << 32 | (window ^ timer << 8 ^ state << 24));
}

i64 run(i32 n) {
    u64 random = 31, sum = 0;
    for (u32 i = 0; i < TOKENS; i++) counts[i] = 0;
    for (i32 round = 0; round < n; round++) {
        if (round % 8 == 0) generate(&random);
        sum = fold(sum, tokenize());
        sum = fold(sum, sessions(4000, &random));
    }
    for (u32 i = 0; i < TOKENS; i++) sum = fold(sum, counts[i]);
    return (i64)sum;
}
