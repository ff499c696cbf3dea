/* scheduling_order.h - a scheduling policy at work: the table, its state, and requests shown as policies see them.
 *
 * Shared by the V1 scheduler and the event replay, which hold the waiting requests themselves (request_queue.h). One per run.
 */
#ifndef PAGESIM_SCHEDULING_ORDER_H
#define PAGESIM_SCHEDULING_ORDER_H

#include "config/config.h"
#include "engine/request_queue.h"
#include "policy/policy.h"
#include "time/step_time.h"
#include "trace/trace.h"

struct scheduling_order {
    const struct pagesim_scheduling_policy *policy;
    void *self; /* the policy's */
    const struct trace *trace;
    const uint32_t *output_tokens; /* as policies see them: the trace's, or predicted */
    const uint32_t *tenant;        /* NULL: nobody says */
    uint32_t *predicted;           /* owned; NULL: lengths are known exactly */
};

/* Find config->scheduling_policy and create its state. `model` prices what the policy asks; all is borrowed. SIM_BAD_INPUT: unknown
 * name. */
SIM_NODISCARD enum status scheduling_order_init(struct scheduling_order *order, const struct trace *trace, const struct config *config,
                                                const struct step_time_model *model, struct diag *diag);
void scheduling_order_deinit(struct scheduling_order *order);

/* A request as policies see it: all that they may know, by value: it cannot reach the scheduler's state, and both engines show the same. */
static inline struct pagesim_policy_request scheduling_order_request(const struct scheduling_order *order, uint32_t position,
                                                                     int64_t arrival_ns, uint32_t known_tokens, uint32_t computed_tokens)
{
    const struct trace *trace = order->trace;
    return (struct pagesim_policy_request){.arrival_ns = arrival_ns,
                                           .position = position,
                                           .input_tokens = trace->input_tokens[position],
                                           .output_tokens = order->output_tokens[position],
                                           .priority = trace->priority ? trace->priority[position] : 0,
                                           .known_tokens = known_tokens,
                                           .computed_tokens = computed_tokens,
                                           .tenant = order->tenant ? order->tenant[position] : 0};
}

/* Its key; 0 when the order has none. */
static inline int64_t scheduling_order_key(const struct scheduling_order *order, const struct pagesim_policy_request *request)
{
    return order->policy->key ? order->policy->key(order->self, request) : 0;
}

/* The key of a request that has just arrived: for ever, when the key is static. */
int64_t scheduling_order_first_key(const struct scheduling_order *order, uint32_t position, int64_t arrival_ns);

/* How many tokens of the prompt at `position` an engine would hit now. */
typedef enum status scheduling_order_look_up(void *engine, uint32_t position, uint32_t *tokens, struct diag *diag);

/* Let the policy, which has before_admission, look at who waits and set keys. An error of a look-up, for which there can be no memory, is not
 * told to the policy, but returned. */
SIM_NODISCARD enum status scheduling_order_reorder(const struct scheduling_order *order, struct request_queue *queue, int64_t now_ns,
                                                   scheduling_order_look_up *look_up, void *engine, struct diag *diag);

#endif
