/* step_time_recorded.c - step times that were recorded: a CSV with the columns step (0, 1, 2, ...) and duration_ns. Steps after the last
 * one take the mean of all. `replay --step-log` writes such a file; so can a server that logs its steps. */
#include <stdlib.h>

#include "base/array.h"
#include "base/csv.h"
#include "time/step_time_models.h"

struct recorded {
    int64_t *ns;
    size_t count;
    int64_t mean_ns;
};

/* A run that takes more steps than the log goes on with their mean, which keeps its rate right. */
static int64_t price(const struct step_time_model *model, const struct step_shape *shape)
{
    const struct recorded *recorded = model->state;
    return shape->step < recorded->count ? recorded->ns[shape->step] : recorded->mean_ns;
}

static void release(void *state)
{
    struct recorded *recorded = state;
    free(recorded->ns);
}

/* Steps must be numbered without a gap: a log that was cut would else give every later step another one's time. */
static enum status prepare(struct step_time_model *model, const struct config *config, struct diag *diag)
{
    static const char *const columns[] = {"step", "duration_ns"};
    struct recorded *recorded = model->state;
    struct csv csv;
    double sum = 0;
    if (config->step_time.path[0] == '\0')
        return diag_set(diag, SIM_BAD_INPUT, "the recorded model needs step_time.path, a CSV with the columns step and duration_ns");
    enum status status = csv_open(config->step_time.path, columns, 2, &csv, diag);
    if (status != SIM_OK)
        return status;
    csv.status = csv.rows == 0 ? diag_at(diag, csv.path, 2, 1, "no steps")
                               : array_zeroed(&recorded->ns, csv.rows, sizeof *recorded->ns, "recorded steps", diag);
    for (size_t row = 0; row < csv.rows && csv.status == SIM_OK; row++) {
        if (csv_whole(&csv, row, 0) != row)
            csv_error(&csv, row, 0, "the next step; they count 0, 1, 2, ...");
        recorded->ns[row] = (int64_t)csv_whole(&csv, row, 1);
        sum += (double)recorded->ns[row];
    }
    recorded->count = csv.rows;
    recorded->mean_ns = csv.status == SIM_OK ? (int64_t)(sum / (double)csv.rows) : 0;
    status = csv.status;
    csv_close(&csv);
    return status;
}

const struct step_time_pricing step_time_recorded = {.name = "recorded",
                                                     .settings = "the steps of step_time.path",
                                                     .state_bytes = sizeof(struct recorded),
                                                     .prepare = prepare,
                                                     .price = price,
                                                     .release = release};
