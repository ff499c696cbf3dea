/* trace_block_size.c - the choice of header's words, from what trace_join.c found in the rows (struct hash_id_fit). */
#include "trace/trace_block_size.h"

#include <stdio.h>

static bool is_possible(const struct trace *trace, uint32_t width)
{
    return trace->fit.ids == 0 || width <= trace->fit.largest;
}

/* A file whose rows are not lines has no line to name, only the request. */
static enum status impossible(const struct trace *trace, uint32_t width, struct diag *diag)
{
    const struct hash_id_fit *fit = &trace->fit;
    char text[256];
    if (fit->largest == 0)
        snprintf(text, sizeof text, "a prompt of %u tokens cannot have %u hash_ids", fit->tokens, fit->ids);
    else
        snprintf(text, sizeof text,
                 "a prompt of %u tokens cannot have %u hash_ids of %u tokens each; say how many tokens an id names with "
                 "--trace-block-size, at most %u",
                 fit->tokens, fit->ids, width, fit->largest);
    if (fit->line == 0)
        return diag_set(diag, SIM_BAD_INPUT, "%s: request %zu: %s", trace->name, fit->row, text);
    return diag_at(diag, trace->name, fit->line, 1, "%s", text);
}

enum status trace_block_size_check(const struct trace *trace, uint32_t width, bool by_file, struct diag *diag)
{
    if (trace->facts.ids_cover_answers && width != 1)
        return diag_set(diag, SIM_BAD_INPUT, "%s: its ids are tokens, so trace_block_size is 1 and not %u", trace->name, width);
    return by_file || is_possible(trace, width) ? SIM_OK : impossible(trace, width, diag);
}

enum status trace_block_size_choose(const struct trace *trace, uint32_t wanted, uint32_t *out, bool *inferred, struct diag *diag)
{
    const uint32_t said = trace->facts.tokens_per_hash_id;
    const uint32_t choice = wanted ? wanted : said ? said : TRACE_BLOCK_SIZE_USUAL;
    *inferred = !wanted && !said && !is_possible(trace, choice) && trace->fit.exact > 0;
    enum status status = *inferred ? SIM_OK : trace_block_size_check(trace, choice, false, diag);
    if (status == SIM_OK)
        *out = *inferred ? trace->fit.exact : choice;
    return status;
}
