/* picture_parts.c - looks into documents, and turns columns into points. Read picture_parts.h first. Documents are short lists and pages are
 * made once, so all searches are plain walks. */
#include "report/picture_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/compare.h"

/* --- what a document has ------------------------------------------------------------------------------------------------------------- */

static const struct document_element *find(const struct document *document, enum document_element_kind kind, unsigned audience,
                                           const char *key)
{
    for (size_t i = 0; document && i < document->count; i++) {
        const struct document_element *element = &document->elements[i];
        if (element->kind == kind && (element->audience & audience) && element->key && strcmp(element->key, key) == 0)
            return element;
    }
    return NULL;
}

/* Where JSON has a shorter table of the same name, CSV's has all. */
const struct table *picture_table(const struct document *document, const char *key)
{
    const struct document_element *element = find(document, DOCUMENT_TABLE, FOR_CSV, key);
    return element ? element->table : NULL;
}

const struct chart *picture_chart(const struct document *document, const char *key)
{
    const struct document_element *element = find(document, DOCUMENT_CHART, ~0u, key);
    return element && element->chart && !element->chart->out_of_memory ? element->chart : NULL;
}

size_t picture_members(const struct document *document, const char *container, const struct document_element **out, size_t most)
{
    size_t count = 0, i = 0;
    while (document && i < document->count &&
           !((document->elements[i].kind == DOCUMENT_OPEN_ARRAY || document->elements[i].kind == DOCUMENT_OPEN_OBJECT) &&
             document->elements[i].key && strcmp(document->elements[i].key, container) == 0))
        i++;
    for (i++; document && i < document->count && document->elements[i].kind == DOCUMENT_VALUE && count < most; i++)
        if (document->elements[i].text)
            out[count++] = &document->elements[i];
    return count;
}

/* Names of keys and figures, which need no escapes. */
char *picture_word(const struct document_element *value, char *out, size_t size)
{
    const size_t length = strlen(value->text);
    const bool quoted = length >= 2 && value->text[0] == '"';
    snprintf(out, size, "%.*s", (int)(quoted ? length - 2 : length), value->text + quoted);
    return out;
}

/* Objects may lie in each other; members of the one that is asked for are those that no inner one has. */
static const char *picture_value(const struct document *document, const char *object, const char *key)
{
    const size_t wanted = object ? 1 : 0;
    bool inside = !object;
    size_t depth = 0;
    for (size_t i = 0; document && i < document->count; i++) {
        const struct document_element *element = &document->elements[i];
        const bool opens = element->kind == DOCUMENT_OPEN_OBJECT || element->kind == DOCUMENT_OPEN_ARRAY;
        if (object && opens && depth == 0)
            inside = element->key && strcmp(element->key, object) == 0;
        if (element->kind == DOCUMENT_VALUE && inside && depth == wanted && element->key && strcmp(element->key, key) == 0)
            return element->text;
        depth += opens;
        depth -= element->kind == DOCUMENT_CLOSE;
    }
    return NULL;
}

double picture_number(const struct document *document, const char *object, const char *key)
{
    const char *text = picture_value(document, object, key);
    char *end = NULL;
    const double number = text ? strtod(text, &end) : (double)NAN;
    return text && end != text ? number : (double)NAN;
}

char *picture_count(double count, char *out)
{
    if (count >= 0 && count < 1e18)
        return unit_count((uint64_t)count, out);
    snprintf(out, UNIT_TEXT, "-");
    return out;
}

static const struct document_element *figures_of(const struct document *document)
{
    for (size_t i = 0; document && i < document->count; i++)
        if (document->elements[i].kind == DOCUMENT_FIGURES)
            return &document->elements[i];
    return NULL;
}

double picture_figure(const struct document *document, const char *name)
{
    const struct document_element *element = figures_of(document);
    for (size_t i = 0; element && i < element->figure_count; i++)
        if (strcmp(element->figures[i].name, name) == 0)
            return element->figures[i].undefined ? (double)NAN : element->figures[i].value;
    return (double)NAN;
}

