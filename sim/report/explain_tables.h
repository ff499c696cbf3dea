/* explain_tables.h - the tables of `pagesim explain`, for all three output formats. */
#ifndef PAGESIM_EXPLAIN_TABLES_H
#define PAGESIM_EXPLAIN_TABLES_H

#include "base/table.h"
#include "study/explanation.h"

/* The caller destroys each table, also after an error. `most`: how many rows at most. */
SIM_NODISCARD enum status explain_table_prices(const struct explanation *explanation, struct table **out, struct diag *diag);
SIM_NODISCARD enum status explain_table_worst(const struct explanation *explanation, struct table **out, struct diag *diag);
/* Preemptions: the first `most` of them. */
SIM_NODISCARD enum status explain_table_preemptions(const struct explanation *explanation, size_t most, struct table **out,
                                                    struct diag *diag);
SIM_NODISCARD enum status explain_table_misses(const struct explanation *explanation, struct table **out, struct diag *diag);
SIM_NODISCARD enum status explain_table_readmissions(const struct explanation *explanation, struct table **out, struct diag *diag);
/* Requests with misses other than compulsory ones, most such tokens first. */
SIM_NODISCARD enum status explain_table_missers(const struct explanation *explanation, size_t most, struct table **out, struct diag *diag);

/* "--num-gpu-blocks 1873", "--watermark 0.12", "--max-num-seqs 11"; `out` of at least 64 bytes. */
void explain_option(const struct explanation *explanation, enum knob knob, int64_t value, char *out, size_t size);
/* A request as logs name it: "17", or "17.2" for a sample. */
void explain_request(const struct trace *trace, uint32_t position, char *out, size_t size);

#endif
