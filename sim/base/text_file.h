/* text_file.h - whole files in, whole files out.
 *
 * Reading maps the file (standard input and pipes are read into memory). TEXT_FILE_SLACK bytes after the text may be read as well, so that
 * parsers need not ask for the end before every byte; they are zero unless somebody writes to the file at the same time. Writing goes to a
 * temporary file next to the target, which takes the target's name only when everything is on disk: a reader never sees half a file, and a
 * failure leaves the old one. "-" is standard input or standard output.
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

struct text_writer;
/* Create the temporary file next to `path`. SIM_FAILED when that cannot be done. The caller ends it with commit or discard. */
SIM_NODISCARD enum status text_writer_open(const char *path, struct text_writer **out, struct diag *diag);
/* Append; buffered. SIM_FAILED on a full disk, a closed pipe and the like. */
SIM_NODISCARD enum status text_writer_write(struct text_writer *writer, const char *text, size_t length, struct diag *diag);
/* Flush, sync and rename; frees the writer either way. */
SIM_NODISCARD enum status text_writer_commit(struct text_writer *writer, struct diag *diag);
/* Drop what was written; frees the writer. NULL is fine. What went to standard output stays there. */
void text_writer_discard(struct text_writer *writer);

#endif
