/* repeated_values.h - mean and exact percentiles of values that come many times in a row, kept and counted once a row: as distribution.h
 * would have it of all of them, to the last bit. */
#ifndef PAGESIM_REPEATED_VALUES_H
#define PAGESIM_REPEATED_VALUES_H

#include "observe/distribution.h"

struct repeated_value {
    double value;
    uint32_t count; /* >= 1 */
};

struct repeated_values {
    struct repeated_value *rows;
    size_t count, capacity;
};

SIM_NODISCARD static inline enum status repeated_values_add(struct repeated_values *values, double value, uint32_t count, struct diag *diag)
{
    const struct repeated_value row = {.value = value, .count = count};
    return array_append(&values->rows, &values->count, &values->capacity, &row, sizeof row, "a distribution", diag);
}
void repeated_values_deinit(struct repeated_values *values);

SIM_NODISCARD enum status repeated_values_summary(const struct repeated_values *values, struct summary *out, struct diag *diag);

#endif
