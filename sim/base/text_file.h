/* text_file.h - whole files in (text_writer.h: out).
 *
 * Reading unpacks gzip, bzip2, xz, zstd and a tar with one file, known by their first bytes, and skips a byte order mark, so that lines and
 * columns in messages are those of the text. TEXT_FILE_SLACK bytes after the text may be read as well, so that parsers need not ask for the
 * end before every byte; they are zero after the last text of a file. A large file can be taken in windows of whole lines:
 *
 *     memory  [ window: whole lines .................. | the beginning of a line ]     text_file_next moves that to the front and
 *             text                         text + length                               reads on after it
 *
 * "-" is standard input, "<name>" may be a text of the host's (host.h).
 */
#ifndef PAGESIM_TEXT_FILE_H
#define PAGESIM_TEXT_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"

enum { TEXT_FILE_SLACK = 64 };

struct byte_source;

struct text_file {
    const char *text; /* `length` bytes and the slack; of the file or of this window */
    size_t length;
    bool ended;  /* nothing comes after it */
    size_t keep; /* of the first window so many bytes stay where they are until the file is closed; the caller sets it: a header */
    /* The rest is text_file.c's. */
    struct byte_source *source;
    char *memory, *first;  /* of this window; of the first one where it is kept apart */
    size_t capacity, held; /* of `memory`; how much of it is filled */
    size_t window;         /* bytes that a window should have at least */
    size_t size;           /* of the file, where that is known before; else 0 */
};

/* The whole file. SIM_BAD_INPUT names the path: cannot be opened, is a directory, cannot be read, became shorter meanwhile, is a damaged
 * archive or one without exactly one file; SIM_FAILED: out of memory. An empty file is fine here. The caller ends it with close. */
SIM_NODISCARD enum status text_file_open(const char *path, struct text_file *file, struct diag *diag);

/* The same for `length` bytes of memory, which are copied; `name` is what messages call them. */
SIM_NODISCARD enum status text_file_open_memory(const char *name, const char *text, size_t length, struct text_file *file,
                                                struct diag *diag);

/* Every byte of the file as it is: neither unpacked nor without its mark. For files of our own in which places count. */
SIM_NODISCARD enum status text_file_open_as_it_is(const char *path, struct text_file *file, struct diag *diag);

/* About `window` bytes, >= 1, in whole lines; more where a line is longer. Errors as above, also later in the file: then the text is gone
 * and the caller closes. */
SIM_NODISCARD enum status text_file_open_window(const char *path, size_t window, struct text_file *file, struct diag *diag);
/* The next window takes the place of this one; length 0 when the file ended with this one. */
SIM_NODISCARD enum status text_file_next(struct text_file *file, struct diag *diag);
/* Make the window go on to the end of the file. The text may move. */
SIM_NODISCARD enum status text_file_rest(struct text_file *file, struct diag *diag);

void text_file_close(struct text_file *file);

#endif
