/* attention_table.h - one layer's measured attention time as a function of a step's prefill and decode part, and the correction for decodes
 * of unequal context.
 *
 * Two regimes that are never mixed, because as soon as a step holds a prefill chunk its decode part costs more:
 *
 *   pure decode   time(n_decode, kv_decode)                                  from the rows with prefill_chunk 0
 *   with prefill  time(prefill_chunk, kv_prefill, n_decode, kv_decode)       from all others
 *
 * Linear in each direction. Below a table's first point its value stands; beyond the last point the last segment goes on. A corner that was
 * not measured takes the line through the two points before it in n_decode (of the same chunk and contexts), else in kv_decode, else the
 * value of the one before it.
 */
#ifndef PAGESIM_ATTENTION_TABLE_H
#define PAGESIM_ATTENTION_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

enum { ATTENTION_AXES = 4 }; /* prefill_chunk, kv_prefill, n_decode, kv_decode */

struct attention_axis {
    double *points; /* ascending */
    uint32_t count;
    size_t stride; /* how far apart neighbours in this direction lie in `times` */
};

struct attention_grid {
    struct attention_axis axes[ATTENTION_AXES];
    double *times; /* us, the last axis runs fastest */
};

/* A step's attention: `chunk` prefill tokens after a mean context of `kv_prefill` tokens, and `decodes` sequences of mean context
 * `kv_decode`. */
struct attention_step {
    double chunk, kv_prefill, decodes, kv_decode;
};

struct attention_table {
    struct attention_grid decode;  /* axes 0 and 1 have one point */
    struct attention_grid prefill; /* no decodes in the step: axes 2 and 3 have one point */
    struct attention_grid mixed;
};

/* Reads attention.csv: prefill_chunk,kv_prefill,n_decode,kv_decode,time_us. */
SIM_NODISCARD enum status attention_table_open(const char *path, struct attention_table *out, struct diag *diag);
void attention_table_close(struct attention_table *table);
double attention_table_us(const struct attention_table *table, const struct attention_step *step);

/* skew_fit.csv: alpha by prefill tokens and by classes of decodes, skew, longest decode context and prefill context. */
enum { SKEW_CLASSES = 1260 };
struct skew_block {
    uint32_t prefill_tokens;
    double alpha[SKEW_CLASSES]; /* NaN: no row */
};
struct skew_table {
    struct skew_block *blocks;
    uint32_t count;
};

SIM_NODISCARD enum status skew_table_open(const char *path, struct skew_table *out, struct diag *diag);
void skew_table_close(struct skew_table *table);
/* NaN where the table has no row. skew_rate = (mean - min) / (max - min) of the decode contexts. */
double skew_table_alpha(const struct skew_table *table, uint64_t prefill_tokens, uint32_t decodes, double skew_rate,
                        uint32_t longest_decode, double kv_prefill);

#endif
