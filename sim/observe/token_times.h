/* token_times.h - when each request got each of its output tokens, without looking at tokens during the replay.
 *
 * A request that decodes gets a token at the end of every step from its first token on, except where EVENT_GAP reports a longer wait. So it
 * is enough to know when each step ended (kept as runs of steps, 40 bytes a run), the steps of the first and last token, and the gaps:
 *
 *     steps      0    1    2    3    4    5    6    7         a request with its first token in step 1, preempted in 4,
 *     end_ns   [ 5 ][11 ][16 ][21 ][33 ][40 ][47 ][52 ]       a token again in 6, its last in 7:
 *     tokens          *    *    *              *    *         first_step 1, last_step 7, gap {step 6, 26 ns}
 *                       5    5         26         5           inter-token latencies
 *
 * The plain schedulers and the event replay give the same list, for V1 and V0. A group of several sequences (V0) has one list with one
 * latency for each step in which it got tokens, because its sequences advance together.
 */
#ifndef PAGESIM_TOKEN_TIMES_H
#define PAGESIM_TOKEN_TIMES_H

#include "base/diag.h"
#include "engine/observer.h"
#include "observe/stream_pauses.h"
#include "trace/trace.h"

/* A wait between two tokens that is longer than the later token's step. */
struct token_gap {
    uint64_t step; /* whose end brought the later token */
    int64_t gap_ns;
    uint32_t request;
};

/* Consecutive steps, each change_ns longer than the one before. */
struct token_run {
    uint64_t step; /* its first */
    int64_t start_ns, duration_ns, change_ns;
    uint64_t steps;
};

struct token_times {
    const struct trace *trace;
    struct token_run *runs; /* in order; idle times, in which no step ran, are left out */
    size_t run_count, run_capacity;
    uint64_t steps;
    uint64_t *first_step, *last_step; /* by position; UINT64_MAX: not reached */
    struct token_gap *gaps;           /* in time order; after the replay by request, then in time order */
    size_t gap_count, gap_capacity;
    size_t *gap_start;           /* after the replay: count + 1 offsets into gaps (and one that only the sort needs) */
    bool has_empty_step;         /* some step took no time: its end is no longer unique */
    struct stream_pauses pauses; /* none, unless they are set after token_times_init */
};

SIM_NODISCARD enum status token_times_init(struct token_times *times, const struct trace *trace, struct diag *diag);
struct observer token_times_observer(struct token_times *times);
void token_times_deinit(struct token_times *times);

/* After the replay: the inter-token latencies of one request in order, as its client saw them; none for a request that did not finish.
 *
 *     struct token_walk walk = token_walk_begin(&times, position);
 *     while (token_walk_next(&walk, &itl_ns)) ... */
struct token_walk {
    const struct token_times *times;
    uint64_t step, last_step; /* of the newest token so far; of the last token */
    size_t gap, gap_end;      /* the request's gaps that are still ahead */
    size_t run;               /* the run of steps that holds `step` */
    uint64_t stop;            /* the step after which the next gap begins; last_step when none is left */
    uint64_t surplus;         /* waits of 0 ns that stand for steps in which the request did not run */
};
struct token_walk token_walk_begin(const struct token_times *times, uint32_t position);
bool token_walk_next(struct token_walk *walk, int64_t *itl_ns);

#endif
