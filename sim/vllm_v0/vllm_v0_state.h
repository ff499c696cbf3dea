/* vllm_v0_state.h - the state of a V0 scheduler, for the files that work on it: vllm_v0_phases.c decides who is in a step, vllm_v0.c does
 * what comes before and after, vllm_v0_quiet.c goes over many steps at once. Private to them. */
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

/* A stretch of quiet steps. Lists of who needs a block in step `phase`, block_size steps later, and so on: due[phase] is the first, a place
 * in the running list, next[place] the next of the same list. */
struct v0_quiet {
    uint32_t *due, *due_count; /* block_size of them; all counts are 0 between stretches */
    uint32_t *next;
    uint32_t steps, phase; /* steps made so far; the phase of the coming one */
};

struct vllm_v0 {
    struct scheduler base;
    const struct trace *trace;
    struct config config;
    struct v0_manager manager;
    struct v0_group *groups; /* by position */
    struct request_queue waiting, swapped;
    struct positions running;
    uint32_t running_first; /* while the decode phase walks: [first, count) are not reached yet */
    struct v0_quiet quiet;
    struct step lists; /* what every step starts from: empty lists. All have room for every request; `sequences` alone grows */
    size_t sequences_capacity;
    /* this step */
    struct step *step;
    int64_t tokens;     /* budget used; see clip() for how it can shrink */
    uint32_t sequences; /* slots taken; without chunked prefill those of running groups are added when somebody asks first */
    bool sequences_counted;
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

/* --- vllm_v0_quiet.c: many steps at once; what struct scheduler_ops says of quiet steps --- */
uint32_t v0_quiet_begin(struct scheduler *self, struct step *step);
bool v0_quiet_next(struct scheduler *self, struct step *step);
void v0_quiet_end(struct scheduler *self);

/* --- vllm_v0.c --- */
/* The part of a tally that is true between steps as well. */
void v0_pool_state(const struct scheduler *self, struct step_tally *tally);

/* Tokens that the live sequences with a status want. */
uint32_t v0_group_wants(const struct v0_group *group, enum v0_status status);

#endif
