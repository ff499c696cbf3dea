/* sweep_list.h - explicit points of a sweep from a file, one a line:
 *
 *     {"block_size": 8, "step_time": {"base_ns": 4000000}}      a JSON object, as in a configuration file
 *     block_size=16 num_gpu_blocks=4000                          or words; # starts a comment
 *
 * Lines may name different keys; what a line leaves out stays as the command line and the configuration file have it.
 */
#ifndef PAGESIM_SWEEP_LIST_H
#define PAGESIM_SWEEP_LIST_H

#include "study/sweep_plan.h"

/* Append the file's keys and values to the plan. *cells: rows x (keys added) indices of values, for the caller to free. */
SIM_NODISCARD enum status sweep_list_read(struct sweep_plan *plan, const char *path, uint32_t **cells, size_t *rows, struct diag *diag);

/* sweep_plan.c's, for the reader: the key of that name, a new varied key, a new value that fits its key. `what` names the place. */
SIM_NODISCARD enum status sweep_plan_find_key(const char *name, const char *what, const struct config_key **out, struct diag *diag);
SIM_NODISCARD enum status sweep_plan_add_key(struct sweep_plan *plan, const struct config_key *key, const char *what, uint32_t *index,
                                             struct diag *diag);
SIM_NODISCARD enum status sweep_plan_add_value(struct sweep_plan *plan, const struct config_key *key, const char *text, size_t length,
                                               const char *what, struct diag *diag);

#endif
