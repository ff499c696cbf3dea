/* trace_report.h - the report of `pagesim trace info`, as a document. */
#ifndef PAGESIM_TRACE_REPORT_H
#define PAGESIM_TRACE_REPORT_H

#include "observe/trace_facts.h"
#include "report/document.h"

/* `width`: how many tokens a hash id names. The caller destroys the document. */
struct document *trace_report(const struct trace *trace, const struct trace_facts *facts, uint32_t width,
                              const struct document_origin *origin);

#endif
