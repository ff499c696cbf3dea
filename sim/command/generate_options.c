/* generate_options.c - from options to the description of a generated workload. Read trace/trace_generate.h first for the kinds. Each kind
 * has its own defaults, so the kind is found before any other option is read. */
#include "command/generate_options.h"

#include <stdlib.h>
#include <string.h>

/* "A:B"; a bad one sets diag. strtoul takes a minus sign and wraps around, hence the check for it; b is bounded, and a is at most b. On an
 * error the range keeps its default, which is valid, and diag ends the command. */
static void read_range(const struct options *options, const char *name, uint32_t *least, uint32_t *most, struct diag *diag)
{
    const char *text = options_value(options, name);
    char *colon, *end;
    if (!text)
        return;
    unsigned long a = strtoul(text, &colon, 10), b = *colon == ':' ? strtoul(colon + 1, &end, 10) : 0;
    if (*colon != ':' || *end != '\0' || *text == '-' || a < 1 || b < a || b > 1000000000) {
        diag_set(diag, SIM_USAGE, "--%s %s: must be A:B with 1 <= A <= B <= 1000000000", name, text);
        return;
    }
    *least = (uint32_t)a;
    *most = (uint32_t)b;
}

/* The names are those of enum generated_kind, in its order. */
enum status generate_options_read(const struct options *options, const char *kind, struct generated_spec *out, struct diag *diag)
{
    static const char *const kinds[] = {"chat", "code", "long", "uniform"};
    enum { KINDS = sizeof kinds / sizeof *kinds };
    int which = 0;
    while (which < KINDS && strcmp(kind, kinds[which]) != 0)
        which++;
    if (which == KINDS)
        return diag_set(diag, SIM_USAGE, "unknown kind \"%s\"; known are chat, code, long and uniform", kind);
    *out = generated_default((enum generated_kind)which);
    out->requests = (uint32_t)options_uint(options, "requests", 1, 100000000, out->requests, diag);
    out->mean_gap_us = (uint32_t)options_uint(options, "mean-gap-us", 0, 1000000000, out->mean_gap_us, diag);
    read_range(options, "input-range", &out->input_min, &out->input_max, diag);
    read_range(options, "output-range", &out->output_min, &out->output_max, diag);
    return diag->status;
}
