/* validation_report.h - the report of `pagesim validate`, as a document. */
#ifndef PAGESIM_VALIDATION_REPORT_H
#define PAGESIM_VALIDATION_REPORT_H

#include "report/document.h"
#include "study/scheduling_choice.h"

/* Of the way that was chosen, and what each way gives. The caller destroys the document. */
struct document *validation_report(struct scheduling_choice *choice, const struct document_origin *origin);

#endif
