/* compare_report.h - what `pagesim compare` tells of a comparison (compare_runs.h), as a document. */
#ifndef PAGESIM_COMPARE_REPORT_H
#define PAGESIM_COMPARE_REPORT_H

#include "report/document.h"
#include "study/compare_runs.h"

struct compare_view {
    const struct comparison *comparison;
    const char *names[2]; /* what A and B are called: files, or "" */
    uint32_t top;         /* how many winners and losers; how many decisions of the first step that differs people see */
};

/* Tables: requests, figures, latencies, winners_and_losers, decisions_that_differ, keys_that_differ. The caller destroys the document. */
struct document *compare_report(const struct compare_view *view, const struct document_origin *origin);

#endif
