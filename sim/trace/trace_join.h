/* trace_join.h - pieces of a file, read, become a trace: in order of arrival, with hash ids numbered from 0, as much as is wanted. */
#ifndef PAGESIM_TRACE_JOIN_H
#define PAGESIM_TRACE_JOIN_H

#include "trace/trace_rows.h"

/* Fill the columns of *trace, which is otherwise zeroed, from `count` pieces in file order. `times` says how the rows' times count; no
 * arrival may be before the trace starts. Pieces lose the arrays that the trace takes over; the caller ends both in any case.
 * SIM_BAD_INPUT: no request, too many, none selected. */
SIM_NODISCARD enum status trace_join(const char *name, struct trace_rows *pieces, size_t count, enum trace_times times,
                                     const struct trace_selection *selection, struct trace *trace, struct diag *diag);

#endif
