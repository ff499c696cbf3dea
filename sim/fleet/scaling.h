/* scaling.h - how many replicas there should be: a schedule, or the rule of Kubernetes' Horizontal Pod Autoscaler.
 *
 *     wanted = ceil(replicas that take requests * measured / target), unless measured / target is within 10 % of 1
 *     up at once; down to the most that was wanted in the last down_after_s
 *
 * Source: Kubernetes' documentation, "Horizontal Pod Autoscaling", algorithm details: the tolerance of 0.1, a look every 15 s, and a window of
 * 300 s before it scales down are its defaults.
 */
#ifndef PAGESIM_SCALING_H
#define PAGESIM_SCALING_H

#include "config/config.h"

struct scaling {
    const struct autoscale_config *config;
    int64_t next_ns; /* of the next look; INT64_MAX: never */
    uint32_t steps;  /* of the schedule that have been */
    struct {
        int64_t time_ns;
        uint32_t wanted;
    } * wishes; /* of the window, in order of time */
    size_t first, count, capacity;
};

void scaling_init(struct scaling *scaling, const struct autoscale_config *config);
void scaling_deinit(struct scaling *scaling);

/* The look at next_ns. `taking` replicas take requests, and measured / target is `ratio` (by a schedule nobody reads it). *wanted: replicas,
 * those that start included, of which there are `there`. */
SIM_NODISCARD enum status scaling_look(struct scaling *scaling, uint32_t taking, uint32_t there, double ratio, uint32_t *wanted,
                                       struct diag *diag);

#endif
