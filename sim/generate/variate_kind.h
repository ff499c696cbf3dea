/* variate_kind.h - what a distribution is made of: the row of its kind, and what was read of it. Read variate.h for how they are used. */
#ifndef PAGESIM_VARIATE_KIND_H
#define PAGESIM_VARIATE_KIND_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "generate/spec_text.h"
#include "generate/zipf.h"

/* What is drawn: how large it may be, and whether it is a whole number. */
enum drawn_unit {
    DRAWN_TOKENS,     /* 1 to 1e9, whole */
    DRAWN_TURNS,      /* 1 to 10,000, whole */
    DRAWN_SAMPLES,    /* 1 to 1000, whole */
    DRAWN_SECONDS,    /* 0 to 1e9 */
    DRAWN_PRIORITIES, /* -1e9 to 1e9, whole */
};

struct variate;

/* A row of the table of distributions. */
struct variate_kind {
    struct spec_name spec;
    /* Works out what draws need: reads what is not keys, checks keys against each other. NULL: nothing to do. */
    enum status (*prepare)(struct variate *self, const struct spec_place *place, struct diag *diag);
    double (*draw)(const struct variate *self, uint64_t *state);
};

/* Values with weights, or points of a curve: of `choice`, `file` and `quantiles`. */
struct variate_point {
    double value, up_to; /* the running sum of weights, or the share of values below */
};

struct variate {
    const struct variate_kind *kind; /* NULL: none was read */
    enum drawn_unit unit;
    double keys[SPEC_KEYS]; /* as in the kind's row */
    double least, most;     /* what is drawn is cut to these */
    double location;        /* lognormal: the mean of the logarithm */
    struct zipf zipf;
    struct variate_point *points; /* owned */
    size_t point_count, point_capacity;
};

#endif
