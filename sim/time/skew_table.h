/* skew_table.h - skew_fit.csv: how much more a step's attention takes because its decodes are of unequal context. The correction, alpha, says
 * how far the time lies from that of decodes of the mean context (0) to that of decodes as long as the longest (1).
 *
 * It is found by the step's prefill tokens (a row's number exactly, as profiles have no rule between them) and by classes of the number of
 * decodes, of the skew, of the longest decode context and of the prefill context:
 *
 *     pc,n_label,skew_rate_label,kv_big_label,kp_label,alpha        n<=4, sr<=15%, kvB<=4k, kp=0: the next smaller label's bound is the
 *     512,n<=4,sr<=15%,kvB<=4k,kp=0,0.0328                          class's other end; n>256: above all; 1k is 1024
 *
 * The bounds are those that LLMServingSim's profiles have by default. Where a column has labels of other bounds, its bounds are those of its
 * labels: profiles that were measured at other points come with other classes. Source: LLMServingSim, profiler/core/fit_alpha.py.
 */
#ifndef PAGESIM_SKEW_TABLE_H
#define PAGESIM_SKEW_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

enum { SKEW_AXES = 4, SKEW_BOUNDS_MOST = 48 };

/* Classes of one direction: values <= most[i], and a last one above all. */
struct skew_axis {
    uint32_t bounds;
    double most[SKEW_BOUNDS_MOST]; /* ascending */
};

struct skew_table {
    struct skew_axis axes[SKEW_AXES]; /* n, sr, kvB, kp */
    size_t classes;                   /* of all directions together */
    uint64_t *prefill_tokens;         /* of each block */
    double *alphas;                   /* [block][class], the last axis fastest; NaN: no row */
    uint32_t count;                   /* blocks */
};

SIM_NODISCARD enum status skew_table_open(const char *path, struct skew_table *out, struct diag *diag);
void skew_table_close(struct skew_table *table);
/* NaN where the table has no row. skew_rate = (mean - min) / (max - min) of the decode contexts. */
double skew_table_alpha(const struct skew_table *table, uint64_t prefill_tokens, uint32_t decodes, double skew_rate,
                        uint32_t longest_decode, double kv_prefill);

#endif
