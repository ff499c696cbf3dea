/* sweep_journal.h - a journal.h whose lines are runs of a sweep.
 *
 * A line is synced to the disk before its run counts as kept. A run whose line lacks a figure that is wished for now (a percentile) is done
 * again.
 *
 * A line is also how a result comes from another process: it writes sweep_journal_line, and whoever holds the journal takes it. A journal of
 * some of the runs (`--shard`) is a journal like another; sweep_journal_merge puts several together.
 */
#ifndef PAGESIM_SWEEP_JOURNAL_H
#define PAGESIM_SWEEP_JOURNAL_H

#include "study/journal.h"
#include "study/sweep_result.h"

struct sweep_identity {
    uint64_t trace; /* fingerprint of all requests */
    uint64_t sweep; /* of all points' configurations and the files that they name */
};

/* journal_open, with the runs that are there in `result`. *resumed: how many need not be done again. */
SIM_NODISCARD enum status sweep_journal_open(struct journal *journal, const char *path, const struct sweep_identity *identity,
                                             struct sweep_result *result, size_t *resumed, struct diag *diag);

/* Add the runs of the finished journal `path` to those of `result`. Errors are those of journal_read, or it has a run that `result` has
 * already. */
SIM_NODISCARD enum status sweep_journal_merge(const char *path, const struct sweep_identity *identity, struct sweep_result *result,
                                              struct diag *diag);

/* Run `index` as a line, without its end. */
void sweep_journal_line(const struct sweep_identity *identity, const struct sweep_result *result, size_t index, struct json_text *line);
/* Fill a row of `result` from a line that another process wrote (`from`, for messages). SIM_BAD_INPUT: it is not whole. */
SIM_NODISCARD enum status sweep_journal_take(const struct sweep_identity *identity, const char *from, const char *line, size_t length,
                                             struct sweep_result *result, struct diag *diag);

/* Append run `index`. Appends of several threads must take turns. */
SIM_NODISCARD enum status sweep_journal_append(struct journal *journal, const struct sweep_result *result, size_t index, struct diag *diag);
/* Append what sweep_journal_line wrote. */
SIM_NODISCARD enum status sweep_journal_append_line(struct journal *journal, const char *line, size_t length, struct diag *diag);

#endif
