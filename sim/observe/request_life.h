/* request_life.h - the life of one request: what it waited for and behind whom, what each admission found, who preempted it, and every
 * nanosecond from its arrival to its end in exactly one account.
 *
 * Two replays of the same run. The first, with events alone, tells when things happened:
 *
 *     arrives ..... waits ..... admitted ..... first token ..... preempted ..... waits ..... admitted again ..... finished
 *
 * The second goes step by step and says what the request did in each step, or why it was not in it. A step stands for the time from the end of
 * the one before it to its own end, so the accounts add up to the whole latency:
 *
 *     |  step running  |  for blocks  |  for blocks  |  prefill  |  decode  |  decode beside a prefill  |   one account a step
 *     ^ arrival                                                  ^ first token                           ^ finish
 *
 * What a waiting request waits for is said of the whole queue, whoever stands first in it: the step preempts and so admits nobody; all seats are
 * taken; the budget is used up (without chunked prefill: what is left is less than this prompt); else there were not enough free blocks.
 */
#ifndef PAGESIM_REQUEST_LIFE_H
#define PAGESIM_REQUEST_LIFE_H

#include "config/config.h"
#include "engine/observer.h"
#include "trace/trace.h"

enum life_account {
    LIFE_STEP_RUNNING, /* waits: the step was decided before it came */
    LIFE_PREEMPTING,   /* waits, this and the next three */
    LIFE_FOR_SEATS,
    LIFE_FOR_BUDGET,
    LIFE_FOR_BLOCKS,
    LIFE_PREFILL,             /* computes its prompt */
    LIFE_RECOMPUTE,           /* the same after a preemption, with what it had generated */
    LIFE_DECODE,              /* in a step that only decodes */
    LIFE_DECODE_WITH_PREFILL, /* in a step in which others prefill */
    LIFE_NO_TURN,             /* runs, but the step's budget did not reach it */
    LIFE_ACCOUNTS,
    LIFE_WAITS = LIFE_PREFILL /* accounts of waiting come first */
};
extern const char *const life_account_names[LIFE_ACCOUNTS]; /* for programs */

/* From an arrival or a preemption to the admission that ends it, and what that found. */
struct life_wait {
    int64_t from_ns, to_ns; /* to: when its step was decided; -1: never */
    bool preempted, swapped;
    uint32_t preemptor, tokens_lost, blocks_lost; /* of a preemption */
    uint32_t waiting;                             /* requests that waited when it began, without this one */
    uint64_t waiting_tokens;                      /* of their prompts */
    uint32_t admitted, overtook;                  /* requests admitted during it; those of them that came later */
    uint64_t admitted_tokens;                     /* of their prompts */
    uint32_t cached, known;                       /* tokens at its end */
    int64_t account_ns[LIFE_WAITS];               /* what it was for; with the time until the step that was decided begins */
};

/* A step in which the request decoded beside prefills. */
struct life_step {
    int64_t start_ns, duration_ns; /* from the end of the step before */
    uint32_t prefill_tokens, sequences;
    uint32_t largest, largest_tokens; /* whose prefill was the largest */
};

enum { LIFE_STEPS_MOST = 31 };

struct request_life {
    const struct trace *trace;
    const struct config *config;
    uint32_t position;
    int64_t arrival_ns, first_token_ns, finish_ns, end_ns; /* -1: not reached; end: of the last step that is in an account */
    struct life_wait *waits;
    size_t wait_count, wait_capacity;
    int64_t account_ns[2][LIFE_ACCOUNTS]; /* up to the first token, and after it */
    uint64_t account_steps[2][LIFE_ACCOUNTS];
    struct life_step slow[LIFE_STEPS_MOST]; /* the longest, longest first */
    size_t slow_count;
    /* While the replays go on. */
    uint8_t *waits_now; /* by position */
    uint32_t waiting;
    uint64_t waiting_tokens;
    size_t wait; /* second replay: the one that goes on or was the last */
    int64_t last_end_ns;
    bool runs, has_token;
};

/* Must stay where it is. End it with request_life_deinit in any case. */
SIM_NODISCARD enum status request_life_init(struct request_life *life, const struct trace *trace, const struct config *config,
                                            uint32_t position, struct diag *diag);
void request_life_deinit(struct request_life *life);
struct observer request_life_events(struct request_life *life); /* first replay */
struct observer request_life_steps(struct request_life *life);  /* second replay */

/* All accounts together: finish (or, unfinished, the last step's end) - arrival. */
int64_t request_life_sum_ns(const struct request_life *life);

/* The request that logs call `id`: "17", or "17.2" for a sample. SIM_USAGE: no such name, or no such request, with the nearest. */
SIM_NODISCARD enum status request_life_find(const struct trace *trace, const char *id, uint32_t *position, struct diag *diag);

#endif
