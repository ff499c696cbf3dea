/* sweep_report.h - what `pagesim sweep` tells, as a document: the table "rows", a row a group of runs, and when there are replicates the table
 * "runs" with each of them. Both are flat: the varied keys and the figures are columns under their own names.
 *
 * For replicates a figure's column is the mean over the seeds (the largest, for peaks), and next to it stand NAME_n, _std, _cv, _se, _ci_low
 * and _ci_high (statistics.h); people see half of the interval as +-.
 */
#ifndef PAGESIM_SWEEP_REPORT_H
#define PAGESIM_SWEEP_REPORT_H

#include "report/document.h"
#include "study/sweep_rows.h"

/* `replay_line`: the command that replays a run, up to the options that its point sets; NULL: no single command does. The caller destroys the
 * document. */
struct document *sweep_report(const struct sweep_groups *groups, const struct sweep_rows *rows, const char *replay_line,
                              const struct document_origin *origin);

#endif
