/* temp_file.c - files that tests read back through the program: written whole, named by the system, removed at once when the test ends. */
#include "support/temp_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct temp_file temp_file_make(const char *text, size_t length)
{
    struct temp_file file = {"/tmp/pagesim-test-XXXXXX"};
    int descriptor = mkstemp(file.path);
    FILE *stream = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    if (!stream || fwrite(text, 1, length, stream) != length || fclose(stream) != 0)
        abort();
    return file;
}

void temp_file_remove(const struct temp_file *file)
{
    unlink(file->path);
}
