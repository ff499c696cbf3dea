/* table_pictures.h - the opening and the charts of pages, made from the tables that a document has already: what is drawn is what the tables
 * say. Call them last; those that draw do nothing unless pictures are wanted (document_pictures).
 */
#ifndef PAGESIM_TABLE_PICTURES_H
#define PAGESIM_TABLE_PICTURES_H

#include "report/document.h"
#include "study/sweep_groups.h"

void ledger_page(struct document *document);
void compare_page(struct document *document);
void explain_page(struct document *document);
void validation_page(struct document *document, const struct figure_set *figures);
void sweep_page(struct document *document, const struct sweep_groups *groups);

/* Two numbers of a table's rows as x and y of the chart's newest series; rows without one of them are left out. NULL x: the row's number.
 * The numbers are multiplied by the scale. */
void picture_points(struct chart *chart, const struct table *table, const char *x, const char *y, double scale);
/* How values are distributed, as a line of a series of its own. Sorts `values`. */
void picture_distribution(struct chart *chart, double *values, size_t count, const struct chart_series *series);

#endif
