/* scheduling_order.c - finds the policy, makes its state, and shows it requests. Policies themselves are in sim/policy. */
#include "vllm_v1/scheduling_order.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/integers.h"
#include "base/portable_math.h"
#include "base/seeded_random.h"
#include "trace/trace_rows.h"

/* What a step would cost in which one request is alone: for policies that weigh recomputation. Other requests of the step are left out
 * on purpose: a policy asks what one choice would add, long before it is known who else runs. One token after some context is a decode,
 * as in section 1. */
static int64_t price_alone(const void *model, uint32_t tokens, uint32_t context)
{
    struct step_shape shape = {.sampled = 1};
    step_shape_add(&shape, context, tokens, tokens == 1 && context > 0);
    return step_time_price(model, &shape);
}

/* Predicted output = true x lognormal: the error of a predictor is one of scale, and long answers are missed by more tokens than short ones. The
 * median of the factor is 1. Drawn from the seed and the request's number, so that neither a selection of requests nor the order of events
 * changes anybody's; samples of one request have errors of their own, as they have answers of their own. */
static enum status predict(struct scheduling_order *order, const struct config *config, struct diag *diag)
{
    const struct trace *trace = order->trace;
    enum status status = array_zeroed(&order->predicted, trace->count, sizeof *order->predicted, "predicted lengths", diag);
    for (uint32_t i = 0; i < trace->count && status == SIM_OK; i++) {
        const uint64_t request = (uint64_t)trace_sample_of(trace, i) << 32 | trace_index(trace, i);
        uint64_t state = seeded_stream(config->seed, SEEDED_PREDICTIONS) ^ request * UINT64_C(0x9E3779B97F4A7C15);
        state = seeded_bits(&state);
        const double tokens = trace->output_tokens[i] * portable_exp(config->length_prediction_sigma * seeded_normal(&state));
        order->predicted[i] = tokens < 1 ? 1 : tokens < TRACE_MAX_TOKENS ? (uint32_t)(tokens + 0.5) : TRACE_MAX_TOKENS;
    }
    if (status == SIM_OK)
        order->output_tokens = order->predicted;
    return status;
}

/* An unknown name is the user's mistake; a state that cannot be made is a lack of memory. `self` is the policy's own and never looked
 * into. */
enum status scheduling_order_init(struct scheduling_order *order, const struct trace *trace, const struct config *config,
                                  const struct step_time_model *model, struct diag *diag)
{
    const struct pagesim_scheduling_policy *policy = policy_find_scheduling(config->scheduling_policy);
    struct pagesim_policy_setup setup = {.request_count = trace->count,
                                         .tenant_count = 1 + (trace->tenant ? trace->tenants.count : trace->sessions.count),
                                         .step_ns = price_alone,
                                         .model = model,
                                         .input_weight = config->fair_input_weight,
                                         .output_weight = config->fair_output_weight};
    if (!policy)
        return diag_set(diag, SIM_BAD_INPUT, "there is no scheduling_policy \"%s\"", config->scheduling_policy);
    for (int i = 0; i < PAGESIM_POLICY_CLASSES; i++)
        setup.ttft_target_ns[i] = ns_of(config->slo_ttft_ms[i], 1e6);
    *order =
        (struct scheduling_order){.policy = policy, .trace = trace, .output_tokens = trace->output_tokens, .tenant = trace_tenants(trace)};
    if (config->length_prediction_sigma > 0) {
        enum status status = predict(order, config, diag);
        if (status != SIM_OK)
            return status;
    }
    if (policy->create && !policy->create(&setup, &order->self))
        return diag_set(diag, SIM_FAILED, "out of memory for the state of scheduling_policy \"%s\"", config->scheduling_policy);
    return SIM_OK;
}

void scheduling_order_deinit(struct scheduling_order *order)
{
    if (order->policy && order->policy->destroy)
        order->policy->destroy(order->self);
    free(order->predicted);
    *order = (struct scheduling_order){0};
}

/* At arrival the prompt is known and nothing is computed. */
int64_t scheduling_order_first_key(const struct scheduling_order *order, uint32_t position, int64_t arrival_ns)
{
    if (!order->policy->key)
        return 0;
    struct pagesim_policy_request request = scheduling_order_request(order, position, arrival_ns, order->trace->input_tokens[position], 0);
    return order->policy->key(order->self, &request);
}

/* --- who waits, as the policy sees them ---------------------------------------------------------------------------------------------- */

struct waiting_view {
    struct pagesim_policy_waiting waiting;
    struct request_queue *queue;
    scheduling_order_look_up *look_up;
    void *engine;
    enum status status; /* of the first look-up that failed */
    bool changed;
    struct diag *diag;
};

static uint32_t waiting_cached_tokens(struct pagesim_policy_waiting *waiting, uint32_t position)
{
    struct waiting_view *all = (struct waiting_view *)waiting;
    uint32_t tokens = 0;
    if (all->status == SIM_OK)
        all->status = all->look_up(all->engine, position, &tokens, all->diag);
    return tokens;
}

static void waiting_set_key(struct pagesim_policy_waiting *waiting, uint32_t position, int64_t key)
{
    struct waiting_view *all = (struct waiting_view *)waiting;
    all->changed |= all->queue->key[position] != key;
    all->queue->key[position] = key;
}

/* The heap is put in order once, after all keys are set: while the policy walks the positions they must not move. */
enum status scheduling_order_reorder(const struct scheduling_order *order, struct request_queue *queue, int64_t now_ns,
                                     scheduling_order_look_up *look_up, void *engine, struct diag *diag)
{
    struct waiting_view all = {
        .waiting = {.count = queue->count, .positions = queue->heap, .cached_tokens = waiting_cached_tokens, .set_key = waiting_set_key},
        .queue = queue,
        .look_up = look_up,
        .engine = engine,
        .diag = diag};
    order->policy->before_admission(order->self, now_ns, &all.waiting);
    if (all.changed)
        request_queue_reorder(queue);
    return all.status;
}
