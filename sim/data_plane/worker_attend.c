/* worker_attend.c - the plan of a step's attention and the exact arithmetic it is checked with. Read head_error for what is compared; the
 * kernels under test are core/attention.c's.
 *
 * The check shares no code with the kernels: it reads no block, has the textbook's two passes in place of an online softmax, and sums in
 * double precision. */
#include "data_plane/worker_attend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "data_plane/worker_values.h"

/* Query numbers in (-1, 1) over the greatest value of the type, so that a product with a value stays in (-1, 1). With larger queries the
 * softmax would give one token all the weight, and wrong floats of the others would not show. The top byte of a multiplicative hash is
 * scattered enough; the half makes 0 impossible, which would hide a dimension. */
static void fill_queries(const struct kv_config *kv, float *queries, size_t count)
{
    const float greatest = (float)worker_value_bound(kv);
    for (size_t i = 0; i < count; i++) {
        uint32_t mixed = (uint32_t)i * UINT32_C(0x9E3779B1);
        queries[i] = ((float)(mixed >> 24) - 127.5F) / 128 / greatest;
    }
}

/* Queries are made once, as they are the same for all sequences and steps; outputs and sequences are laid out anew for each step. What is
 * compared is K and V, so there is nothing to gain from queries that differ. */
enum status attend_plan_make(struct attend_plan *plan, const struct kv_config *kv, uint32_t block_size, const struct worker_step *step,
                             struct diag *diag)
{
    const size_t width = (size_t)kv->num_kv_heads * ATTEND_GROUP * kv->head_dim;
    enum status status = SIM_OK;
    if (!plan->queries) {
        status = array_reserve(&plan->queries, &plan->query_capacity, width, sizeof *plan->queries, "queries", diag);
        if (status == SIM_OK)
            fill_queries(kv, plan->queries, width);
    }
    if (status == SIM_OK)
        status =
            array_reserve(&plan->outputs, &plan->output_capacity, width * step->count, sizeof *plan->outputs, "attention's outputs", diag);
    if (status == SIM_OK)
        status =
            array_reserve(&plan->sequences, &plan->sequence_capacity, step->count, sizeof *plan->sequences, "sequences to attend to", diag);
    for (uint32_t i = 0; i < step->count && status == SIM_OK; i++)
        plan->sequences[i] = (struct kv_attend_sequence){.blocks = step->sequences[i].blocks + step->sequences[i].first / block_size,
                                                         .num_tokens = worker_tokens_read(&step->sequences[i]),
                                                         .queries = plan->queries,
                                                         .outputs = plan->outputs + i * width};
    return status;
}

void attend_plan_deinit(struct attend_plan *plan)
{
    free(plan->queries);
    free(plan->outputs);
    free(plan->sequences);
    *plan = (struct attend_plan){0};
}

/* The greater of two errors. Not fmax, which would forget a NaN. */
static double worse(double one, double other)
{
    return one > other || isnan(one) ? one : other;
}

/* One query head in exact arithmetic; exact: head_dim, scores: as many as tokens. Returns the error of `output`, relative to the largest
 * number of the head's output: values of one head are of like size, and a dimension that happens to be near 0 says nothing about rounding.
 * O(tokens * head_dim), with each value computed from its link rather than stored. */
static double head_error(const struct kv_config *kv, uint32_t layer, const uint64_t *links, uint32_t tokens, uint32_t head,
                         const float *query, const float *output, double *exact, double *scores)
{
    /* The maximum is subtracted before exp() as usual; scores are small here, but the check must not depend on that. */
    double maximum = -INFINITY, sum = 0, largest = 0, worst = 0;
    for (uint32_t token = 0; token < tokens; token++) {
        double score = 0;
        for (uint32_t dim = 0; dim < kv->head_dim; dim++)
            score += (double)query[dim] * (double)worker_value(kv, layer, links[token], false, head, dim);
        scores[token] = score;
        maximum = fmax(maximum, score);
    }
    memset(exact, 0, kv->head_dim * sizeof *exact);
    for (uint32_t token = 0; token < tokens; token++) {
        const double weight = exp(scores[token] - maximum);
        sum += weight;
        for (uint32_t dim = 0; dim < kv->head_dim; dim++)
            exact[dim] += weight * (double)worker_value(kv, layer, links[token], true, head, dim);
    }
    for (uint32_t dim = 0; dim < kv->head_dim; dim++)
        largest = fmax(largest, fabs(exact[dim] / sum));
    for (uint32_t dim = 0; dim < kv->head_dim; dim++)
        worst = worse(worst, fabs((double)output[dim] - exact[dim] / sum));
    return largest > 0 ? worst / largest : worst;
}

/* Heads are independent: each has its own part of the scratch memory, head_dim sums and then a score for each token. Its error comes to
 * stand in the first place, and the greatest is looked for by one thread. */
enum status attend_error(const struct kv_config *kv, uint32_t layer, const uint64_t *links, const struct kv_attend_sequence *sequence,
                         uint32_t threads, double *error, struct diag *diag)
{
    const uint32_t query_heads = kv->num_kv_heads * ATTEND_GROUP, tokens = sequence->num_tokens;
    const size_t each = (size_t)tokens + kv->head_dim;
    double *scratch = NULL, worst = 0;
    enum status status = array_zeroed(&scratch, query_heads * each, sizeof *scratch, "exact attention", diag);
    if (status != SIM_OK)
        return status;
    (void)threads;
#pragma omp parallel for schedule(static) num_threads(threads) default(none) shared(kv, layer, links, sequence, query_heads, tokens)       \
    shared(scratch, each)
    for (uint32_t head = 0; head < query_heads; head++) {
        const size_t at = (size_t)head * kv->head_dim;
        double *own = scratch + head * each;
        *own = head_error(kv, layer, links, tokens, head / ATTEND_GROUP, sequence->queries + at, sequence->outputs + at, own,
                          own + kv->head_dim);
    }
    for (uint32_t head = 0; head < query_heads; head++)
        worst = worse(worst, scratch[head * each]);
    free(scratch);
    *error = worst;
    return SIM_OK;
}
