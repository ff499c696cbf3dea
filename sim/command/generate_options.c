/* generate_options.c - from options to the description of a generated workload. Read trace/trace_generate.h first for the kinds. Each kind
 * has its own defaults, so the kind is found before any other option is read. */
#include "command/generate_options.h"

#include <stdlib.h>
#include <string.h>

/* "A:B". strtoul takes a minus sign and wraps around, hence the check for it; b is bounded, and a is at most b. */
static enum status read_range(const struct options *options, const char *name, uint32_t *least, uint32_t *most, struct diag *diag)
{
    const char *text = options_value(options, name);
    char *colon, *end;
    if (!text)
        return SIM_OK;
    unsigned long a = strtoul(text, &colon, 10), b = *colon == ':' ? strtoul(colon + 1, &end, 10) : 0;
    if (*colon != ':' || *end != '\0' || *text == '-' || a < 1 || b < a || b > 1000000000)
        return diag_set(diag, SIM_USAGE, "--%s %s: must be A:B with 1 <= A <= B <= 1000000000", name, text);
    *least = (uint32_t)a;
    *most = (uint32_t)b;
    return SIM_OK;
}

enum status generate_options_read(const struct options *options, const char *kind, struct generated_spec *out, struct diag *diag)
{
    static const char *const kinds[] = {"chat", "code", "long", "uniform"};
    enum { KINDS = sizeof kinds / sizeof *kinds };
    int which = 0;
    uint64_t requests, gap;
    while (which < KINDS && strcmp(kind, kinds[which]) != 0)
        which++;
    if (which == KINDS)
        return diag_set(diag, SIM_USAGE, "unknown kind \"%s\"; known are chat, code, long and uniform", kind);
    struct generated_spec spec = generated_default((enum generated_kind)which);
    enum status status = options_uint(options, "requests", 1, 100000000, spec.requests, &requests, diag);
    if (status == SIM_OK)
        status = options_uint(options, "mean-gap-us", 0, 1000000000, spec.mean_gap_us, &gap, diag);
    if (status == SIM_OK)
        status = read_range(options, "input-range", &spec.input_min, &spec.input_max, diag);
    if (status == SIM_OK)
        status = read_range(options, "output-range", &spec.output_min, &spec.output_max, diag);
    if (status != SIM_OK)
        return status;
    spec.requests = (uint32_t)requests;
    spec.mean_gap_us = (uint32_t)gap;
    *out = spec;
    return SIM_OK;
}
