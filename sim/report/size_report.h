/* size_report.h - what `pagesim size` tells, as a document: the answer, what it is as memory, and the table "pools": the answer, the largest
 * pool that fails, and the bound, each with all its figures.
 */
#ifndef PAGESIM_SIZE_REPORT_H
#define PAGESIM_SIZE_REPORT_H

#include "config/sizing.h"
#include "report/document.h"
#include "study/size_pools.h"

struct size_result {
    const struct size_question *question;
    const struct size_answer *answer;
    struct sizing gpu; /* known: a model and a GPU were given */
    double block_bytes;
};

/* The caller destroys the document. */
struct document *size_report(const struct size_result *result, const struct document_origin *origin);

#endif
