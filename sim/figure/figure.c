/* figure.c - looks up rows of the table of figures and keeps sets of values. Read figure.h first; the rows themselves are in figure_rows.h,
 * and run_figures.c computes them.
 *
 * figure_rows.h is included twice, here for what a figure is and there for its value, so that a row cannot lack either. */
#include "figure/figure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/nearest_name.h"
#include "base/table.h"
#include "observe/latency.h"

const struct figure_kind figure_kinds[] = {
#define FIGURE(name, unit, sense, combine, scope, whole, heading, meaning, value)                                                          \
    {#name, unit, sense, combine, scope, whole, heading, meaning},
#include "figure/figure_rows.h"
};
const size_t figure_kind_count = sizeof figure_kinds / sizeof *figure_kinds;

/* A digit must follow the p, so that names such as "preemptions" and strtod's "inf" and "nan" are not taken for percentiles. */
bool figure_parse_percentile(const char *name, enum latency *latency, double *percentile)
{
    char *end;
    if (name[0] != 'p' || name[1] < '0' || name[1] > '9')
        return false;
    *percentile = strtod(name + 1, &end);
    const char *from = end + 1, *to = *end == '_' ? strrchr(from, '_') : NULL; /* names of latencies may have underscores */
    if (!to || strcmp(to, "_ms") != 0 || !(*percentile >= 0 && *percentile <= 100))
        return false;
    *latency = latency_find(from, (uint32_t)(to - from));
    return *latency < LATENCIES;
}

/* The table is searched first: p99_ttft_ms is a row with a meaning of its own and not a percentile made up on the way. */
const struct figure_kind *figure_kind_find(const char *name, struct figure_kind *made)
{
    enum latency latency;
    double percentile;
    for (size_t i = 0; i < figure_kind_count; i++)
        if (strcmp(figure_kinds[i].name, name) == 0)
            return &figure_kinds[i];
    if (!figure_parse_percentile(name, &latency, &percentile))
        return NULL;
    *made = (struct figure_kind){.name = name,
                                 .unit = FIGURE_MS,
                                 .sense = FIGURE_LESS_IS_BETTER,
                                 .scope = latency_of_client(latency) ? FIGURE_OF_CLIENT : FIGURE_ALWAYS,
                                 .heading = name,
                                 .meaning = "A percentile of a latency"};
    return made;
}

enum status figure_check_name(const char *what, const char *name, unsigned scopes, struct diag *diag)
{
    struct figure_kind made;
    const struct figure_kind *kind = figure_kind_find(name, &made);
    if (kind && (scopes & FIGURE_SCOPE(kind->scope)))
        return SIM_OK;
    if (kind)
        return diag_set(diag, SIM_USAGE, "%s: such a run has no figure \"%s\"; `pagesim figures` says which runs have it", what, name);
    /* Only figures that the run has are proposed. */
    const char *names[FIGURES_MOST];
    size_t count = 0;
    for (size_t i = 0; i < figure_kind_count && count < FIGURES_MOST; i++)
        if (scopes & FIGURE_SCOPE(figure_kinds[i].scope))
            names[count++] = figure_kinds[i].name;
    const char *near = nearest_name(name, names, count);
    if (near)
        return diag_set(diag, SIM_USAGE, "%s: there is no figure \"%s\"; did you mean \"%s\"?", what, name, near);
    return diag_set(diag, SIM_USAGE, "%s: there is no figure \"%s\"; `pagesim figures` lists them", what, name);
}

const char *figure_sense_text(enum figure_sense sense)
{
    static const char *const texts[] = {
        [FIGURE_LESS_IS_BETTER] = "less is better", [FIGURE_MORE_IS_BETTER] = "more is better", [FIGURE_NEITHER] = NULL};
    return texts[sense];
}

int figure_decimals(const struct figure_kind *kind)
{
    static const int decimals[] = {[FIGURE_COUNT] = 1, [FIGURE_MS] = 1,    [FIGURE_S] = 2,       [FIGURE_SHARE] = 4,
                                   [FIGURE_PER_S] = 2, [FIGURE_BYTES] = 1, [FIGURE_GB_PER_S] = 2};
    return kind->unit == FIGURE_COUNT && kind->whole ? TABLE_WHOLE : decimals[kind->unit];
}

/* --- values ------------------------------------------------------------------------------------------------------------------------ */

/* An undefined value is kept as 0 with a flag: NaN in a set would make sums and comparisons of runs fail silently. */
void figure_set_add(struct figure_set *set, const struct figure_kind *kind, double value)
{
    if (set->count == FIGURES_MOST)
        return;
    struct figure *figure = &set->list[set->count++];
    *figure = (struct figure){
        .value = isnan(value) ? 0 : value, .whole = kind->whole, .measured = kind->scope == FIGURE_OF_MACHINE, .undefined = isnan(value)};
    snprintf(figure->name, sizeof figure->name, "%s", kind->name);
}

void figure_set_put(struct figure_set *set, const char *name, double value)
{
    struct figure_kind made;
    const struct figure_kind *kind = figure_kind_find(name, &made);
    if (kind)
        figure_set_add(set, kind, value);
}

const struct figure *figure_set_find(const struct figure_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->list[i].name, name) == 0)
            return &set->list[i];
    return NULL;
}

double figure_set_value(const struct figure_set *set, const char *name)
{
    const struct figure *figure = figure_set_find(set, name);
    return figure && !figure->undefined ? figure->value : NAN;
}

/* plain_double writes the shortest text that reads back the same, so that no digit is lost between programs. */
char *figure_text(const struct figure *figure, char *out)
{
    enum { SIZE = 32 };
    if (figure->undefined)
        out[0] = '\0';
    else if (figure->whole)
        snprintf(out, SIZE, "%.0f", figure->value);
    else
        plain_double(figure->value, out, SIZE);
    return out;
}

/* --- wishes ------------------------------------------------------------------------------------------------------------------------ */

enum status figure_wish(struct figure_wishes *wishes, const char *name, struct diag *diag)
{
    struct figure_kind made;
    if (figure_kind_find(name, &made) != &made)
        return SIM_OK; /* a row, which every report has, or no figure at all */
    for (size_t i = 0; i < wishes->count; i++)
        if (strcmp(wishes->names[i], name) == 0)
            return SIM_OK;
    if (wishes->count == FIGURE_WISHES_MOST)
        return diag_set(diag, SIM_USAGE, "more than %d percentiles", FIGURE_WISHES_MOST);
    snprintf(wishes->names[wishes->count++], FIGURE_NAME_SIZE, "%s", name);
    return SIM_OK;
}
