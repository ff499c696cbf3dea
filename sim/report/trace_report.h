/* trace_report.h - the report of `pagesim trace info`, as a document. */
#ifndef PAGESIM_TRACE_REPORT_H
#define PAGESIM_TRACE_REPORT_H

#include "report/document.h"
#include "study/trace_facts.h"

/* `width`: how many tokens a hash id names, `inferred` from the rows or not (trace_block_size.h). The caller destroys the document. */
struct document *trace_report(const struct trace *trace, const struct trace_facts *facts, uint32_t width, bool inferred,
                              const struct document_origin *origin);

#endif
