/* compare_pairs.h - one latency of the same requests on two sides of a comparison, request by request. What the statistics mean is told in
 * compare_runs.h.
 */
#ifndef PAGESIM_COMPARE_PAIRS_H
#define PAGESIM_COMPARE_PAIRS_H

#include "base/statistics.h"
#include "observe/per_request.h"

enum { COMPARE_BATCHES = 20, PAIRED_LATENCIES = 4 };
/* TTFT, TPOT, E2EL, QUEUE: those that a request has one of. (ITL has one a gap.) */
extern const enum latency paired_latencies[PAIRED_LATENCIES];

/* What became of one request of the trace. */
struct outcome {
    double ms[LATENCY_QUEUE + 1]; /* NaN: it has none */
    double arrival_s;             /* as drawn, or when its slot became free */
    double wait_ms;               /* for its first admission, or until the end of the replay; NaN: dropped */
    uint64_t cached_tokens;       /* at first admissions, all samples */
    uint32_t preemptions;
    enum request_status status; /* completed: all samples are */
};

/* One latency of a side next to that of the first one. */
struct paired {
    double mean_first, mean;
    struct statistics difference, batches; /* over pairs; over batch means (n = 0: fewer than two a batch) */
    size_t better, worse, equal;           /* smaller than on the first side, larger, the same */
    double sign_p;
};

/* Which requests: those of one class (`of` has the class of each), or all (`of` NULL). */
struct pair_choice {
    const uint8_t *of;
    uint8_t class;
};

/* NaN, as is all arithmetic with NaN, when either side lacks this latency: then the request is no pair. */
static inline double pair_difference(const struct outcome *first, const struct outcome *own, enum latency latency)
{
    return own->ms[latency] - first->ms[latency];
}

/* Of `count` requests in the order of the trace. `scratch` has room for as many numbers. */
struct paired paired_of(const struct outcome *firsts, const struct outcome *owns, uint32_t count, enum latency latency,
                        struct pair_choice choice, double *scratch);

/* The interval that a sentence tells: that of batches where there are enough pairs for them. Of n = 1 it is none. */
static inline const struct statistics *paired_interval(const struct paired *paired)
{
    return paired->batches.n ? &paired->batches : &paired->difference;
}

#endif
