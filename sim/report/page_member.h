/* page_member.h - a report's page as a member of its JSON ("page", with --charts): all that a document has for people and for pages, so that
 * `pagesim report` renders the very page and the very words. doc/formats.md section 7 has the form.
 *
 * What JSON says elsewhere is not said again: figures are names of members, and a table's rows are those of the member of its name where that
 * has all of them.
 */
#ifndef PAGESIM_PAGE_MEMBER_H
#define PAGESIM_PAGE_MEMBER_H

#include "base/json_member.h"
#include "report/document.h"

#define PAGE_MEMBER "page"

/* The member, with its key, on one line. */
void page_member_write(const struct document *document, struct json_text *json);

/* Add the page's elements to the document. `report`: the object that has the page. Errors are in the reader's diag. */
void page_member_read(const struct json_reader *reader, const cJSON *report, const cJSON *page, struct document *document);

/* For reports without a page, too. A table of this key from columns and an array of rows, each an array of cells or an object; NULL: there was
 * no memory. */
struct table *page_table_read(const struct json_reader *reader, const cJSON *rows, enum document_audience audience, const char *key,
                              const struct table_column *columns, size_t column_count, struct document *document);
/* The value of a figure that is a member of the report, or NaN; whole figures must be whole. */
double page_figure_read(const struct json_reader *reader, const cJSON *member, const struct figure_kind *kind);
/* The axis that is this member of a chart. */
struct chart_axis page_axis_read(const struct json_reader *reader, const cJSON *chart, const char *key);
/* The points of the chart's newest series: x and y in turn, or an array of both for each. `labels`: one a point or null; NULL: they have none. */
void page_points_read(const struct json_reader *reader, const cJSON *points, const cJSON *labels, struct chart *chart);

#endif
