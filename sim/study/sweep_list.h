/* sweep_list.h - explicit points of a sweep from a file, one a line:
 *
 *     {"block_size": 8, "step_time": {"base_ns": 4000000}}      a JSON object, as in a configuration file
 *     block_size=16 num_gpu_blocks=4000                          or words; # starts a comment
 *
 * Lines may name different keys; what a line leaves out stays as the command line and the configuration file have it.
 */
#ifndef PAGESIM_SWEEP_LIST_H
#define PAGESIM_SWEEP_LIST_H

#include "study/sweep_keys.h"

/* Append the file's keys and values. *cells: rows x (keys added) indices of values, SWEEP_NO_VALUE where a line is silent, for the caller to
 * free. SIM_BAD_INPUT names the line. */
SIM_NODISCARD enum status sweep_list_read(struct sweep_keys *keys, const char *path, uint32_t **cells, size_t *rows, struct diag *diag);

#endif
