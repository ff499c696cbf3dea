/* sweep_result.h - what the runs of a sweep said: one slot a run, with all its figures.
 *
 * Every run keeps the same figures in the same order, those that any of the configurations can have and the percentiles that were wished
 * for: a run that lacks one (V0's in a run of V1) has NaN there, as for a figure that is undefined.
 */
#ifndef PAGESIM_SWEEP_RESULT_H
#define PAGESIM_SWEEP_RESULT_H

#include <stdint.h>

#include "base/json.h"
#include "figure/figure.h"

enum sweep_state { SWEEP_PENDING, SWEEP_DONE, SWEEP_STALLED, SWEEP_ABORTED };
extern const char *const sweep_state_names[]; /* "pending", "done", "stalled", "aborted" */

struct sweep_row {
    enum sweep_state state;
    double *values;  /* result->figure_count; NaN = undefined */
    char *diagnosis; /* of a run that ended early: why; NULL = nothing to say */
    uint64_t names;  /* fingerprint of the figures' names in the line that it was read from; 0: not read */
};

struct sweep_result {
    struct sweep_row *rows;
    size_t count;
    struct figure_kind figures[FIGURES_MOST]; /* in the table's order, then the wishes */
    size_t figure_count;
};

/* `count` pending rows for the figures of these scopes and for the wishes, whose names are borrowed. */
SIM_NODISCARD enum status sweep_result_init(struct sweep_result *result, size_t count, unsigned scopes, const struct figure_wishes *wishes,
                                            struct diag *diag);
void sweep_result_deinit(struct sweep_result *result);

/* Fill a row. Different rows may be filled by several threads at once. */
SIM_NODISCARD enum status sweep_result_set(struct sweep_result *result, size_t row, enum sweep_state state,
                                           const struct figure_set *figures, const char *diagnosis, struct diag *diag);

/* Index of a figure in `figures` and in every row's values, or figure_count. */
size_t sweep_result_find(const struct sweep_result *result, const char *name);

/* {"run":3,"state":"done","figures":{...}} on one line, and back. Reading refuses all that writing does not give, but takes figures that
 * are not kept. A line that lacks one that is kept was written when nobody wished for it: it leaves its row pending. A run may stand in
 * several lines when each has other figures; the last complete one counts. */
void sweep_row_write(const struct sweep_result *result, size_t index, struct json_text *json);
SIM_NODISCARD enum status sweep_row_read(struct sweep_result *result, const char *file, size_t line, const char *text, size_t length,
                                         struct diag *diag);

#endif
