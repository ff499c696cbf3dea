/* vllm_v1_state.h - the state of the scheduler of vLLM V1, between its two sources:
 *
 *     vllm_v1.c            a step as a whole, those who run, and what comes back
 *     vllm_v1_waiting.c    those who wait: who enters, who is passed over, whose K and V are loaded
 */
#ifndef PAGESIM_VLLM_V1_STATE_H
#define PAGESIM_VLLM_V1_STATE_H

#include "engine/request_queue.h"
#include "engine/scheduler.h"
#include "vllm_v1/drafts.h"
#include "vllm_v1/offloading.h"
#include "vllm_v1/scheduling_order.h"
#include "vllm_v1/skipped_requests.h"
#include "vllm_v1/vllm_v1_blocks.h"

struct v1_request {
    int64_t arrival_ns;
    uint32_t known;     /* prompt + generated tokens */
    uint32_t coming;    /* output tokens of steps that are not back, as if all their drafts were right */
    uint32_t unsure;    /* drafts among them */
    uint32_t computed;  /* tokens whose KV is considered present */
    uint32_t in_flight; /* tokens of steps that are not back, also of those before a preemption */
    uint32_t scheduled; /* tokens in this step; 0 = not scheduled */
    uint32_t proposed;  /* drafts for its next turn */
    uint32_t received;  /* tokens that came from elsewhere with its admission in this step */
    uint32_t hits;      /* tokens that were on the GPU when its load was asked for */
    bool admitted;      /* ever */
    bool fresh;         /* for the first time in this step */
    bool mid_prefill;   /* its last turn ended before its last known token */
    bool stale;         /* what is in flight is of before a preemption: the request waits */
    bool finished;
};

struct vllm_v1 {
    struct scheduler base;
    const struct trace *trace;
    struct config config;
    uint32_t watermark_blocks;
    struct scheduling_order order;
    const struct pagesim_preemption_victim *victim;
    bool tells;     /* the scheduling policy wants to know what happens */
    int64_t now_ns; /* when the current step started */
    struct v1_blocks blocks;
    struct v1_request *requests; /* by position */
    struct drafts drafts;
    struct request_queue waiting;
    struct skipped_requests skipped;
    struct offloading offloading;
    uint32_t *running; /* positions in running order */
    uint32_t running_count;
    uint64_t held_tokens; /* sum of computed over all who have blocks */
    bool want_lists;
    /* What steps start from, in turn, as one can be in flight while the next is decided: empty lists, each with room for every request that
     * can appear in it. `unwritten` alone grows, and only when lists are wanted. */
    struct v1_lists {
        struct step empty;
        size_t unwritten_capacity;
    } lists[2];
    struct v1_lists *turn; /* whose turn it is */
    struct step *step;     /* while one is decided */
    uint32_t budget;       /* tokens left for it */
    uint32_t inputs;       /* places left in its buffers: each request takes `slots` beyond its tokens */
    uint32_t slots;
    bool prefilling;    /* somebody who had a turn in it was in the middle of a prompt */
    uint32_t threshold; /* most tokens of one request in it */
};

/* Who waits, wherever. */
static inline uint32_t v1_waiting_count(const struct vllm_v1 *v1)
{
    return v1->waiting.count + v1->skipped.count;
}

/* What is left for one request: of the step's tokens, and of its buffers. */
static inline uint32_t v1_room_left(const struct vllm_v1 *v1)
{
    return v1->inputs > v1->slots ? min_u32(v1->budget, v1->inputs - v1->slots) : 0;
}

/* How many tokens a request may compute: long prompts are cut, the budget and the model's length bound. The budget bounds what a step
 * can take; the threshold keeps one long prompt from using it up alone. */
static inline uint32_t v1_tokens_now(const struct vllm_v1 *v1, uint32_t wanted)
{
    return min_u32(wanted, min_u32(v1->threshold, v1_room_left(v1)));
}

/* Of a request, as policies see it. */
struct pagesim_policy_request v1_view(const struct vllm_v1 *v1, uint32_t position);
/* Tell the scheduling policy; asked for if v1->tells. */
void v1_tell(const struct vllm_v1 *v1, uint32_t position, struct pagesim_policy_event event);
/* It computes so many tokens in the step. */
void v1_note_scheduled(struct vllm_v1 *v1, uint32_t position, uint32_t tokens, uint32_t drafts, bool padded);

/* Section 6.2: admissions, while they fit. */
SIM_NODISCARD enum status v1_schedule_waiting(struct vllm_v1 *v1, struct diag *diag);
/* Section 15.2: what was asked for begins; with offloading, after v1_schedule_waiting in every step. */
SIM_NODISCARD enum status v1_schedule_loads(struct vllm_v1 *v1, struct diag *diag);

#endif
