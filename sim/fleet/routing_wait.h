/* routing_wait.h - what routing cost whom: how long each request waited for admission while another replica that took requests had nobody waiting.
 *
 *     request     comes to its replica ------ waits ------ first admission        (or the replica's end)
 *     another             nobody waits ---------|  somebody waits
 *     counted                          ---------
 *
 * Its own replica has somebody waiting at that time, so it is the time during which any replica has nobody waiting. Who was preempted does not
 * count as waiting here. With servers of prompts and of answers only replicas that do the same work are compared.
 */
#ifndef PAGESIM_ROUTING_WAIT_H
#define PAGESIM_ROUTING_WAIT_H

#include "fleet/fleet.h"

/* After the replays of a stage: part->routing_wait_ns of its replicas, and for each request what is added to fleet->routing_wait_ns. order: as for
 * fleet_run's parts, from the stage's positions to the trace's; NULL: they are the same. O(n log n). */
SIM_NODISCARD enum status routing_wait_add(struct fleet *fleet, uint32_t stage, const uint32_t *order, struct diag *diag);

/* After all stages: the mean and the 99th percentile over requests that came to a replica, into fleet->sums. */
SIM_NODISCARD enum status routing_wait_sum_up(struct fleet *fleet, uint32_t requests, struct diag *diag);

#endif
