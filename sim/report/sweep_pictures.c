/* sweep_pictures.c - the page of `pagesim sweep`: the front of the best settings with the chosen one, then what each figure does over the keys:
 * a line over one, a map over two, parallel coordinates over more. Every point of a front or a line tells the command that replays it. Start
 * with sweep_page, at the end. */
#include "report/table_pictures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/compare.h"
#include "config/config_keys.h"
#include "figure/figure.h"
#include "report/picture_parts.h"

enum { KEYS_MOST = 128, FIGURES_SHOWN_MOST = 64, NAME_SIZE = 96 };

/* The document's rows and what it says of their columns. */
struct sweep_table {
    const struct table *table;
    char keys[KEYS_MOST][NAME_SIZE];
    size_t key_count;
    char figures[FIGURES_SHOWN_MOST][NAME_SIZE];
    size_t figure_count;
    char objectives[FIGURES_SHOWN_MOST][NAME_SIZE];
    bool maximise[FIGURES_SHOWN_MOST];
    size_t objective_count;
    size_t chosen; /* row; PICTURE_NO_ROW: none is on the front */
};

static size_t read_words(const struct document *document, const char *list, char (*out)[NAME_SIZE], size_t most)
{
    const struct document_element *members[KEYS_MOST];
    const size_t count = picture_members(document, list, members, most);
    for (size_t i = 0; i < count; i++)
        picture_word(members[i], out[i], NAME_SIZE);
    return count;
}

static bool on_front(const struct sweep_table *sweep, size_t row)
{
    return table_number_at(sweep->table, row, "on_front") > 0;
}

/* The best by the first objective of those that nothing beats, all of which meet what is required. */
static size_t choose(const struct sweep_table *sweep)
{
    size_t chosen = PICTURE_NO_ROW;
    double best = NAN;
    for (size_t row = 0; row < table_rows(sweep->table) && sweep->objective_count > 0; row++) {
        const double value = table_number_at(sweep->table, row, sweep->objectives[0]);
        const bool better = isnan(best) || (sweep->maximise[0] ? value > best : value < best);
        if (!on_front(sweep, row) || isnan(value) || !better)
            continue;
        best = value;
        chosen = row;
    }
    return chosen;
}

static void read_sweep(const struct document *document, struct sweep_table *sweep)
{
    const struct document_element *senses[FIGURES_SHOWN_MOST];
    char sense[8];
    sweep->table = picture_table(document, "rows");
    sweep->key_count = read_words(document, "varied_keys", sweep->keys, KEYS_MOST);
    sweep->figure_count = read_words(document, "shown_figures", sweep->figures, FIGURES_SHOWN_MOST);
    sweep->objective_count = picture_members(document, "objectives", senses, FIGURES_SHOWN_MOST);
    for (size_t i = 0; i < sweep->objective_count; i++) {
        snprintf(sweep->objectives[i], NAME_SIZE, "%s", senses[i]->key ? senses[i]->key : "");
        sweep->maximise[i] = strcmp(picture_word(senses[i], sense, sizeof sense), "max") == 0;
    }
    sweep->chosen = choose(sweep);
}

static const char *unit_of(const char *figure)
{
    static const char *const units[] = {
        [FIGURE_COUNT] = "",   [FIGURE_MS] = "ms",       [FIGURE_S] = "s",          [FIGURE_SHARE] = "share",
        [FIGURE_PER_S] = "/s", [FIGURE_BYTES] = "bytes", [FIGURE_GB_PER_S] = "GB/s"};
    struct figure_kind made;
    const struct figure_kind *kind = figure_kind_find(figure, &made);
    return kind ? units[kind->unit] : "";
}

static bool is_switch(const char *name)
{
    bool negated;
    const struct config_key *key = config_find_option(name, &negated);
    return key && key->type == KEY_BOOL;
}

