/* temp_file.h - a file with given content, gone at the end of the test. */
#ifndef TESTS_TEMP_FILE_H
#define TESTS_TEMP_FILE_H

#include <stddef.h>

struct temp_file {
    char path[64];
};

/* Aborts when it cannot be written. */
struct temp_file temp_file_make(const char *text, size_t length);
/* With a name that ends so. */
struct temp_file temp_file_make_named(const char *text, size_t length, const char *ending);
void temp_file_remove(const struct temp_file *file);

#endif
