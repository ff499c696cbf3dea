/* nelder_mead.c - the simplex and its moves. */
#include "base/nelder_mead.h"

#include <assert.h>
#include <string.h>

struct point {
    double x[NELDER_MEAD_MOST], value;
};

struct simplex {
    struct point points[NELDER_MEAD_MOST + 1]; /* best first */
    size_t count;                              /* of numbers */
    size_t asked;
    nelder_mead_function *function;
    void *self;
    struct diag *diag;
};

static enum status ask(struct simplex *simplex, struct point *point)
{
    simplex->asked++;
    return simplex->function(simplex->self, point->x, &point->value, simplex->diag);
}

/* Insertion, as one point changes at a time; equal values keep their order. */
static void sort(struct simplex *simplex)
{
    for (size_t i = 1; i <= simplex->count; i++) {
        const struct point point = simplex->points[i];
        size_t at = i;
        for (; at > 0 && simplex->points[at - 1].value > point.value; at--)
            simplex->points[at] = simplex->points[at - 1];
        simplex->points[at] = point;
    }
}

/* The middle of all but the worst, and from there so far away from the worst. */
static enum status try_at(struct simplex *simplex, double far, struct point *out)
{
    const struct point *worst = &simplex->points[simplex->count];
    for (size_t k = 0; k < simplex->count; k++) {
        double middle = 0;
        for (size_t i = 0; i < simplex->count; i++)
            middle += simplex->points[i].x[k] / (double)simplex->count;
        out->x[k] = middle + far * (middle - worst->x[k]);
    }
    return ask(simplex, out);
}

static enum status shrink(struct simplex *simplex)
{
    enum status status = SIM_OK;
    for (size_t i = 1; i <= simplex->count && status == SIM_OK; i++) {
        for (size_t k = 0; k < simplex->count; k++)
            simplex->points[i].x[k] = (simplex->points[0].x[k] + simplex->points[i].x[k]) / 2;
        status = ask(simplex, &simplex->points[i]);
    }
    return status;
}

static enum status move(struct simplex *simplex)
{
    struct point *worst = &simplex->points[simplex->count], reflected, other;
    enum status status = try_at(simplex, 1, &reflected);
    if (status != SIM_OK)
        return status;
    if (reflected.value < simplex->points[0].value) {
        status = try_at(simplex, 2, &other);
        *worst = status == SIM_OK && other.value < reflected.value ? other : reflected;
        return status;
    }
    if (reflected.value < simplex->points[simplex->count - 1].value) {
        *worst = reflected;
        return SIM_OK;
    }
    status = try_at(simplex, reflected.value < worst->value ? 0.5 : -0.5, &other);
    if (status != SIM_OK)
        return status;
    const double bound = reflected.value < worst->value ? reflected.value : worst->value;
    if (other.value >= bound)
        return shrink(simplex);
    *worst = other;
    return SIM_OK;
}

enum status nelder_mead(size_t count, double *x, double step, size_t most, double tolerance, nelder_mead_function *function, void *self,
                        double *value, struct diag *diag)
{
    struct simplex simplex = {.count = count, .function = function, .self = self, .diag = diag};
    enum status status = SIM_OK;
    assert(count > 0 && count <= NELDER_MEAD_MOST);
    for (size_t i = 0; i <= count && status == SIM_OK; i++) {
        memcpy(simplex.points[i].x, x, count * sizeof *x);
        if (i > 0)
            simplex.points[i].x[i - 1] += step;
        status = ask(&simplex, &simplex.points[i]);
    }
    sort(&simplex);
    while (status == SIM_OK && simplex.asked < most && simplex.points[count].value - simplex.points[0].value > tolerance) {
        status = move(&simplex);
        sort(&simplex);
    }
    memcpy(x, simplex.points[0].x, count * sizeof *x);
    *value = simplex.points[0].value;
    return status;
}
