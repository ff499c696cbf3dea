/* journal.h - results of a long study on disk as they come, so that one that was killed goes on where it was.
 *
 *     {"pagesim_sweep":3,"version":"0.1.0","runs":180,"trace":"9c3f...","sweep":"04ab..."}
 *     {"run":17,"state":"done","figures":{"requests":19366,...},"checksum":"8d02..."}
 *     {"run":3,"state":"done",...                                       <- torn: dropped, and its run is done again
 *
 * A line is appended in one write. Lines stand in the order in which results came; whoever reads them puts them in order, so that the
 * final output does not depend on it. A journal of another version, trace or plan is refused. A line that was changed since does not match
 * its checksum: it is told and not used. One process at a time holds a journal (a lock on the file). What a line says is the study's own
 * affair: sweep_journal.h, tune_journal.h.
 */
#ifndef PAGESIM_JOURNAL_H
#define PAGESIM_JOURNAL_H

#include "base/json.h"
#include "base/line.h"

/* What a journal must have been made of to be gone on with. Texts are constants. */
struct journal_identity {
    const char *study;   /* "sweep", as in the first line */
    const char *name;    /* "a sweep" */
    uint32_t version;    /* of what its lines say */
    const char *counted; /* "runs": what `count` counts */
    const char *plans;   /* "points": what is another in another plan, for messages */
    uint64_t trace;      /* fingerprint of all requests */
    uint64_t plan;       /* of all that is to be replayed, and of the files that it names */
    size_t count;
};

/* An open file, or zeroed: none. */
struct journal {
    const char *path; /* borrowed; NULL: none */
    int descriptor;
    struct journal_identity identity;
    bool part;                           /* read to be merged */
    size_t changed_lines, first_changed; /* that did not match their checksums when it was opened; number of the first, from 1 */
};

/* Keep what a line says: the text of one JSON object, its checksum included. Errors name `path` and `line`. */
typedef enum status journal_take(void *context, const char *path, size_t line, const char *text, size_t length, struct diag *diag);

/* Open or create `path`, check that it belongs to this study, and give its lines to `take`. SIM_BAD_INPUT: it is of something else.
 * SIM_FAILED: it cannot be written, or is in use. *journal is none then; else it is ended with journal_close. */
SIM_NODISCARD enum status journal_open(struct journal *journal, const char *path, const struct journal_identity *identity,
                                       journal_take *take, void *context, struct diag *diag);

/* The lines of a finished journal; the file stays as it is. SIM_BAD_INPUT: it is of something else, or has a line that was changed.
 * SIM_FAILED: it is in use, as its study goes on. */
SIM_NODISCARD enum status journal_read(const char *path, const struct journal_identity *identity, journal_take *take, void *context,
                                       struct diag *diag);

/* Add the checksum to an object that is closed. */
void journal_seal(const struct journal_identity *identity, struct json_text *line);
/* Does a line match it? */
bool journal_is_whole(const struct journal_identity *identity, const char *text, size_t length);

/* Append a sealed line, and end its text. Appends of several threads must take turns; sync need not. */
SIM_NODISCARD enum status journal_append(struct journal *journal, struct json_text *line, struct diag *diag);
/* What was appended is on the disk when this returns. Any thread. */
SIM_NODISCARD enum status journal_sync(struct journal *journal, struct diag *diag);

/* None is fine. */
void journal_close(struct journal *journal);

/* What is to be told of lines that were changed; "": nothing. `done_again`: "run". */
struct line journal_warning(const struct journal *journal, const char *done_again);

#endif
