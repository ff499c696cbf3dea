/* tune_report.h - what `pagesim tune` tells: the verdict, what it rests on, the server's command line, and tables: "changes", each
 * setting alone; "runners_up", who comes next; "clocks", what another clock would choose.
 */
#ifndef PAGESIM_TUNE_REPORT_H
#define PAGESIM_TUNE_REPORT_H

#include "report/document.h"
#include "study/tune_detail.h"

struct tune_result {
    const struct tune_question *question;
    const struct tune_search *search;
    const struct tune_detail *detail;
    const struct config *given; /* without changes */
    const struct config *best;  /* as it was replayed at its highest load */
    const char *line, *beside;  /* `vllm serve ...`, and options of ours; NULL: no such server */
    double gpu_hour_price;      /* NaN: not given */
};

/* The caller destroys the document. */
struct document *tune_report(const struct tune_result *result, const struct document_origin *origin);

/* "max_num_batched_tokens=2048 max_num_seqs=256", or "" for the configuration as given. */
struct line tune_settings(const struct tune_plan *plan, size_t point);

#endif
