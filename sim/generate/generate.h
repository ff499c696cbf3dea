/* generate.h - a described workload as JSONL, request by request.
 *
 * Sessions begin as the arrival process says; those that have begun wait in a heap for their next request. So memory is that of the sessions
 * that are active at one time, whatever the number of requests. Rows come in order of time; a closed loop's rows and those with a `delay` in
 * the order in which they would come if answers took no time.
 */
#ifndef PAGESIM_GENERATE_H
#define PAGESIM_GENERATE_H

#include <stdio.h>

#include "generate/generate_spec.h"

/* Write the trace. The same spec and seed give the same bytes everywhere. SIM_FAILED: out of memory, or the file takes no more;
 * SIM_BAD_INPUT: a request would arrive later than a trace can say, or have more than 1e9 tokens. */
SIM_NODISCARD enum status generate_write(const struct generate_spec *spec, FILE *file, struct diag *diag);

#endif
