/* sweep_journal.c - rows of a sweep as lines of a journal. */
#include "study/sweep_journal.h"

enum { SWEEP_JOURNAL_VERSION = 3 };

static struct journal_identity identity_of(const struct sweep_identity *identity, size_t runs)
{
    return (struct journal_identity){.study = "sweep",
                                     .name = "a sweep",
                                     .version = SWEEP_JOURNAL_VERSION,
                                     .counted = "runs",
                                     .plans = "points",
                                     .trace = identity->trace,
                                     .plan = identity->sweep,
                                     .count = runs};
}

static enum status take_row(void *context, const char *path, size_t line, const char *text, size_t length, struct diag *diag)
{
    return sweep_row_read(context, path, line, text, length, diag);
}

enum status sweep_journal_open(struct journal *journal, const char *path, const struct sweep_identity *identity,
                               struct sweep_result *result, size_t *resumed, struct diag *diag)
{
    const struct journal_identity whose = identity_of(identity, result->count);
    enum status status = journal_open(journal, path, &whose, take_row, result, diag);
    *resumed = 0;
    for (size_t row = 0; row < result->count; row++) /* some lines may lack figures that are wanted now */
        *resumed += result->rows[row].state != SWEEP_PENDING;
    return status;
}

enum status sweep_journal_merge(const char *path, const struct sweep_identity *identity, struct sweep_result *result, struct diag *diag)
{
    const struct journal_identity whose = identity_of(identity, result->count);
    return journal_read(path, &whose, take_row, result, diag);
}

void sweep_journal_line(const struct sweep_identity *identity, const struct sweep_result *result, size_t index, struct json_text *line)
{
    const struct journal_identity whose = identity_of(identity, result->count);
    sweep_row_write(result, index, line);
    journal_seal(&whose, line);
}

enum status sweep_journal_take(const struct sweep_identity *identity, const char *from, const char *line, size_t length,
                               struct sweep_result *result, struct diag *diag)
{
    const struct journal_identity whose = identity_of(identity, result->count);
    if (!journal_is_whole(&whose, line, length))
        return diag_set(diag, SIM_BAD_INPUT, "%s: a run's line does not match its checksum", from);
    return sweep_row_read(result, from, 1, line, length, diag);
}

enum status sweep_journal_append(struct journal *journal, const struct sweep_result *result, size_t index, struct diag *diag)
{
    struct json_text json;
    json_text_init(&json, false);
    sweep_row_write(result, index, &json);
    journal_seal(&journal->identity, &json);
    return journal_append(journal, &json, diag);
}

/* A copy, for its end: a line is one write. */
enum status sweep_journal_append_line(struct journal *journal, const char *line, size_t length, struct diag *diag)
{
    struct json_text json;
    json_text_init(&json, false);
    json_append(&json, line, length);
    return journal_append(journal, &json, diag);
}
