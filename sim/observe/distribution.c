/* distribution.c - mean, deviation and percentiles of values that are kept in memory. The first half is the selection, which
 * gap_distribution.c uses as well: count the values in buckets, mark the buckets that hold a wanted rank, collect and sort only the values
 * of those. Read select_ranks() first: it takes these steps in order. */
#include "observe/distribution.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/integers.h"

/* About this many values share a bucket if they spread evenly. The number of buckets is bounded because each one is visited. */
enum { VALUES_PER_BUCKET = 8, LEAST_BUCKETS = 64, MOST_BUCKETS = 65536 };
/* A part of a source, and a list of found values that is worth shortening: most runs have fewer requests. */
enum { PART_VALUES = 1 << 16, FOUND_LONG = 1 << 16 };

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

static int by_value(const void *a, const void *b)
{
    double left = ((const struct ranked_value *)a)->value, right = ((const struct ranked_value *)b)->value;
    return left < right ? -1 : left > right;
}

/* Sorts what was found and makes one of equal values, as far as their weights allow. */
static void sort_found(struct rank_search *search)
{
    size_t kept = 0;
    if (search->found_count == 0)
        return;
    qsort(search->found, search->found_count, sizeof *search->found, by_value);
    for (size_t i = 1; i < search->found_count; i++) {
        struct ranked_value *last = &search->found[kept];
        const uint64_t both = (uint64_t)last->weight + search->found[i].weight;
        if (last->value == search->found[i].value && both <= UINT32_MAX)
            last->weight = (uint32_t)both;
        else
            search->found[++kept] = search->found[i];
    }
    search->found_count = kept + 1;
}

/* Ten million requests have millions of gaps in the wanted buckets and thousands of different ones. So a list that has grown long is made
 * shorter before it is made longer; sorting it costs as much as it will at the end. */
