/* pareto.c - sorts the points, best first, and compares each with the front found so far. Read pareto_front at the end first.
 *
 * Points are looked at from best to worst in lexicographic order: whoever beats a point comes before it, as it is better in the first
 * objective in which the two differ. And it is itself on the front, or beaten by one that is. So comparing with the front found so far is
 * enough. */
#include "study/pareto.h"

#include <math.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/compare.h"

struct points {
    const double *values;
    size_t objectives;
    const bool *maximise;
};

/* How much better `a` is than `b` in one objective: above 0, 0 or below 0. */
static int better(const struct points *points, size_t objective, size_t a, size_t b)
{
    const double *values = points->values + objective;
    const int order = compare_doubles(values[a * points->objectives], values[b * points->objectives]);
    return points->maximise[objective] ? order : -order;
}

/* Ties by number, so that the order does not depend on the sort. Equal points end up on the front together, as neither beats the other. */
static int best_first(const void *left, const void *right, void *context)
{
    const size_t a = *(const size_t *)left, b = *(const size_t *)right;
    const struct points *points = context;
    for (size_t o = 0; o < points->objectives; o++)
        if (better(points, o, a, b) != 0)
            return -better(points, o, a, b);
    return compare_u64(a, b);
}

/* At least as good everywhere, better somewhere. Without the second part two equal points would push each other off the front. */
static bool beats(const struct points *points, size_t a, size_t b)
{
    bool wins = false;
    for (size_t o = 0; o < points->objectives; o++) {
        if (better(points, o, a, b) < 0)
            return false;
        wins |= better(points, o, a, b) > 0;
    }
    return wins;
}

/* A figure that is undefined (nobody finished, so there is no TTFT) has no place in an order, and the proof above needs one. */
static bool competes(const struct points *points, size_t point)
{
    for (size_t o = 0; o < points->objectives; o++)
        if (isnan(points->values[point * points->objectives + o]))
            return false;
    return true;
}

/* The front is collected at the start of `order`, whose entries have been read already: no second array. */
enum status pareto_front(const double *values, size_t point_count, size_t objectives, const bool *maximise, bool *on_front,
                         struct diag *diag)
{
    struct points points = {.values = values, .objectives = objectives, .maximise = maximise};
    size_t *order, count = 0, front = 0;
    enum status status = array_zeroed(&order, point_count, sizeof *order, "a Pareto front", diag);
    if (status != SIM_OK)
        return status;
    for (size_t point = 0; point < point_count; point++) {
        on_front[point] = false;
        if (competes(&points, point))
            order[count++] = point;
    }
    qsort_r(order, count, sizeof *order, best_first, &points);
    for (size_t i = 0; i < count; i++) {
        size_t k = 0;
        while (k < front && !beats(&points, order[k], order[i]))
            k++;
        if (k < front)
            continue;
        on_front[order[i]] = true;
        order[front++] = order[i]; /* front <= i: nothing unseen is overwritten */
    }
    free(order);
    return SIM_OK;
}
