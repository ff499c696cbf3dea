/* step_errors.c - one pass for each class over all steps. */
#include "study/step_errors.h"

#include <math.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/compare.h"

/* What a batch holds, up to and including the last number. */
struct bounds {
    const char *label;
    bool prompts, decodes;              /* are there any */
    uint64_t tokens_above, tokens_most; /* of prompts, or sequences that decode */
};

static const struct bounds bounds[STEP_CLASSES] = {
    {"all", false, false, 0, UINT64_MAX},
    {"decodes alone, up to 16", false, true, 0, 16},
    {"decodes alone, up to 64", false, true, 16, 64},
    {"decodes alone, up to 256", false, true, 64, 256},
    {"decodes alone, above 256", false, true, 256, UINT64_MAX},
    {"prompts and decodes, up to 64 tokens of prompts", true, true, 0, 64},
    {"prompts and decodes, up to 512 tokens of prompts", true, true, 64, 512},
    {"prompts and decodes, above 512 tokens of prompts", true, true, 512, UINT64_MAX},
    {"prompts alone", true, false, 0, UINT64_MAX},
};

static bool is_in(const struct bounds *class, const struct step_shape *shape)
{
    const uint64_t amount = class->prompts ? shape->prefill_tokens : shape->decodes;
    if (!class->prompts && !class->decodes)
        return true;
    return class->prompts == (shape->prefill_chunks > 0) && class->decodes == (shape->decodes > 0) && amount > class->tokens_above &&
           amount <= class->tokens_most;
}

/* Interpolates linearly, as reports do elsewhere; the values are sorted. */
static double quantile(const double *sorted, size_t count, double share)
{
    const double place = share * (double)(count - 1);
    const size_t below = (size_t)place, above = below + 1 < count ? below + 1 : below;
    return sorted[below] + (place - (double)below) * (sorted[above] - sorted[below]);
}

/* Errors of a class, in `errors`, which has room for all; sorted by sign first, then by size. */
static void sum_up(struct step_class *class, double *errors)
{
    const size_t count = class->steps;
    if (count == 0) {
        class->measured_ms = class->priced_ms = class->median_error = class->median_ape = class->p90_ape = (double)NAN;
        return;
    }
    class->measured_ms /= (double)count;
    class->priced_ms /= (double)count;
    qsort(errors, count, sizeof *errors, compare_double_items);
    class->median_error = quantile(errors, count, 0.5);
    for (size_t i = 0; i < count; i++)
        errors[i] = fabs(errors[i]);
    qsort(errors, count, sizeof *errors, compare_double_items);
    class->median_ape = quantile(errors, count, 0.5);
    class->p90_ape = quantile(errors, count, 0.9);
}

enum status step_errors_make(const struct step_time_model *model, const struct step_sample *samples, size_t count,
                             struct step_class classes[STEP_CLASSES], struct diag *diag)
{
    double *errors;
    enum status status = array_zeroed(&errors, count, sizeof *errors, "errors of steps", diag);
    if (status != SIM_OK)
        return status;
    for (size_t c = 0; c < STEP_CLASSES; c++) {
        struct step_class class = {.label = bounds[c].label};
        for (size_t i = 0; i < count; i++) {
            if (!is_in(&bounds[c], &samples[i].shape))
                continue;
            const double priced_us = (double)step_time_price(model, &samples[i].shape) / 1000;
            errors[class.steps++] = priced_us / samples[i].us - 1;
            class.measured_ms += samples[i].us / 1000;
            class.priced_ms += priced_us / 1000;
        }
        sum_up(&class, errors);
        classes[c] = class;
    }
    free(errors);
    return SIM_OK;
}
