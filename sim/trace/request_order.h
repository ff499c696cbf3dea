/* request_order.h - requests as their file names them: by number in the file, samples of one request in order.
 *
 * Positions in a trace are in order of arrival, which need not be the file's order. Lists that users match with their file (decision log,
 * per-request rows, vLLM's result) are in the file's order.
 */
#ifndef PAGESIM_REQUEST_ORDER_H
#define PAGESIM_REQUEST_ORDER_H

#include "base/diag.h"
#include "trace/trace.h"

/* *out holds trace->count positions; the caller frees it. Time and memory are linear in the largest number. */
SIM_NODISCARD enum status request_order(const struct trace *trace, uint32_t **out, struct diag *diag);

/* The other way round: (*out)[number in the file] is a position + 1, of the first sample if there are several, or 0: not in the trace. *most: how
 * many numbers there are; the caller frees *out. */
SIM_NODISCARD enum status request_places(const struct trace *trace, uint32_t **out, uint32_t *most, struct diag *diag);

/* *out holds trace->count positions in order of arrival_ns, equal ones as they stand; the caller frees it. */
SIM_NODISCARD enum status trace_arrival_order(const struct trace *trace, uint32_t **out, struct diag *diag);

#endif
