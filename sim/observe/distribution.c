/* distribution.c - see distribution.h. */
#include "observe/distribution.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* About this many values share a bucket if they spread evenly; bounded, as every bucket is looked at. */
enum { VALUES_PER_BUCKET = 8, LEAST_BUCKETS = 64, MOST_BUCKETS = 65536 };

void distribution_deinit(struct distribution *distribution)
{
    free(distribution->values);
    *distribution = (struct distribution){0};
}

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return left < right ? -1 : left > right;
}

/* Everything needed to answer "which value has rank r?". */
struct ranking {
    const struct distribution *distribution;
    double min, max, scale;
    size_t buckets;
    uint64_t *below; /* buckets + 1: values in the buckets before */
    bool *wanted;    /* buckets: holds a rank that is asked for */
    double *sorted;  /* values of all wanted buckets */
    size_t sorted_count, sorted_capacity;
};

static size_t bucket_of(const struct ranking *ranking, double value)
{
    size_t bucket = (size_t)((value - ranking->min) * ranking->scale);
    return bucket < ranking->buckets ? bucket : ranking->buckets - 1;
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
    ranking->scale = width > 0 ? (double)ranking->buckets / width : 0;
    for (size_t i = 0; i < distribution->count; i++)
        ranking->below[bucket_of(ranking, distribution->values[i]) + 1]++;
    for (size_t bucket = 0; bucket < ranking->buckets; bucket++)
        ranking->below[bucket + 1] += ranking->below[bucket];
}

/* The last one with below <= rank. */
size_t bucket_of_rank(const uint64_t *below, size_t buckets, uint64_t rank)
{
    size_t low = 0, high = buckets;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        *(below[middle] <= rank ? &low : &high) = middle;
    }
    return low;
}

/* One more pass over all values collects those of the wanted buckets; equal-width buckets keep them few. */
static enum status collect(struct ranking *ranking, struct diag *diag)
{
    const struct distribution *distribution = ranking->distribution;
    for (size_t i = 0; i < distribution->count; i++) {
        if (!ranking->wanted[bucket_of(ranking, distribution->values[i])])
            continue;
        enum status status = array_reserve(&ranking->sorted, &ranking->sorted_capacity, ranking->sorted_count + 1, sizeof *ranking->sorted,
                                           "a distribution", diag);
        if (status != SIM_OK)
            return status;
        ranking->sorted[ranking->sorted_count++] = distribution->values[i];
    }
    if (ranking->sorted_count > 0)
        qsort(ranking->sorted, ranking->sorted_count, sizeof *ranking->sorted, by_value);
    return SIM_OK;
}

static double value_at(const struct ranking *ranking, uint64_t rank)
{
    size_t bucket = bucket_of_rank(ranking->below, ranking->buckets, rank), i = 0;
    while (bucket_of(ranking, ranking->sorted[i]) < bucket)
        i++;
    return ranking->sorted[i + rank - ranking->below[bucket]];
}

uint64_t percentile_rank(double p, uint64_t count, double *fraction)
{
    double rank = p / 100 * (double)(count - 1), whole = floor(rank);
    *fraction = rank - whole;
    return (uint64_t)whole;
}

enum status distribution_percentiles(const struct distribution *distribution, const double *percentiles, size_t count, double *out,
                                     struct diag *diag)
{
    struct ranking found = {.distribution = distribution, .buckets = distribution->count / VALUES_PER_BUCKET}, *ranking = &found;
    double fraction;
    memset(out, 0, count * sizeof *out);
    found.buckets = found.buckets < LEAST_BUCKETS ? LEAST_BUCKETS : found.buckets > MOST_BUCKETS ? MOST_BUCKETS : found.buckets;
    enum status status = array_zeroed(&found.below, found.buckets + 1, sizeof *found.below, "a distribution", diag);
    if (status == SIM_OK)
        status = array_zeroed(&found.wanted, found.buckets, sizeof *found.wanted, "a distribution", diag);
    if (status == SIM_OK && distribution->count > 0)
        rank_all(ranking);
    for (size_t i = 0; i < count && status == SIM_OK && distribution->count > 0; i++) {
        uint64_t rank = percentile_rank(percentiles[i], distribution->count, &fraction);
        ranking->wanted[bucket_of_rank(ranking->below, ranking->buckets, rank)] = true;
        ranking->wanted[bucket_of_rank(ranking->below, ranking->buckets, fraction > 0 ? rank + 1 : rank)] = true;
    }
    if (status == SIM_OK && distribution->count > 0)
        status = collect(ranking, diag);
    for (size_t i = 0; i < count && status == SIM_OK && distribution->count > 0; i++) {
        uint64_t rank = percentile_rank(percentiles[i], distribution->count, &fraction);
        double low = value_at(ranking, rank), high = fraction > 0 ? value_at(ranking, rank + 1) : low;
        out[i] = low + fraction * (high - low);
    }
    free(found.sorted);
    free(found.below);
    free(found.wanted);
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
    out->count = distribution->count;
    if (out->count == 0)
        return SIM_OK;
    for (size_t i = 0; i < distribution->count; i++)
        sum += distribution->values[i];
    out->mean = sum / (double)out->count;
    for (size_t i = 0; i < distribution->count; i++) {
        double off = distribution->values[i] - out->mean;
        squares += off * off;
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
