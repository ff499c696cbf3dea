/* replicas_report.h - what `pagesim size --replicas` tells, as a document: the answer, what it costs, and the table "fleets": every number of
 * servers that was replayed.
 */
#ifndef PAGESIM_REPLICAS_REPORT_H
#define PAGESIM_REPLICAS_REPORT_H

#include "report/document.h"
#include "study/size_replicas.h"

/* The caller destroys the document. */
struct document *replicas_report(const struct replicas_question *question, const struct replicas_answer *answer,
                                 const struct document_origin *origin);

#endif
