/* step_log.c - one CSV row a step. Read doc/formats.md section 6 first: it explains the columns. They are the terms of the compact
 * step-time model, so that `pagesim fit` can estimate its coefficients from the file alone. */
#include "observe/step_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum status step_log_begin(struct text_writer *writer, struct diag *diag)
{
    static const char header[] = "step,duration_ns,scheduled_tokens,sequences,prefill_chunks,prefill_tokens,prefill_context_product,"
                                 "prefill_context,decodes,decode_context\n";
    return text_writer_write(writer, header, sizeof header - 1, diag);
}

/* Written in `scheduled`, after pricing: the shape is complete then, and the scheduler has not moved on. */
static enum status on_scheduled(void *self, const struct step *step, struct diag *diag)
{
    const struct step_shape *shape = &step->shape;
    char row[256];
    int length = snprintf(
        row, sizeof row,
        "%" PRIu64 ",%" PRId64 ",%" PRIu64 ",%" PRIu32 ",%" PRIu32 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu32 ",%" PRIu64 "\n",
        step->tally.step, step->tally.duration_ns, shape->scheduled_tokens, shape->sequences, shape->prefill_chunks, shape->prefill_tokens,
        shape->prefill_context_product, shape->prefill_context, shape->decodes, shape->decode_context);
    return text_writer_write(self, row, (size_t)length, diag);
}

struct observer step_log_observer(struct text_writer *writer)
{
    return (struct observer){.self = writer, .scheduled = on_scheduled};
}
