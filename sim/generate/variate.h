/* variate.h - numbers drawn from a named distribution: tokens, seconds, samples, priorities. Spelled as spec_text.h says, for
 * example lognormal:median=1020,sigma=1.1,max=8192 or file:lengths.txt.
 *
 * A distribution is read once and then only drawn from; the state of the random numbers is the caller's, so the same distribution may
 * be drawn from by many. Numbers are the same on every machine.
 */
#ifndef PAGESIM_VARIATE_H
#define PAGESIM_VARIATE_H

#include <stdbool.h>
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

/* Read a text; a number alone is fixed:NUMBER. SIM_USAGE: what spec_read_keys says; a number that the unit cannot have. SIM_BAD_INPUT: the file of file:PATH. */
SIM_NODISCARD enum status variate_read(struct variate *out, enum drawn_unit unit, const struct spec_place *place,
                                            struct diag *diag);
void variate_deinit(struct variate *variate);

/* One number, whole where the unit is. */
double variate_draw(const struct variate *variate, uint64_t *state);

/* The mean as 65,536 draws have it: cuts and rounding are in it. Always the same for the same distribution. */
double variate_mean(const struct variate *variate);

/* The largest number that can come out. */
double variate_most(const struct variate *variate);

/* The table, for help pages: the i-th row, NULL after the last. */
const struct spec_name *variate_name(size_t i);

#endif