enum status rank_search_add(struct rank_search *search, double value, uint32_t weight, size_t bucket, struct diag *diag)
{
    enum status status = SIM_OK;
    if (search->found_count == search->found_capacity) {
        if (search->found_count >= FOUND_LONG)
            sort_found(search);
        if (search->found_count >= search->found_capacity / 2) /* else much was equal, and may be again */
            status = array_reserve(&search->found, &search->found_capacity, search->found_capacity + 1, sizeof *search->found,
                                   "a distribution", diag);
    }
    if (status == SIM_OK)
        search->found[search->found_count++] = (struct ranked_value){value, weight, (uint32_t)bucket};
    return status;
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
    sort_found(search);
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

/* A walk over all values, part by part; `room` is NULL where they lie in one array already. */
struct walk {
    const struct value_source *source;
    double *room;
    const double *values; /* of the part */
    size_t count;
    uint32_t at;
    bool whole; /* the part is all there is */
};

static void walk_start(struct walk *walk)
{
    walk->at = 0;
    if (!walk->whole)
        walk->count = 0;
}

/* A part that is not full was the last, and one that was the first as well is kept for the walks to come. */
static bool walk_next(struct walk *walk)
{
    if (walk->whole)
        return walk->count > 0 && walk->at++ == 0;
    const bool first = walk->at == 0, last = !first && walk->count < PART_VALUES;
    walk->count = last ? 0 : walk->source->next(walk->source->self, &walk->at, walk->room, PART_VALUES);
    if (first && walk->count < PART_VALUES) {
        walk->whole = true;
        walk->at = 1;
    }
    return walk->count > 0;
}

/* What the walks have found. */
struct survey {
    size_t count;
    double min, max, sum, squares; /* squares: of differences from the mean */
};

static void find_extremes(struct walk *walk, struct survey *survey)
{
    *survey = (struct survey){.min = INFINITY, .max = -INFINITY};
    for (walk_start(walk); walk_next(walk); survey->count += walk->count)
        for (size_t i = 0; i < walk->count; i++) {
            const double value = walk->values[i];
            survey->min = value < survey->min ? value : survey->min;
            survey->max = value > survey->max ? value : survey->max;
            survey->sum += value;
        }
}

/* Sums of squares would lose digits when the mean is large against the deviation, so the mean comes first. */
static void count_buckets(struct walk *walk, struct survey *survey, double scale, struct rank_search *search)
{
    const double mean = survey->sum / (double)survey->count;
    for (walk_start(walk); walk_next(walk);)
        for (size_t i = 0; i < walk->count; i++) {
            const double off = walk->values[i] - mean;
            survey->squares += off * off;
            search->below[bucket_of(walk->values[i], survey->min, scale, search->buckets) + 1]++;
        }
}

/* Values of wanted buckets are few unless nearly all share a bucket, as after an extreme outlier; the result is exact then, too, only slower. */
static enum status collect_wanted(struct walk *walk, const struct survey *survey, double scale, struct rank_search *search,
                                  struct diag *diag)
{
    enum status status = SIM_OK;
    for (walk_start(walk); status == SIM_OK && walk_next(walk);)
        for (size_t i = 0; i < walk->count && status == SIM_OK; i++) {
            const size_t bucket = bucket_of(walk->values[i], survey->min, scale, search->buckets);
            if (search->wanted[bucket] == bucket)
                status = rank_search_add(search, walk->values[i], 1, bucket, diag);
        }
    return status;
}

static enum status select_ranks(struct walk *walk, const double *percentiles, size_t count, double *out, struct survey *survey,
                                struct diag *diag)
{
    memset(out, 0, count * sizeof *out);
    find_extremes(walk, survey);
    if (survey->count == 0)
        return SIM_OK;
    const size_t buckets = choose_buckets(survey->count);
    const double scale = survey->max > survey->min ? (double)buckets / (survey->max - survey->min) : 0;
    struct rank_search search = {.total = survey->count, .min = survey->min, .max = survey->max};
    enum status status = rank_search_begin(&search, buckets, diag);
    if (status == SIM_OK) {
        count_buckets(walk, survey, scale, &search);
        rank_search_want(&search, percentiles, count);
        status = collect_wanted(walk, survey, scale, &search, diag);
    }
    if (status == SIM_OK)
        rank_search_percentiles(&search, percentiles, count, out);
    rank_search_deinit(&search);
    return status;
}

static struct walk walk_over(const struct distribution *distribution)
{
    return (struct walk){.values = distribution->values, .count = distribution->count, .whole = true};
}

/* The caller frees walk->room, also after a failure. Not zeroed: that would cost more than some walks. */
static enum status walk_in_parts(const struct value_source *source, struct walk *walk, struct diag *diag)
{
    size_t capacity = 0;
    *walk = (struct walk){.source = source};
    enum status status = array_reserve(&walk->room, &capacity, PART_VALUES, sizeof *walk->room, "a distribution", diag);
    walk->values = walk->room;
    return status;
}

enum status distribution_percentiles(const struct distribution *distribution, const double *percentiles, size_t count, double *out,
                                     struct diag *diag)
{
    struct walk walk = walk_over(distribution);
    struct survey survey;
    return select_ranks(&walk, percentiles, count, out, &survey, diag);
}

enum status value_source_percentiles(const struct value_source *source, const double *percentiles, size_t count, double *out,
                                     struct diag *diag)
{
    struct walk walk;
    struct survey survey;
    enum status status = walk_in_parts(source, &walk, diag);
    if (status == SIM_OK)
        status = select_ranks(&walk, percentiles, count, out, &survey, diag);
    free(walk.room);
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

static enum status summarize(struct walk *walk, struct summary *out, struct diag *diag)
{
    double found[SUMMARY_PERCENTILES];
    struct survey survey;
    enum status status = select_ranks(walk, summary_percentiles, SUMMARY_PERCENTILES, found, &survey, diag);
    *out = (struct summary){.count = survey.count};
    if (status != SIM_OK || out->count == 0)
        return status;
    summary_set_percentiles(out, found);
    out->mean = survey.sum / (double)out->count;
    out->std = sqrt(survey.squares / (double)out->count);
    return SIM_OK;
}

enum status distribution_summary(const struct distribution *distribution, struct summary *out, struct diag *diag)
{
    struct walk walk = walk_over(distribution);
    return summarize(&walk, out, diag);
}

enum status value_source_summary(const struct value_source *source, struct summary *out, struct diag *diag)
{
    struct walk walk;
    enum status status = walk_in_parts(source, &walk, diag);
    if (status == SIM_OK)
        status = summarize(&walk, out, diag);
    free(walk.room);
    return status;
}
