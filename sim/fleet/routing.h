/* routing.h - the first of a fleet's two passes: which replica gets which request.
 *
 *     clients --> router --> replicas            first pass: as far as the router needs to know them
 *     each replica's requests, at their times    second pass (fleet_run.h): replayed alone, watched, side by side
 *
 * There is one virtual clock. A router that looks at nothing needs no replicas, so only the list is made. Else replicas go on to the time of the
 * next thing that has to know them (a request to be routed, a report, a rule of scaling, a failure), side by side in threads, and no further;
 * nothing that happens later can change what they did. Where requests wait for answers (sessions, a limit of requests in flight), only the
 * replica with the earliest clock goes on, up to its next answer.
 *
 * So the outcome does not depend on threads.
 */
#ifndef PAGESIM_ROUTING_H
#define PAGESIM_ROUTING_H

#include "engine/replay_loop.h"
#include "fleet/fleet_routes.h"

/* Route the trace's requests. `watch` is asked with how far routing is, in requests of the trace; NULL: nobody is. What routes has before is lost; the caller ends it with fleet_routes_deinit in any case. */
SIM_NODISCARD enum status routing_run(const struct fleet_plan *plan, const struct trace *trace, struct routing_part part,
                                      const struct replay_watch *watch, struct fleet_routes *routes, struct diag *diag);

#endif
