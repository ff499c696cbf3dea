/* compare_classes.h - a comparison by classes of requests: for whom is which side better?
 *
 * Requests are sorted by one or several keys (request_classes.h), each of which sorts all of them. In each class every side is held against the
 * first, as over all requests, and a side wins that is faster than every other one: the mean of its differences is below 0 with the whole 95 %
 * interval, the batched one where there are 40 pairs or more. So a class in which the trace tells nothing has no winner.
 */
#ifndef PAGESIM_COMPARE_CLASSES_H
#define PAGESIM_COMPARE_CLASSES_H

#include "base/diag.h"
#include "observe/request_classes.h"
#include "study/compare_pairs.h"

enum { COMPARE_SIDES_MOST = 8, COMPARE_SORTINGS_MOST = 8 };

struct compared_class {
    char name[sizeof((struct request_classes *)0)->names[0]];
    const char *by;                            /* what sorts: compare_classes_add's */
    uint32_t requests, served;                 /* of the trace; of these, those that have the latency on all sides */
    double means[COMPARE_SIDES_MOST];          /* over those; NaN: there are none */
    size_t winner;                             /* SIZE_MAX: none */
    struct paired against[COMPARE_SIDES_MOST]; /* the first side; its own place is not used */
};

/* Zeroed: no classes. */
struct compared_classes {
    struct compared_class *list;
    size_t count, capacity;
};

/* Add the classes of one sorting, called `by`, that have requests. `outcomes`: of each side, in the order of the trace; `scratch` has room for a number a
 * request. */
SIM_NODISCARD enum status compare_classes_add(struct compared_classes *classes, const char *by, const struct request_classes *sorted,
                                              const struct outcome *const *outcomes, size_t sides, enum latency latency, double *scratch,
                                              struct diag *diag);
void compare_classes_free(struct compared_classes *classes);

#endif
