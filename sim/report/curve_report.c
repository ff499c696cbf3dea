/* curve_report.c - the document of a curve study: three tables and the chart of the curves. Read curve_report first, at the end.
 *
 * A curve is a list of corners between which it is straight (study/hit_curve.h), so it is exact at every pool size and the report can look
 * at any of them. For people it shows some pool sizes ("sights"); the whole curve goes to programs, to JSON as a chart and to CSV as a row
 * a corner. Shares are always of all prompt tokens of the trace, so that curves of different block sizes and replays can stand in one
 * drawing. */
#include "report/curve_report.h"

#include <math.h>
#include <stdio.h>

#include "base/units.h"
#include "figure/run_figures.h"
#include "report/head_notes.h"
#include "report/step_times_note.h"
#include "report/table_pictures.h"

/* Part of a whole, in 0..1. A trace without prompts or references has a share of 0 and no NaN, since nothing of nothing was hit. */
static double share(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

/* --- tables ---------------------------------------------------------------------------------------------------------------------- */

/* "new" is the share of compulsory misses in blocks: the first use of a block misses in every pool. "most" is what an infinite pool
 * would hit, in tokens; the last three columns are the smallest pools that reach a part of that, which is what one needs to know to buy
 * memory. */
static const struct table_column size_columns[] = {
    {"block_size", "block", TABLE_WHOLE},
    {"block_references", "references", TABLE_WHOLE},
    {"distinct_blocks", "distinct", TABLE_WHOLE},
    {"compulsory_share", "new", 4},
    {"most_hit_token_share", "most", 4},
    {"pool_blocks_for_90_percent", "90 % at", TABLE_WHOLE},
    {"pool_blocks_for_99_percent", "99 % at", TABLE_WHOLE},
    {"pool_blocks_for_all", "all at", TABLE_WHOLE},
};

/* hit_curve_pool_for() gives 0 for a curve that hits nothing, and the table shows that 0: no pool is needed to hit nothing. */
static void size_row(const struct curve_of_size *size, struct table *table)
{
    const struct hit_curve *curve = curve_plain(size);
    const struct curve_point most = hit_curve_most(curve);
    table_numbers(table, size->block_size, (double)curve->references, (double)curve->distinct,
                  share((double)curve->distinct, (double)curve->references), share((double)most.hit_tokens, (double)curve->prompt_tokens),
                  (double)hit_curve_pool_for(curve, 0.9), (double)hit_curve_pool_for(curve, 0.99), (double)most.pool_blocks);
}

static void add_sizes(struct document *document, const struct curve_study *study)
{
    struct table *table = document_table(document, "block_sizes", size_columns, sizeof size_columns / sizeof *size_columns);
    for (size_t i = 0; i < study->size_count; i++)
        size_row(&study->sizes[i], table);
}

/* Of pool sizes that are looked at, and of corners of the curves; figures of the replay follow. What has no heading is for programs: the
 * way from curve to replay in tokens, for which people have a table of its own ("gaps"). */
static const struct table_column point_columns[] = {
    {"block_size", "block", TABLE_WHOLE},      {"kind", NULL, TABLE_TEXT},
    {"pool_blocks", "pool", TABLE_WHOLE},      {"pool_tokens", "in tokens", TABLE_WHOLE},
    {"hit_blocks", NULL, TABLE_WHOLE},         {"hit_tokens", NULL, TABLE_WHOLE},
    {"hit_block_share", "blocks", 4},          {"hit_token_share", "tokens", 4},
    {"replay_hit_tokens", NULL, TABLE_WHOLE},  {"replay_hit_token_share", "replay", 4},
    {"difference_token_share", "differs", 4},  {"partial_tokens", NULL, TABLE_WHOLE},
    {"last_token_tokens", NULL, TABLE_WHOLE},  {"order_tokens", NULL, TABLE_WHOLE},
    {"ends_tokens", NULL, TABLE_WHOLE},        {"running_tokens", NULL, TABLE_WHOLE},
    {"fifo_hit_blocks", NULL, TABLE_WHOLE},    {"fifo_hit_token_share", "FIFO", 4},
    {"optimal_hit_blocks", NULL, TABLE_WHOLE}, {"optimal_hit_token_share", "optimal", 4},
};

/* What one step of the model changes, in tokens; negative when it costs hits. hit_tokens are totals after each step, so the differences add
 * up to the replay's total: that is how gaps can be shown as a sum. */
static double step_tokens(const struct hit_gap *gap, int step)
{
    return (double)gap->hit_tokens[step] - (step > 0 ? (double)gap->hit_tokens[step - 1] : 0);
}

/* `gap` is NULL for corners, which are not replayed, and without --replay; `others`, what other orders of eviction hit, for corners and
 * without --eviction-curves. All their cells are then NaN, so that the columns are the same in
 * every row. */
static void point_row(const struct curve_of_size *size, const char *kind, const struct curve_point *point, const struct hit_gap *gap,
                      const struct eviction_sight *others, struct table *table)
{
    const struct hit_curve *curve = curve_plain(size);
    const double prompt_tokens = (double)curve->prompt_tokens;
    table_number(table, size->block_size);
    table_text(table, kind);
    table_numbers(table, (double)point->pool_blocks, (double)point->pool_blocks * size->block_size, (double)point->hit_blocks,
                  (double)point->hit_tokens);
    table_number(table, share((double)point->hit_blocks, (double)curve->references));
    table_numbers(table, share((double)point->hit_tokens, prompt_tokens), gap ? (double)gap->hit_tokens[HIT_REPLAY] : NAN);
    table_number(table, gap ? share((double)gap->hit_tokens[HIT_REPLAY], prompt_tokens) : NAN);
    table_number(table, gap ? share((double)gap->hit_tokens[HIT_REPLAY] - (double)gap->hit_tokens[HIT_CURVE], prompt_tokens) : NAN);
    for (int step = HIT_PARTIAL; step < HIT_MODELS; step++)
        table_number(table, gap ? step_tokens(gap, step) : NAN);
    for (int eviction = 0; eviction < EVICTIONS; eviction++) {
        table_number(table, others ? (double)others->of[eviction].hit_blocks : NAN);
        table_number(table, others ? share((double)others->of[eviction].hit_tokens, prompt_tokens) : NAN);
    }
    table_numbers(table, gap ? gap->prefix_hit_rate : NAN, gap ? (double)gap->preemptions : NAN, gap ? (double)gap->dropped : NAN);
}

/* A replay costs as much as `pagesim replay`, so it is made at sights alone; there may be many thousands of corners. */
static void point_rows(const struct curve_study *study, bool corners, struct table *table)
{
    for (size_t i = 0; i < study->size_count; i++) {
        const struct curve_of_size *size = &study->sizes[i];
        for (size_t j = 0; corners && j < curve_plain(size)->count; j++)
            point_row(size, "corner", &curve_plain(size)->points[j], NULL, NULL, table);
        for (size_t j = 0; j < size->sight_count; j++)
            point_row(size, "point", &size->sights[j].point, study->replayed ? &size->sights[j].gap : NULL,
                      study->evictions_told ? curve_eviction(size, size->sights[j].point.pool_blocks) : NULL, table);
    }
}

/* CSV has the corners of the curves too, a row each: the whole curve. In JSON the chart has them. The replay's hit rate is for programs, as
 * people see "replay". The table is made twice under one key, with two audiences; only one of the two is ever seen by a renderer. Both are
 * cheap next to the curve. */
static void add_points(struct document *document, const struct curve_study *study, bool csv)
{
    struct table *table = document_table_for(document, csv ? FOR_CSV : FOR_PEOPLE | FOR_JSON, "points", point_columns,
                                             sizeof point_columns / sizeof *point_columns);
    table_add_figure(table, "prefix_hit_rate", false);
    table_add_figure(table, "preemptions", true);
    table_add_figure(table, "dropped", true);
    point_rows(study, csv, table);
}

static const struct table_column gap_columns[] = {
    {"block_size", "block", TABLE_WHOLE},
    {"pool_blocks", "pool", TABLE_WHOLE},
    {"curve", "curve", 4},
    {"partial", "partial", 4},
    {"last_token", "last", 4},
    {"order", "order", 4},
    {"ends", "ends", 4},
    {"running", "running", 4},
    {"replay", "replay", 4},
};

/* The first column of shares is the curve's own; each of the next five is the change that one refinement of the model brings; the last is
 * the replay, equal to the sum of the others. */
static void gap_row(const struct curve_of_size *size, const struct hit_gap *gap, struct table *table)
{
    const double prompt_tokens = (double)curve_plain(size)->prompt_tokens;
    table_numbers(table, size->block_size, (double)gap->pool_blocks);
    for (int step = HIT_CURVE; step < HIT_MODELS; step++)
        table_number(table, share(step_tokens(gap, step), prompt_tokens));
    table_number(table, share((double)gap->hit_tokens[HIT_REPLAY], prompt_tokens));
}

static void add_gaps(struct document *document, const struct curve_study *study)
{
    struct table *table = document_table(document, "gaps", gap_columns, sizeof gap_columns / sizeof *gap_columns);
    for (size_t i = 0; i < study->size_count; i++)
        for (size_t j = 0; j < study->sizes[i].sight_count; j++)
            gap_row(&study->sizes[i], &study->sizes[i].sights[j].gap, table);
}

/* --- the chart ------------------------------------------------------------------------------------------------------------------- */

enum { DRAWN_MOST = 26 }; /* sizes that have a letter; the others are for programs */

/* The x axis is in tokens, not blocks: the same memory then stands at the same place for all block sizes. A series without a letter is not
 * drawn, but JSON has it. */
static void add_line(const struct curve_of_size *size, size_t i, struct chart *chart)
{
    const struct hit_curve *curve = curve_plain(size);
    char name[48];
    snprintf(name, sizeof name, "blocks of %u", size->block_size);
    chart_add_series(chart,
                     &(struct chart_series){.name = name, .label = name, .mark = i < DRAWN_MOST ? (char)('a' + i) : '\0', .group = i});
    for (size_t j = 0; j < curve->count; j++)
        chart_add(chart, (double)curve->points[j].pool_blocks * size->block_size,
                  share((double)curve->points[j].hit_tokens, (double)curve->prompt_tokens));
}

/* One mark a replay; which is below its curve or above it. Marks are not joined by lines: what a scheduler does between two replayed pools
 * is not known, while the curve is. */
static void add_replays(const struct curve_study *study, const struct curve_of_size *size, size_t i, struct chart *chart)
{
    char name[48];
    snprintf(name, sizeof name, "replays, blocks of %u", size->block_size);
    chart_add_series(chart,
                     &(struct chart_series){.name = name, .mark = i < DRAWN_MOST ? (char)('A' + i) : '\0', .group = i, .draw = DRAW_MARKS});
    for (size_t j = 0; j < size->sight_count; j++)
        chart_add(chart, (double)size->sights[j].gap.pool_blocks * size->block_size,
                  share((double)size->sights[j].gap.hit_tokens[HIT_REPLAY], (double)study->prompt_tokens));
}

/* From the first pool that is looked at, or where the curve has hardly begun to rise, to the last one or the end of the longest curve. The
 * range is for the drawing; points outside stay in the data. Sizes without a letter do not count, since they are not drawn. */
static void choose_x(const struct curve_study *study, struct chart_axis *x)
{
    x->low = INFINITY;
    for (size_t i = 0; i < study->size_count && i < DRAWN_MOST; i++) {
        const struct curve_of_size *size = &study->sizes[i];
        const double first = (double)size->sights[0].point.pool_blocks * size->block_size;
        const double last = (double)size->sights[size->sight_count - 1].point.pool_blocks * size->block_size;
        const double end = (double)hit_curve_most(curve_plain(size)).pool_blocks * size->block_size;
        x->low = fmin(x->low, end > 0 ? fmin(first, end / 100) : first); /* end 0: this size hits nothing */
        x->high = fmax(x->high, fmax(last, end));
    }
}

/* Without any hit the drawing would be an empty frame; a sentence says it. Programs get the series in both cases. */
static void add_chart(struct document *document, const struct curve_study *study)
{
    struct chart_heading heading = {.kind = CHART_LINES,
                                    .title = "Share of prompt tokens hit, by pool size in tokens",
                                    .note = study->replayed ? "capital letters: replays" : NULL,
                                    .x = {.name = "pool_tokens", .unit = "tokens"},
                                    .y = {.name = "hit_token_share", .unit = "share"}};
    bool any = false;
    choose_x(study, &heading.x);
    for (size_t i = 0; i < study->size_count; i++)
        any |= hit_curve_most(curve_plain(&study->sizes[i])).hit_tokens > 0;
    if (!study->contents_told)
        document_line(document, "\n  The file names no contents (hash_ids), so it does not tell whether prompts\n  begin alike.");
    else if (!any)
        document_line(document, "\n  No prompt begins as another one did.");
    struct chart *chart = document_chart_for(document, any ? FOR_ALL : FOR_PROGRAMS, "curves", &heading);
    for (size_t i = 0; i < study->size_count; i++)
        add_line(&study->sizes[i], i, chart);
    for (size_t i = 0; i < study->size_count && study->replayed; i++)
        add_replays(study, &study->sizes[i], i, chart);
}

/* Series by block size, then order: "FIFO, blocks of 16". LRU's line is the curve itself. For a page they are made without being asked for;
 * what is printed does not depend on whether there is a page. */
static void add_evictions(struct document *document, const struct curve_study *study)
{
    const struct chart_heading heading = {.kind = CHART_LINES,
                                          .title = "Share of prompt tokens hit under other orders of eviction, by pool size in tokens",
                                          .x = {.name = "pool_tokens", .unit = "tokens"},
                                          .y = {.name = "hit_token_share", .unit = "share"}};
    if (study->size_count == 0 || !study->sizes[0].evictions)
        return;
    struct chart *chart = document_chart_for(document, study->evictions_told ? FOR_PROGRAMS : NOT_ON_PAGE, "eviction_curves", &heading);
    for (size_t i = 0; i < study->size_count; i++)
        for (int eviction = 0; eviction < EVICTIONS; eviction++) {
            const struct curve_of_size *size = &study->sizes[i];
            char name[48];
            snprintf(name, sizeof name, "%s, blocks of %u", eviction_titles[eviction], size->block_size);
            chart_add_series(chart, &(struct chart_series){.name = name, .group = i});
            for (size_t j = 0; j < size->eviction_count; j++)
                chart_add(chart, (double)size->evictions[j].pool_blocks * size->block_size,
                          share((double)size->evictions[j].of[eviction].hit_tokens, (double)study->prompt_tokens));
        }
}

/* --- the document ---------------------------------------------------------------------------------------------------------------- */

/* Prompts part at boundaries of trace blocks, as far as the trace tells; where blocks end elsewhere, some may be shared that it says are
 * not. The first case is a trace without any content: it has neither hash ids nor sessions nor samples, which share their prompt. In
 * the second case only the smallest of the sizes is named. The text also goes into the document as "warning", and the command prints it to
 * standard error. */
const char *curve_blind_spot(const struct curve_study *study, const struct trace *trace, const struct config *config, char *text,
                             size_t size)
{
    uint32_t smallest = UINT32_MAX;
    for (size_t i = 0; i < study->size_count; i++)
        if (study->sizes[i].block_size % config->trace_block_size != 0 && study->sizes[i].block_size < smallest)
            smallest = study->sizes[i].block_size;
    if (!trace_tells_contents(trace) && !trace->sample)
        snprintf(text, size, "the trace names no contents (hash_ids): no prompt shares anything with another, as far as it tells");
    else if (smallest != UINT32_MAX)
        snprintf(text, size,
                 "the trace names contents in blocks of %u tokens (trace_block_size): what prompts share inside such a block is "
                 "invisible, so blocks of %u may hit more than the curve says",
                 config->trace_block_size, smallest);
    else
        return NULL;
    return text;
}

/* One line for each column of the gaps, printed with the table: the names are ours and nobody can guess them. */
static const char explanation[] = "  curve    plain LRU over the prompts' blocks, partial ones included\n"
                                  "  partial  partial last blocks are not cached\n"
                                  "  last     a prompt that is cached whole computes its last block again\n"
                                  "  order    only requests that are admitted, in the order of their admission\n"
                                  "  ends     a request's blocks are recent until it ends, its output stays too\n"
                                  "  running  the rest: blocks in use cannot be evicted and what is being written\n"
                                  "           takes room; preemptions release blocks and take them again";

/* What a curve does not know of the configuration. */
static void put_scope(struct document *document, const struct config *config)
{
    const bool drafts = config->speculative.method != SPECULATIVE_NONE;
    if (config->kv_cache_groups_count > 0)
        head_note_put(document,
                      drafts ? "this is of one group of full layers without drafts, replays too: windows keep less of a prompt, and groups "
                               "share a pool; explain and sweep replay them as they are"
                             : "this is of one group of full layers, replays too: windows keep less of a prompt, and groups share a pool; "
                               "explain and sweep replay them as they are");
    else if (drafts)
        head_note_put(document, "this is without drafts, replays too; explain and sweep replay them");
}

/* The CSV's table comes first, because CSV without --table prints the first one that it may have. */
struct document *curve_report(const struct curve_study *study, const struct trace *trace, const char *warning,
                              const struct document_origin *origin)
{
    struct document *document = document_create(origin);
    char a[UNIT_TEXT], b[UNIT_TEXT];
    document_line(document, "%s: %s prompts of %s tokens", origin->trace, unit_count(study->prompts, a),
                  unit_count(study->prompt_tokens, b));
    if (study->warmup > 0)
        document_line(document, "after %s prompts that fill the caches and are not counted", unit_count(study->warmup, a));
    if (study->replayed)
        step_times_note(document, origin->config, step_times_of(origin->config));
    head_arrivals(document, origin->config);
    head_advice_begin(document);
    head_reading_put(document, trace);
    put_scope(document, origin->config);
    head_advice_end(document);
    document_whole(document, "requests", study->prompts);
    document_whole(document, "prompt_tokens", study->prompt_tokens);
    document_whole(document, "warmup_requests", study->warmup);
    document_text(document, "warning", warning);
    add_points(document, study, true);
    document_heading(document, "Prefix blocks", " (\"new\": the share of references to blocks never seen before)");
    add_sizes(document, study);
    document_heading(document, "Hits under plain LRU",
                     study->replayed ? " (share of blocks, of tokens; replay: of tokens)" : " (share of blocks, of tokens)");
    add_points(document, study, false);
    add_chart(document, study);
    add_evictions(document, study);
    if (study->replayed) {
        document_heading(document, "From the curve to the scheduler", " (shares of prompt tokens, adding up)");
        add_gaps(document, study);
        document_line(document, "%s", explanation);
    }
    curve_page(document);
    return document;
}
