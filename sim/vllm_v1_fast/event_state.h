/* event_state.h - what the parts of the event replay share (event_replay.c: the loop and the ordinary step; event_walk.c: the step that
 * is walked request by request; event_stretch.c: steps in which nothing but decoding happens). Private to them. */
#ifndef PAGESIM_EVENT_STATE_H
#define PAGESIM_EVENT_STATE_H

#include "base/integers.h"
#include "engine/closed_loop.h"
#include "engine/emitter.h"
#include "engine/request_queue.h"
#include "vllm_v1/scheduling_order.h"
#include "vllm_v1_fast/event_blocks.h"
#include "vllm_v1_fast/event_calendar.h"
#include "vllm_v1_fast/event_replay.h"

/* What a preempted request keeps until it runs again. */
struct preempted_request {
    int64_t last_token_ns; /* -1 before the first */
    uint32_t known;
};

struct event_replay {
    const struct trace *trace;
    const struct config *config;
    const struct step_time_model *model;
    const struct replay_options *options;
    struct event_calendar calendar;
    struct event_blocks blocks;
    struct request_queue waiting;
    bool *is_dropped;                    /* by position */
    struct preempted_request *preempted; /* by position; known = 0: never was. NULL until somebody is */
    uint32_t *prefill;                   /* slots that run and do not decode, in running order */
    uint32_t prefill_count;
    uint32_t *due; /* scratch: slots that get a first token or finish in this step; in a walked step, those that run */
    uint32_t due_count;
    uint32_t late; /* decoding requests whose newest token is older than the step before */
    struct scheduling_order order;
    const struct pagesim_preemption_victim *victim;
    bool by_priority; /* by a key: priority, or any other that is known at arrival and stays */
    uint32_t watermark_blocks;
    uint32_t next; /* the next position to arrive */
    uint64_t finished, dropped;
    int64_t now_ns;
    struct closed_loop loop;
    int64_t arrival_ns; /* of `next`, if arrival_known */
    bool arrival_known;
    uint64_t step_number, steps_without_token, next_progress;
    uint64_t held_tokens; /* sum of computed over running */
    /* A head that did not fit is looked at again only when something could have changed that: takings and evictions never help it
     * (what it no longer hits it needs instead), releases and newly registered shared contents may. */
    uint64_t helps; /* counts them */
    uint32_t refused_position, refused_budget;
    uint64_t refused_helps;
    struct step_shape shape; /* of the current step */
    struct step_tally tally;
    struct emitter emitter;
};

/* Parts that both kinds of step use. */
/* Tokens known of a request that does not run. */
static inline uint32_t event_waiting_known(const struct event_replay *replay, uint32_t position)
{
    const uint32_t kept = replay->preempted ? replay->preempted[position].known : 0;
    return kept > 0 ? kept : replay->trace->input_tokens[position];
}
/* The key that a request got when it arrived. */
static inline int64_t event_waiting_key(const struct event_replay *replay, uint32_t position)
{
    return request_queue_key(&replay->waiting, position);
}
/* The long-prefill threshold of this step; a lone request is not held back. */
uint32_t event_threshold(const struct event_replay *replay);
/* Section 6.2: admit waiting requests; each becomes a live slot at the end of the running list with `scheduled` set. */
SIM_NODISCARD enum status event_admit_waiting(struct event_replay *replay, uint32_t threshold, uint32_t budget, struct diag *diag);
/* Account for live->scheduled tokens of a slot that is not in the calendar. */
void event_compute(struct event_replay *replay, struct live *live);
/* Price the step, fill the tally from shape and pool; *end_ns is the clock behind it. */
void event_close_step(struct event_replay *replay, int64_t *end_ns);
/* A slot that is not in the calendar got a token at end_ns: tells of it; when it was the last, releases the blocks and removes the slot.
 * *gone says so. */
SIM_NODISCARD enum status event_give_token(struct event_replay *replay, uint32_t slot, int64_t end_ns, bool *gone, struct diag *diag);
/* Release the table of a slot whose `computed` is up to date. */
SIM_NODISCARD enum status event_release(struct event_replay *replay, uint32_t slot, uint32_t computed, bool preempted, struct diag *diag);
/* Put a slot that got a token into the calendar. */
void event_enter(struct event_replay *replay, uint32_t slot);
SIM_NODISCARD enum status event_tell(struct event_replay *replay, enum event_kind kind, uint32_t position, int64_t time_ns, int64_t value,
                                     struct diag *diag);
/* event_victim.c: the slot that is to lose its blocks. */
uint32_t event_choose_victim(struct event_replay *replay);
/* event_walk.c: one step, request by request; leaves the calendar filled anew. *end_ns as above; when nothing could be scheduled,
 * shape.sequences and tally.preemptions are 0. */
SIM_NODISCARD enum status event_walk_step(struct event_replay *replay, int64_t *end_ns, struct diag *diag);

/* Would the head of the waiting queue be looked at with this budget, and could it be admitted? False is certain. */
bool event_head_may_enter(const struct event_replay *replay, uint32_t budget);
int64_t event_find_arrival(struct event_replay *replay);
/* When the next request arrives; INT64_MAX when none is left or, in a closed loop, all slots are busy. */
static inline int64_t event_next_arrival(struct event_replay *replay)
{
    return replay->arrival_known ? replay->arrival_ns : event_find_arrival(replay);
}
/* The shape of a step in which only those in the calendar compute, a token each. */
void event_shape_decodes(const struct event_replay *replay, struct step_shape *shape);
/* The model ran the step in which the calendar stands, with nobody walked by event_walk.c: first tokens, finishes, one tick more. */
SIM_NODISCARD enum status event_hand_out_tokens(struct event_replay *replay, int64_t end_ns, struct diag *diag);
/* event_stretch.c: run the steps from here on in which nothing but decoding happens, and tell of them as runs. Returns with *steps = 0
 * when the very next step is no such step. */
SIM_NODISCARD enum status event_stretch(struct event_replay *replay, uint32_t *steps, struct diag *diag);

#endif
