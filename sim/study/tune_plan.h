/* tune_plan.h - what `tune` may change: keys with values, and every combination of them as a point of a sweep_plan.h.
 *
 * A key may always stay as the command line has it, so that point 0 changes nothing. A value that is what the key has already is not
 * counted twice. Points are numbers in a mixed base: digit 0 of a key stays, digit d takes its d-th value; the last key counts fastest.
 */
#ifndef PAGESIM_TUNE_PLAN_H
#define PAGESIM_TUNE_PLAN_H

#include "study/sweep_plan.h"
#include "trace/trace.h"

enum { TUNE_POINTS_MOST = 200000, TUNE_KEYS_MOST = 16 };

struct tune_plan {
    struct sweep_plan points;             /* its config_path, base and base_count are the caller's, before tune_plan_make */
    uint32_t digits[TUNE_KEYS_MOST];      /* values of a key, staying included */
    uint32_t first_value[TUNE_KEYS_MOST]; /* digit d > 0 is points.varied.values[first_value + d - 1] */
    size_t stride[TUNE_KEYS_MOST];
};

/* `tune`: "key=values" (sweep_keys.h); `config`: what the command line says without them. SIM_USAGE: a key that is unknown, given twice
 * or the load's own, values that do not fit it, too many points. End it with tune_plan_deinit in any case. */
SIM_NODISCARD enum status tune_plan_make(struct tune_plan *plan, const char *const *tune, size_t count, const struct config *config,
                                         struct diag *diag);
void tune_plan_deinit(struct tune_plan *plan);

/* What is tuned when nobody says it: whatever a server could be told, of a model and a GPU the share of its memory, too. `gpus`: also
 * over how many. Returns how many of `out`, which has room for TUNE_KEYS_MOST. */
size_t tune_usual(const struct trace *trace, const struct config *config, bool gpus, const char **out);

static inline uint32_t tune_digit(const struct tune_plan *plan, size_t point, uint32_t key)
{
    return (uint32_t)(point / plan->stride[key] % plan->digits[key]);
}

/* The same point with another digit. */
static inline size_t tune_with(const struct tune_plan *plan, size_t point, uint32_t key, uint32_t digit)
{
    return point + ((size_t)digit - tune_digit(plan, point, key)) * plan->stride[key];
}

/* Keys that do not stay. */
uint32_t tune_changes(const struct tune_plan *plan, size_t point);

#endif
