/* reports_compared.h - saved reports of one command next to each other: figures with their differences to the first one, who is best at what,
 * the settings that differ, and curves of the same name laid over each other.
 */
#ifndef PAGESIM_REPORTS_COMPARED_H
#define PAGESIM_REPORTS_COMPARED_H

#include "report/saved_report.h"

enum { REPORTS_COMPARED_MOST = 8 };

/* SIM_USAGE: the reports are of several commands, or of one whose reports have nothing that could stand side by side. */
SIM_NODISCARD enum status reports_compared_check(const struct saved_report *reports, size_t count, struct diag *diag);

/* 2 to REPORTS_COMPARED_MOST reports that were checked. The document copies what it needs but for the origin's pointers. */
struct document *reports_compared(const struct saved_report *reports, size_t count, const struct document_origin *origin);

#endif
