/* sweep_result.h - what the runs of a sweep said: one slot a run, with all its figures.
 *
 * Runs of one engine list the same figures, so names are kept once for all runs that have the same list.
 */
#ifndef PAGESIM_SWEEP_RESULT_H
#define PAGESIM_SWEEP_RESULT_H

#include <stdint.h>

#include "base/json.h"
#include "figure/figure.h"

enum sweep_state { SWEEP_PENDING, SWEEP_DONE, SWEEP_STALLED, SWEEP_ABORTED };
extern const char *const sweep_state_names[]; /* "pending", "done", "stalled", "aborted" */

struct figure_list {
    struct figure *figures; /* names and whole; values mean nothing */
    size_t count;
    struct figure_list *next;
};

struct sweep_row {
    enum sweep_state state;
    const struct figure_list *names;
    double *values;  /* names->count; NaN = undefined */
    char *diagnosis; /* of a run that ended early: why; NULL = nothing to say */
};

struct sweep_result {
    struct sweep_row *rows;
    size_t count;
    struct figure_list *lists;
};

SIM_NODISCARD enum status sweep_result_init(struct sweep_result *result, size_t count, struct diag *diag);
void sweep_result_deinit(struct sweep_result *result);

/* Fill a pending row. Callers on several threads must take turns: the lists of names are shared. */
SIM_NODISCARD enum status sweep_result_set(struct sweep_result *result, size_t row, enum sweep_state state, const struct figure *figures,
                                           size_t count, const char *diagnosis, struct diag *diag);

/* A row's figure; NaN when it is undefined or the row has none of that name. */
double sweep_row_figure(const struct sweep_row *row, const char *name);
/* Index of a name in a list, or list->count. */
size_t figure_list_find(const struct figure_list *list, const char *name);

/* {"run":3,"state":"done","figures":{...}} on one line, and back. Reading takes what writing gives and refuses all else. */
void sweep_row_write(const struct sweep_row *row, size_t index, struct json_text *json);
SIM_NODISCARD enum status sweep_row_read(struct sweep_result *result, const char *file, size_t line, const char *text, size_t length,
                                         size_t *index, struct diag *diag);
/* The member "figures" alone. */
void sweep_row_write_figures(const struct sweep_row *row, struct json_text *json);

#endif
