/* compare_report.h - what `pagesim compare` tells of a comparison (compare_runs.h), as a document. */
#ifndef PAGESIM_COMPARE_REPORT_H
#define PAGESIM_COMPARE_REPORT_H

#include "report/document.h"
#include "study/compare_runs.h"

struct compare_view {
    const struct comparison *comparison;
    const char *files[COMPARE_SIDES_MOST]; /* of each side; NULL: none of its own */
    bool per_request; /* is the row a request wanted, by programs or for pictures? It is most of the report's memory */
    uint32_t top;     /* how many winners and losers of a side; how many decisions of the first step that differs people see */
};

/* Of A and B, JSON has the members "a", "b" and "first_difference"; of sides with names the tables "sides" and "first_differences" and the object
 * "configurations". The other tables are the same, with the names where A and B stand. The caller destroys the document. */
struct document *compare_report(const struct compare_view *view, const struct document_origin *origin);

#endif
