/* repeated_values.c - the walks of distribution.c over rows of equal values. Only the sums are added value by value: a sum of doubles depends
 * on how it was rounded on the way. */
#include "observe/repeated_values.h"

#include <math.h>
#include <stdlib.h>

#include "base/integers.h"

/* Few values share a bucket if they spread evenly, and each bucket is visited. */
enum { LEAST_BUCKETS = 64, MOST_BUCKETS = 65536, ROWS_PER_BUCKET = 8 };

struct span {
    uint64_t count;
    double min, max, sum;
    double per_width; /* buckets a unit */
    size_t buckets;
};

void repeated_values_deinit(struct repeated_values *values)
{
    free(values->rows);
    *values = (struct repeated_values){0};
}

static struct span measure(const struct repeated_values *values)
{
    const size_t wanted = values->count / ROWS_PER_BUCKET;
    struct span span = {
        .min = INFINITY, .max = -INFINITY, .buckets = wanted < LEAST_BUCKETS ? LEAST_BUCKETS : min_size(wanted, MOST_BUCKETS)};
    for (size_t i = 0; i < values->count; i++) {
        const struct repeated_value row = values->rows[i];
        span.min = row.value < span.min ? row.value : span.min;
        span.max = row.value > span.max ? row.value : span.max;
        span.count += row.count;
        for (uint32_t k = 0; k < row.count; k++)
            span.sum += row.value;
    }
    span.per_width = span.max > span.min ? (double)span.buckets / (span.max - span.min) : 0;
    return span;
}

/* The maximum would fall one bucket past the end. */
static size_t bucket_of(const struct span *span, double value)
{
    return min_size((size_t)((value - span->min) * span->per_width), span->buckets - 1);
}

static double squares_around(const struct repeated_values *values, double mean)
{
    double squares = 0;
    for (size_t i = 0; i < values->count; i++) {
        const double off = values->rows[i].value - mean;
        for (uint32_t k = 0; k < values->rows[i].count; k++)
            squares += off * off;
    }
    return squares;
}

static enum status percentiles(const struct repeated_values *values, const struct span *span, double out[SUMMARY_PERCENTILES],
                               struct diag *diag)
{
    struct rank_search search = {.total = span->count, .min = span->min, .max = span->max};
    enum status status = rank_search_begin(&search, span->buckets, diag);
    for (size_t i = 0; i < values->count && status == SIM_OK; i++)
        search.below[bucket_of(span, values->rows[i].value) + 1] += values->rows[i].count;
    if (status == SIM_OK)
        rank_search_want(&search, summary_percentiles, SUMMARY_PERCENTILES);
    for (size_t i = 0; i < values->count && status == SIM_OK; i++) {
        const size_t bucket = bucket_of(span, values->rows[i].value);
        if (search.wanted[bucket] == bucket)
            status = rank_search_add(&search, values->rows[i].value, values->rows[i].count, bucket, diag);
    }
    if (status == SIM_OK)
        rank_search_percentiles(&search, summary_percentiles, SUMMARY_PERCENTILES, out);
    rank_search_deinit(&search);
    return status;
}

enum status repeated_values_summary(const struct repeated_values *values, struct summary *out, struct diag *diag)
{
    double found[SUMMARY_PERCENTILES];
    *out = (struct summary){0};
    if (values->count == 0)
        return SIM_OK;
    const struct span span = measure(values);
    enum status status = percentiles(values, &span, found, diag);
    if (status != SIM_OK)
        return status;
    out->count = span.count;
    summary_set_percentiles(out, found);
    out->mean = span.sum / (double)span.count;
    out->std = sqrt(squares_around(values, out->mean) / (double)span.count);
    return SIM_OK;
}
