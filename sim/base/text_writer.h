/* text_writer.h - whole files out: a reader never sees half a file, and a failure leaves the old one.
 *
 * Text goes to a temporary file next to the target, which takes the target's name only when everything is on disk. The target keeps its
 * mode and owner, and a symbolic link stays a link: the file at the end of the links is the target, also one that is not there yet.
 * "-" is standard output. Standard output, devices, pipes and what lies below /proc or /dev/fd are written in place.
 */
#ifndef PAGESIM_TEXT_WRITER_H
#define PAGESIM_TEXT_WRITER_H

#include <stddef.h>

#include "base/diag.h"

struct text_writer;
/* Create the temporary file next to the target of `path`. SIM_FAILED when that cannot be done, or when the target may not be written. The
 * caller ends it with commit or discard. */
SIM_NODISCARD enum status text_writer_open(const char *path, struct text_writer **out, struct diag *diag);
/* Append; buffered. SIM_FAILED on a full disk and the like; without a text when the reader of a pipe has gone. */
SIM_NODISCARD enum status text_writer_write(struct text_writer *writer, const char *text, size_t length, struct diag *diag);
/* Flush, sync and rename; frees the writer either way. */
SIM_NODISCARD enum status text_writer_commit(struct text_writer *writer, struct diag *diag);
/* Drop what was written; frees the writer. NULL is fine. What went to standard output stays there. */
void text_writer_discard(struct text_writer *writer);

/* All of it: a file of this text, whole or not at all. */
SIM_NODISCARD enum status text_writer_write_file(const char *path, const char *text, size_t length, struct diag *diag);

/* Remove the temporary files of all writers that are open. For handlers of signals, and before the process ends at once: nothing else may be
 * done with a writer after it. */
void text_writer_abandon_all(void);

/* Whether both names lead to one file, through links and other spellings, also when it is not there yet. Not for "-". */
bool text_writer_same_file(const char *one, const char *other);

#endif
