/* fleet_sums.h - what a fleet (sim/fleet) comes to, for figures. */
#ifndef PAGESIM_FLEET_SUMS_H
#define PAGESIM_FLEET_SUMS_H

#include <stdint.h>

/* Apart from what single servers have, too. */
struct fleet_sums {
    uint32_t replicas;  /* the most at a time */
    double gpus;        /* the most at a time */
    double gpu_seconds; /* from each replica's start to its end */
    double imbalance;   /* tokens scheduled by the busiest replica, by the mean of all; replicas that were there throughout count alone */
    uint64_t retried, lost;                           /* requests */
    double transfer_seconds;                          /* mean time from the end of a prompt to its K/V's arrival */
    uint64_t transfers;                               /* prompts whose K/V went over */
    uint64_t waits;                                   /* requests that came to a server */
    double mean_routing_wait_ms, p99_routing_wait_ms; /* over these (fleet/routing_wait.h) */
};

#endif
