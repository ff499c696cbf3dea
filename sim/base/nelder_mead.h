/* nelder_mead.h - the smallest value of a function of a few numbers, without derivatives: for functions that jump a little, such as a replay,
 * whose decisions change when its clock does.
 *
 * A simplex of count + 1 points moves by reflection, expansion, contraction and shrinking. Source: Nelder and Mead, "A simplex method for
 * function minimization", 1965, with the usual coefficients 1, 2, 1/2, 1/2.
 */
#ifndef PAGESIM_NELDER_MEAD_H
#define PAGESIM_NELDER_MEAD_H

#include <stddef.h>

#include "base/diag.h"

enum { NELDER_MEAD_MOST = 8 };

/* *value at x; infinity is fine. Another status than SIM_OK ends the search. */
typedef enum status nelder_mead_function(void *self, const double *x, double *value, struct diag *diag);

/* From x, with steps of `step` along each number, until `most` values were asked for or the values of the simplex differ by less than
 * `tolerance`. x becomes the best point, *value its value. */
SIM_NODISCARD enum status nelder_mead(size_t count, double *x, double step, size_t most, double tolerance, nelder_mead_function *function,
                                      void *self, double *value, struct diag *diag);

#endif
