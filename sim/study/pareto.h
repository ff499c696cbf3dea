/* pareto.h - which results nobody beats: the Pareto front of points with several objectives, up to a tolerance.
 *
 * Without a tolerance a point is on the front when no other is at least as good in every objective and better in one. Equal points are on it
 * together.
 *
 * With a tolerance t, differences of at most t times the larger value do not count. Of the front above a point A beats a point B when A is
 * no worse in any objective by more than t and
 *
 *     better in one by more than t,  or
 *     within t in all, and the better one in the first objective in which the two differ at all.
 *
 * Off the front is who is beaten by a point on it, so every point left out has one on the front that is as good up to t. (Not by any point:
 * along a chain of small steps each point beats the next one, and only the first would stay.) Three points with three objectives can beat
 * each other in a circle; then the one that is best in the first objective stays. All of this depends on values and not on the order of
 * points.
 */
#ifndef PAGESIM_PARETO_H
#define PAGESIM_PARETO_H

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"

/* values[point * objectives + o]; maximise[o]: larger is better; tolerance: a share, 0 or more. A point with a NaN never competes.
 * on_front[point] is written for all. O(n log n + n * front); with a tolerance the square of the exact front, too. */
SIM_NODISCARD enum status pareto_front(const double *values, size_t point_count, size_t objectives, const bool *maximise, double tolerance,
                                       bool *on_front, struct diag *diag);

#endif
