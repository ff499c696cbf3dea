/* vllm_v0_residents.c - walks over the tables of all running groups. Costs O(blocks), so it is done only for those who ask. */
#include "vllm_v0/vllm_v0_residents.h"

#include "base/array.h"

/* Tokens present in a sequence's i-th block. `computed` is negative after a chunk of negative length. */
static uint32_t tokens_in_block(const struct v0_sequence *sequence, uint32_t i, uint32_t block_size)
{
    int64_t tokens = (int64_t)sequence->computed - (int64_t)i * block_size;
    return tokens <= 0 ? 0 : tokens < block_size ? (uint32_t)tokens : block_size;
}

uint32_t v0_shared_empty_slots(struct v0_manager *manager, const struct v0_running *running)
{
    const struct kv_block_pool *pool = &manager->gpu.pool;
    uint32_t *fullest = manager->moved_to; /* borrowed: 1 + tokens in the fullest view of a shared block; all zero before and after */
    const uint32_t size = manager->block_size;
    uint64_t empty = 0;
    if (manager->table_blocks == kv_block_pool_used(pool))
        return 0;
    for (int pass = 0; pass < 2; pass++) /* once over all views, once over the distinct blocks */
        for (uint32_t g = 0; g < running->count; g++) {
            const struct v0_group *group = &running->groups[running->positions[g]];
            for (uint32_t s = 0; s < group->count; s++) {
                const struct v0_sequence *sequence = group->sequences[s];
                for (uint32_t i = 0; i < sequence->count; i++) {
                    uint32_t block = sequence->blocks[i], tokens = tokens_in_block(sequence, i, size);
                    if (pool->refs[block] < 2)
                        continue;
                    if (pass == 0) {
                        empty += size - tokens;
                        fullest[block] = fullest[block] > tokens ? fullest[block] : tokens + 1;
                    } else if (fullest[block] > 0) {
                        empty -= size - (fullest[block] - 1);
                        fullest[block] = 0;
                    }
                }
            }
        }
    return (uint32_t)empty;
}

enum status v0_list_residents(const struct v0_running *running, struct step_sequence **sequences, size_t *capacity, uint32_t *count,
                              struct diag *diag)
{
    enum status status = SIM_OK;
    for (uint32_t g = 0; g < running->count && status == SIM_OK; g++) {
        struct v0_group *group = &running->groups[running->positions[g]];
        bool listed = group->listed;
        group->listed = false;
        for (uint32_t s = 0; !listed && s < group->count && status == SIM_OK; s++) {
            const struct v0_sequence *sequence = group->sequences[s];
            if (sequence->status == V0_FINISHED)
                continue;
            status = array_reserve(sequences, capacity, (size_t)*count + 1, sizeof **sequences, "a scheduler list", diag);
            if (status == SIM_OK)
                (*sequences)[(*count)++] = (struct step_sequence){.request = group->request,
                                                                  .sample = sequence->sample,
                                                                  .start = sequence->computed > 0 ? (uint32_t)sequence->computed : 0,
                                                                  .blocks = sequence->blocks,
                                                                  .num_blocks = sequence->count,
                                                                  .lineage = sequence->lineage};
        }
    }
    return status;
}
