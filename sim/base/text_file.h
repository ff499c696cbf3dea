/* text_file.h - whole files in (text_writer.h: out).
 *
 * Reading maps the file (standard input and pipes are read into memory). TEXT_FILE_SLACK bytes after the text may be read as well, so that
 * parsers need not ask for the end before every byte; they are zero unless somebody writes to the file at the same time. "-" is standard input.
 */
#ifndef PAGESIM_TEXT_FILE_H
#define PAGESIM_TEXT_FILE_H

#include <stddef.h>

#include "base/diag.h"

enum { TEXT_FILE_SLACK = 64 };

struct text_file {
    const char *text; /* `length` bytes and the slack */
    size_t length;
    size_t mapped_bytes; /* 0: in memory of our own */
};

/* SIM_BAD_INPUT names the path: cannot be opened, is a directory, cannot be read. An empty file is fine here. */
SIM_NODISCARD enum status text_file_open(const char *path, struct text_file *file, struct diag *diag);
void text_file_close(struct text_file *file);

#endif
