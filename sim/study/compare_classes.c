/* compare_classes.c - sorts the outcomes of a comparison into classes and compares them there. Each class is a walk over all requests a side:
 * classes are few, and a walk costs far less than a replay. */
#include "study/compare_classes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/array.h"

/* What one class is made from. */
struct class_view {
    const struct outcome *const *outcomes;
    size_t sides;
    uint32_t count;
    enum latency latency;
    struct pair_choice choice;
    double *scratch;
};

/* Is side `own` faster than side `other` beyond doubt? A single pair has no interval. */
static bool is_faster(const struct class_view *view, size_t own, size_t other)
{
    const struct paired paired =
        paired_of(view->outcomes[other], view->outcomes[own], view->count, view->latency, view->choice, view->scratch);
    return paired.difference.n > 1 && paired_interval(&paired)->ci_high < 0;
}

/* Only the side with the lowest mean can win. */
static size_t winner_of(const struct class_view *view, const double *means)
{
    size_t best = 0;
    for (size_t side = 1; side < view->sides; side++)
        if (means[side] < means[best])
            best = side;
    for (size_t side = 0; side < view->sides; side++)
        if (side != best && !is_faster(view, best, side))
            return SIZE_MAX;
    return best;
}

/* Means that stand next to each other are of the same requests: those that all sides served. */
static void take_means(const struct class_view *view, struct compared_class *class)
{
    for (uint32_t position = 0; position < view->count; position++) {
        bool served = view->choice.of[position] == view->choice.class;
        class->requests += served;
        for (size_t side = 0; side < view->sides; side++)
            served = served && !isnan(view->outcomes[side][position].ms[view->latency]);
        class->served += served;
        for (size_t side = 0; side < view->sides && served; side++)
            class->means[side] += view->outcomes[side][position].ms[view->latency];
    }
    for (size_t side = 0; side < view->sides; side++)
        class->means[side] = class->served ? class->means[side] / class->served : (double)NAN;
}

static enum status add_class(struct compared_classes *classes, const struct class_view *view, const char *by, const char *name,
                             struct diag *diag)
{
    struct compared_class class = {.by = by, .winner = SIZE_MAX};
    snprintf(class.name, sizeof class.name, "%s", name);
    take_means(view, &class);
    if (class.requests == 0)
        return SIM_OK;
    for (size_t side = 1; side < view->sides; side++)
        class.against[side] = paired_of(view->outcomes[0], view->outcomes[side], view->count, view->latency, view->choice, view->scratch);
    class.winner = winner_of(view, class.means);
    return array_append(&classes->list, &classes->count, &classes->capacity, &class, sizeof class, "classes", diag);
}

enum status compare_classes_add(struct compared_classes *classes, const char *by, const struct request_classes *sorted,
                                const struct outcome *const *outcomes, size_t sides, enum latency latency, double *scratch,
                                struct diag *diag)
{
    const uint32_t count = sorted->trace->count;
    uint8_t *of;
    enum status status = array_zeroed(&of, count, sizeof *of, "classes of requests", diag);
    for (uint32_t position = 0; position < count && status == SIM_OK; position++)
        of[position] = (uint8_t)request_class(sorted, position, false);
    for (uint32_t class = 0; class < sorted->count && status == SIM_OK; class ++) {
        const struct class_view view = {outcomes, sides, count, latency, {of, (uint8_t) class}, scratch};
        status = add_class(classes, &view, by, sorted->names[class], diag);
    }
    free(of);
    return status;
}

void compare_classes_free(struct compared_classes *classes)
{
    free(classes->list);
    *classes = (struct compared_classes){0};
}
