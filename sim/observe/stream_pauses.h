/* stream_pauses.h - when clients get tokens from a front end that stands still now and then, while the engine goes on.
 *
 * The process that streams tokens to clients is not the engine. Where it is Python, its full garbage collections stop it. Tokens of steps
 * that end meanwhile wait, and then all go out:
 *
 *     steps end     |    |    |    |    |    |    |          the third step brings a pause
 *     front end     .    .    ===========.    .    .          and it stands still for pause_ns
 *     clients get   |    |               |||  |    |          one long gap, then short ones; nobody ends later than that
 *
 * Nothing of it reaches the engine: decisions, steps and blocks stay as they are.
 *
 * When: a full collection is due once enough objects have survived the quick ones, and of a step's objects the more survive the more there
 * are at once. So each token counts as many times as tokens go out with it: a step of n tokens adds n^2, its pairs, and the pause comes at
 * every_pairs. This held in two runs of vLLM 0.6.3, and neither time nor plain tokens did (doc/step_time.md, "The longest gaps").
 *
 * Feed it with the runs of steps of one replay; then it says of any time up to the newest step's end when a token of that time went out.
 */
#ifndef PAGESIM_STREAM_PAUSES_H
#define PAGESIM_STREAM_PAUSES_H

#include <stdbool.h>

#include "base/diag.h"
#include "engine/step.h"

/* Tokens of [from_ns, until_ns) go out at until_ns, but for those of a later pause that begins meanwhile. */
struct stream_pause {
    int64_t from_ns, until_ns;
};

struct stream_pauses {
    int64_t pause_ns; /* 0: it never stands still */
    uint64_t every_pairs;
    uint64_t pairs;              /* since the last pause began */
    struct stream_pause *pauses; /* in order of both of their times */
    size_t count, capacity;
};

/* As step_time.pause_ns and pause_every_pairs say. */
void stream_pauses_init(struct stream_pauses *pauses, const struct step_time_config *config);
void stream_pauses_deinit(struct stream_pauses *pauses);
static inline bool stream_pauses_any(const struct stream_pauses *pauses)
{
    return pauses->pause_ns > 0;
}

/* The next run of steps has ended. O(1) unless a pause begins in it, then O(steps). */
SIM_NODISCARD enum status stream_pauses_note(struct stream_pauses *pauses, const struct step_run *run, struct diag *diag);

/* The same of a single step. */
SIM_NODISCARD enum status stream_pauses_note_step(struct stream_pauses *pauses, int64_t end_ns, uint32_t tokens, struct diag *diag);

/* When a token of a step that ended at time_ns went out; a time below 0, which means never, stays. O(log pauses). */
int64_t stream_pauses_out(const struct stream_pauses *pauses, int64_t time_ns);

/* Does a token of [from_ns, to_ns] wait? */
bool stream_pauses_touch(const struct stream_pauses *pauses, int64_t from_ns, int64_t to_ns);

#endif
