/* trace_random.h - the data set "random" of `vllm bench serve`: a workload without a file.
 *
 * Prompts of prefix_tokens that all requests share and a number of their own that is uniform around input_tokens; outputs uniform around
 * output_tokens; both within floor(mean * (1 - range_ratio)) and ceil(mean * (1 + range_ratio)). All arrive at 0, in order, unless a rate
 * says otherwise (drawn_arrivals.h). Lengths are drawn from `seed` (base/seeded_random.h), the same on every machine; they are not numpy's.
 * Source: vllm/benchmarks/datasets.py, RandomDataset; a tokenizer's special tokens are not counted.
 */
#ifndef PAGESIM_TRACE_RANDOM_H
#define PAGESIM_TRACE_RANDOM_H

#include "base/diag.h"
#include "trace/trace.h"

struct random_workload {
    uint32_t requests;                    /* 1000 */
    uint32_t input_tokens, output_tokens; /* means, 1024 and 128 */
    uint32_t prefix_tokens;               /* 0 */
    double range_ratio;                   /* 0 <= r < 1; 0 */
    uint64_t seed;
    const struct priority_rules *priorities; /* priority_rules.h; NULL: all 0 */
};

struct random_workload random_workload_default(void);

/* A length as the data set draws it: uniform in the range around a mean, at least `least`. *state is a seeded stream. */
uint32_t random_workload_length(uint64_t *state, uint32_t mean, double range_ratio, uint32_t least);

/* The prefix is one trace block: replay with trace_block_size = prefix_tokens where that is not 0. SIM_USAGE: prompts of no tokens would
 * come of it. The caller ends *out with trace_destroy. */
SIM_NODISCARD enum status trace_random(const struct random_workload *workload, struct trace **out, struct diag *diag);

#endif
