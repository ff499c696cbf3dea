/* calibration.h - a clock from one measured run: the constants of a compact step-time model with which a replay says what the server's clients
 * measured. With it every other setting can be predicted.
 *
 * Decisions move with the clock: how many prompts share a step depends on how long steps take. So constants are not read off latencies;
 * the trace is replayed, exactly, with many guesses, and the guess is taken whose latencies are nearest. Half of the requests are looked at,
 * every other one in order of arrival; the errors of the rest say how far to trust the result.
 *
 * The model is
 *     us = base + sequence * sequences + token * tokens + context * (tokens of context) + mixed (in steps with a prompt)
 * and the host's time is part of base and sequence. Loss: the mean, over TTFT, TPOT and E2E, of a pseudo-Huber function of
 * ln(simulated / measured), so that single requests that something else held up do not count for much.
 *
 * Where only statistics of all requests are known, those are what is compared, and nothing is held out; of five of them or fewer, such as three
 * means, only base and token are found, and the others count as 0.
 */
#ifndef PAGESIM_CALIBRATION_H
#define PAGESIM_CALIBRATION_H

#include <stdatomic.h>

#include "study/measured_run.h"
#include "time/compact.h"

enum calibrated { CALIBRATED_BASE, CALIBRATED_SEQUENCE, CALIBRATED_TOKEN, CALIBRATED_CONTEXT, CALIBRATED_MIXED, CALIBRATED };
extern const char *const calibrated_names[CALIBRATED]; /* as in the model's file */

/* Of one half of the requests, or of statistics of all of them. */
struct calibration_errors {
    uint32_t count;         /* of requests or statistics */
    double mape[LATENCIES]; /* mean of |simulated - measured| / measured; NaN: nothing measured */
};

struct calibration {
    /* filled by the caller */
    const struct trace *trace;   /* as it is replayed (workload_fit) */
    const struct config *config; /* its step_time does not count, but for the cost of moved blocks */
    const struct measured_run *measured;
    const atomic_int *stop; /* NULL, or not 0 once the user has had enough */
    void (*progress)(void *self, uint32_t replays);
    void *progress_self;
    /* filled by calibration_make */
    struct compact compact;
    double values[CALIBRATED]; /* microseconds */
    /* Of single requests, as if their errors were independent, which they are not: the least that one has to expect. As a share of the value;
     * infinity: the run does not tell. */
    double standard_error[CALIBRATED];
    double correlation[CALIBRATED][CALIBRATED]; /* near -1: more of one and less of the other says nearly the same */
    struct calibration_errors fitted, held_out; /* statistics alone: nothing is held out */
    struct pauses_found pauses;                 /* of the stream, as the gaps between tokens tell them; no other constant depends on them */
    bool pooled;                                /* it was statistics alone */
    uint32_t replays;
};

/* SIM_BAD_INPUT: too little was measured (20 requests, or statistics), or no guess gives a replay that ends. SIM_INTERRUPTED: stop. */
SIM_NODISCARD enum status calibration_make(struct calibration *calibration, struct diag *diag);

#endif