/* A setting's value as text: "16", "fcfs", "true". A table has flags as 0 and 1. */
static char *value_text(const struct table *table, size_t row, const char *key, char out[UNIT_TEXT])
{
    const double number = table_number_at(table, row, key);
    if (!isnan(number) && is_switch(key))
        snprintf(out, UNIT_TEXT, "%s", number > 0 ? "true" : "false");
    else if (isnan(number))
        snprintf(out, UNIT_TEXT, "%.31s", table_text_at(table, row, key));
    else
        plain_double(number, out, UNIT_TEXT);
    return out;
}

static const char *command_of(const struct sweep_table *sweep, size_t row)
{
    const char *command = table_text_at(sweep->table, row, "command");
    return *command ? command : NULL;
}

/* "command" if rows have any: the chart then says so and waits for clicks. */
static const char *labels_of(const struct sweep_table *sweep)
{
    return table_rows(sweep->table) > 0 && command_of(sweep, 0) ? "command" : NULL;
}

static void add_point(struct chart *chart, const struct sweep_table *sweep, size_t row, double x, double y)
{
    if (labels_of(sweep))
        chart_add_labelled(chart, x, y, command_of(sweep, row));
    else
        chart_add(chart, x, y);
}

/* --- one key ----------------------------------------------------------------------------------------------------------------------------- */

static bool key_is_number(const struct table *table, const char *key)
{
    if (is_switch(key))
        return false;
    for (size_t row = 0; row < table_rows(table); row++)
        if (isnan(table_number_at(table, row, key)))
            return false;
    return true;
}

/* A line over the key's numbers, or a bar for each of its words. */
static void add_line(struct document *document, const struct sweep_table *sweep, const char *figure)
{
    const struct table *table = sweep->table;
    const char *key = sweep->keys[0];
    const bool number = key_is_number(table, key);
    char title[2 * NAME_SIZE + 8];
    snprintf(title, sizeof title, "%s by %s", figure, key);
    struct chart *chart = document_chart_for(document, FOR_PAGE, figure,
                                             &(struct chart_heading){.kind = number ? CHART_PLOT : CHART_BARS,
                                                                     .title = title,
                                                                     .x = {.name = key},
                                                                     .y = {.name = figure, .unit = unit_of(figure)},
                                                                     .labels = number ? labels_of(sweep) : NULL});
    for (size_t row = 0; row < table_rows(table) && !number; row++) {
        char text[UNIT_TEXT];
        chart_add_category(chart, value_text(table, row, key, text));
    }
    chart_add_series(chart, &(struct chart_series){.name = figure, .draw = DRAW_LINE, .group = 0});
    picture_points(chart, table, number ? key : NULL, figure, 1);
    if (!number)
        return;
    chart_add_series(chart, &(struct chart_series){.name = "replayed", .draw = DRAW_MARKS, .group = 0});
    for (size_t row = 0; row < table_rows(table); row++) {
        const double value = table_number_at(table, row, figure);
        if (!isnan(value))
            add_point(chart, sweep, row, table_number_at(table, row, key), value);
    }
}

/* --- two keys ---------------------------------------------------------------------------------------------------------------------------- */

