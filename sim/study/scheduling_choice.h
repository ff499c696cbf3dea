/* scheduling_choice.h - was the measured server scheduling asynchronously? Where nobody says it, the trace is replayed both ways, and the
 * way is taken whose replay is clearly nearer to the measurements. That is a choice made after the fact, as one fits a constant, and no
 * prediction; reports say so.
 *
 * What is compared. Nearly all of an end-to-end latency is step times, so its error is mostly theirs, and prefers the way whose bias
 * happens to make up for it: of the run on an RTX 4090 (vLLM 0.19.0) the synchronous replay has E2E errors of 0.51 %, the asynchronous one
 * of 0.78 %, and with all steps half a per cent shorter it is 0.63 and 0.62 %. What tells the two apart at any speed of the steps is the
 * prefill, from first admission to first token: a prompt that fits into a step takes one step if it was admitted when the device was idle,
 * and the rest of another one before it if the device was busy with that. The same run says 0.266 s in the mean; the replays 0.195 and
 * 0.267 s. Where the server did not log admissions, as in the JSON of vLLM's benchmark, the TTFT is all that has this in it; taken request
 * by request and relative to itself, so that those count that hardly waited.
 *
 * Clearly nearer: the better error is less than half the other one. Then what the ways differ by is more than what is wrong with the better
 * one anyhow, which could otherwise be the cause of the whole difference.
 */
#ifndef PAGESIM_SCHEDULING_CHOICE_H
#define PAGESIM_SCHEDULING_CHOICE_H

#include "run/run.h"
#include "study/validation.h"

enum scheduling_told {
    SCHEDULING_BY_CONFIG,  /* a file or an option said it, or the engine has one way alone */
    SCHEDULING_BY_PREFILL, /* chosen: prefill_error */
    SCHEDULING_BY_TTFT,    /* chosen: ttft_mape */
    SCHEDULING_BY_NOTHING, /* the ways are too near to each other: the default stands */
};

/* A replay and its comparison. */
struct scheduling_way {
    struct config config; /* with async_scheduling set */
    struct run run;       /* its figures have those of the comparison */
    struct validation validation;
};

struct scheduling_choice {
    struct scheduling_way ways[2]; /* of two: synchronous, asynchronous */
    uint32_t count;                /* 1: nothing to choose */
    uint32_t chosen;
    enum scheduling_told told;
};

/* Everything is borrowed until scheduling_choice_close, which ends it in any case; a zeroed one may be closed, too. `measured` is made in
 * between, for the trace ways[0].run.trace: all ways replay the same requests. */
SIM_NODISCARD enum status scheduling_choice_open(struct scheduling_choice *choice, const struct trace *trace, const struct config *config,
                                                 struct diag *diag);
/* Replay, compare, choose. As with run_replay a stall is SIM_OK. `wishes` NULL: none. */
SIM_NODISCARD enum status scheduling_choice_make(struct scheduling_choice *choice, const struct measured_run *measured,
                                                 const struct figure_wishes *wishes, const struct replay_options *options,
                                                 struct diag *diag);
void scheduling_choice_close(struct scheduling_choice *choice);

static inline struct scheduling_way *scheduling_chosen(struct scheduling_choice *choice)
{
    return &choice->ways[choice->chosen];
}

#endif
