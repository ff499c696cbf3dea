/* explain_pictures.c - the page of `pagesim explain`: preemptions over time, how one led to the next, what they cost, and why prompt tokens did
 * not come from the cache. Start with explain_page, at the end. */
#include "report/table_pictures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/picture_parts.h"

enum { STEPS_MOST = 2000, CHAINED_MOST = 150 };

/* The last row is the sum of the others. */
static void add_miss_bars(struct document *document, const struct table *table)
{
    struct chart *chart = document_chart_for(document, FOR_PAGE, "prompt_tokens",
                                             &(struct chart_heading){.kind = CHART_BARS,
                                                                     .title = "Prompt tokens: from the cache, or why not",
                                                                     .x = {.name = "class"},
                                                                     .y = {.name = "share of prompt tokens", .unit = "%"}});
    chart_add_series(chart, &(struct chart_series){.name = "share of prompt tokens", .group = 0});
    for (size_t row = 0; row + 1 < table_rows(table); row++) {
        const double share = table_number_at(table, row, "share");
        chart_add_category(chart, table_text_at(table, row, "class"));
        chart_add(chart, (double)row, isnan(share) ? 0 : 100 * share);
    }
}

/* --- chains ------------------------------------------------------------------------------------------------------------------------------ */

/* A preemption and the one before it in its chain: the latest that hit its requester, which came back and now takes blocks itself. */
struct link {
    size_t row, cause;
};

/* A row and who was preempted in it. */
struct loss {
    const char *victim;
    size_t row;
};

static int by_victim(const void *a, const void *b)
{
    const struct loss *p = a, *q = b;
    const int order = strcmp(p->victim, q->victim);
    return order ? order : (p->row > q->row) - (p->row < q->row);
}

