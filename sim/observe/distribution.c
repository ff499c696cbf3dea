/* distribution.c - mean, deviation and percentiles of values that are kept in memory. The selection starts in find_percentiles(): count the
 * values in buckets, mark the buckets that hold a wanted rank, collect and sort only the values of those. */
#include "observe/distribution.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* About this many values share a bucket if they spread evenly. The number of buckets is bounded because each one is visited. */
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

/* Everything needed to answer "which value has rank r?". Ranks count from 0 at the smallest value. */
struct ranking {
    const struct distribution *distribution;
    double min, max, scale;
    size_t buckets;
    uint64_t *below; /* buckets + 1: values in the buckets before this one */
    bool *wanted;    /* buckets: does it hold a rank that is asked for? */
    double *sorted;  /* the values in all wanted buckets */
    size_t sorted_count, sorted_capacity;
};

/* The maximum would fall one bucket past the end, so it goes into the last. If all values are equal, scale is 0 and bucket 0 holds all. */
static size_t bucket_of(const struct ranking *ranking, double value)
{
    size_t bucket = (size_t)((value - ranking->min) * ranking->scale);
    return bucket < ranking->buckets ? bucket : ranking->buckets - 1;
}

/* Counting each bucket in below[bucket + 1] makes the prefix sums come out in place. */
static void count_values(struct ranking *ranking)
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

/* The last bucket with below <= rank. Earlier ones with the same sum are empty, so it is the one that holds the rank. */
size_t bucket_of_rank(const uint64_t *below, size_t buckets, uint64_t rank)
{
    size_t low = 0, high = buckets;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        *(below[middle] <= rank ? &low : &high) = middle;
    }
    return low;
}

/* A second pass over all values collects those of the wanted buckets. They are few unless nearly all values share a bucket, as after an
 * extreme outlier; the result is exact then, too, only slower. */
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

/* `sorted` holds several buckets one after the other. The rank counts from the start of its own bucket. */
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

static enum status find_percentiles(struct ranking *ranking, const double *percentiles, size_t count, double *out, struct diag *diag)
{
    const uint64_t values = ranking->distribution->count;
    double fraction;
    enum status status = array_zeroed(&ranking->below, ranking->buckets + 1, sizeof *ranking->below, "a distribution", diag);
    if (status == SIM_OK)
        status = array_zeroed(&ranking->wanted, ranking->buckets, sizeof *ranking->wanted, "a distribution", diag);
    if (status != SIM_OK)
        return status;
    count_values(ranking);
    for (size_t i = 0; i < count; i++) {
        /* Interpolating needs the next value, too, and it may lie in another bucket. */
        uint64_t rank = percentile_rank(percentiles[i], values, &fraction);
        ranking->wanted[bucket_of_rank(ranking->below, ranking->buckets, rank)] = true;
        ranking->wanted[bucket_of_rank(ranking->below, ranking->buckets, fraction > 0 ? rank + 1 : rank)] = true;
    }
    status = collect(ranking, diag);
    for (size_t i = 0; i < count && status == SIM_OK; i++) {
        uint64_t rank = percentile_rank(percentiles[i], values, &fraction);
        double low = value_at(ranking, rank), high = fraction > 0 ? value_at(ranking, rank + 1) : low;
        out[i] = low + fraction * (high - low);
    }
    return status;
}

enum status distribution_percentiles(const struct distribution *distribution, const double *percentiles, size_t count, double *out,
                                     struct diag *diag)
{
    struct ranking ranking = {.distribution = distribution, .buckets = distribution->count / VALUES_PER_BUCKET};
    memset(out, 0, count * sizeof *out);
    if (distribution->count == 0)
        return SIM_OK;
    ranking.buckets = ranking.buckets < LEAST_BUCKETS ? LEAST_BUCKETS : ranking.buckets > MOST_BUCKETS ? MOST_BUCKETS : ranking.buckets;
    enum status status = find_percentiles(&ranking, percentiles, count, out, diag);
    free(ranking.sorted);
    free(ranking.below);
    free(ranking.wanted);
    return status;
}

const double summary_percentiles[SUMMARY_PERCENTILES] = {0, 50, 90, 95, 99, 100};

void summary_set_percentiles(struct summary *summary, const double values[SUMMARY_PERCENTILES])
{
    summary->min = values[0];
    summary->median = values[1];
    summary->p90 = values[2];
    summary->p95 = values[3];
    summary->p99 = values[4];
    summary->max = values[5];
}

/* The deviation takes a second pass over the values: sums of squares lose digits when the mean is large against the deviation. */
enum status distribution_summary(const struct distribution *distribution, struct summary *out, struct diag *diag)
{
    double found[SUMMARY_PERCENTILES], sum = 0, squares = 0;
    *out = (struct summary){.count = distribution->count};
    enum status status = distribution_percentiles(distribution, summary_percentiles, SUMMARY_PERCENTILES, found, diag);
    if (status != SIM_OK || out->count == 0)
        return status;
    summary_set_percentiles(out, found);
    for (size_t i = 0; i < distribution->count; i++)
        sum += distribution->values[i];
    out->mean = sum / (double)out->count;
    for (size_t i = 0; i < distribution->count; i++) {
        double off = distribution->values[i] - out->mean;
        squares += off * off;
    }
    out->std = sqrt(squares / (double)out->count);
    return SIM_OK;
}
