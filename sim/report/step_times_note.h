/* step_times_note.h - what prices the steps of a report's replays. Every report of a replay says it in its head, since all its times are
 * only as good as that model.
 */
#ifndef PAGESIM_STEP_TIMES_NOTE_H
#define PAGESIM_STEP_TIMES_NOTE_H

#include "report/document.h"

/* A configuration's model as a set of one: 1 << enum step_time_kind. Sets of several configurations are joined with |. */
static inline unsigned step_times_of(const struct config *config)
{
    return 1u << config->step_time.model;
}

/* A line for people, the member "step_times" for programs. `config`: of the replays, or any of them if they differ. */
void step_times_note(struct document *document, const struct config *config, unsigned models);

#endif
