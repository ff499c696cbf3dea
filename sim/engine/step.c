/* step.c - making and freeing the lists of a step, for schedulers that know how many requests a step can have. Read step.h first. */
#include "engine/step.h"

#include <stdlib.h>

#include "base/array.h"

/* Made once with room for the most a step can have: a list that grew while a step is decided could fail in the middle of it, with blocks
 * already moved. A step starts as a copy of these empty lists, which resets all counts. */
enum status step_make_lists(struct step *step, size_t most, struct diag *diag)
{
    const struct array_request lists[] = {ARRAY_OF(step->scheduled, most), ARRAY_OF(step->admitted, most), ARRAY_OF(step->preempted, most),
                                          ARRAY_OF(step->resumed, most),   ARRAY_OF(step->ignored, most),  ARRAY_OF(step->sampled, most),
                                          ARRAY_OF(step->finished, most)};
    return array_zeroed_all(lists, sizeof lists / sizeof *lists, "the scheduler's lists", diag);
}

void step_free_lists(struct step *step)
{
    free(step->scheduled);
    free(step->sequences);
    free(step->admitted);
    free(step->preempted);
    free(step->resumed);
    free(step->ignored);
    free(step->unwritten);
    free(step->sampled);
    free(step->finished);
}
