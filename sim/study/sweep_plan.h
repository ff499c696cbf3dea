/* sweep_plan.h - which configurations a sweep tries: a grid or a list of points over configuration keys.
 *
 * A plan is the product of factors; a factor is a list of partial settings:
 *
 *     --vary block_size=8,16,32              a factor of one key          the first factor changes slowest,
 *     --vary num_gpu_blocks=1000:8000:500    another                      the last one fastest
 *     --mode list                            all --vary are zipped into one factor: first with first, second with second
 *     --list FILE                            a factor whose settings are lines: JSON objects, or key=value words
 *     --replicates N                         a last factor: seed, seed + 1, ...
 *
 * A point means what the same options would mean, with dependent defaults and all that vLLM refuses. Thread rule: immutable once made.
 */
#ifndef PAGESIM_SWEEP_PLAN_H
#define PAGESIM_SWEEP_PLAN_H

#include <stdio.h>

#include "study/sweep_keys.h"

struct sweep_plan {
    const char *config_path;          /* borrowed; NULL: none */
    uint32_t trace_block_size;        /* of points that do not say it; 0: the default */
    const struct config_option *base; /* borrowed: the command's own options */
    uint32_t base_count;
    struct sweep_keys varied;
    uint32_t *cells; /* by point, then key: index of a value; SWEEP_NO_VALUE: the point says nothing of that key */
    size_t point_count;
};

/* What the user asked for. Texts are borrowed during sweep_plan_make only. */
struct sweep_request {
    const char *const *vary; /* "key=values" */
    size_t vary_count;
    bool zip;              /* --mode list */
    const char *list_path; /* or NULL */
    uint64_t replicates;   /* seeds a point; 0: not given */
};

/* Make the plan; `plan` has config_path, base and base_count set and is zero otherwise. SIM_USAGE: a key that is unknown or varied twice, a
 * value or a range that does not fit its key, lists of different lengths, too many points. SIM_BAD_INPUT: the list file, with its line.
 * End it with sweep_plan_deinit in any case. */
SIM_NODISCARD enum status sweep_plan_make(struct sweep_plan *plan, const struct sweep_request *request, struct diag *diag);
void sweep_plan_deinit(struct sweep_plan *plan);

/* The effective configuration of a point, its pool sized. The message of an error names the point. Any thread. */
SIM_NODISCARD enum status sweep_plan_config(const struct sweep_plan *plan, size_t point, struct config *config, struct diag *diag);

/* The value that a point gives to plan->varied.list[key], or NULL. */
const char *sweep_plan_value(const struct sweep_plan *plan, size_t point, uint32_t key);

/* " --block-size 8 --num-gpu-blocks 1000": the point's settings as options, and of the keys that it is silent of what the command says. */
void sweep_plan_print_options(const struct sweep_plan *plan, size_t point, FILE *file);

/* "block_size=8 num_gpu_blocks=1000" */
void sweep_plan_describe(const struct sweep_plan *plan, size_t point, char *out, size_t size);

#endif
