/* compare_report.h - what `pagesim compare` tells of a comparison (compare_runs.h), as a document. */
#ifndef PAGESIM_COMPARE_REPORT_H
#define PAGESIM_COMPARE_REPORT_H

#include "report/compare_parts.h"

/* Of A and B, JSON has the members "a", "b" and "first_difference"; of sides with names the tables "sides" and "first_differences" and the object
 * "configurations". The other tables are the same, with the names where A and B stand. The caller destroys the document. */
struct document *compare_report(const struct compare_view *view, const struct document_origin *origin);

#endif
