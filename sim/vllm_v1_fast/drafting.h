/* drafting.h - requests of the event replay that have drafts (doc/vllm_v1.md, section 14).
 *
 * How many drafts are right depends on the request and on the place of the token, so a request has its own way through its answer, and no
 * calendar for all of them. What is spared against the readable scheduler is all else: contents of blocks, lookups, looks at who waits; and
 * while nobody comes, goes or is near its end a step is one short loop (draft_stretch.c).
 */
#ifndef PAGESIM_DRAFTING_H
#define PAGESIM_DRAFTING_H

#include "vllm_v1/drafts.h"
#include "vllm_v1_fast/replay_state.h"

/* A turn of a request in a step that is decided. */
struct draft_turn {
    uint64_t order; /* of its admission */
    uint32_t slot, position, tokens;
    uint8_t drafts; /* part of tokens */
    bool samples;   /* it brings output: a token, and the drafts that are right */
    bool padded;    /* its drafts stand for nothing: none is right */
};

/* A running request. It is never in the calendar, as it has so many tokens more after a step as drafts were right. */
struct draft_request {
    uint64_t luck;
    uint32_t prompt, limit; /* tokens; at `limit` known ones it ends */
    uint32_t foreseen;      /* at which the scheduler knows that it ends */
    uint32_t known;         /* prompt and output tokens that are back */
    uint32_t coming;        /* output tokens of steps that are not back, as if all their drafts were right */
    uint32_t unsure;        /* drafts among them */
    uint32_t computed;      /* tokens present */
    uint32_t in_flight;     /* of them, of steps that are not back */
    uint32_t proposed;      /* drafts for its next turn */
    uint32_t settled;       /* blocks that the first so many tokens fill have content */
    uint32_t covered;       /* tokens that its table has room for */
    uint8_t drafts;         /* of its turn in the step that is decided */
    bool padded;            /* likewise */
    bool mid_prefill;       /* its last turn ended before its last known token */
    bool stale;             /* preempted, and a turn of before is not back */
};

/* What a stretch needs of a request. */
struct draft_lane {
    uint64_t luck;
    uint32_t slot, prompt;
    uint32_t output, got; /* tokens that are back; of them, by the newest step that is */
    int32_t limit, room;  /* of output tokens: at `limit` it ends; with more than `room` it needs a block */
    uint32_t drafts;      /* of its turn that is on its way when the stretch begins */
};

struct drafting {
    struct drafts drafts;
    struct draft_request *requests; /* by slot */
    uint32_t lookahead;
    bool prefilling;          /* somebody who had a turn in this step was in the middle of a prompt */
    bool others;              /* somebody had a turn before admissions began */
    bool ended;               /* somebody ended by the last output, so that a turn in flight can be vain */
    struct draft_lane *lanes; /* scratch of a stretch */
};

/* What replay->drafting says, if the configuration has drafts: for `most` slots. */
SIM_NODISCARD enum status drafting_init(struct event_replay *replay, uint32_t most, struct diag *diag);
void drafting_deinit(struct event_replay *replay);

/* The slot was just admitted, its numbers are in the calendar's, and its first chunk is decided. */
void drafting_admit(struct event_replay *replay, uint32_t slot, bool padded);

/* Is a waiting request given drafts that stand for nothing, as one token of it is left to compute? Then its step is as wide as those of who
 * decodes. */
static inline bool drafting_pads(const struct event_replay *replay, uint32_t rest, uint32_t cached)
{
    const struct drafting *drafting = replay->drafting;
    return rest == 1 && !drafting->prefilling && (drafting->others || cached > 0) &&
           (uint64_t)cached + drafting->drafts.most + 2 <= replay->base.config->max_model_len;
}

/* Rule A1: are all tokens of the request known or on their way? */
static inline bool drafting_is_over(const struct draft_request *request)
{
    return request->coming > 0 && request->computed + 2 - request->coming >= request->foreseen;
}

/* Blocks that the first so many tokens fill have content when `computed` tokens are computed: their tokens have to be known, and those after them
 * that are part of it. */
static inline uint32_t drafting_settles(const struct event_replay *replay, const struct draft_request *request, uint32_t computed)
{
    return min_u32(computed, request->known - replay->blocks.after);
}

/* The table has blocks for so many tokens. */
static inline void drafting_note_table(const struct event_replay *replay, uint32_t slot)
{
    const uint32_t size = replay->blocks.block_size;
    replay->drafting->requests[slot].covered = event_tables_of(&replay->blocks, slot)->count * size;
}

#endif
