/* compare_parts.h - the parts of the report of a comparison, in files of their own. What holds for all of them is told in compare_report.c. */
#ifndef PAGESIM_COMPARE_PARTS_H
#define PAGESIM_COMPARE_PARTS_H

#include "report/document.h"
#include "study/compare_runs.h"

#define COUNT(columns) (sizeof(columns) / sizeof *(columns))

/* What is reported, and how much of it. */
struct compare_view {
    const struct comparison *comparison;
    const char *files[COMPARE_SIDES_MOST]; /* of each side; NULL: none of its own */
    bool per_request;                      /* is the row a request wanted, by programs or for pictures? It is most of the report's memory */
    uint32_t top; /* how many winners and losers of a side; how many decisions of the first step that differs people see */
};

/* compare_requests.c: a row a request, for programs; latencies over all of them; both ends of the ranking; classes; who starves. */
void compare_add_requests(struct document *document, const struct comparison *comparison);
void compare_add_latencies(struct document *document, const struct comparison *comparison);
void compare_add_classes(struct document *document, const struct comparison *comparison);
void compare_add_ranks(struct document *document, const struct compare_view *view);
void compare_add_starving(struct document *document, const struct comparison *comparison);

/* compare_difference.c: the first decision that differs. */
void compare_add_first_differences(struct document *document, const struct compare_view *view);

/* A column for programs alone, whose name is made from those of a side and a figure: PREFIX KEY _ NAME. */
void compare_add_column(struct table *table, const char *prefix, const char *key, const char *name, int decimals);
/* What follows "delta_" in names: of A and B nothing, as there is one difference. */
const char *compare_delta_key(const struct comparison *comparison, size_t side);

/* NaN: nobody waited. */
double compare_longest_wait_ms(const struct compare_side *side);
double compare_longest_wait_request(const struct comparison *comparison, const struct compare_side *side);

#endif
