/* curve_report.h - what `pagesim curve` tells of a study, as a document.
 *
 * Tables: points, block_sizes, and with replays gaps. Chart: curves, one line a block size through its corners: between two of them the curve is
 * straight, so they are the whole curve. CSV has no charts; there the table of points holds the corners, too.
 */
#ifndef PAGESIM_CURVE_REPORT_H
#define PAGESIM_CURVE_REPORT_H

#include "report/document.h"
#include "study/curve_study.h"

/* `warning`: of curve_blind_spot, or NULL. origin->trace must be given. The caller destroys the document. */
struct document *curve_report(const struct curve_study *study, const struct trace *trace, const char *warning,
                              const struct document_origin *origin);

/* What the trace cannot show of these block sizes, in a sentence written to `text`, or NULL. */
const char *curve_blind_spot(const struct curve_study *study, const struct trace *trace, const struct config *config, char *text,
                             size_t size);

#endif
