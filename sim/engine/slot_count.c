/* slot_count.c - tokens of each request, and leading blocks that each group has passed. All groups of a request have the same tokens. */
#include "engine/slot_count.h"

#include <stdlib.h>

#include "base/array.h"

bool slot_count_wanted(const struct config *config)
{
    const struct kv_groups groups = kv_groups_of(config);
    return groups.hash_block_size != groups.alignment;
}

enum status slot_count_init(struct slot_count *count, uint32_t requests, const struct config *config, struct diag *diag)
{
    *count = (struct slot_count){0};
    if (!slot_count_wanted(config))
        return SIM_OK;
    count->groups = kv_groups_of(config);
    const struct array_request arrays[] = {ARRAY_OF(count->tokens, requests),
                                           ARRAY_OF(count->passed, (size_t)requests * count->groups.count)};
    return array_zeroed_all(arrays, sizeof arrays / sizeof *arrays, "the slots of requests", diag);
}

void slot_count_deinit(struct slot_count *count)
{
    free(count->tokens);
    free(count->passed);
    *count = (struct slot_count){0};
}

static void set_tokens(struct slot_count *count, uint32_t position, uint32_t tokens)
{
    count->tokens_held += (uint64_t)tokens - count->tokens[position];
    count->tokens[position] = tokens;
}

static void set_passed(struct slot_count *count, uint32_t position, uint32_t group, uint32_t blocks)
{
    uint32_t *passed = &count->passed[(size_t)position * count->groups.count + group];
    count->passed_blocks += (uint64_t)blocks - *passed;
    *passed = blocks;
}

/* Its tables are gone. */
static void forget(struct slot_count *count, uint32_t position)
{
    set_tokens(count, position, 0);
    for (uint32_t group = 0; group < count->groups.count; group++)
        set_passed(count, position, group, 0);
}

void slot_count_scheduled(struct slot_count *count, const struct step *step)
{
    for (uint32_t i = 0; i < step->preempted_count; i++)
        forget(count, step->preempted[i].request);
    for (uint32_t i = 0; i < step->sequence_count; i++) {
        const struct step_sequence *sequence = &step->sequences[i];
        set_tokens(count, sequence->request, sequence->start + sequence->tokens);
        set_passed(count, sequence->request, sequence->group, sequence->passed);
    }
}

/* Drafts that were wrong are not there. Who was preempted since has no tokens at all. */
void slot_count_completed(struct slot_count *count, const struct step *step)
{
    uint32_t answer = 0;
    for (uint32_t i = 0; i < step->scheduled_count; i++) {
        const struct scheduled *scheduled = &step->scheduled[i];
        if (!scheduled->samples || scheduled->vain)
            continue;
        const uint32_t wrong = 1 + scheduled->drafts - (uint32_t)step->sampled[answer++].tokens, tokens = count->tokens[scheduled->request];
        if (tokens > 0)
            set_tokens(count, scheduled->request, tokens - wrong);
    }
    for (uint32_t i = 0; i < step->finished_count; i++)
        forget(count, step->finished[i]);
}
