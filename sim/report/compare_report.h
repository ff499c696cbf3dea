/* compare_report.h - a comparison (compare_runs.h) for people, as JSON and as CSV. */
#ifndef PAGESIM_COMPARE_REPORT_H
#define PAGESIM_COMPARE_REPORT_H

#include <stdio.h>

#include "base/json.h"
#include "study/compare_runs.h"

struct compare_view {
    const struct comparison *comparison;
    const char *names[2];       /* what A and B are called: files, or "A", "B" */
    enum compare_metric metric; /* by which requests are ranked */
    uint32_t top;               /* how many winners and losers, and how many differences of the first step */
    bool color;
};

/* At most 80 columns. */
SIM_NODISCARD enum status compare_print(const struct compare_view *view, FILE *file, struct diag *diag);
SIM_NODISCARD enum status compare_write_json(const struct compare_view *view, struct json_text *json, struct diag *diag);
/* A row a request, both sides in it; times in ms. */
SIM_NODISCARD enum status compare_print_csv(const struct compare_view *view, FILE *file, struct diag *diag);

#endif
