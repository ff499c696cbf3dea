/* fleet_run.h - a fleet from requests to what became of them: routing (routing.h), then each replica's own requests replayed alone and watched,
 * side by side in threads, and what they came to added up.
 *
 * A replica's replay is the replay of a single server with these requests at these times: the same decisions, whether or not there was a fleet.
 * fleet_run compares the ends that routing saw with those of the replay, and fails if one differs.
 *
 *     all replicas do both             requests -> routing -> replays
 *     prefill_replicas                 requests -> routing -> replays of servers of prompts, output 1
 *                                          -> K/V go over, first come first served for each server -> requests as they come
 *                                          -> routing -> replays of servers of answers
 */
#ifndef PAGESIM_FLEET_RUN_H
#define PAGESIM_FLEET_RUN_H

#include "fleet/fleet.h"

/* Everything that can be refused before the first step. End it with fleet_close in any case; a zeroed one may be closed, too. */
SIM_NODISCARD enum status fleet_open(struct fleet *fleet, const struct trace *trace, const struct config *config, struct diag *diag);

/* Route and replay. `whole` and `ledger`, fresh ones of the trace, get the sum; *facts tells the worst end. A replica that stalls or dies is
 * SIM_OK. SIM_FAILED: also if a replay differs from what routing saw. */
SIM_NODISCARD enum status fleet_replay(struct fleet *fleet, const struct trace *trace, const struct replay_options *options,
                                       struct metrics *whole, struct ledger *ledger, struct replay_facts *facts, struct diag *diag);
void fleet_close(struct fleet *fleet);

#endif
