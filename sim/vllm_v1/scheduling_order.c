/* scheduling_order.c - finds the policy, makes its state, and shows it requests. Policies themselves are in sim/policy. */
#include "vllm_v1/scheduling_order.h"

/* What a step would cost in which one request is alone: for policies that weigh recomputation. Other requests of the step are left out
 * on purpose: a policy asks what one choice would add, long before it is known who else runs. One token after some context is a decode,
 * as in section 1. */
static int64_t price_alone(const void *model, uint32_t tokens, uint32_t context)
{
    struct step_shape shape = {.sampled = 1};
    step_shape_add(&shape, context, tokens, tokens == 1 && context > 0);
    return step_time_price(model, &shape);
}

/* An unknown name is the user's mistake; a state that cannot be made is a lack of memory. `self` is the policy's own and never looked
 * into. */
enum status scheduling_order_init(struct scheduling_order *order, const struct trace *trace, const struct config *config,
                                  const struct step_time_model *model, struct diag *diag)
{
    const struct pagesim_scheduling_policy *policy = policy_find_scheduling(config->scheduling_policy);
    struct pagesim_policy_setup setup = {.request_count = trace->count, .step_ns = price_alone, .model = model};
    if (!policy)
        return diag_set(diag, SIM_BAD_INPUT, "there is no scheduling_policy \"%s\"", config->scheduling_policy);
    *order = (struct scheduling_order){.policy = policy, .trace = trace};
    if (policy->create && !policy->create(&setup, &order->self))
        return diag_set(diag, SIM_FAILED, "out of memory for the state of scheduling_policy \"%s\"", config->scheduling_policy);
    return SIM_OK;
}

void scheduling_order_deinit(struct scheduling_order *order)
{
    if (order->policy && order->policy->destroy)
        order->policy->destroy(order->self);
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
