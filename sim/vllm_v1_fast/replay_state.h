/* replay_state.h - the state of one event replay: who runs, who waits, and the pool. The files above it work on it; it calls none of them.
 *
 *     event_replay.c                                                    the stepper: which kind of step comes now?
 *     decode_stretch.c  calendar_step.c  ordered_step.c                 the three kinds
 *     window_stretch.c  (stretch.h)                                     the first of them with sliding windows
 *     draft_stretch.c  draft_step.c                                     two kinds with drafts, in their place
 *     admission.c  step_parts.c  outputs.c  draft_outputs.c             what they are made of
 *     window_turns.c                                                    with sliding windows: who is due in a step, in running order
 *     event_policy.c                                                    what policies see, are told and decide
 *     drafting.h                                                        requests that have drafts
 *     step_lists.c                                                      single steps as lists, for who wants to see them
 *     replay_state.h                                                    this
 *     event_blocks.c  event_calendar.c                                  block tables; who is due when
 *     event_windows.c                                                   those of sliding windows
 *     event_tables.c                                                    what they have in common
 *     segment_queue.c                                                   the free queue, and segments of blocks with content
 *     event_prefix.c                                                    which prompts go together for how long
 *
 * A file includes only headers from lines below its own.
 */
#ifndef PAGESIM_REPLAY_STATE_H
#define PAGESIM_REPLAY_STATE_H

#include "engine/request_queue.h"
#include "engine/stepper.h"
#include "vllm_v1/scheduling_order.h"
#include "vllm_v1/v1_rules.h"
#include "vllm_v1_fast/event_blocks.h"
#include "vllm_v1_fast/event_calendar.h"

/* What a preempted request keeps until it runs again. */
struct preempted_request {
    int64_t last_token_ns; /* -1 before the first */
    uint32_t known;
};

/* What windows have to know of a running request. */
struct last_turn {
    uint64_t enter_tick; /* decoding: the tick when it began to */
    uint32_t tokens;     /* of its turn in the last step, 0: it had none; decoding: in the last one before enter_tick */
};

/* What the scheduling policy knows of a running request, if it has patience. */
struct served {
    int64_t told_ns; /* told of all steps before */
    uint64_t told_tick;
    int64_t due_ns; /* a step that ends later has to be told */
};

/* An output token that needs a look when its step is back: a first one, a last one, or one after an unusual gap. */
struct due_token {
    int64_t gap_ns; /* to the request's token before; or one of the two below */
    uint32_t slot, position;
    bool last;
};
#define GAP_IS_FIRST   INT64_C(-1) /* there is no token before */
#define GAP_IS_REGULAR INT64_C(0)  /* counted in the tally */
#define TOKEN_IN_VAIN  INT64_C(-2) /* no output token: the request was over, which nobody knew */

/* What a step has left: tokens, and places in its buffers, of which each request takes `slots` beyond its tokens. */
struct step_room {
    uint32_t budget, inputs, slots;
};

static inline uint32_t step_room_left(const struct step_room *room)
{
    return room->inputs > room->slots ? min_u32(room->budget, room->inputs - room->slots) : 0;
}

static inline void step_room_take(struct step_room *room, uint32_t tokens)
{
    room->budget -= tokens;
    room->inputs -= tokens + room->slots;
}

/* A step that is decided, up to the moment when its output is back. With asynchronous scheduling that is after the next one was decided. All
 * that its output will bring is known beforehand but for what it makes of the queues, so only this is kept. */
struct flight {
    struct step_tally tally;
    int64_t end_ns;
    struct step_run *run; /* it is the last step of this run; NULL: a step by itself. A place in the stream, or own_run */
    struct step_run own_run;
    struct due_token *due; /* in the order of the step; room for all that run */
    uint32_t due_count;
    uint32_t lasts;   /* of those, last tokens */
    uint32_t goes_on; /* of those, by a stop token that nobody foresaw: the request is still in the calendar, for one step in vain */
    struct draft_turn *turns; /* with drafts, instead of all that: in the order of the step; room for all that run (drafting.h) */
    uint32_t turn_count;
};

struct event_replay {
    struct stepper base;
    struct flight flights[2];
    struct flight *step;      /* the one that is decided, or was last */
    struct flight *in_flight; /* asynchronous scheduling: decided, and its output is not back. NULL: none */
    struct event_calendar calendar;
    struct event_blocks blocks;
    struct request_queue waiting;
    struct preempted_request *preempted; /* by position; known = 0: never was. NULL until somebody is */
    uint32_t *prefill;                   /* slots that run and do not decode, in running order */
    uint32_t prefill_count;
    uint32_t *due; /* scratch: slots that get a first token or finish in this step; in an ordered step, those that run */
    uint32_t due_count;
    uint32_t *fresh; /* decoding slots of which more leaves a window than what their phase tells; in running order */
    uint32_t fresh_count;
    struct last_turn *turns;                            /* by slot */
    uint32_t windows;                                   /* groups of layers that are sliding windows */
    uint32_t distances[KV_GROUPS_MOST], distance_count; /* window_turns.h */
    uint32_t late;                                      /* decoding requests that had no turn in the last step */
    struct scheduling_order order;
    const struct pagesim_preemption_victim *victim;
    struct served *served; /* by slot */
    int64_t due_ns;        /* no decoding slot is due before; INT64_MAX without patience */
    uint32_t watermark_blocks;
    uint64_t held_tokens; /* sum of computed over running */
    /* A head that did not fit is looked at again only when something could have changed that. Takings and evictions never help it, because
     * what it no longer hits it needs instead. Releases and newly registered shared contents may; and what leaves windows, which is not counted
     * here (event_windows_least). */
    uint64_t helps;                           /* counts them */
    uint32_t refused_position, refused_chunk; /* the most tokens that its first chunk could have */
    uint64_t refused_helps;
    struct step_shape shape;   /* of the current step */
    struct drafting *drafting; /* NULL: there are no drafts (drafting.h) */
    struct step_lists *lists;  /* NULL: nobody wants steps as lists (step_lists.h) */
};

/* Tokens known of a request that does not run. */
static inline uint32_t event_replay_known(const struct event_replay *replay, uint32_t position)
{
    const uint32_t kept = replay->preempted ? replay->preempted[position].known : 0;
    return kept > 0 ? kept : replay->base.trace->input_tokens[position];
}

/* Is it a stop token that ends the request, so that the scheduler lets it go on for one step more? Not if it can get no longer anyway. */
static inline bool event_replay_ends_unforeseen(const struct event_replay *replay, uint32_t position)
{
    const struct trace *trace = replay->base.trace;
    return replay->base.overlaps && v1_foreseen_tokens(trace, replay->base.config, position) > v1_all_tokens(trace, position);
}

/* Of the tokens that a running request has computed, those whose steps are back: with asynchronous scheduling its turn in the last step is not.
 * Asked only where windows want to know. */
static inline uint32_t event_replay_back(const struct event_replay *replay, uint32_t slot, uint32_t computed)
{
    if (!replay->base.overlaps || !replay->blocks.windowed)
        return computed;
    const struct last_turn *turn = &replay->turns[slot];
    return computed - (replay->calendar.live[slot].decoding && turn->enter_tick != replay->calendar.tick ? 1 : turn->tokens);
}

/* Most tokens of one request in this step. */
static inline uint32_t event_replay_threshold(const struct event_replay *replay)
{
    return v1_threshold(replay->base.config, replay->calendar.running + replay->waiting.count);
}

#endif