void picture_key_figure(struct document *document, const char *name, const char *label)
{
    document_key_number(document, name, picture_figure(document, name), label);
}

static size_t picture_row(const struct table *table, const char *column, const char *word)
{
    for (size_t row = 0; row < table_rows(table); row++)
        if (strcmp(table_text_at(table, row, column), word) == 0)
            return row;
    return PICTURE_NO_ROW;
}

double picture_number_of(const struct table *table, const char *column, const char *word, const char *wanted)
{
    const size_t row = picture_row(table, column, word);
    return row == PICTURE_NO_ROW ? (double)NAN : table_number_at(table, row, wanted);
}

char *picture_percent(double share, char *out)
{
    char digits[UNIT_TEXT];
    snprintf(out, UNIT_TEXT, isnan(share) ? "-" : "%.20s %%", unit_fixed(100 * share, 1, digits, sizeof digits));
    return out;
}

/* --- points -------------------------------------------------------------------------------------------------------------------------- */

void picture_points(struct chart *chart, const struct table *table, const char *x, const char *y, double scale)
{
    for (size_t row = 0; row < table_rows(table); row++) {
        const double at = x ? table_number_at(table, row, x) : (double)row, value = table_number_at(table, row, y);
        if (!isnan(at) && !isnan(value))
            chart_add(chart, at, scale * value);
    }
}

void picture_categories(struct chart *chart, const struct table *table, const char *names)
{
    for (size_t row = 0; row < table_rows(table); row++)
        chart_add_category(chart, table_text_at(table, row, names));
}

double *picture_values(struct document *document, const struct table *table, const char *column, size_t *count)
{
    double *values = calloc(table_rows(table) + 1, sizeof *values);
    *count = 0;
    if (!values && document)
        document->out_of_memory = true;
    for (size_t row = 0; row < table_rows(table) && values; row++) {
        const double value = table_number_at(table, row, column);
        if (!isnan(value))
            values[(*count)++] = value;
    }
    return values;
}

/* At most a point for each five-hundredth of the values, and the last ones all: the tail is what is looked at. */
static void picture_distribution(struct chart *chart, double *values, size_t count, const struct chart_series *series)
{
    enum { PARTS = 500, TAIL = 100 };
    qsort(values, count, sizeof *values, compare_double_items);
    chart_add_series(chart, series);
    for (size_t i = 0; i < count; i++)
        if (values[i] > 0 && (i % (count / PARTS + 1) == 0 || i + TAIL >= count))
            chart_add(chart, values[i], 100 * (double)(i + 1) / (double)count);
}

void picture_column_distribution(struct document *document, struct chart *chart, const struct table *table, const char *column,
                                 const struct chart_series *series)
{
    size_t count;
    double *values = picture_values(document, table, column, &count);
    if (values)
        picture_distribution(chart, values, count, series);
    free(values);
}

/* The document's elements may move while it grows, their charts do not. */
void picture_again(struct document *document, const char *key)
{
    const struct chart *from = picture_chart(document, key);
    if (!from)
        return;
    document_not_on_page(document, key);
    struct chart *chart = document_chart_for(document, FOR_PAGE, key, &from->heading);
    for (size_t i = 0; i < from->count; i++) {
        chart_add_series(chart, &from->series[i]);
        for (size_t j = 0; j < from->series[i].count; j++)
            chart_add(chart, from->series[i].points[j].x, from->series[i].points[j].y);
    }
}

void picture_upright(struct chart *chart, double x, const char *name, size_t group)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; chart && i < chart->count; i++)
        for (size_t j = 0; j < chart->series[i].count; j++) {
            low = fmin(low, chart->series[i].points[j].y);
            high = fmax(high, chart->series[i].points[j].y);
        }
    if (!chart || isnan(x) || low > high)
        return;
    if (chart->heading.y.high > chart->heading.y.low) {
        low = chart->heading.y.low;
        high = chart->heading.y.high;
    }
    chart_add_series(chart, &(struct chart_series){.name = name, .draw = DRAW_SPANS, .group = group});
    chart_add(chart, x, low);
    chart_add(chart, x, high);
}
