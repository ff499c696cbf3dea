/* generate_options.c - from options to the description of a generated workload. Read generate/generate_spec.h first for its parts. A kind has
 * its own parts, so the kind is found before any other option is read; the last of equal options wins, as everywhere. */
#include "command/generate_options.h"

#include <stdio.h>
#include <string.h>

#include "command/read_options.h"

/* "A:B" as a uniform distribution. */
static enum status read_range(const struct options *options, const char *name, const char *part, struct generate_spec *spec,
                              struct diag *diag)
{
    char uniform[64];
    uint32_t least = 0, most = 0;
    read_range_option(options, name, &least, &most, diag);
    if (diag->status != SIM_OK || least == 0)
        return diag->status;
    if (options_has(options, part))
        return diag_set(diag, SIM_USAGE, "--%s and --%s are both given; take one", name, part);
    snprintf(uniform, sizeof uniform, "uniform:min=%u,max=%u", least, most);
    return generate_spec_set(spec, part, uniform, diag);
}

static enum status read_parts(const struct options *options, struct generate_spec *spec, struct diag *diag)
{
    static const char *const parts[] = {"arrival", "input-tokens", "output-tokens", "sharing",    "turns",
                                        "think",   "later-turns",  "samples",       "priorities", "stop-share"};
    enum status status = SIM_OK;
    const char *text;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && status == SIM_OK; i++)
        if ((text = options_value(options, parts[i])) != NULL)
            status = generate_spec_set(spec, parts[i], text, diag);
    for (uint32_t next = 0; status == SIM_OK && (text = options_next(options, "class", &next)) != NULL;)
        status = generate_spec_set(spec, "class", text, diag);
    if (status == SIM_OK)
        status = read_range(options, "input-range", "input-tokens", spec, diag);
    return status == SIM_OK ? read_range(options, "output-range", "output-tokens", spec, diag) : status;
}

enum status generate_options_read(const struct options *options, const char *kind, struct generate_spec *out, struct diag *diag)
{
    enum status status = generate_spec_preset(out, kind ? kind : "custom", diag);
    if (status == SIM_OK)
        status = read_parts(options, out, diag);
    if (status != SIM_OK)
        return status;
    out->requests = (uint32_t)options_uint(options, "requests", 1, 100000000, out->requests, diag);
    out->block_tokens = (uint32_t)options_uint(options, "block-tokens", 1, 1000000, out->block_tokens, diag);
    if (out->bundled && options_has(options, "block-tokens"))
        return diag_set(diag, SIM_USAGE, "--block-tokens: %s is one fixed workload, whose ids name 16 tokens", out->kind);
    if (options_has(options, "mean-gap-us")) {
        if (options_has(options, "arrival"))
            return diag_set(diag, SIM_USAGE, "--mean-gap-us and --arrival are both given; take one");
        generate_spec_set_gap(out, (uint32_t)options_uint(options, "mean-gap-us", 0, 1000000000, 0, diag));
    }
    return diag->status == SIM_OK ? generate_spec_check(out, diag) : diag->status;
}

/* --- help -------------------------------------------------------------------------------------------------------------------------- */

enum { HELP_WIDTH = 80, HELP_COLUMN = 32 };

/* Text from column `at` on, broken after blanks and commas and going on in column `indent`. */
static void put_wrapped(const char *text, int at, int indent, FILE *file)
{
    while (*text) {
        int word = (int)strcspn(text, ", ");
        word += text[word] != '\0';
        if (at + word - (text[word - 1] == ' ') > HELP_WIDTH) {
            fprintf(file, "\n%*s", indent, "");
            at = indent;
        }
        at += word;
        while (word-- > 0) {
            if (!(*text == ' ' && at == HELP_WIDTH + 1)) /* no blank at the end of a full line */
                fputc(*text, file);
            text++;
        }
    }
    fputc('\n', file);
}

/* "gamma:rate,cv", with defaults after an =, and what it is. */
static void print_name(const struct spec_name *name, FILE *file)
{
    int width = fprintf(file, "  %s", name->name);
    for (int i = 0; i < SPEC_KEYS && name->keys[i].name; i++) {
        width += fprintf(file, "%c%s", i ? ',' : ':', name->keys[i].name);
        if (name->keys[i].otherwise > SPEC_NEEDED)
            width += fprintf(file, "=%g", name->keys[i].otherwise);
    }
    if (width >= HELP_COLUMN)
        width = fprintf(file, "\n") - 1;
    fprintf(file, "%*s", HELP_COLUMN - width, "");
    put_wrapped(name->summary, HELP_COLUMN, HELP_COLUMN, file);
}

static void print_table(const char *heading, const struct spec_name *(*at)(size_t i), FILE *file)
{
    fprintf(file, "\n%s\n", heading);
    for (size_t i = 0; at(i); i++)
        print_name(at(i), file);
}

void generate_options_help(FILE *file)
{
    const char *name, *meaning, *option, *text;
    print_table("Arrival processes (rate: requests/s, also where sessions arrive):", arrival_process_name, file);
    print_table("Distributions (a number alone is fixed; min and max cut, if given):", variate_name, file);
    print_table("Sharing:", sharing_name, file);
    fputs("\nThe first key may stand without its name: poisson:4, gamma:4,cv=2.\n\nKinds, and the parts that options replace:\n", file);
    for (size_t i = 0; (name = generate_preset_name(i, &meaning)) != NULL; i++) {
        put_wrapped(meaning, fprintf(file, "  %s: ", name), 4, file);
        for (size_t k = 0; generate_preset_part(i, k, &option, &text); k++)
            put_wrapped(text, fprintf(file, "    --%s ", option), 8, file);
    }
}
