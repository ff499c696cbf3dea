/* trace_block_size.c - chooses the number of tokens that a hash id names. Read trace_block_size.h for the rule and struct hash_id_fit in
 * trace.h for what the rows allow. */
#include "trace/trace_block_size.h"

#include <stdio.h>

/* `tried` is what somebody said, or the usual. The row that bounds the size is the reason; what would be right is told as far as it is
 * known. */
static enum status refuse(const struct trace *trace, uint32_t tried, bool said, struct diag *diag)
{
    const struct hash_id_fit *fit = &trace->fit;
    char right[160];
    if (trace->facts.tokens_per_hash_id > 0)
        snprintf(right, sizeof right, "in this file an id names %u", trace->facts.tokens_per_hash_id);
    else if (fit->largest == 0)
        snprintf(right, sizeof right, "not even one token an id is possible");
    else if (fit->exact > 0)
        snprintf(right, sizeof right, "--trace-block-size %u fits all rows", fit->exact);
    else
        snprintf(right, sizeof right, "%sat most %u tokens an id are possible%s", said ? "" : "no power of two fits all rows; ",
                 fit->largest, said ? "" : ": say how many with --trace-block-size");
    return diag_at(diag, trace->name, fit->line, fit->line > 0 ? 1 : 0, "%u hash_ids cannot name %u tokens each in a prompt of %u; %s",
                   fit->ids, tried, fit->tokens, right);
}

enum status trace_block_size_choose(const struct trace *trace, uint32_t wanted, uint32_t *out, bool *inferred, struct diag *diag)
{
    const bool possible = wanted <= trace->fit.largest;
    const uint32_t said = wanted > 0 ? wanted : trace->facts.tokens_per_hash_id, usual = TRACE_BLOCK_USUAL;
    if (wanted > 0 && !possible)
        return refuse(trace, wanted, true, diag);
    if (said == 0 && usual > trace->fit.largest && trace->fit.exact == 0)
        return refuse(trace, usual, false, diag);
    *inferred = said == 0 && usual > trace->fit.largest;
    *out = said > 0 ? said : *inferred ? trace->fit.exact : usual;
    return SIM_OK;
}
