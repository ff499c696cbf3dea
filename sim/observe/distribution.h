/* distribution.h - mean and exact percentiles of many values, in time linear in their number.
 *
 * Percentiles interpolate linearly between the two nearest ranks (rank = p / 100 * (n - 1)), which is numpy's default and so vLLM's. There
 * is no full sort: one pass finds the extremes, one counts values in buckets of equal width, one collects those of the buckets that hold a
 * wanted rank, and only these are sorted. Gaps between tokens, of which there are millions, have a structure of their own (gap_distribution.h).
 */
#ifndef PAGESIM_DISTRIBUTION_H
#define PAGESIM_DISTRIBUTION_H

#include <stddef.h>
#include <stdint.h>

#include "base/array.h"

struct distribution {
    double *values;
    size_t count, capacity;
};

/* Values that are kept elsewhere in another form, and need not be copied as a whole: they are asked for in parts, and for each of several
 * walks anew unless one part holds them all. */
struct value_source {
    /* Up to `room` values from item *at on (0 at first), which moves on past them; returns how many. 0: there are no more. */
    size_t (*next)(const void *self, uint32_t *at, double *values, size_t room);
    const void *self;
};

/* What reports say about a distribution. All 0 when count is 0. */
struct summary {
    uint64_t count;
    double mean, std, min, max, median, p90, p95, p99;
};

/* The percentiles of a summary, from min to max; and setting them. */
enum { SUMMARY_PERCENTILES = 6 };
extern const double summary_percentiles[SUMMARY_PERCENTILES];
void summary_set_percentiles(struct summary *summary, const double values[SUMMARY_PERCENTILES]);

/* Make room for `count` values in all. */
SIM_NODISCARD static inline enum status distribution_reserve(struct distribution *distribution, size_t count, struct diag *diag)
{
    return array_reserve(&distribution->values, &distribution->capacity, count, sizeof *distribution->values, "a distribution", diag);
}

SIM_NODISCARD static inline enum status distribution_add(struct distribution *distribution, double value, struct diag *diag)
{
    if (distribution->count == distribution->capacity) {
        enum status status = array_reserve(&distribution->values, &distribution->capacity, distribution->count + 1,
                                           sizeof *distribution->values, "a distribution", diag);
        if (status != SIM_OK)
            return status;
    }
    distribution->values[distribution->count++] = value;
    return SIM_OK;
}
void distribution_deinit(struct distribution *distribution);

SIM_NODISCARD enum status distribution_summary(const struct distribution *distribution, struct summary *out, struct diag *diag);

/* `count` percentiles (0..100) at once; 0 for an empty distribution. */
SIM_NODISCARD enum status distribution_percentiles(const struct distribution *distribution, const double *percentiles, size_t count,
                                                   double *out, struct diag *diag);

SIM_NODISCARD enum status value_source_summary(const struct value_source *source, struct summary *out, struct diag *diag);
SIM_NODISCARD enum status value_source_percentiles(const struct value_source *source, const double *percentiles, size_t count, double *out,
                                                   struct diag *diag);

/* --- finding ranks, for this and gap_distribution.c ---------------------------------------------------------------------------------- */

struct ranked_value {
    double value;
    uint32_t weight, bucket;
};

/* Zero it, set the first three and end it with rank_search_deinit. Then in this order: rank_search_begin; count each value's weight in
 * below[its bucket + 1]; rank_search_want; rank_search_add for each value of a wanted bucket; rank_search_percentiles. */
struct rank_search {
    uint64_t total; /* weight of all values, >= 1 */
    double min, max;
    size_t buckets;
    uint64_t *below;            /* buckets + 1: weight in the buckets before this one */
    uint32_t *wanted;           /* buckets: the first wanted bucket from this one on; `buckets`: none */
    struct ranked_value *found; /* the values in wanted buckets */
    size_t found_count, found_capacity;
};

/* The buckets are in order of values. */
SIM_NODISCARD enum status rank_search_begin(struct rank_search *search, size_t buckets, struct diag *diag);
void rank_search_want(struct rank_search *search, const double *percentiles, size_t count);
SIM_NODISCARD enum status rank_search_add(struct rank_search *search, double value, uint32_t weight, size_t bucket, struct diag *diag);
/* The same percentiles as were wanted. */
void rank_search_percentiles(struct rank_search *search, const double *percentiles, size_t count, double *out);
void rank_search_deinit(struct rank_search *search);

#endif
