/* sweep_journal.h - the runs of a sweep on disk as they end, so that a sweep that was killed goes on where it was.
 *
 *     {"pagesim_sweep":3,"version":"0.1.0","runs":180,"trace":"9c3f...","sweep":"04ab..."}
 *     {"run":17,"state":"done","figures":{"requests":19366,...},"checksum":"8d02..."}
 *     {"run":3,"state":"done",...                                       <- torn: dropped, and its run is done again
 *
 * A line is appended in one write and synced to the disk before the run counts as kept. Lines stand in the order in which runs ended;
 * results are put in order of the plan, so the final output does not depend on it. A journal of another version, trace or sweep is refused.
 * A line that was changed since does not match its checksum: it is told and not used, so that its run is done again.
 * A run whose line lacks a figure that is wished for now (a percentile) is done again. One process at a time holds a journal (a lock on the file).
 *
 * A line is also how a result comes from another process: it writes sweep_journal_line, and whoever holds the journal takes it. A journal of
 * some of the runs (`--shard`) is a journal like another; sweep_journal_merge puts several together.
 */
#ifndef PAGESIM_SWEEP_JOURNAL_H
#define PAGESIM_SWEEP_JOURNAL_H

#include "study/sweep_result.h"

/* What a journal must have been made of to be gone on with. */
struct sweep_identity {
    uint64_t trace; /* fingerprint of all requests */
    uint64_t sweep; /* of all points' configurations and the files that they name */
};

/* An open file, or zeroed: none. */
struct sweep_journal {
    const char *path; /* borrowed; NULL: none */
    int descriptor;
    struct sweep_identity identity;
    bool part;                           /* read to be merged */
    size_t changed_lines, first_changed; /* that did not match their checksums when it was opened; number of the first, from 1 */
};

/* Open or create `path`, check that it belongs to this sweep, and fill `result` with its runs. *resumed: how many need not be done again.
 * SIM_BAD_INPUT: it is of something else. SIM_FAILED: it cannot be written, or is in use. *journal is none
 * then; else it is ended with sweep_journal_close. */
SIM_NODISCARD enum status sweep_journal_open(struct sweep_journal *journal, const char *path, const struct sweep_identity *identity,
                                             struct sweep_result *result, size_t *resumed, struct diag *diag);

/* Add the runs of the finished journal `path` to those of `result`; the file stays as it is. SIM_BAD_INPUT: it is of something else, has a line
 * that was changed, or a run that `result` has already. SIM_FAILED: it is in use, as its sweep goes on. */
SIM_NODISCARD enum status sweep_journal_merge(const char *path, const struct sweep_identity *identity, struct sweep_result *result,
                                              struct diag *diag);

/* Run `index` as a line, without its end. */
void sweep_journal_line(const struct sweep_identity *identity, const struct sweep_result *result, size_t index, struct json_text *line);
/* Fill a row of `result` from a line that another process wrote (`from`, for messages). SIM_BAD_INPUT: it is not whole. */
SIM_NODISCARD enum status sweep_journal_take(const struct sweep_identity *identity, const char *from, const char *line, size_t length,
                                             struct sweep_result *result, struct diag *diag);

/* Append run `index`. Appends of several threads must take turns; sync need not. */
SIM_NODISCARD enum status sweep_journal_append(struct sweep_journal *journal, const struct sweep_result *result, size_t index,
                                               struct diag *diag);
/* Append what sweep_journal_line wrote. */
SIM_NODISCARD enum status sweep_journal_append_line(struct sweep_journal *journal, const char *line, size_t length, struct diag *diag);
/* What was appended is on the disk when this returns. Any thread. */
SIM_NODISCARD enum status sweep_journal_sync(struct sweep_journal *journal, struct diag *diag);

/* None is fine. */
void sweep_journal_close(struct sweep_journal *journal);

#endif
