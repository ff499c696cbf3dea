/* distribution.c - see distribution.h. */
#include "observe/distribution.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

enum { BUCKETS = 4096 };

struct weighted {
    double value;
    uint64_t weight;
};

enum status distribution_add(struct distribution *distribution, double value, uint32_t weight, struct diag *diag)
{
    size_t needed = distribution->count + 1;
    enum status status =
        array_reserve(&distribution->values, &distribution->value_capacity, needed, sizeof *distribution->values, "a distribution", diag);
    if (status == SIM_OK)
        status = array_reserve(&distribution->weights, &distribution->weight_capacity, needed, sizeof *distribution->weights,
                               "a distribution", diag);
    if (status != SIM_OK)
        return status;
    distribution->values[distribution->count] = value;
    distribution->weights[distribution->count++] = weight;
    return SIM_OK;
}

void distribution_deinit(struct distribution *distribution)
{
    free(distribution->values);
    free(distribution->weights);
    *distribution = (struct distribution){0};
}

static int by_value(const void *a, const void *b)
{
    double left = ((const struct weighted *)a)->value, right = ((const struct weighted *)b)->value;
    return left < right ? -1 : left > right;
}

/* Everything needed to answer "which value has rank r?". */
struct ranking {
    const struct distribution *distribution;
    double min, max, scale;
    uint64_t total;
    uint64_t below[BUCKETS + 1]; /* weight in the buckets before */
    struct weighted *sorted;     /* values of one bucket */
    size_t sorted_count, sorted_capacity;
    size_t sorted_bucket;
};

static size_t bucket_of(const struct ranking *ranking, double value)
{
    size_t bucket = (size_t)((value - ranking->min) * ranking->scale);
    return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

static void rank_all(struct ranking *ranking)
{
    const struct distribution *distribution = ranking->distribution;
    ranking->min = INFINITY;
    ranking->max = -INFINITY;
    for (size_t i = 0; i < distribution->count; i++) {
        double value = distribution->values[i];
        ranking->min = value < ranking->min ? value : ranking->min;
        ranking->max = value > ranking->max ? value : ranking->max;
    }
    double width = ranking->max - ranking->min;
    ranking->scale = width > 0 ? BUCKETS / width : 0;
    for (size_t i = 0; i < distribution->count; i++)
        ranking->below[bucket_of(ranking, distribution->values[i]) + 1] += distribution->weights[i];
    for (size_t bucket = 0; bucket < BUCKETS; bucket++)
        ranking->below[bucket + 1] += ranking->below[bucket];
    ranking->total = ranking->below[BUCKETS];
    ranking->sorted_bucket = SIZE_MAX;
}

static enum status sort_bucket(struct ranking *ranking, size_t bucket, struct diag *diag)
{
    const struct distribution *distribution = ranking->distribution;
    ranking->sorted_count = 0;
    for (size_t i = 0; i < distribution->count; i++) {
        if (distribution->weights[i] == 0 || bucket_of(ranking, distribution->values[i]) != bucket)
            continue;
        enum status status = array_reserve(&ranking->sorted, &ranking->sorted_capacity, ranking->sorted_count + 1, sizeof *ranking->sorted,
                                           "a distribution", diag);
        if (status != SIM_OK)
            return status;
        ranking->sorted[ranking->sorted_count++] = (struct weighted){distribution->values[i], distribution->weights[i]};
    }
    qsort(ranking->sorted, ranking->sorted_count, sizeof *ranking->sorted, by_value);
    ranking->sorted_bucket = bucket;
    return SIM_OK;
}

static enum status value_at(struct ranking *ranking, uint64_t rank, double *out, struct diag *diag)
{
    size_t low = 0, high = BUCKETS; /* the last bucket with below <= rank and something in it */
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (ranking->below[middle] <= rank)
            low = middle;
        else
            high = middle;
    }
    enum status status = low == ranking->sorted_bucket ? SIM_OK : sort_bucket(ranking, low, diag);
    if (status != SIM_OK)
        return status;
    uint64_t before = ranking->below[low];
    size_t i = 0;
    while (before + ranking->sorted[i].weight <= rank)
        before += ranking->sorted[i++].weight;
    *out = ranking->sorted[i].value;
    return SIM_OK;
}

static enum status percentile(struct ranking *ranking, double p, double *out, struct diag *diag)
{
    double rank = p / 100 * (double)(ranking->total - 1), whole = floor(rank), low, high;
    enum status status = value_at(ranking, (uint64_t)whole, &low, diag);
    high = low;
    if (status == SIM_OK && rank > whole)
        status = value_at(ranking, (uint64_t)whole + 1, &high, diag);
    *out = low + (rank - whole) * (high - low);
    return status;
}

enum status distribution_percentiles(const struct distribution *distribution, const double *percentiles, size_t count, double *out,
                                     struct diag *diag)
{
    struct ranking *ranking;
    memset(out, 0, count * sizeof *out);
    enum status status = array_zeroed(&ranking, 1, sizeof *ranking, "a distribution", diag);
    if (status != SIM_OK)
        return status;
    ranking->distribution = distribution;
    if (distribution->count > 0)
        rank_all(ranking);
    for (size_t i = 0; i < count && status == SIM_OK && ranking->total > 0; i++)
        status = percentile(ranking, percentiles[i], &out[i], diag);
    free(ranking->sorted);
    free(ranking);
    return status;
}

enum status distribution_figures(const struct distribution *distribution, struct figures *out, struct diag *diag)
{
    static const double wanted[] = {0, 50, 90, 95, 99, 100};
    double found[sizeof wanted / sizeof *wanted], sum = 0, squares = 0;
    *out = (struct figures){0};
    enum status status = distribution_percentiles(distribution, wanted, sizeof wanted / sizeof *wanted, found, diag);
    if (status != SIM_OK)
        return status;
    for (size_t i = 0; i < distribution->count; i++) {
        out->count += distribution->weights[i];
        sum += distribution->values[i] * distribution->weights[i];
    }
    if (out->count == 0)
        return SIM_OK;
    out->mean = sum / (double)out->count;
    for (size_t i = 0; i < distribution->count; i++) {
        double off = distribution->values[i] - out->mean;
        squares += off * off * distribution->weights[i];
    }
    out->std = sqrt(squares / (double)out->count);
    out->min = found[0];
    out->median = found[1];
    out->p90 = found[2];
    out->p95 = found[3];
    out->p99 = found[4];
    out->max = found[5];
    return SIM_OK;
}
