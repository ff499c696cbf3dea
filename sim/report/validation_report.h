/* validation_report.h - the report of `pagesim validate`, as a document. */
#ifndef PAGESIM_VALIDATION_REPORT_H
#define PAGESIM_VALIDATION_REPORT_H

#include "report/document.h"
#include "study/scheduling_choice.h"

/* Of the way that was chosen, and what each way gives. The caller destroys the document. */
/* One of several runs: what stands in its row. */
enum { VALIDATED_FIGURES = 9 };
struct validated_run {
    const char *name;            /* borrowed until the document is made */
    uint32_t requests, measured; /* of the trace; of these with measurements */
    const char *step_times;      /* the model's name */
    bool asynchronous, chosen;   /* how it was scheduled, and whether the measurements say so */
    double figures[VALIDATED_FIGURES];
};

/* After the replays. */
struct validated_run validated_run_of(const char *name, struct scheduling_choice *choice);
/* A table with a row a run. */
struct document *validation_runs_report(const struct validated_run *runs, size_t count, const struct document_origin *origin);

struct document *validation_report(struct scheduling_choice *choice, const struct document_origin *origin);

#endif
