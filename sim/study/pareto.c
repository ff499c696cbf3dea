/* pareto.c - sorts the points, best first, and compares each with the front found so far, then thins that front by the tolerance. Read
 * pareto_front at the end first.
 *
 * Points are looked at from best to worst in lexicographic order: whoever beats a point comes before it, as it is better in the first
 * objective in which the two differ. And it is itself on the front, or beaten by one that is. So comparing with the front found so far is
 * enough. */
#include "study/pareto.h"

#include <math.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/compare.h"
#include "base/sort_with.h"

struct points {
    const double *values;
    size_t objectives;
    const bool *maximise;
    double tolerance;
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

/* --- up to a tolerance ------------------------------------------------------------------------------------------------------------- */

/* As `better`, but 0 also when the difference is within the tolerance. */
static int clearly_better(const struct points *points, size_t objective, size_t a, size_t b)
{
    const double left = points->values[a * points->objectives + objective], right = points->values[b * points->objectives + objective];
    if (left == right || fabs(left - right) <= points->tolerance * fmax(fabs(left), fabs(right)))
        return 0;
    return better(points, objective, a, b);
}

/* Points with the same values, which stand next to each other in the order of best_first. */
static bool equal(const struct points *points, size_t a, size_t b)
{
    for (size_t o = 0; o < points->objectives; o++)
        if (better(points, o, a, b) != 0)
            return false;
    return true;
}

/* The relation of the header. `first`: a comes before b in the order of best_first, which decides between two that are alike. */
static bool beats_clearly(const struct points *points, size_t a, size_t b, bool first)
{
    bool wins = false;
    for (size_t o = 0; o < points->objectives; o++) {
        const int clearly = clearly_better(points, o, a, b);
        if (clearly < 0)
            return false;
        wins |= clearly > 0;
    }
    return wins || (first && !equal(points, a, b));
}

/* What is known of the points of the exact front, which stand best first in `order`. */
struct thinning {
    const struct points *points;
    const size_t *order;
    size_t count;
    size_t *beaten_by; /* how many undecided points beat it */
    enum { UNDECIDED, ON, OFF } * fates;
};

static bool beats_at(const struct thinning *thinning, size_t a, size_t b)
{
    return a != b && beats_clearly(thinning->points, thinning->order[a], thinning->order[b], a < b);
}

/* A point that leaves the front no longer keeps others off it. */
static void leave(struct thinning *thinning, size_t i)
{
    thinning->fates[i] = OFF;
    for (size_t k = 0; k < thinning->count; k++)
        if (thinning->fates[k] == UNDECIDED && beats_at(thinning, i, k))
            thinning->beaten_by[k]--;
}

/* A point that stays makes all leave that it beats. */
static void stay(struct thinning *thinning, size_t i)
{
    thinning->fates[i] = ON;
    for (size_t k = 0; k < thinning->count; k++)
        if (thinning->fates[k] == UNDECIDED && beats_at(thinning, i, k))
            leave(thinning, k);
}

/* Stays next: the first point that no undecided one beats, or where all are in circles the first of all, with those that are equal to it
 * (they follow it). false: all points are decided. */
static bool decide_next(struct thinning *thinning)
{
    size_t next = thinning->count;
    for (size_t i = thinning->count; i-- > 0;)
        if (thinning->fates[i] == UNDECIDED && thinning->beaten_by[i] == 0)
            next = i;
    for (size_t i = 0; i < thinning->count && next == thinning->count; i++)
        if (thinning->fates[i] == UNDECIDED)
            next = i;
    if (next == thinning->count)
        return false;
    const size_t chosen = next;
    for (; next < thinning->count && equal(thinning->points, thinning->order[chosen], thinning->order[next]); next++)
        if (thinning->fates[next] == UNDECIDED)
            stay(thinning, next);
    return true;
}

/* Takes from the front those that others on it beat. */
static enum status thin(const struct points *points, const size_t *order, size_t count, bool *on_front, struct diag *diag)
{
    struct thinning thinning = {.points = points, .order = order, .count = count};
    const struct array_request arrays[] = {ARRAY_OF(thinning.beaten_by, count), ARRAY_OF(thinning.fates, count)};
    enum status status = array_zeroed_all(arrays, 2, "a Pareto front", diag);
    for (size_t i = 0; i < count && status == SIM_OK; i++)
        for (size_t k = 0; k < count; k++)
            thinning.beaten_by[i] += beats_at(&thinning, k, i);
    while (status == SIM_OK && decide_next(&thinning))
        ;
    for (size_t i = 0; i < count && status == SIM_OK; i++)
        on_front[order[i]] = thinning.fates[i] == ON;
    free(thinning.beaten_by);
    free(thinning.fates);
    return status;
}

/* --- the front --------------------------------------------------------------------------------------------------------------------- */

/* The front is collected at the start of `order`, whose entries have been read already: no second array. Who is not on the exact front is
 * beaten in the exact sense by one that is, and stays off it. */
enum status pareto_front(const double *values, size_t point_count, size_t objectives, const bool *maximise, double tolerance,
                         bool *on_front, struct diag *diag)
{
    struct points points = {.values = values, .objectives = objectives, .maximise = maximise, .tolerance = tolerance};
    size_t *order, count = 0, front = 0;
    enum status status = array_zeroed(&order, point_count, sizeof *order, "a Pareto front", diag);
    if (status != SIM_OK)
        return status;
    for (size_t point = 0; point < point_count; point++) {
        on_front[point] = false;
        if (competes(&points, point))
            order[count++] = point;
    }
    sort_with(order, count, sizeof *order, best_first, &points);
    for (size_t i = 0; i < count; i++) {
        size_t k = 0;
        while (k < front && !beats(&points, order[k], order[i]))
            k++;
        if (k < front)
            continue;
        on_front[order[i]] = true;
        order[front++] = order[i]; /* front <= i: nothing unseen is overwritten */
    }
    if (tolerance > 0)
        status = thin(&points, order, front, on_front, diag);
    free(order);
    return status;
}
