/* text_trace.h - a trace out of text, read from a file as users' traces are. */
#ifndef TESTS_TEXT_TRACE_H
#define TESTS_TEXT_TRACE_H

#include "trace/trace.h"

/* Like trace_load; selection NULL: everything. *diag is zeroed first. */
enum status text_trace_load(const char *text, const struct trace_selection *selection, struct trace **out, struct diag *diag);
/* The same for text that must be right; the test fails otherwise. */
struct trace *text_trace(const char *text, const struct trace_selection *selection);

/* Up to 40 requests in three sessions, whose turns go on where the last one ended, fall back behind it, or, with `ids`, may name their first
 * block themselves. A turn adds up to `longest` tokens to what was said. */
struct trace *random_sessions(uint64_t *seed, uint32_t requests, uint32_t longest, bool ids);

#endif
