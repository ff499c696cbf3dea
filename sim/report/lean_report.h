/* lean_report.h - the elements of a report whose JSON has no page: its arrays of objects are tables, its figures and charts are what they are,
 * and what a page opens with and draws is made of these, as far as they have it. What happened over time is not in them, which the page says.
 */
#ifndef PAGESIM_LEAN_REPORT_H
#define PAGESIM_LEAN_REPORT_H

#include "base/json_member.h"
#include "report/document.h"

/* Errors are in the reader's diag. `figures`: the report's members that are figures. */
void lean_report_build(const struct json_reader *reader, const struct figure_set *figures, struct document *document);

/* Percentiles of latencies in several runs, a, b, c, ..., as bars; `names` are those of the runs, NULL for one. Nothing where no run has
 * them. */
void latency_bars(struct document *document, const struct figure_set *const *runs, const char *const *names, size_t count);

#endif
