/* figures_report.c - the table of figures for people and programs, one row a figure. Read figure/figure.h first. The arrays below turn its
 * enumerations into words; designated initialisers keep them right when an enumeration grows.
 *
 * The list itself is figure/figure_rows.h; this page cannot disagree with what reports show, as both are made from it. */
#include "report/figures_report.h"

static const char *const units[] = {[FIGURE_COUNT] = "count", [FIGURE_MS] = "ms",       [FIGURE_S] = "s",          [FIGURE_SHARE] = "share",
                                    [FIGURE_PER_S] = "/s",    [FIGURE_BYTES] = "bytes", [FIGURE_GB_PER_S] = "GB/s"};
static const char *const senses[] = {[FIGURE_LESS_IS_BETTER] = "less", [FIGURE_MORE_IS_BETTER] = "more", [FIGURE_NEITHER] = ""};
static const char *const combines[] = {[FIGURE_MEAN] = "mean", [FIGURE_MAX] = "max"};
static const char *const scopes[] = {[FIGURE_ALWAYS] = "all",
                                     [FIGURE_OF_GROUPS] = "vllm-v0",
                                     [FIGURE_OF_SPECULATION] = "speculation",
                                     [FIGURE_OF_HANDOVER] = "handover",
                                     [FIGURE_OF_BYTES] = "data plane",
                                     [FIGURE_OF_GOODPUT] = "goodput",
                                     [FIGURE_OF_CLIENT] = "max_concurrency",
                                     [FIGURE_OF_FLEET] = "fleet",
                                     [FIGURE_OF_MACHINE] = "data plane, measured",
                                     [FIGURE_OF_VALIDATION] = "validate",
                                     [FIGURE_OF_COMPARED_RUN] = "compare, each side",
                                     [FIGURE_OF_COMPARISON] = "compare"};

/* Percentiles that no report lists are made on demand and have no rows; the line after the table says so. */
struct document *figures_report(const struct document_origin *origin)
{
    static const struct table_column columns[] = {{"name", "name", TABLE_TEXT, 0},      {"unit", "unit", TABLE_TEXT, 0},
                                                  {"better", "better", TABLE_TEXT, 0},  {"replicates", "seeds", TABLE_TEXT, 0},
                                                  {"whole", NULL, TABLE_YES_NO, 0},     {"runs", "runs", TABLE_TEXT, 0},
                                                  {"meaning", "meaning", TABLE_TEXT, 0}};
    struct document *document = document_create(origin);
    struct table *table = document_table(document, "figures", columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < figure_kind_count; i++) {
        const struct figure_kind *kind = &figure_kinds[i];
        table_text(table, kind->name);
        table_text(table, units[kind->unit]);
        table_text(table, senses[kind->sense]);
        table_text(table, combines[kind->combine]);
        table_flag(table, kind->whole);
        table_text(table, scopes[kind->scope]);
        table_text(table, kind->meaning);
    }
    document_line(document, "\nEvery latency has any percentile besides: p99.9_queue_ms, p50_ttft_ms.");
    return document;
}
