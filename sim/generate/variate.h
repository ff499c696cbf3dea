/* variate.h - numbers drawn from a named distribution: tokens, seconds, samples, priorities. Spelled as spec_text.h says, for
 * example lognormal:median=1020,sigma=1.1,max=8192 or file:lengths.txt.
 *
 * A distribution is read once and then only drawn from; the state of the random numbers is the caller's, so the same distribution may
 * be drawn from by many. Numbers are the same on every machine.
 */
#ifndef PAGESIM_VARIATE_H
#define PAGESIM_VARIATE_H

#include <stdint.h>

#include "base/diag.h"
#include "generate/variate_kind.h"

/* Read a text; a number alone is fixed:NUMBER. SIM_USAGE: what spec_read_keys says; a number that the unit cannot have. SIM_BAD_INPUT: the
 * file of file:PATH. *out is replaced on success; start with a zeroed one, end with variate_deinit. */
SIM_NODISCARD enum status variate_read(struct variate *out, enum drawn_unit unit, const struct spec_place *place, struct diag *diag);
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
