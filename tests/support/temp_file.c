/* temp_file.c - files that tests read back through the program: written whole, named by the system, removed at once when the test ends. */
#include "support/temp_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct temp_file temp_file_make_named(const char *text, size_t length, const char *ending)
{
    struct temp_file file;
    snprintf(file.path, sizeof file.path, "/tmp/pagesim-test-XXXXXX%s", ending);
    int descriptor = mkstemps(file.path, (int)strlen(ending));
    FILE *stream = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    if (!stream || fwrite(text, 1, length, stream) != length || fclose(stream) != 0)
        abort();
    return file;
}

struct temp_file temp_file_make(const char *text, size_t length)
{
    return temp_file_make_named(text, length, "");
}

void temp_file_remove(const struct temp_file *file)
{
    unlink(file->path);
}
