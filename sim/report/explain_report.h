/* explain_report.h - what `pagesim explain` tells of a run (study/explanation.h), as a document. */
#ifndef PAGESIM_EXPLAIN_REPORT_H
#define PAGESIM_EXPLAIN_REPORT_H

#include "report/document.h"
#include "study/explanation.h"

/* Tables: preemptions, misses, worst, settings_that_avoid_all, readmissions, requests_with_misses, figures (of the run). People see the first
 * `top` rows of long ones. The caller destroys the document. */
struct document *explain_report(const struct explanation *explanation, size_t top, const struct document_origin *origin);

#endif
