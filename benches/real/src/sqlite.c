// A SQLite shell for the cases: runs the SQL on standard input against a database file and prints
// each row with its columns separated by `|`.

#include <stdio.h>
#include <stdlib.h>
#include "sqlite3.h"

static int row(void *unused, int columns, char **values, char **names) {
    (void)unused, (void)names;
    for (int i = 0; i < columns; i++)
        printf("%s%s", i ? "|" : "", values[i] ? values[i] : "NULL");
    putchar('\n');
    return 0;
}

static char *read_all(FILE *file) {
    size_t length = 0, capacity = 1 << 16;
    char *text = malloc(capacity + 1);
    for (size_t got; text && (got = fread(text + length, 1, capacity - length, file));) {
        length += got;
        if (length == capacity)
            text = realloc(text, (capacity *= 2) + 1);
    }
    if (text)
        text[length] = 0;
    return text;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: sqlite DATABASE <SQL\n");
        return 2;
    }
    sqlite3 *db;
    if (sqlite3_open(argv[1], &db) != SQLITE_OK) {
        fprintf(stderr, "sqlite: %s: %s\n", argv[1], sqlite3_errmsg(db));
        return 1;
    }
    char *sql = read_all(stdin), *error = NULL;
    int status = sql ? sqlite3_exec(db, sql, row, NULL, &error) : SQLITE_NOMEM;
    if (status != SQLITE_OK)
        fprintf(stderr, "sqlite: %s\n", error ? error : "out of memory");
    sqlite3_close(db);
    return status != SQLITE_OK;
}
