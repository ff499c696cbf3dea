/* attention_table.h - one layer's measured attention time as a function of a step's prefill and decode part.
 *
 * Two regimes that are never mixed, because as soon as a step holds a prefill chunk its decode part costs more:
 *
 *   pure decode   time(n_decode, kv_decode)                                  from the rows with prefill_chunk 0
 *   with prefill  time(prefill_chunk, kv_prefill, n_decode, kv_decode)       from all others
 *
 * Between points and beyond them: attention_grid.h.
 */
#ifndef PAGESIM_ATTENTION_TABLE_H
#define PAGESIM_ATTENTION_TABLE_H

#include "time/attention_grid.h"

/* A step's attention: `chunk` prefill tokens after a mean context of `kv_prefill` tokens, and `decodes` sequences of mean context
 * `kv_decode`. */
struct attention_step {
    double chunk, kv_prefill, decodes, kv_decode;
};

struct attention_table {
    struct attention_grid decode;  /* axes 0 and 1 have one point */
    struct attention_grid prefill; /* no decodes in the step: axes 2 and 3 have one point */
    struct attention_grid mixed;
    double chunk_share; /* of a chunk that its points count as context: 0, or 0.5 with prefill_key */
};

/* Reads attention.csv: prefill_chunk, kv_prefill, n_decode, kv_decode and time_us, in any order and among other columns. Newer profiles have
 * prefill_key instead of kv_prefill, which is the context in the middle of the chunk, and the columns layer and decode_q_len: rows of another
 * layer than "attention" and of more than one token a decode are left out. */
SIM_NODISCARD enum status attention_table_open(const char *path, struct attention_table *out, struct diag *diag);
void attention_table_close(struct attention_table *table);
double attention_table_us(const struct attention_table *table, const struct attention_step *step);

#endif
