/* vllm_v0_state.h - the state of a V0 scheduler, for the two files that work on it: vllm_v0_phases.c decides who is in a step, vllm_v0.c does
 * what comes before and after. Private to them. */
#ifndef PAGESIM_VLLM_V0_STATE_H
#define PAGESIM_VLLM_V0_STATE_H

#include "engine/request_queue.h"
#include "engine/scheduler.h"
#include "vllm_v0/vllm_v0_groups.h"
#include "vllm_v0/vllm_v0_outputs.h"

/* A growing list of positions. */
struct positions {
    uint32_t *items;
    size_t capacity;
    uint32_t count;
};

/* Scheduled groups of one phase with their tokens; `tokens` of a decode is 1 whatever the number of sequences. */
struct phase {
    struct scheduled *items;
    size_t capacity;
    uint32_t count;
};

struct vllm_v0 {
    struct scheduler base;
    const struct trace *trace;
    struct config config;
    struct v0_manager manager;
    struct v0_outputs outputs;
    struct v0_group *groups; /* by position */
    struct request_queue waiting, swapped;
    struct positions running, next_running;
    uint32_t running_first; /* while the decode phase walks: [first, count) are not reached yet */
    /* this step */
    int64_t tokens; /* budget used; see clip() for how it can shrink */
    uint32_t sequences;
    struct phase new_prefills, continued, decodes, swapped_prefills, swapped_decodes;
    struct positions recomputed, swapped_out, resumed, ignored, ignored_swapped, finished;
    struct phase admitted, scheduled, sampled;
    struct preempted *preempted;
    size_t preempted_capacity;
    uint32_t preempted_count;
    struct step_sequence *step_sequences;
    size_t step_sequences_capacity;
    uint32_t prefill_groups; /* how many of `scheduled` count as prefill */
    int32_t *chunks;         /* tokens of each scheduled group's sequences */
    size_t chunks_capacity;
    const char *abort;
    char abort_text[256], diagnosis[512];
};

/* Append to a list; it grows. */
SIM_NODISCARD enum status v0_push(struct positions *list, uint32_t position, struct diag *diag);
SIM_NODISCARD enum status v0_push_scheduled(struct phase *phase, uint32_t request, int64_t tokens, struct diag *diag);

#endif
