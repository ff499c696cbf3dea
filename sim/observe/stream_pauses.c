/* stream_pauses.c - counts pairs of tokens until the next pause, and keeps the pauses as a list that bisection searches. Read stream_pauses.h first. */
#include "observe/stream_pauses.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/integers.h"

void stream_pauses_init(struct stream_pauses *pauses, const struct step_time_config *config)
{
    const bool any = config->pause_ns > 0 && config->pause_every_pairs > 0;
    *pauses = (struct stream_pauses){.pause_ns = any ? config->pause_ns : 0, .every_pairs = config->pause_every_pairs};
}

void stream_pauses_deinit(struct stream_pauses *pauses)
{
    free(pauses->pauses);
    *pauses = (struct stream_pauses){0};
}

/* A pause that falls due during another one comes right after it; who waited for that one alone does not wait for it. The clock's end is
 * the latest that there is. */
static enum status begin_pauses(struct stream_pauses *pauses, int64_t now_ns, uint64_t times, struct diag *diag)
{
    const int64_t start_ns = stream_pauses_out(pauses, now_ns);
    int64_t lasts_ns;
    if (__builtin_mul_overflow(pauses->pause_ns, times, &lasts_ns))
        lasts_ns = CLOCK_LAST_NS;
    const struct stream_pause pause = {now_ns, start_ns + min_i64(lasts_ns, CLOCK_LAST_NS - start_ns)};
    return array_append(&pauses->pauses, &pauses->count, &pauses->capacity, &pause, sizeof pause, "pauses", diag);
}

/* Who crosses the number brings the pause: the tokens of that step are the first that wait. */
enum status stream_pauses_note_step(struct stream_pauses *pauses, int64_t end_ns, uint32_t tokens, struct diag *diag)
{
    enum status status = SIM_OK;
    if (!stream_pauses_any(pauses))
        return SIM_OK;
    const step_sum pairs = pauses->pairs + (step_sum)tokens * tokens;
    if (pairs >= pauses->every_pairs)
        status = begin_pauses(pauses, end_ns, (uint64_t)(pairs / pauses->every_pairs), diag);
    pauses->pairs = (uint64_t)(pairs % pauses->every_pairs);
    return status;
}

enum status stream_pauses_note(struct stream_pauses *pauses, const struct step_run *run, struct diag *diag)
{
    const uint32_t tokens = run->first.sampled_tokens;
    const step_sum pairs = pauses->pairs + (step_sum)tokens * tokens * run->steps;
    int64_t end_ns = run->first.start_ns, duration_ns = run->first.duration_ns;
    enum status status = SIM_OK;
    if (!stream_pauses_any(pauses) || tokens == 0)
        return SIM_OK;
    if (pairs < pauses->every_pairs) {
        pauses->pairs = (uint64_t)pairs;
        return SIM_OK;
    }
    for (uint32_t step = 0; step < run->steps && status == SIM_OK; step++, duration_ns += run->change_ns) {
        end_ns += duration_ns;
        status = stream_pauses_note_step(pauses, end_ns, tokens, diag);
    }
    return status;
}

/* How many pauses have begun by then. */
static size_t begun_by(const struct stream_pauses *pauses, int64_t time_ns)
{
    size_t low = 0, high = pauses->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (pauses->pauses[middle].from_ns <= time_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int64_t stream_pauses_out(const struct stream_pauses *pauses, int64_t time_ns)
{
    const size_t begun = pauses->count > 0 ? begun_by(pauses, time_ns) : 0;
    return begun > 0 ? max_i64(time_ns, pauses->pauses[begun - 1].until_ns) : time_ns;
}

bool stream_pauses_touch(const struct stream_pauses *pauses, int64_t from_ns, int64_t to_ns)
{
    const size_t begun = pauses->count > 0 ? begun_by(pauses, to_ns) : 0;
    return begun > 0 && pauses->pauses[begun - 1].until_ns > from_ns;
}
