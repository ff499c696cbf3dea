/* slot_count.h - slots that tokens take where groups of layers have blocks of unequal sizes (kv_groups_block_slots in config/kv_groups.h).
 *
 * A scheduler counts tokens, a group as much as another. With equal block sizes a token is a slot. With unequal ones it takes more slots in a
 * group of smaller blocks, so what tallies say is counted here, from the lists of steps.
 */
#ifndef PAGESIM_SLOT_COUNT_H
#define PAGESIM_SLOT_COUNT_H

#include "config/kv_groups.h"
#include "engine/step.h"

struct slot_count {
    struct kv_groups groups;
    uint32_t *tokens; /* by position; NULL: block sizes are equal, and nothing is counted */
    uint32_t *passed; /* [position][group]: blocks of its table that are the null block */
    uint64_t tokens_held, passed_blocks;
};

/* Do groups have blocks of unequal sizes? */
bool slot_count_wanted(const struct config *config);

/* Nothing happens where it is not wanted. End it with slot_count_deinit in any case. */
SIM_NODISCARD enum status slot_count_init(struct slot_count *count, uint32_t requests, const struct config *config, struct diag *diag);
void slot_count_deinit(struct slot_count *count);

/* Each decided step, and each that is back. */
void slot_count_scheduled(struct slot_count *count, const struct step *step);
void slot_count_completed(struct slot_count *count, const struct step *step);

/* What a tally should say. */
static inline uint64_t slot_count_held(const struct slot_count *count)
{
    return count->tokens_held * kv_groups_token_slots(&count->groups) - count->passed_blocks * kv_groups_block_slots(&count->groups);
}

#endif
