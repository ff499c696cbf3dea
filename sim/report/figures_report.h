/* figures_report.h - the table of figures as a document. */
#ifndef PAGESIM_FIGURES_REPORT_H
#define PAGESIM_FIGURES_REPORT_H

#include "report/document.h"

/* The caller destroys it. */
struct document *figures_report(const struct document_origin *origin);

#endif
