/* scheduler.h - what the engine's loop asks of a scheduler; one table of functions, one file an engine (vllm_v1.c, vllm_v0.c).
 *
 * Life of a step: arrive()* , schedule(), [the engine prices the step], complete(). The scheduler owns metadata only: requests,
 * queues, block tables, pool. It knows no clock beyond the times handed in, moves no bytes and prints nothing.
 */
#ifndef PAGESIM_SCHEDULER_H
#define PAGESIM_SCHEDULER_H

#include <stdbool.h>

#include "base/diag.h"
#include "config/config.h"
#include "engine/step.h"
#include "trace/trace.h"

struct scheduler; /* each engine embeds this header of its own state as first member */

struct scheduler_ops {
    const char *name;         /* as in the configuration */
    const char *vllm_version; /* whose decisions it makes */
    /* What else modules that serve every engine need to know of one. */
    bool has_null_block;  /* block 0 is never given out */
    bool has_groups;      /* a request is a group of sequences: forks, swaps, beams; logs and reports have more to say */
    bool expands_samples; /* n > 1 becomes n requests before the replay */
    /* Request `position` has arrived (in a closed loop later than the trace says); order of calls is order of arrival. */
    enum status (*arrive)(struct scheduler *self, uint32_t position, int64_t arrival_ns, struct diag *diag);
    /* Decide one step at `now_ns`. Nothing to do is a step with scheduled_count 0 (and, V0, no preempted and no ignored).
     * step->abort != NULL: vLLM would die here (V0: no CPU blocks left); the run ends. */
    enum status (*schedule)(struct scheduler *self, int64_t now_ns, struct step *step, struct diag *diag);
    /* The model ran; hand out tokens, finish and release. `end_ns` is the clock at the end of the step. */
    enum status (*complete)(struct scheduler *self, int64_t end_ns, struct step *step, struct diag *diag);
    /* Why the request can never run under this configuration (formats.md section 3), or false. *smallest_pool = the num_gpu_blocks that
     * would do (0 when no pool would). Called before create(), so it has no self. */
    bool (*never_runs)(const struct trace *trace, const struct config *config, uint32_t position, enum drop_reason *why,
                       uint64_t *smallest_pool);
    /* After a stall or an abort: a sentence for the user naming the request and the remedy. NULL: nothing to add. */
    const char *(*diagnose)(struct scheduler *self);
    /* Requests taken in and not finished. */
    uint32_t (*unfinished)(const struct scheduler *self);
    /* The pool between steps: fills free_blocks, cached_blocks, free_cpu_blocks and, were any used, used_blocks and the table sums. */
    void (*pool_state)(const struct scheduler *self, struct step_tally *tally);
    /* Walk all invariants; false with a message at the first that does not hold. For tests and --check. */
    bool (*check)(const struct scheduler *self, struct diag *diag);
    void (*destroy)(struct scheduler *self);
};

struct scheduler {
    const struct scheduler_ops *ops;
};

extern const struct scheduler_ops vllm_v1_ops, vllm_v0_ops;

/* The operations of the engine that config->scheduler names. */
const struct scheduler_ops *scheduler_ops_of(const struct config *config);

/* Create the scheduler that config->scheduler names. `model` is for policies that ask what a step would cost (V1). */
SIM_NODISCARD enum status scheduler_create(const struct trace *trace, const struct config *config, const struct step_time_model *model,
                                           bool want_lists, struct scheduler **out, struct diag *diag);

/* Borrow trace, config and model for the scheduler's life. `want_lists` = false lets the scheduler skip step->sequences. The caller destroys
 * through ops->destroy. */
SIM_NODISCARD enum status vllm_v1_create(const struct trace *trace, const struct config *config, const struct step_time_model *model,
                                         bool want_lists, struct scheduler **out, struct diag *diag);
SIM_NODISCARD enum status vllm_v0_create(const struct trace *trace, const struct config *config, bool want_lists, struct scheduler **out,
                                         struct diag *diag);

#endif
