/* worker_step.c - tables of the pool as tables of the store. */
#include "data_plane/worker_step.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/integers.h"

uint32_t worker_store_blocks(const struct kv_groups *groups)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < groups->count; i++)
        most = max_u32(most, groups->list[i].block_size);
    return most / groups->hash_block_size;
}

uint32_t worker_first_read(const struct kv_groups *groups, uint32_t group, uint32_t start)
{
    const uint32_t first = kv_group_passed_tokens(&groups->list[group], start);
    return first / groups->hash_block_size * groups->hash_block_size;
}

/* The first part of each pool block, as far as the group fills it. */
static uint32_t expand(const struct step_sequence *sequence, uint32_t per, uint32_t of, uint32_t *out)
{
    for (uint32_t k = 0; k < sequence->num_blocks; k++)
        for (uint32_t part = 0; part < per; part++)
            *out++ = sequence->blocks[k] * of + part;
    return sequence->num_blocks * per;
}

enum status worker_step_make(struct worker_step *out, const struct step *step, const struct kv_groups *groups, bool keep, struct diag *diag)
{
    const uint32_t of = worker_store_blocks(groups);
    const bool copies = keep || of > 1;
    size_t entries = 0, used = 0;
    out->number = step->tally.step;
    out->count = step->sequence_count;
    for (uint32_t i = 0; copies && i < step->sequence_count; i++)
        entries += (size_t)step->sequences[i].num_blocks * of;
    enum status status = array_reserve(&out->sequences, &out->sequence_capacity, step->sequence_count, sizeof *out->sequences,
                                       "the data plane's step", diag);
    if (status == SIM_OK && copies)
        status = array_reserve(&out->blocks, &out->block_capacity, entries, sizeof *out->blocks, "the data plane's tables", diag);
    for (uint32_t i = 0; i < step->sequence_count && status == SIM_OK; i++) {
        const struct step_sequence *sequence = &step->sequences[i];
        out->sequences[i] = (struct worker_sequence){.request = sequence->request,
                                                     .sample = sequence->sample,
                                                     .group = sequence->group,
                                                     .lineage = sequence->lineage,
                                                     .blocks = copies ? out->blocks + used : sequence->blocks,
                                                     .received = sequence->received,
                                                     .start = sequence->start,
                                                     .tokens = sequence->tokens,
                                                     .first = worker_first_read(groups, sequence->group, sequence->start)};
        if (copies)
            used += expand(sequence, groups->list[sequence->group].block_size / groups->hash_block_size, of, out->blocks + used);
    }
    return status;
}

void worker_step_deinit(struct worker_step *step)
{
    free(step->sequences);
    free(step->blocks);
}

/* A step in flight still reads what its own window has, so a window follows what is back. */
const struct step_sequence *worker_step_wrong_window(const struct step *step, const struct kv_groups *groups)
{
    for (uint32_t i = 0; i < step->sequence_count; i++) {
        const struct step_sequence *sequence = &step->sequences[i];
        const uint32_t passed = kv_group_passed_blocks(&groups->list[sequence->group], sequence->start - sequence->in_flight);
        if (sequence->passed != passed)
            return sequence;
        for (uint32_t k = 0; k < sequence->num_blocks && groups->list[sequence->group].kind != KV_KIND_FULL; k++)
            if ((sequence->blocks[k] == 0) != (k < passed))
                return sequence;
    }
    return NULL;
}
