/* binding_limits.c - adds up runs of steps by what held the first waiting request back. Within a run nobody comes, goes or could enter, so
 * its first step speaks for all. */
#include "observe/binding_limits.h"

#include "base/integers.h"
#include "vllm_v1/v1_rules.h"

const char *const limit_names[LIMITS] = {"max_num_seqs", "max_num_batched_tokens", "num_gpu_blocks"};

/* The two limits as V1 has them; V0 has neither of the keys that lower them. */
void binding_limits_init(struct binding_limits *limits, const struct config *config)
{
    *limits = (struct binding_limits){.seats = v1_seats(config), .budget = v1_budget(config)};
}

/* Seats first: with all of them taken nobody is looked at, whatever is left of the budget. */
static enum limit held_by(const struct binding_limits *limits, const struct step_tally *step)
{
    if (step->running >= limits->seats)
        return LIMIT_SEATS;
    return step->scheduled_tokens >= limits->budget ? LIMIT_BUDGET : LIMIT_BLOCKS;
}

/* Gaps count as time in which nothing runs; nobody waits in them but for an arrival. */
static enum status on_runs(void *self, const struct step_run *runs, size_t count, struct diag *diag)
{
    (void)diag;
    struct binding_limits *limits = self;
    for (size_t i = 0; i < count; i++) {
        const struct step_run *run = &runs[i];
        const struct step_tally *step = &run->first;
        limits->all_ns += run->state_ns;
        limits->preemptions += step->preemptions;
        if (step->step == TALLY_GAP)
            continue;
        limits->busy_ns += run->duration_ns;
        if (step->scheduled_tokens >= limits->budget)
            limits->full_ns += run->duration_ns;
        if (step->waiting > 0) {
            limits->waiting_ns += run->state_ns;
            limits->bound_ns[held_by(limits, step)] += run->state_ns;
        }
        limits->peak_running = max_u32(limits->peak_running, step->running);
        limits->peak_step_tokens = max_u32(limits->peak_step_tokens, step->scheduled_tokens);
        limits->peak_used_blocks = max_u32(limits->peak_used_blocks, run->peak_used_blocks);
    }
    return SIM_OK;
}

struct observer binding_limits_observer(struct binding_limits *limits)
{
    return (struct observer){.self = limits, .runs = on_runs};
}

double binding_limits_share(const struct binding_limits *limits, int64_t ns)
{
    return limits->all_ns > 0 ? (double)ns / (double)limits->all_ns : 0;
}

enum limit binding_limits_main(const struct binding_limits *limits)
{
    enum limit most = LIMIT_SEATS;
    if (limits->waiting_ns < limits->all_ns / 100)
        return LIMITS;
    for (enum limit limit = LIMIT_SEATS; limit < LIMITS; limit++)
        if (limits->bound_ns[limit] > limits->bound_ns[most])
            most = limit;
    return most;
}
