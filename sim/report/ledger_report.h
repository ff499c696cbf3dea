/* ledger_report.h - what `pagesim ledger` tells of one replay, as a document.
 *
 * Tables: accounts, groups (of layers, or with speculation), classes (when requests were sorted into classes), reserving. Chart: timeline_slots.
 */
#ifndef PAGESIM_LEDGER_REPORT_H
#define PAGESIM_LEDGER_REPORT_H

#include "observe/class_ledger.h"
#include "report/document.h"
#include "run/run.h"
#include "study/reservation.h"

struct ledger_result {
    const struct run *run;                      /* replayed; its ledger keeps a history */
    const struct class_ledger *classes;         /* NULL: not by class */
    const struct class_ledger *groups;          /* by group of layers; NULL: one full group, and no drafts */
    const struct reservation_result *reserving; /* by enum reservation_kind; NULL: tokens are drafted, and reservations are not compared */
    enum contiguous_kind allocator;             /* of these */
    bool draw;                                  /* people see the pool over time */
};

/* The caller destroys the document. */
struct document *ledger_report(const struct ledger_result *result, const struct document_origin *origin);

#endif
