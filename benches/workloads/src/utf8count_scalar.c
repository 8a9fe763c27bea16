// Counts characters, lines, blanks and capitals in n KiB of UTF-8, one byte at a time.
#include "utf8count.h"

static NOINLINE Counts count(const u8 *bytes, u32 length) {
    Counts counts = {0};
    for (u32 i = 0; i < length; i++) {
        u8 byte = bytes[i];
        if ((byte & 0xc0) != 0x80)
            counts.characters++;
        if (byte == '\n')
            counts.lines++;
        if (byte == ' ' || byte == '\t')
            counts.blanks++;
        if (byte >= 'A' && byte <= 'Z')
            counts.capitals++;
    }
    return counts;
}
