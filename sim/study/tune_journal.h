/* tune_journal.h - a journal.h whose lines are replays of a tuning.
 *
 *     {"pagesim_tune":1,"version":"0.1.0","combinations":432,"trace":"9c3f...","tune":"04ab..."}
 *     {"point":17,"load":1.47412,"seed":0,"passes":true,"running":60,"step_tokens":8192,"used_blocks":2210,"preemptions":0,"checksum":"8d02..."}
 *
 * A search is a function of what its replays say. So it is not the search that is kept: one that is resumed asks for the same replays in the
 * same order, and is told at once of those that are here. It counts them as replays, and its report is the same to the last byte.
 *
 * Lines are named by what was replayed, not by what it was for. So a search with another --most, --replicates or --rate-tolerance goes on with
 * the same journal. What was replayed in full for the report (tune_detail.h) is not kept, but done again.
 */
#ifndef PAGESIM_TUNE_JOURNAL_H
#define PAGESIM_TUNE_JOURNAL_H

#include "study/journal.h"
#include "study/tune_question.h"

/* What one replay was of. */
struct tune_replayed {
    size_t point;
    struct tune_clock clock;
    double load;
    uint64_t seed;
};

struct tune_kept {
    struct tune_replayed what;
    struct tune_trial trial; /* without candidate and rung */
};

/* Zero it first. */
struct tune_journal {
    struct journal file;
    size_t points;
    struct tune_kept *list; /* what was there when it was opened, sorted; owned */
    size_t count, capacity;
};

/* journal_open for this question, whose plan and load are there. */
SIM_NODISCARD enum status tune_journal_open(struct tune_journal *journal, const char *path, const struct tune_question *question,
                                            struct diag *diag);
/* None is fine. */
void tune_journal_close(struct tune_journal *journal);

/* Set what a replay said, if it is there. Any thread. */
bool tune_journal_find(const struct tune_journal *journal, const struct tune_replayed *what, struct tune_trial *trial);
/* Any thread. It is on the disk after the next journal_sync. */
SIM_NODISCARD enum status tune_journal_add(struct tune_journal *journal, const struct tune_replayed *what, const struct tune_trial *trial,
                                           struct diag *diag);

/* One line, and back: for tests, too. */
void tune_kept_write(const struct tune_kept *kept, struct json_text *json);
SIM_NODISCARD enum status tune_kept_read(const char *file, size_t line, const char *text, size_t length, size_t points,
                                         struct tune_kept *out, struct diag *diag);

#endif
