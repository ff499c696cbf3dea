/* vllm_v0_state.h - the state of a V0 scheduler, for the two files that work on it: vllm_v0_phases.c decides who is in a step, vllm_v0.c does
 * what comes before and after. Private to them. */
#ifndef PAGESIM_VLLM_V0_STATE_H
#define PAGESIM_VLLM_V0_STATE_H

#include "engine/request_queue.h"
#include "engine/scheduler.h"
#include "vllm_v0/vllm_v0_groups.h"

/* Groups by position, and scheduled groups of one phase with their tokens; `tokens` of a decode is 1 whatever the number of sequences. */
struct positions {
    uint32_t *items;
    uint32_t count;
};
struct phase {
    struct scheduled *items;
    uint32_t count;
};
enum v0_phase { V0_NEW_PREFILLS, V0_CONTINUED, V0_DECODES, V0_SWAPPED_PREFILLS, V0_SWAPPED_DECODES, V0_PHASES };

struct vllm_v0 {
    struct scheduler base;
    const struct trace *trace;
    struct config config;
    struct v0_manager manager;
    struct v0_group *groups; /* by position */
    struct request_queue waiting, swapped;
    struct positions running;
    uint32_t running_first; /* while the decode phase walks: [first, count) are not reached yet */
    struct step lists;      /* what every step starts from: empty lists. All have room for every request; `sequences` alone grows */
    size_t sequences_capacity;
    /* this step */
    struct step *step;
    int64_t tokens; /* budget used; see clip() for how it can shrink */
    uint32_t sequences;
    struct phase phases[V0_PHASES];
    struct positions ignored_swapped; /* told of after step->ignored */
    uint32_t prefill_groups;          /* how many of the scheduled count as prefill */
    int32_t *chunks;                  /* tokens of each scheduled group's sequences */
    const char *abort, *advice;       /* advice: what would have avoided the abort */
    char abort_text[256], diagnosis[512];
};

/* --- vllm_v0_phases.c: who is in the coming step --- */
/* Fill the lists of the step, which are empty: prefill first (section 4) or chunked (section 7). v0->abort is set when vLLM would die. */
SIM_NODISCARD enum status v0_schedule_prefill_first(struct vllm_v0 *v0, struct diag *diag);
SIM_NODISCARD enum status v0_schedule_chunked(struct vllm_v0 *v0, struct diag *diag);

/* Tokens that the live sequences with a status want. */
uint32_t v0_group_wants(const struct v0_group *group, enum v0_status status);

#endif
