/* step_errors_report.h - the report of `pagesim validate --steps`, as a document. */
#ifndef PAGESIM_STEP_ERRORS_REPORT_H
#define PAGESIM_STEP_ERRORS_REPORT_H

#include "report/document.h"
#include "study/step_errors.h"

/* `steps`: the file that they are from. The caller destroys the document. */
struct document *step_errors_report(const char *steps, const struct step_class classes[STEP_CLASSES], const struct document_origin *origin);

#endif