/* The last row before `row` whose victim is that request; rows are in order of time. PICTURE_NO_ROW: none. */
static size_t cause_of(const struct table *table, const struct loss *losses, size_t row)
{
    const struct loss wanted = {table_text_at(table, row, "requester"), row};
    size_t low = 0, high = table_rows(table); /* those before `low` come before the wanted one */
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (by_victim(&losses[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && strcmp(losses[low - 1].victim, wanted.victim) == 0 ? losses[low - 1].row : PICTURE_NO_ROW;
}

/* All links, by row; NULL: out of memory. The caller frees them. */
static struct link *find_links(const struct table *table, size_t *count)
{
    const size_t rows = table_rows(table);
    struct loss *losses = calloc(rows + 1, sizeof *losses);
    struct link *links = calloc(rows + 1, sizeof *links);
    *count = 0;
    if (!losses || !links) {
        free(losses);
        free(links);
        return NULL;
    }
    for (size_t row = 0; row < rows; row++)
        losses[row] = (struct loss){table_text_at(table, row, "victim"), row};
    qsort(losses, rows, sizeof *losses, by_victim);
    for (size_t row = 0; row < rows; row++) {
        const size_t cause = table_number_at(table, row, "depth") > 1 ? cause_of(table, losses, row) : PICTURE_NO_ROW;
        if (cause != PICTURE_NO_ROW)
            links[(*count)++] = (struct link){row, cause};
    }
    free(losses);
    return links;
}

static void describe(const struct table *table, size_t row, char *out, size_t size)
{
    char tokens[UNIT_TEXT];
    snprintf(out, size, "%.40s lost %s tokens for %.40s", table_text_at(table, row, "victim"),
             picture_count(table_number_at(table, row, "tokens_lost"), tokens), table_text_at(table, row, "requester"));
}

static void add_arc(struct chart *chart, const struct table *table, const struct link *link)
{
    char label[160];
    describe(table, link->row, label, sizeof label);
    chart_add_labelled(chart, table_number_at(table, link->cause, "time_s"), table_number_at(table, link->cause, "depth"), label);
    chart_add_labelled(chart, table_number_at(table, link->row, "time_s"), table_number_at(table, link->row, "depth"), NULL);
}

/* Rows [first, end). */
struct stretch {
    size_t first, end;
};

/* All of the run would be a row of needles: those CHAINED_MOST neighbours in time whose links cost most tokens. */
static struct stretch choose_stretch(const struct table *table, const struct link *links, size_t count)
{
    const size_t rows = table_rows(table), width = rows < CHAINED_MOST ? rows : CHAINED_MOST;
    double sum = 0, most = -1;
    struct stretch best = {0, width};
    for (size_t i = 0, from = 0; i < count; i++) {
        sum += table_number_at(table, links[i].row, "tokens_lost");
        while (links[from].cause + width <= links[i].row)
            sum -= table_number_at(table, links[from++].row, "tokens_lost");
        if (sum <= most)
            continue;
        most = sum;
        best.first = links[i].row + 1 < width ? 0 : links[i].row + 1 - width;
        best.end = best.first + width;
    }
    return best;
}

static void draw_chains(struct document *document, const struct table *table, const struct link *links, size_t count)
{
    const struct stretch stretch = choose_stretch(table, links, count);
    char note[256], shown[UNIT_TEXT], all[UNIT_TEXT], label[160];
    snprintf(note, sizeof note, "an arc leads from a request's own loss to the one that it causes when it is back%s%s%s%s",
             stretch.end - stretch.first < table_rows(table) ? "; the heaviest stretch, " : "",
             stretch.end - stretch.first < table_rows(table) ? unit_count(stretch.end - stretch.first, shown) : "",
             stretch.end - stretch.first < table_rows(table) ? " of " : "",
             stretch.end - stretch.first < table_rows(table) ? unit_count(table_rows(table), all) : "");
    struct chart *chart = document_chart_for(document, FOR_PAGE, "chains",
                                             &(struct chart_heading){.kind = CHART_PLOT,
                                                                     .title = "Chains of preemptions: who lost blocks to whom",
                                                                     .note = note,
                                                                     .x = {.name = "time", .unit = "s"},
                                                                     .y = {.name = "depth in its chain"},
                                                                     .labels = "requests"});
    chart_add_series(chart, &(struct chart_series){.name = "a preemption", .draw = DRAW_MARKS, .group = 3});
    for (size_t row = stretch.first; row < stretch.end; row++) {
        describe(table, row, label, sizeof label);
        chart_add_labelled(chart, table_number_at(table, row, "time_s"), table_number_at(table, row, "depth"), label);
    }
    chart_add_series(chart, &(struct chart_series){.name = "led to the next", .draw = DRAW_ARCS, .group = 1});
    for (size_t i = 0; i < count; i++)
        if (links[i].cause >= stretch.first && links[i].row < stretch.end)
            add_arc(chart, table, &links[i]);
}

static void add_chains(struct document *document, const struct table *table)
{
    size_t count;
    struct link *links = find_links(table, &count);
    if (links && count > 0)
        draw_chains(document, table, links, count);
    else if (!links && document)
        document->out_of_memory = true;
    free(links);
}

/* --- preemptions ------------------------------------------------------------------------------------------------------------------------- */

static void add_preemption_charts(struct document *document, const struct table *table)
{
    const struct chart_axis time = {.name = "time", .unit = "s"};
    const struct chart_heading so_far = {
        .kind = CHART_PLOT, .title = "Preemptions so far", .x = time, .y = {.name = "preemptions", .unit = "preemptions"}};
    const struct chart_heading lost = {.kind = CHART_PLOT,
                                       .title = "What each preemption cost",
                                       .note = "computed tokens that were given up",
                                       .x = time,
                                       .y = {.name = "tokens lost", .unit = "tokens"}};
    const size_t rows = table_rows(table);
    struct chart *chart = document_chart_for(document, FOR_PAGE, "preemptions_so_far", &so_far);
    chart_add_series(chart, &(struct chart_series){.name = "preemptions", .draw = DRAW_STEPS, .group = 3});
    for (size_t row = 0; row < rows; row++)
        if (row % (rows / STEPS_MOST + 1) == 0 || row + 1 == rows)
            chart_add(chart, table_number_at(table, row, "time_s"), (double)row + 1);
    chart = document_chart_for(document, FOR_PAGE, "tokens_lost", &lost);
    chart_add_series(chart, &(struct chart_series){.name = "a preemption", .draw = DRAW_MARKS, .group = 3});
    picture_points(chart, table, "time_s", "tokens_lost", 1);
    chart_thin(chart);
}

/* The pool is what everybody can have more of; its row says which option avoids them all. */
static void add_headline(struct document *document)
{
    static const char pool[] = "--num-gpu-blocks ";
    const struct table *settings = picture_table(document, "settings_that_avoid_all");
    const double count = picture_figure(document, "preemptions"), requests = picture_number(document, NULL, "preempted_requests");
    char preemptions[UNIT_TEXT], other[UNIT_TEXT];
    if (!(count > 0)) {
        document_headline(document, "Nobody was preempted");
        return;
    }
    picture_count(count, preemptions);
    for (size_t row = 0; row < table_rows(settings); row++) {
        const char *setting = table_text_at(settings, row, "run");
        if (strncmp(setting, pool, strlen(pool)) != 0)
            continue;
        document_headline(document, "%s preemption%s; %s blocks would avoid them all", preemptions, count == 1 ? "" : "s",
                          unit_count(strtoull(setting + strlen(pool), NULL, 10), other));
        return;
    }
    document_headline(document, "%s preemption%s of %s request%s", preemptions, count == 1 ? "" : "s", picture_count(requests, other),
                      requests == 1 ? "" : "s");
}

/* The course of prompt tokens is a chart of the report itself. */
void explain_page(struct document *document)
{
    const struct table *preemptions = picture_table(document, "each_preemption");
    add_headline(document);
    picture_key_figure(document, "preemptions", "preemptions");
    picture_key_figure(document, "recomputed_tokens", "recomputed tokens");
    picture_key_figure(document, "prefix_hit_rate", "prompt tokens from the cache");
    picture_key_figure(document, "p99_ttft_ms", "TTFT, p99");
    if (!document_pictures(document))
        return;
    if (table_rows(preemptions) > 0) {
        add_chains(document, preemptions);
        add_preemption_charts(document, preemptions);
    }
    add_miss_bars(document, picture_table(document, "misses"));
    picture_again(document, "prompt_tokens_over_time");
}
