/* pareto.c - see pareto.h.
 *
 * Points are looked at from best to worst in lexicographic order: whoever beats a point comes before it, and is itself on the front or
 * beaten by one that is. So comparing with the front found so far is enough.
 */
#include "study/pareto.h"

#include <math.h>
#include <stdlib.h>

#include "base/array.h"

/* Objectives of one point, turned so that larger is better. */
struct candidate {
    size_t point;
    const double *goods;
    size_t objectives;
};

static int best_first(const void *left, const void *right)
{
    const struct candidate *a = left, *b = right;
    for (size_t o = 0; o < a->objectives; o++)
        if (a->goods[o] != b->goods[o])
            return a->goods[o] > b->goods[o] ? -1 : 1;
    return a->point < b->point ? -1 : a->point > b->point;
}

static bool beats(const struct candidate *a, const struct candidate *b)
{
    bool better = false;
    for (size_t o = 0; o < a->objectives; o++) {
        if (a->goods[o] < b->goods[o])
            return false;
        better |= a->goods[o] > b->goods[o];
    }
    return better;
}

/* Gather the competing points; returns how many. */
static size_t gather(const double *values, size_t points, size_t objectives, const bool *maximise, double *goods,
                     struct candidate *candidates)
{
    size_t count = 0;
    for (size_t point = 0; point < points; point++) {
        double *mine = goods + point * objectives;
        bool competes = true;
        for (size_t o = 0; o < objectives; o++) {
            double value = values[point * objectives + o];
            mine[o] = maximise[o] ? value : -value;
            competes &= !isnan(value);
        }
        if (competes)
            candidates[count++] = (struct candidate){.point = point, .goods = mine, .objectives = objectives};
    }
    return count;
}

enum status pareto_front(const double *values, size_t points, size_t objectives, const bool *maximise, bool *on_front, struct diag *diag)
{
    double *goods = NULL;
    struct candidate *candidates = NULL;
    enum status status = array_zeroed(&goods, points * objectives, sizeof *goods, "a Pareto front", diag);
    if (status == SIM_OK)
        status = array_zeroed(&candidates, points, sizeof *candidates, "a Pareto front", diag);
    if (status == SIM_OK) {
        size_t count = gather(values, points, objectives, maximise, goods, candidates), front = 0;
        for (size_t point = 0; point < points; point++)
            on_front[point] = false;
        qsort(candidates, count, sizeof *candidates, best_first);
        for (size_t i = 0; i < count; i++) {
            size_t k = 0;
            while (k < front && !beats(&candidates[k], &candidates[i]))
                k++;
            if (k < front)
                continue;
            on_front[candidates[i].point] = true;
            candidates[front++] = candidates[i]; /* front <= i: nothing unseen is overwritten */
        }
    }
    free(goods);
    free(candidates);
    return status;
}
