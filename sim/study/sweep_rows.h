/* sweep_rows.h - the rows of a sweep as people want to read them: the best first, and those that say the same said once.
 *
 * Rows that meet all requirements come before those that do not, then runs that ended before those that did not, then the better one in the
 * figure that is asked for (`--sort`), or else in the first objective, as far as it is shown; then in the next objective, and at last the order
 * of the plan. Two rows say the same when all their figures are equal to the last digit: their schedulers decided alike.
 */
#ifndef PAGESIM_SWEEP_ROWS_H
#define PAGESIM_SWEEP_ROWS_H

#include "study/sweep_groups.h"

struct sweep_rows {
    size_t *order;   /* indices of groups->list, as they are told */
    size_t *same_as; /* by index of groups->list: the group that is told in its place, or itself */
    size_t *alike;   /* by index of groups->list: how many others it stands for */
    size_t count, folded;
};

/* Borrows nothing. End it with sweep_rows_deinit in any case. */
SIM_NODISCARD enum status sweep_rows_make(struct sweep_rows *rows, const struct sweep_groups *groups, struct diag *diag);
void sweep_rows_deinit(struct sweep_rows *rows);

#endif
