/* tune_find.c - climb, then everybody or a race. Start with find. */
#include "study/tune_find.h"

#include <stdlib.h>

#include "base/array.h"
#include "study/tune_race.h"

static bool has_rest(const struct tune_search *search, const uint32_t *batch, size_t count, uint64_t rest)
{
    for (size_t i = 0; i < count; i++)
        if (search->candidates[batch[i]].facts.rest == rest)
            return true;
    return false;
}

/* Everybody else. A batch takes no two that may decide the same: the second waits for what the first shows. */
static enum status try_all(struct tune_search *search, bool *tried, struct diag *diag)
{
    enum status status = SIM_OK;
    size_t first = 0, done = 0;
    while (status == SIM_OK) {
        uint32_t batch[TUNE_BATCH];
        size_t count = 0;
        while (first < search->count && tried[first])
            first++;
        for (size_t i = first; i < search->count && count < TUNE_BATCH; i++)
            if (!tried[i] && !has_rest(search, batch, count, search->candidates[i].facts.rest)) {
                batch[count++] = (uint32_t)i;
                tried[i] = true;
            }
        if (count == 0)
            break;
        status = tune_search_try(search, batch, count, diag);
        done += count;
        progress_update(&search->progress, done, search->count);
    }
    return status;
}

static enum status find(struct tune_search *search, struct diag *diag)
{
    const struct tune_question *question = search->question;
    bool *tried;
    enum status status = array_zeroed(&tried, search->count, sizeof *tried, "candidates", diag);
    if (status != SIM_OK)
        return status;
    tried[0] = true;
    status = tune_search_begin(search, 0, question->ladder->base, diag);
    if (status == SIM_OK)
        status = tune_search_climb(search, tried, diag);
    if (status == SIM_OK)
        status = search->exhaustive ? try_all(search, tried, diag) : tune_race(search, tried, diag);
    free(tried);
    return status;
}

enum status tune_find(const struct tune_question *question, struct tune_search *out, struct diag *diag)
{
    enum status status = tune_search_open(question, out, diag);
    progress_start(&out->progress, "tune", question->quiet);
    if (status == SIM_OK)
        status = find(out, diag);
    progress_end(&out->progress);
    return status;
}
