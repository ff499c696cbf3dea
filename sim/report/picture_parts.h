/* picture_parts.h - what the pages of commands are made of (NAME_pictures.c): finding things in a document, and the steps from a table to the
 * points of a chart. All takes NULL (a document or chart that could not be made, a table that is not there) for nothing to do.
 *
 * A table is found by its key, a column by its name for programs, so a page needs nothing that JSON does not have: it can be made of a
 * document that was read back.
 */
#ifndef PAGESIM_PICTURE_PARTS_H
#define PAGESIM_PICTURE_PARTS_H

#include "base/units.h"
#include "report/document.h"

#define PICTURE_NO_ROW ((size_t)-1)

/* --- what a document has ------------------------------------------------------------------------------------------------------------- */

/* The table for programs of that name; CSV's where there are two. NULL: none. */
const struct table *picture_table(const struct document *document, const char *key);
/* The chart of that name, or NULL. */
const struct chart *picture_chart(const struct document *document, const char *key);
/* The same as a number; NaN: none. */
double picture_number(const struct document *document, const char *object, const char *key);
/* The values in a list or an object of the document: at most `most`; returns how many. */
size_t picture_members(const struct document *document, const char *container, const struct document_element **out, size_t most);
/* The text of a value that is a plain word. `size` bytes of `out`. */
char *picture_word(const struct document_element *value, char *out, size_t size);
/* A count as people read it; a document that was read back may hold any number: "-" if it is none. `out` has UNIT_TEXT bytes; returns it. */
char *picture_count(double count, char *out);
/* A figure of the document's figures; NaN: none. */
double picture_figure(const struct document *document, const char *name);
/* A key figure of the page from the document's own figures. */
void picture_key_figure(struct document *document, const char *name, const char *label);

/* A number of that row; NaN: none. */
double picture_number_of(const struct table *table, const char *column, const char *word, const char *wanted);
/* "12.3 %"; "-" for NaN. `out`: UNIT_TEXT. */
char *picture_percent(double share, char *out);

/* --- points -------------------------------------------------------------------------------------------------------------------------- */

/* Two numbers of a table's rows as x and y of the chart's newest series; rows without one of them are left out. NULL x: the row's number.
 * y is multiplied by the scale. */
void picture_points(struct chart *chart, const struct table *table, const char *x, const char *y, double scale);
/* A column's words as categories. */
void picture_categories(struct chart *chart, const struct table *table, const char *names);
/* A column's numbers, as far as there are; *count of them, which the caller frees. NULL: out of memory, which the document remembers. */
double *picture_values(struct document *document, const struct table *table, const char *column, size_t *count);
/* The distribution of a column. */
void picture_column_distribution(struct document *document, struct chart *chart, const struct table *table, const char *column,
                                 const struct chart_series *series);
/* A chart of the document once more, at this place of the page and no longer at its own. */
void picture_again(struct document *document, const char *key);
/* A vertical line at x over the height of what the chart has so far. */
void picture_upright(struct chart *chart, double x, const char *name, size_t group);

#endif
