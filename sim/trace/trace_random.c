/* trace_random.c - lengths drawn from a seed, straight into a trace's columns. Read trace_random.h first for what vLLM's data set means;
 * the rules are in random_workload_length.
 */
#include "trace/trace_random.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/seeded_random.h"
#include "trace/priority_rules.h"

struct random_workload random_workload_default(void)
{
    return (struct random_workload){.requests = 1000, .input_tokens = 1024, .output_tokens = 128};
}

uint32_t random_workload_length(uint64_t *state, uint32_t mean, double ratio, uint32_t least)
{
    const double low = fmax(floor(mean * (1 - ratio)), least), high = fmax(ceil(mean * (1 + ratio)), low);
    return (uint32_t)low + (uint32_t)(seeded_bits(state) % ((uint64_t)(high - low) + 1));
}

static enum status make_columns(const struct random_workload *workload, struct trace *trace, struct diag *diag)
{
    const size_t count = workload->requests;
    const bool prefix = workload->prefix_tokens > 0;
    const struct array_request columns[] = {ARRAY_OF(trace->arrival_ns, count), ARRAY_OF(trace->input_tokens, count),
                                            ARRAY_OF(trace->output_tokens, count), ARRAY_IF(prefix, trace->hash_start, count + 1),
                                            ARRAY_IF(prefix, trace->hash_ids, count)};
    return array_zeroed_all(columns, sizeof columns / sizeof *columns, "the workload", diag);
}

/* All arrive at 0; arrivals are drawn separately if there is a rate. With a prefix, a prompt of its own may be empty. */
static void fill_columns(const struct random_workload *workload, struct trace *trace)
{
    uint64_t state = seeded_stream(workload->seed, SEEDED_LENGTHS);
    const uint32_t prefix = workload->prefix_tokens;
    for (uint32_t i = 0; i < workload->requests; i++) {
        trace->input_tokens[i] = prefix + random_workload_length(&state, workload->input_tokens, workload->range_ratio, prefix ? 0 : 1);
        trace->output_tokens[i] = random_workload_length(&state, workload->output_tokens, workload->range_ratio, 1);
        if (prefix > 0)
            trace->hash_start[i + 1] = (uint64_t)i + 1; /* everybody's only id is 0 */
    }
}

enum status trace_random(const struct random_workload *workload, struct trace **out, struct diag *diag)
{
    struct trace *trace;
    if (workload->input_tokens == 0 && workload->prefix_tokens == 0)
        return diag_set(diag, SIM_USAGE, "prompts of no tokens; give --random-input-len or --random-prefix-len");
    enum status status = array_zeroed(&trace, 1, sizeof *trace, "the workload", diag);
    if (status != SIM_OK)
        return status;
    trace->count = trace->requests_in_file = workload->requests;
    trace->distinct_hashes = workload->prefix_tokens > 0;
    snprintf(trace->name, sizeof trace->name, "random data set");
    status = make_columns(workload, trace, diag);
    if (status != SIM_OK) {
        trace_destroy(trace);
        return status;
    }
    fill_columns(workload, trace);
    status = priority_rules_apply(workload->priorities, trace, diag);
    if (status == SIM_OK)
        *out = trace;
    else
        trace_destroy(trace);
    return status;
}
