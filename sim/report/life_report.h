/* life_report.h - what `pagesim explain --request` tells of one request (observe/request_life.h), as a document. */
#ifndef PAGESIM_LIFE_REPORT_H
#define PAGESIM_LIFE_REPORT_H

#include "observe/prefix_misses.h"
#include "observe/request_life.h"
#include "report/document.h"
#include "run/run.h"

/* Both replays are over. Tables: life, accounts, slow_steps. People see the first `top` rows of the last. The caller destroys the document. */
struct document *life_report(const struct request_life *life, const struct prefix_misses *misses, const struct run *run, size_t top,
                             const struct document_origin *origin);

#endif
