/* archive_library.h - libarchive, loaded when the first compressed file is met. archive.h describes the functions.
 *
 * Linked in the ordinary way it would cost every start of the program two milliseconds, a fifth of a replay of a real trace: libarchive
 * brings an XML parser and Unicode tables with it. So its header is needed to build, the library itself only to read compressed files.
 */
#ifndef PAGESIM_ARCHIVE_LIBRARY_H
#define PAGESIM_ARCHIVE_LIBRARY_H

#include <archive.h>
#include <archive_entry.h>

#include "base/diag.h"

/* The functions in use. */
#define ARCHIVE_FUNCTIONS(X)                                                                                                               \
    X(archive_read_new)                                                                                                                    \
    X(archive_read_free)                                                                                                                   \
    X(archive_read_append_filter)                                                                                                          \
    X(archive_read_support_format_raw)                                                                                                     \
    X(archive_read_support_format_empty)                                                                                                   \
    X(archive_read_support_format_tar)                                                                                                     \
    X(archive_read_open)                                                                                                                   \
    X(archive_read_next_header)                                                                                                            \
    X(archive_read_data)                                                                                                                   \
    X(archive_errno)                                                                                                                       \
    X(archive_error_string)                                                                                                                \
    X(archive_set_error)                                                                                                                   \
    X(archive_entry_pathname)                                                                                                              \
    X(archive_entry_filetype)

struct archive_library {
#define ARCHIVE_MEMBER(function) __typeof__(function) *(function);
    ARCHIVE_FUNCTIONS(ARCHIVE_MEMBER)
#undef ARCHIVE_MEMBER
};

/* The library, the same for all threads, for the rest of the process. SIM_FAILED: it is not installed, or lacks a function. */
SIM_NODISCARD enum status archive_library_get(const struct archive_library **out, struct diag *diag);

#endif
