/* trace_join.h - pieces of a file, read, become a trace: in order of arrival, with hash ids numbered from 0, as much as is wanted. */
#ifndef PAGESIM_TRACE_JOIN_H
#define PAGESIM_TRACE_JOIN_H

#include "trace/trace_rows.h"

/* Make a trace, but for its name, from the source's `count` pieces in file order. source->facts.times says how the rows' times count; no
 * arrival may be before the trace starts. Pieces lose the arrays that the trace takes over; the caller ends both.
 * SIM_BAD_INPUT: no request, too many, none selected. */
SIM_NODISCARD enum status trace_join(const struct trace_source *source, struct trace_rows *pieces, size_t count,
                                     const struct trace_selection *selection, struct trace **out, struct diag *diag);

#endif
