/* pareto.h - which results nobody beats: the Pareto front of points with several objectives.
 *
 * A point is on the front when no other is at least as good in every objective and better in one. Equal points are on it together.
 */
#ifndef PAGESIM_PARETO_H
#define PAGESIM_PARETO_H

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"

/* values[point * objectives + o]; maximise[o]: larger is better. A point with a NaN never competes. on_front[point] is written for all.
 * O(n log n + n * front). */
SIM_NODISCARD enum status pareto_front(const double *values, size_t point_count, size_t objectives, const bool *maximise, bool *on_front,
                                       struct diag *diag);

#endif
