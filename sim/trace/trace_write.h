/* trace_write.h - a trace as pagesim JSONL (doc/formats.md, section 1): what every tool that makes traces writes.
 *
 * A row a request, in order of arrival, with all that struct trace knows of it: reading the text gives the same columns again. Members that
 * would say the default are left out. Times are milliseconds with up to six decimals, which is every nanosecond.
 */
#ifndef PAGESIM_TRACE_WRITE_H
#define PAGESIM_TRACE_WRITE_H

#include "base/text_writer.h"
#include "trace/trace.h"

/* Append all rows. Hash ids are the file's where the trace has kept them (trace_selection.keep_ids), else their numbers. SIM_FAILED: the text
 * cannot be written. */
SIM_NODISCARD enum status trace_write(const struct trace *trace, struct text_writer *writer, struct diag *diag);

#endif
