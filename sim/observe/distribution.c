/* distribution.c - mean, deviation and percentiles of values that are kept in memory. The first half is the selection, which
 * gap_distribution.c uses as well: count the values in buckets, mark the buckets that hold a wanted rank, collect and sort only the values
 * of those. Read distribution_percentiles() first: it takes these steps in order. */
#include "observe/distribution.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/integers.h"

/* About this many values share a bucket if they spread evenly. The number of buckets is bounded because each one is visited. */
enum { VALUES_PER_BUCKET = 8, LEAST_BUCKETS = 64, MOST_BUCKETS = 65536 };

/* --- finding ranks ---------------------------------------------------------------------------------------------------------------- */

enum status rank_search_begin(struct rank_search *search, size_t buckets, struct diag *diag)
{
    const struct array_request arrays[] = {ARRAY_OF(search->below, buckets + 1), ARRAY_OF(search->wanted, buckets)};
    search->buckets = buckets;
    return array_zeroed_all(arrays, 2, "a distribution", diag);
}

void rank_search_deinit(struct rank_search *search)
{
    free(search->below);
    free(search->wanted);
    free(search->found);
}

/* The rank of a percentile, from 0 at the smallest value: its whole part; *fraction is how far it lies towards the next rank. */
static uint64_t percentile_rank(double p, uint64_t count, double *fraction)
{
    double rank = p / 100 * (double)(count - 1), whole = floor(rank);
    *fraction = rank - whole;
    return (uint64_t)whole;
}

/* The extremes are known, so they are not searched. */
static bool is_extreme(const struct rank_search *search, uint64_t rank)
{
    return rank == 0 || rank == search->total - 1;
}

/* The last bucket with below <= rank. Earlier ones with the same sum are empty, so it is the one that holds the rank. */
static uint32_t bucket_of_rank(const struct rank_search *search, uint64_t rank)
{
    size_t low = 0, high = search->buckets;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        *(search->below[middle] <= rank ? &low : &high) = middle;
    }
    return (uint32_t)low;
}

void rank_search_want(struct rank_search *search, const double *percentiles, size_t count)
{
    for (size_t bucket = 0; bucket < search->buckets; bucket++) {
        search->below[bucket + 1] += search->below[bucket];
        search->wanted[bucket] = (uint32_t)search->buckets;
    }
    for (size_t i = 0; i < count; i++) {
        double fraction;
        const uint64_t rank = percentile_rank(percentiles[i], search->total, &fraction);
        /* Interpolating needs the next value, too, and it may lie in another bucket. */
        for (uint64_t wanted = rank; wanted <= rank + (fraction > 0); wanted++)
            if (!is_extreme(search, wanted))
                search->wanted[bucket_of_rank(search, wanted)] = bucket_of_rank(search, wanted);
    }
    /* Each bucket learns the next wanted one. So one look tells whether any from a to b is wanted: wanted[a] <= b. */
    for (size_t bucket = search->buckets - 1; bucket-- > 0;)
        if (search->wanted[bucket] == search->buckets)
            search->wanted[bucket] = search->wanted[bucket + 1];
}

enum status rank_search_add(struct rank_search *search, double value, uint32_t weight, size_t bucket, struct diag *diag)
{
    enum status status =
        array_reserve(&search->found, &search->found_capacity, search->found_count + 1, sizeof *search->found, "a distribution", diag);
    if (status == SIM_OK)
        search->found[search->found_count++] = (struct ranked_value){value, weight, (uint32_t)bucket};
    return status;
}

static int by_value(const void *a, const void *b)
{
    double left = ((const struct ranked_value *)a)->value, right = ((const struct ranked_value *)b)->value;
    return left < right ? -1 : left > right;
}

/* Skips to the rank's bucket in `found`, then adds up weights until they pass the rank. */
static double value_at(const struct rank_search *search, uint64_t rank)
{
    if (is_extreme(search, rank))
        return rank == 0 ? search->min : search->max;
    const uint32_t bucket = bucket_of_rank(search, rank);
    uint64_t before = search->below[bucket];
    const struct ranked_value *at = search->found;
    while (at->bucket < bucket)
        at++;
    while (before + at->weight <= rank)
        before += at++->weight;
    return at->value;
}

void rank_search_percentiles(struct rank_search *search, const double *percentiles, size_t count, double *out)
{
    if (search->found_count > 0)
        qsort(search->found, search->found_count, sizeof *search->found, by_value);
    for (size_t i = 0; i < count; i++) {
        double fraction;
        const uint64_t rank = percentile_rank(percentiles[i], search->total, &fraction);
        double low = value_at(search, rank), high = fraction > 0 ? value_at(search, rank + 1) : low;
        out[i] = low + fraction * (high - low);
    }
}

/* --- values that are kept in memory ----------------------------------------------------------------------------------------------- */

void distribution_deinit(struct distribution *distribution)
{
    free(distribution->values);
    *distribution = (struct distribution){0};
}

static size_t choose_buckets(size_t values)
{
    const size_t buckets = values / VALUES_PER_BUCKET;
    return buckets < LEAST_BUCKETS ? LEAST_BUCKETS : min_size(buckets, MOST_BUCKETS);
}

/* The maximum would fall one bucket past the end, so it goes into the last. If all values are equal, scale is 0 and bucket 0 holds all. */
static inline size_t bucket_of(double value, double min, double scale, size_t buckets)
{
    return min_size((size_t)((value - min) * scale), buckets - 1);
}

/* The second pass over all values collects those of the wanted buckets. They are few unless nearly all values share a bucket, as after an
 * extreme outlier; the result is exact then, too, only slower. */
enum status distribution_percentiles(const struct distribution *distribution, const double *percentiles, size_t count, double *out,
                                     struct diag *diag)
{
    const double *values = distribution->values;
    const size_t value_count = distribution->count, buckets = choose_buckets(value_count);
    double min = INFINITY, max = -INFINITY;
    memset(out, 0, count * sizeof *out);
    if (value_count == 0)
        return SIM_OK;
    for (size_t i = 0; i < value_count; i++) {
        min = values[i] < min ? values[i] : min;
        max = values[i] > max ? values[i] : max;
    }
    const double scale = max > min ? (double)buckets / (max - min) : 0;
    struct rank_search search = {.total = value_count, .min = min, .max = max};
    enum status status = rank_search_begin(&search, buckets, diag);
    for (size_t i = 0; i < value_count && status == SIM_OK; i++)
        search.below[bucket_of(values[i], min, scale, buckets) + 1]++;
    if (status == SIM_OK)
        rank_search_want(&search, percentiles, count);
    for (size_t i = 0; i < value_count && status == SIM_OK; i++) {
        const size_t bucket = bucket_of(values[i], min, scale, buckets);
        if (search.wanted[bucket] == bucket)
            status = rank_search_add(&search, values[i], 1, bucket, diag);
    }
    if (status == SIM_OK)
        rank_search_percentiles(&search, percentiles, count, out);
    rank_search_deinit(&search);
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
