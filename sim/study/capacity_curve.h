/* capacity_curve.h - what one configuration does under rising load: latency, throughput and queue from light to more than it can serve.
 *
 * First the load at which it saturates is searched (rate_search.h, load_run.h), and the highest that meets the limits if there are any.
 * Then loads are replayed from a tenth of the former to a third above it, and the two themselves.
 *
 * The knee is the point with the highest power, throughput divided by mean latency (Kleinrock, "Power and deterministic rules of thumb",
 * ICC 1979): below it more load costs little latency, above it more latency brings little throughput.
 */
#ifndef PAGESIM_CAPACITY_CURVE_H
#define PAGESIM_CAPACITY_CURVE_H

#include "study/load_run.h"
#include "study/rate_search.h"

struct capacity_question {
    struct load_question load;
    const struct config *config;
    const struct rate_ladder *ladder; /* of requests/s if loads are drawn, else of ratios */
    uint32_t points;                  /* at even distances; 2 or more */
    uint32_t threads;
    bool quiet;
};

struct capacity_point {
    double load;
    struct load_result result; /* of a whole replay; result.figures is this point's */
    struct figure_set figures;
};

struct capacity_curve {
    struct rate_found saturation, sustained; /* sustained: with requirements; else as saturation */
    double saturated_load, sustained_load;   /* the highest that are not, and that meet; NaN: not even the lightest */
    struct capacity_point *points;           /* loads rise; owned */
    size_t count;
    size_t knee;
    uint64_t replays;
};

/* End it with capacity_curve_deinit in any case. */
SIM_NODISCARD enum status capacity_curve_make(const struct capacity_question *question, struct capacity_curve *out, struct diag *diag);
void capacity_curve_deinit(struct capacity_curve *curve);

/* The point of that very load, or NULL. The two answers have one each, and so has the load above the highest that meets the limits. */
const struct capacity_point *capacity_point_at(const struct capacity_curve *curve, double load);

#endif
