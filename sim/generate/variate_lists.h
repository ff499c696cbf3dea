/* variate_lists.h - the distributions that are lists: choice (values with weights), file (the same out of a file) and quantiles (a
 * curve through given points). Rows of the table in variate.c. */
#ifndef PAGESIM_VARIATE_LISTS_H
#define PAGESIM_VARIATE_LISTS_H

#include "generate/variate_kind.h"

/* "1=0.9,4=0.1": values and weights, which need not add up to 1. */
SIM_NODISCARD enum status choice_prepare(struct variate *self, const struct spec_place *place, struct diag *diag);

/* A file with a line a value, or a value and how often it occurs with a blank or a comma between: a list of lengths or a histogram. # starts
 * a comment. Errors name file, line and column. */
SIM_NODISCARD enum status file_prepare(struct variate *self, const struct spec_place *place, struct diag *diag);

/* One of the values, by weight. O(log values). */
double weighted_draw(const struct variate *self, uint64_t *state);

/* "p0=2,p50=1020,p100=14050": values rise from p0 to p100, and go straight in between. */
SIM_NODISCARD enum status quantiles_prepare(struct variate *self, const struct spec_place *place, struct diag *diag);
double quantiles_draw(const struct variate *self, uint64_t *state);

#endif