/* A value of a key as a category; its number among those before it. */
static size_t category_of(const struct table *table, size_t row, const char *key, char (*names)[UNIT_TEXT], size_t *count, size_t most)
{
    char name[UNIT_TEXT];
    value_text(table, row, key, name);
    for (size_t i = 0; i < *count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    if (*count == most)
        return most;
    memcpy(names[*count], name, sizeof name);
    return (*count)++;
}

enum { MAP_MOST = 64 };

/* A cell a pair of values. The first key goes down, the second to the right. */
static void add_map(struct document *document, const struct sweep_table *sweep, const char *figure)
{
    const struct table *table = sweep->table;
    char rows[MAP_MOST][UNIT_TEXT], columns[MAP_MOST][UNIT_TEXT], title[3 * NAME_SIZE + 16];
    size_t row_count = 0, column_count = 0;
    snprintf(title, sizeof title, "%s by %s and %s", figure, sweep->keys[0], sweep->keys[1]);
    struct chart *chart = document_chart_for(
        document, FOR_PAGE, figure,
        &(struct chart_heading){
            .kind = CHART_HEAT, .title = title, .x = {.name = sweep->keys[1]}, .y = {.name = figure, .unit = unit_of(figure)}});
    unsigned char *down = calloc(table_rows(table) + 1, sizeof *down); /* which row of the map each of the table belongs to */
    if (!down && document)
        document->out_of_memory = true;
    for (size_t row = 0; row < table_rows(table) && down; row++) {
        down[row] = (unsigned char)category_of(table, row, sweep->keys[0], rows, &row_count, MAP_MOST);
        category_of(table, row, sweep->keys[1], columns, &column_count, MAP_MOST);
    }
    for (size_t i = 0; i < column_count; i++)
        chart_add_category(chart, columns[i]);
    for (size_t i = 0; i < row_count; i++) {
        char name[NAME_SIZE + UNIT_TEXT];
        snprintf(name, sizeof name, "%s %.*s", sweep->keys[0], UNIT_TEXT - 1, rows[i]);
        chart_add_series(chart, &(struct chart_series){.name = name, .group = 0});
        for (size_t row = 0; row < table_rows(table); row++) {
            const double value = down[row] == i ? table_number_at(table, row, figure) : (double)NAN;
            const size_t column = isnan(value) ? MAP_MOST : category_of(table, row, sweep->keys[1], columns, &column_count, MAP_MOST);
            if (column < MAP_MOST)
                chart_add(chart, (double)column, value);
        }
    }
    free(down);
}

/* --- more keys: parallel coordinates ------------------------------------------------------------------------------------------------------- */

/* All settings with few, so many of them with thousands: those on the front are all there as far as these go. */
enum { AXES_MOST = 10, LINES_MOST = 400, TICKS_MOST = 6 };

/* Upright axes next to each other, from 0 to 1: the values of a key at equal distances in their order, a figure from its lowest to its
 * highest value. A setting is a line over all of them. */
struct parallel_axis {
    const char *name;
    bool figure;
    double *values; /* of a key: its different numbers, rising; of words: none */
    size_t count;
    char words[MAP_MOST][UNIT_TEXT];
    double low, high; /* of a figure */
};

/* False: out of memory, which the document knows. */
static bool open_key(struct document *document, const struct table *table, struct parallel_axis *axis)
{
    size_t count;
    axis->count = 0;
    if (!key_is_number(table, axis->name)) {
        for (size_t row = 0; row < table_rows(table); row++)
            category_of(table, row, axis->name, axis->words, &axis->count, MAP_MOST);
        return true;
    }
    axis->values = picture_values(document, table, axis->name, &count);
    if (!axis->values)
        return false;
    qsort(axis->values, count, sizeof *axis->values, compare_double_items);
    for (size_t i = 0; i < count; i++)
        if (axis->count == 0 || axis->values[i] > axis->values[axis->count - 1])
            axis->values[axis->count++] = axis->values[i];
    return true;
}

static void open_figure(const struct table *table, struct parallel_axis *axis)
{
    axis->low = INFINITY;
    axis->high = -INFINITY;
    for (size_t row = 0; row < table_rows(table); row++) {
        axis->low = fmin(axis->low, table_number_at(table, row, axis->name));
        axis->high = fmax(axis->high, table_number_at(table, row, axis->name));
    }
}

/* NaN: the setting has no place on the axis. */
static double place(const struct parallel_axis *axis, const struct table *table, size_t row)
{
    const double value = table_number_at(table, row, axis->name);
    char text[UNIT_TEXT];
    size_t index = 0;
    if (axis->figure)
        return axis->high > axis->low ? (value - axis->low) / (axis->high - axis->low) : isnan(value) ? value : 0.5;
    value_text(table, row, axis->name, text);
    while (index < axis->count && (axis->values ? axis->values[index] < value : strcmp(axis->words[index], text) != 0))
        index++;
    return index == axis->count ? (double)NAN : axis->count > 1 ? (double)index / (double)(axis->count - 1) : 0.5;
}

static void add_tick(struct chart *chart, const struct parallel_axis *axis, double x, double y, double value)
{
    char text[UNIT_TEXT];
    if (axis->figure && strcmp(unit_of(axis->name), "bytes") == 0)
        unit_bytes(value, text);
    else if (value >= 1e3 && value < 1e15)
        picture_count(round(value), text);
    else
        snprintf(text, sizeof text, "%.4g", value);
    chart_add_labelled(chart, x, y, text);
}

/* Ends of figures; the values of a key, or some of many. */
static void add_ticks(struct chart *chart, const struct parallel_axis *axis, double x)
{
    const size_t every = (axis->count + TICKS_MOST - 1) / TICKS_MOST;
    if (axis->figure && axis->low <= axis->high) {
        add_tick(chart, axis, x, axis->high > axis->low ? 0 : 0.5, axis->low);
        if (axis->high > axis->low)
            add_tick(chart, axis, x, 1, axis->high);
    }
    for (size_t i = 0; i < axis->count; i += every) {
        const double y = axis->count > 1 ? (double)i / (double)(axis->count - 1) : 0.5;
        if (axis->values)
            add_tick(chart, axis, x, y, axis->values[i]);
        else
            chart_add_labelled(chart, x, y, axis->words[i]);
    }
}

/* The row as a line, then a gap. Its label is said once. */
static void add_setting(struct chart *chart, const struct sweep_table *sweep, const struct parallel_axis *axes, size_t count, size_t row)
{
    const char *command = labels_of(sweep) ? command_of(sweep, row) : "";
    for (size_t i = 0; i < count; i++) {
        const double y = place(&axes[i], sweep->table, row);
        chart_add_labelled(chart, isnan(y) ? (double)NAN : (double)i, y, i == 0 ? command : NULL);
    }
    chart_add_labelled(chart, NAN, NAN, NULL);
}

/* Rows on the front or off it, at equal distances if there are too many. */
static void add_settings(struct chart *chart, const struct sweep_table *sweep, const struct parallel_axis *axes, size_t count, bool front)
{
    size_t rows = 0, seen = 0;
    for (size_t row = 0; row < table_rows(sweep->table); row++)
        rows += on_front(sweep, row) == front && row != sweep->chosen;
    const size_t every = rows / LINES_MOST + 1;
    chart_add_series(chart,
                     &(struct chart_series){.name = front ? "on the front" : "other settings", .draw = DRAW_LINE, .group = front ? 1 : 6});
    for (size_t row = 0; row < table_rows(sweep->table); row++)
        if (on_front(sweep, row) == front && row != sweep->chosen && seen++ % every == 0)
            add_setting(chart, sweep, axes, count, row);
}

static void draw_parallel(struct document *document, const struct sweep_table *sweep, const struct parallel_axis *axes, size_t count)
{
    char note[192];
    snprintf(note, sizeof note, "a line a setting%s; keys, then figures from their lowest to their highest value",
             table_rows(sweep->table) > LINES_MOST ? ", some of all that are off the front" : "");
    struct chart *chart =
        document_chart_for(document, FOR_PAGE, "settings",
                           &(struct chart_heading){.kind = CHART_PLOT,
                                                   .title = "All settings: what each key is, and what comes of it",
                                                   .note = note,
                                                   .x = {.name = "axis", .low = -0.5, .high = (double)count - 0.5, .bare = true},
                                                   .y = {.name = "place on the axis", .low = -0.1, .high = 1.25, .bare = true},
                                                   .labels = labels_of(sweep)});
    if (sweep->chosen != PICTURE_NO_ROW) {
        chart_add_series(chart, &(struct chart_series){.name = "chosen", .draw = DRAW_LINE, .group = 0});
        add_setting(chart, sweep, axes, count, sweep->chosen);
    }
    add_settings(chart, sweep, axes, count, true);
    add_settings(chart, sweep, axes, count, false);
    chart_add_series(chart, &(struct chart_series){.name = "values", .draw = DRAW_WORDS});
    for (size_t i = 0; i < count; i++)
        add_ticks(chart, &axes[i], (double)i);
    chart_add_series(chart, &(struct chart_series){.name = "axes", .draw = DRAW_WORDS});
    for (size_t i = 0; i < count; i++) {
        char name[NAME_SIZE];
        snprintf(name, sizeof name, "%s", axes[i].name);
        for (char *at = name; *at; at++)
            *at = *at == '_' ? ' ' : *at;
        chart_add_labelled(chart, (double)i, 1.15, name);
    }
}

static void add_parallel(struct document *document, const struct sweep_table *sweep)
{
    struct parallel_axis *axes = calloc(AXES_MOST, sizeof *axes);
    size_t count = 0;
    bool made = axes != NULL;
    for (size_t i = 0; i < sweep->key_count && count < AXES_MOST / 2 && made; i++) {
        axes[count].name = sweep->keys[i];
        made = open_key(document, sweep->table, &axes[count++]);
    }
    for (size_t i = 0; i < sweep->figure_count && count < AXES_MOST && made; i++) {
        axes[count] = (struct parallel_axis){.name = sweep->figures[i], .figure = true};
        open_figure(sweep->table, &axes[count]);
        count += axes[count].low <= axes[count].high;
    }
    if (made)
        draw_parallel(document, sweep, axes, count);
    else if (document)
        document->out_of_memory = true;
    for (size_t i = 0; axes && i < count; i++)
        free(axes[i].values);
    free(axes);
}

/* --- the front ----------------------------------------------------------------------------------------------------------------------------- */

static int by_x(const void *a, const void *b)
{
    const struct chart_point *p = a, *q = b;
    const int order = compare_doubles(p->x, q->x);
    return order ? order : compare_doubles(p->y, q->y);
}

/* A value of an objective, so that less is better. */
static double less_is_better(const struct sweep_table *sweep, size_t row, size_t objective)
{
    const double value = table_number_at(sweep->table, row, sweep->objectives[objective]);
    return sweep->maximise[objective] ? -value : value;
}

/* From the best in the first objective to the best in the other: of the front's settings those that none beats in these two. With more
 * objectives others are on the front as well, which the line leaves aside. */
static void add_front_line(struct document *document, struct chart *chart, const struct sweep_table *sweep, size_t other)
{
    struct chart_point *points = calloc(table_rows(sweep->table) + 1, sizeof *points);
    size_t count = 0;
    double best = INFINITY;
    if (!points && document)
        document->out_of_memory = true;
    for (size_t row = 0; row < table_rows(sweep->table) && points; row++) {
        const struct chart_point point = {less_is_better(sweep, row, 0), less_is_better(sweep, row, other)};
        if (on_front(sweep, row) && !isnan(point.x) && !isnan(point.y))
            points[count++] = point;
    }
    if (count > 1)
        qsort(points, count, sizeof *points, by_x);
    chart_add_series(chart, &(struct chart_series){.name = "the front", .draw = DRAW_LINE, .group = 1});
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (points[i].y < best) {
            best = points[i].y;
            points[kept++] = points[i];
        }
    for (size_t i = 0; i < kept; i++) { /* x rises */
        const struct chart_point *point = &points[sweep->maximise[0] ? kept - 1 - i : i];
        chart_add(chart, sweep->maximise[0] ? -point->x : point->x, sweep->maximise[other] ? -point->y : point->y);
    }
    free(points);
}

/* Which of the three a row belongs to. */
enum place { CHOSEN, ON_FRONT, OTHER, PLACES };

static enum place place_of(const struct sweep_table *sweep, size_t row)
{
    return row == sweep->chosen ? CHOSEN : on_front(sweep, row) ? ON_FRONT : OTHER;
}

/* So many points all stay; of more, those that a picture cannot tell apart are one. */
enum { POINTS_MOST = 2000 };

/* Two objectives against each other, the first and another one. What is first is drawn on top. */
static void add_front(struct document *document, const struct sweep_table *sweep, size_t other)
{
    static const char *const names[PLACES] = {"chosen", "on the front", "other settings"};
    static const size_t colors[PLACES] = {0, 1, 6};
    const char *x = sweep->objectives[0], *y = sweep->objectives[other];
    char title[2 * NAME_SIZE + 32], note[3 * NAME_SIZE];
    snprintf(title, sizeof title, "The front: %s against %s", y, x);
    snprintf(note, sizeof note, "wanted: %s %s, %s %s%s; chosen: the front's best in the first", sweep->maximise[0] ? "most" : "least", x,
             sweep->maximise[other] ? "most" : "least", y, sweep->objective_count > 2 ? " and more" : "");
    struct chart *chart = document_chart_for(document, FOR_PAGE, other == 1 ? "front" : "front_2",
                                             &(struct chart_heading){.kind = CHART_PLOT,
                                                                     .title = title,
                                                                     .note = note,
                                                                     .x = {.name = x, .unit = unit_of(x)},
                                                                     .y = {.name = y, .unit = unit_of(y)},
                                                                     .labels = labels_of(sweep)});
    for (int place = 0; place < PLACES; place++) {
        if (place == CHOSEN && sweep->chosen == PICTURE_NO_ROW)
            continue;
        chart_add_series(chart, &(struct chart_series){.name = names[place], .draw = DRAW_MARKS, .group = colors[place]});
        for (size_t row = 0; row < table_rows(sweep->table); row++) {
            const double at = table_number_at(sweep->table, row, x), value = table_number_at(sweep->table, row, y);
            if ((int)place_of(sweep, row) == place && !isnan(at) && !isnan(value))
                add_point(chart, sweep, row, at, value);
        }
        if (place == OTHER && table_rows(sweep->table) > POINTS_MOST)
            chart_thin(chart);
        if (place == ON_FRONT)
            add_front_line(document, chart, sweep, other);
    }
}

/* --- the page ------------------------------------------------------------------------------------------------------------------------------ */

/* What the chosen setting is, and what it gives. */
static void add_chosen(struct document *document, const struct sweep_table *sweep)
{
    char text[UNIT_TEXT];
    for (size_t i = 0; i < sweep->key_count && i < 4 && sweep->chosen != PICTURE_NO_ROW; i++)
        document_key_value(document, sweep->keys[i], value_text(sweep->table, sweep->chosen, sweep->keys[i], text), "chosen");
    for (size_t i = 0; i < sweep->objective_count && i < 4 && sweep->chosen != PICTURE_NO_ROW; i++)
        document_key_number(document, sweep->objectives[i], table_number_at(sweep->table, sweep->chosen, sweep->objectives[i]),
                            sweep->objectives[i]);
}

static void add_charts(struct document *document, const struct sweep_table *sweep)
{
    for (size_t other = 1; other < sweep->objective_count && other < 3; other++)
        add_front(document, sweep, other);
    if (sweep->key_count > 2)
        add_parallel(document, sweep);
    for (size_t i = 0; i < sweep->figure_count; i++) {
        if (sweep->key_count == 1)
            add_line(document, sweep, sweep->figures[i]);
        else if (sweep->key_count == 2)
            add_map(document, sweep, sweep->figures[i]);
    }
}

void sweep_page(struct document *document)
{
    struct sweep_table *sweep = calloc(1, sizeof *sweep);
    char a[UNIT_TEXT], b[UNIT_TEXT];
    size_t best = 0;
    if (!sweep && document)
        document->out_of_memory = true;
    if (!sweep)
        return;
    read_sweep(document, sweep);
    for (size_t row = 0; row < table_rows(sweep->table); row++)
        best += on_front(sweep, row);
    document_headline(document, "%s of %s settings %s not beaten by another", unit_count(best, a),
                      picture_count(picture_number(document, NULL, "settings"), b), best == 1 ? "is" : "are");
    add_chosen(document, sweep);
    if (document_pictures(document))
        add_charts(document, sweep);
    free(sweep);
}
