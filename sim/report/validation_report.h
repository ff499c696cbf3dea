/* validation_report.h - the report of `pagesim validate`, as a document. */
#ifndef PAGESIM_VALIDATION_REPORT_H
#define PAGESIM_VALIDATION_REPORT_H

#include "report/document.h"
#include "study/validation.h"

/* `figures`: those of the replay and of the comparison. The caller destroys the document. */
struct document *validation_report(const struct validation *validation, const struct figure_set *figures,
                                   const struct document_origin *origin);

#endif
