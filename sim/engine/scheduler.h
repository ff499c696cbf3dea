/* scheduler.h - a readable scheduler: decides one step at a time, as vLLM does, and hands it out as lists. One table of functions, one
 * folder an engine (sim/vllm_v1, sim/vllm_v0). scheduler_stepper.h drives it:
 *
 *     arrive()*  ->  schedule()  ->  [the stepper prices the step]  ->  priced()  ->  [observers look at it]  ->  complete()  ->  quiet steps
 *
 * With asynchronous scheduling (V1), complete() of a step comes after schedule() of the next.
 *
 * A scheduler owns metadata only: requests, queues, block tables, the pool. It knows no clock beyond the times handed in, moves no bytes
 * and prints nothing. What other rooms need to know of an engine, its name for one, is in config/engine_facts.h.
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
    /* Request `position` has arrived (in a closed loop later than the trace says); order of calls is order of arrival. */
    enum status (*arrive)(struct scheduler *self, uint32_t position, int64_t arrival_ns, struct diag *diag);
    /* Decide one step at `now_ns`. Nothing to do is a step with scheduled_count 0 (and, V0, no preempted and no ignored).
     * step->abort != NULL: vLLM would die here (V0: no CPU blocks left); the run ends. */
    enum status (*schedule)(struct scheduler *self, int64_t now_ns, struct step *step, struct diag *diag);
    /* The step that was decided last has its price: tally.start_ns and duration_ns hold. NULL: nobody wants to know. */
    enum status (*priced)(struct scheduler *self, const struct step *step, struct diag *diag);
    /* The model ran; hand out tokens, finish and release. `end_ns` is the clock at the end of the step. */
    enum status (*complete)(struct scheduler *self, int64_t end_ns, struct step *step, struct diag *diag);
    /* Quiet steps: the same requests get a token each and nothing else happens, whoever waits. NULL: the scheduler does not look ahead; all
     * steps are made one by one then. quiet_begin: how many can come after the step just made, if nobody arrives; 0: none is sure. It lists
     * who gets the tokens, in the order of the step, in step->sampled. Then quiet_next decides one of them, up to shape and tally; false:
     * blocks do not reach, and nothing was done. quiet_end follows the last. */
    uint32_t (*quiet_begin)(struct scheduler *self, struct step *step);
    bool (*quiet_next)(struct scheduler *self, struct step *step);
    void (*quiet_end)(struct scheduler *self);
    /* The same questions as in stepper_ops (stepper.h). diagnose and pool_state are asked between steps; pool_states then, or between
     * schedule() and complete(). never_runs needs no scheduler. */
    bool (*never_runs)(const struct trace *trace, const struct config *config, uint32_t position, enum drop_reason *why,
                       uint64_t *smallest_pool);
    const char *(*diagnose)(struct scheduler *self);
    void (*pool_state)(const struct scheduler *self, struct step_tally *tally);
    void (*pool_states)(const struct scheduler *self, uint8_t *states);
    int64_t (*wakes_ns)(const struct scheduler *self);
    /* NULL, or what moved to host memory and back so far. */
    void (*offloads)(const struct scheduler *self, struct offload_sums *sums);
    /* Walk all invariants; false with a message at the first that does not hold. For tests and --check. */
    bool (*check)(const struct scheduler *self, struct diag *diag);
    void (*destroy)(struct scheduler *self);
};

struct scheduler {
    const struct scheduler_ops *ops;
};

#endif
