/* roofline_runs.h - the roofline's constants from what clients measured, over several runs of one GPU at once: other numbers of GPUs, other loads,
 * other requests.
 *
 * One mean cannot tell what a step costs from what a token costs, but the roofline knows how a step's parts grow with the batch, the model and the
 * number of GPUs. Few constants are left, and runs that differ tell them apart. Each run is replayed, exactly, with many guesses; those
 * constants are taken with which the means of TTFT, TPOT and E2E are nearest, a run as much as another. Loss: the mean of a pseudo-Huber
 * function of ln(simulated / measured), and as in roofline_fit.h the two efficiencies are drawn to where they start.
 *
 * vLLM V0 runs prompts without CUDA graphs, so that launching their kernels takes longer: prompt_layer_us. Its host's time grows with the
 * sequences: host_ns_per_sequence.
 */
#ifndef PAGESIM_ROOFLINE_RUNS_H
#define PAGESIM_ROOFLINE_RUNS_H

#include <stdatomic.h>

#include "study/measured_run.h"
#include "time/roofline_fit.h"

enum { RUNS_PROMPT_LAYER = ROOFLINE_CONSTANTS, RUNS_SEQUENCE, RUNS_CONSTANTS };
/* The three of roofline_fit.h and these, as in step_time of a configuration. */
extern const char *const roofline_runs_names[RUNS_CONSTANTS];

struct roofline_run {
    /* filled by the caller, borrowed */
    const char *name;
    const struct trace *trace;   /* as it is replayed (workload_fit) */
    const struct config *config; /* names model and GPU */
    const struct measured_run *measured;
    /* filled by roofline_runs_fit: of the mean, simulated / measured - 1; NaN: not measured */
    double error[LATENCIES];
};

struct roofline_runs {
    struct roofline_run *runs;
    size_t count;
    uint32_t threads;       /* as parallel_runs has it */
    const atomic_int *stop; /* NULL, or not 0 once the user has had enough */
    void (*progress)(void *self, uint32_t replays);
    void *progress_self;
    double values[RUNS_CONSTANTS]; /* found */
    uint32_t replays;
};

/* Efficiencies start where the first run's configuration has them. SIM_BAD_INPUT: no run has a mean, or as step_time_create.
 * SIM_INTERRUPTED: stop. */
SIM_NODISCARD enum status roofline_runs_fit(struct roofline_runs *runs, struct diag *diag);

#endif
