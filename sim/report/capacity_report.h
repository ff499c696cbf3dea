/* capacity_report.h - what `pagesim capacity` tells: the highest load that meets the limits, where it saturates, the knee, what binds,
 * and the table "loads", a row a load.
 */
#ifndef PAGESIM_CAPACITY_REPORT_H
#define PAGESIM_CAPACITY_REPORT_H

#include "report/document.h"
#include "study/capacity_curve.h"

/* The caller destroys the document. */
struct document *capacity_report(const struct capacity_question *question, const struct capacity_curve *curve,
                                 const struct document_origin *origin);

/* "5.52 requests/s (arrival_speedup_ratio 1.25)", or the rate alone where loads are rates. `unit`: load_unit_rate. */
struct line load_text(double load, double unit, bool drawn);

/* What binds, as a sentence: "the device: hardly anybody waits", "max_num_seqs: requests wait for it 43 % of the time". */
struct line binding_text(const struct binding_limits *limits);

#endif
