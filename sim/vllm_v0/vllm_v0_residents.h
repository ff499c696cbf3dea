/* vllm_v0_residents.h - all who hold GPU blocks in a step of vLLM V0, scheduled or not: what reports about memory need and decisions do
 * not.
 *
 * In a prefill step of V0 all running groups stand still and keep their blocks; and samples of one prompt share even a last block that
 * is not full, until one of them writes to it.
 */
#ifndef PAGESIM_VLLM_V0_RESIDENTS_H
#define PAGESIM_VLLM_V0_RESIDENTS_H

#include "vllm_v0/vllm_v0_groups.h"

/* The running groups after scheduling: positions in `groups`. */
struct v0_running {
    struct v0_group *groups;
    const uint32_t *positions;
    uint32_t count;
};

/* step_tally.shared_empty_slots. Looks at nothing when no block is shared; else O(blocks in tables). */
uint32_t v0_shared_empty_slots(struct v0_manager *manager, const struct v0_running *running);

/* Append the live sequences of all running groups that are not marked as listed, with 0 tokens; the marks are gone afterwards. *count goes
 * on from what is in the array. */
SIM_NODISCARD enum status v0_list_residents(const struct v0_running *running, struct step_sequence **sequences, size_t *capacity,
                                            uint32_t *count, struct diag *diag);

#endif
