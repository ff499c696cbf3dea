/* ledger_pictures.c - the page of `pagesim ledger`: what the memory held over time, paged and reserved in three ways, one below the other on the
 * same axes, then the means of the time in which somebody waits. */
#include "report/table_pictures.h"

#include <math.h>
#include <string.h>

#include "config/kv_groups.h"
#include "figure/run_figures.h"
#include "report/picture_parts.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define GIB          ((double)(1 << 30))

/* --- over time --------------------------------------------------------------------------------------------------------------------------- */

/* What a series of slots is called on a page and how it looks: the same for all ways. */
static const struct part {
    const char *name, *label;
    size_t color;
} parts[] = {
    {"useful", "tokens", 0},
    {"tokens", "tokens", 0},
    {"tail_waste", "tail waste", 1},
    {"future", "reserved for the future", 5},
    {"cached_idle", "cached, idle", 2},
    {"internal", "reserved for nothing", 1},
    {"external", "between reservations", 3},
    {"free", "free", 6},
};

static const struct part *part_of(const char *name)
{
    for (size_t i = 0; i < COUNT(parts); i++)
        if (strcmp(parts[i].name, name) == 0)
            return &parts[i];
    return NULL;
}

/* Of the charts that are drawn on the same axes. */
struct axes {
    double low, high, top; /* time; the largest memory */
    double scale;          /* from slots to the unit */
    const char *name, *unit;
};

/* Bytes where a model says what a block takes, blocks elsewhere. */
static struct axes choose_axes(const struct config *config)
{
    if (!config || config->block_size == 0)
        return (struct axes){.scale = 1, .name = "memory", .unit = "slots"};
    const double slots = kv_groups_of(config).alignment;
    if (config->block_bytes > 0)
        return (struct axes){.scale = (double)config_block_bytes(config) / slots / GIB, .name = "memory", .unit = "GiB"};
    return (struct axes){.scale = 1 / slots, .name = "memory", .unit = "blocks"};
}

/* The points of a series, then nothing (free: all) from the way's own end on, where another way still runs. */
static void add_part(struct chart *chart, const struct chart *from, const struct chart_series *series, const struct axes *axes)
{
    const struct part *part = part_of(series->name);
    if (!part)
        return; /* the null block */
    chart_add_series(chart, &(struct chart_series){.name = part->label, .label = part->label, .group = part->color});
    for (size_t i = 0; i < series->count; i++)
        chart_add(chart, series->points[i].x, series->points[i].y * axes->scale);
    if (from->heading.x.high < axes->high)
        chart_add(chart, from->heading.x.high, strcmp(series->name, "free") == 0 ? from->heading.y.high * axes->scale : 0);
}

static void add_course(struct document *document, const struct chart *from, const char *key, const char *title, const struct axes *axes)
{
    struct chart *chart =
        document_chart_for(document, FOR_PAGE, key,
                           &(struct chart_heading){.kind = CHART_AREAS,
                                                   .title = title,
                                                   .x = {.name = "time", .unit = "s", .low = axes->low, .high = axes->high},
                                                   .y = {.name = axes->name, .unit = axes->unit, .high = axes->top}});
    for (size_t i = 0; i < from->count; i++)
        add_part(chart, from, &from->series[i], axes);
}

static void add_courses(struct document *document)
{
    static const char *const ways[][3] = {
        {"timeline_slots", "memory_paged", "Paged: what the memory holds over time"},
        {"timeline_reserving_maximum", "memory_reserving_maximum", "Reserving the maximum length instead"},
        {"timeline_reserving_power_of_2", "memory_reserving_power_of_2", "Reserving the next power of two instead"},
        {"timeline_reserving_exact", "memory_reserving_exact", "Reserving the exact length instead, were it known"},
    };
    struct axes axes = choose_axes(document ? document->origin.config : NULL);
    axes.low = INFINITY;
    for (size_t i = 0; i < COUNT(ways); i++) {
        const struct chart *chart = picture_chart(document, ways[i][0]);
        if (!chart || chart->count == 0 || chart->series[0].count == 0)
            continue;
        axes.low = fmin(axes.low, chart->heading.x.low);
        axes.high = fmax(axes.high, chart->heading.x.high);
        axes.top = fmax(axes.top, chart->heading.y.high * axes.scale);
    }
    for (size_t i = 0; i < COUNT(ways); i++) {
        const struct chart *chart = picture_chart(document, ways[i][0]);
        document_not_on_page(document, ways[i][0]);
        if (chart && chart->count > 0 && chart->series[0].count > 0)
            add_course(document, chart, ways[i][1], ways[i][2], &axes);
    }
}

/* --- means ------------------------------------------------------------------------------------------------------------------------------- */

static void add_reserving_bars(struct document *document, const struct table *table)
{
    static const char *const shares[][2] = {{"token_share", "tokens"},
                                            {"future_share", "future"},
                                            {"internal_share", "internal"},
                                            {"external_share", "external"},
                                            {"free_share", "free"}};
    struct chart *chart = document_chart_for(document, FOR_PAGE, "reserving_shares",
                                             &(struct chart_heading){.kind = CHART_BARS,
                                                                     .title = "Paged blocks beside contiguous reservations",
                                                                     .note = "what the memory holds while a request waits",
                                                                     .x = {.name = "way"},
                                                                     .y = {.name = "share of the memory", .unit = "%", .high = 100}});
    picture_categories(chart, table, "way");
    for (size_t i = 0; i < COUNT(shares); i++) {
        const struct part *part = part_of(shares[i][1]);
        chart_add_series(chart,
                         &(struct chart_series){.name = i + 1 < COUNT(shares) ? part->label : "free or cached", .group = part->color});
        picture_points(chart, table, NULL, shares[i][0], 100);
    }
}

/* --- the page ------------------------------------------------------------------------------------------------------------------------------ */

void ledger_page(struct document *document)
{
    static const char *const accounts[][2] = {
        {"useful", "useful tokens"}, {"tail_waste", "tail waste"}, {"cached_idle", "cached, idle"}, {"free", "free"}};
    const struct table *table = picture_table(document, "accounts"), *reserving = picture_table(document, "reserving");
    const double waiting = picture_number_of(table, "account", "useful", "share_while_waiting"),
                 maximum = picture_number_of(reserving, "way", "maximum", "token_share");
    char a[UNIT_TEXT], b[UNIT_TEXT];
    if (isnan(waiting))
        document_headline(document, "Nobody waits: tokens fill %s of the memory in the mean",
                          picture_percent(picture_number_of(table, "account", "useful", "share"), a));
    else if (isnan(maximum))
        document_headline(document, "While requests wait, tokens fill %s of the memory", picture_percent(waiting, a));
    else
        document_headline(document, "While requests wait, tokens fill %s of the memory; reserving the maximum length they would fill %s",
                          picture_percent(waiting, a), picture_percent(maximum, b));
    for (size_t i = 0; i < COUNT(accounts); i++)
        document_key_value(document, accounts[i][1], picture_percent(picture_number_of(table, "account", accounts[i][0], "share"), a),
                           "of pool x time");
    if (!document_pictures(document))
        return;
    add_courses(document);
    if (!isnan(waiting))
        add_reserving_bars(document, reserving);
}
