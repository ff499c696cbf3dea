/* step_log.h - one CSV row a step: how long it took and everything that its price may depend on (doc/formats.md section 6). `pagesim fit
 * --steps` and the recorded step-time model read it. It needs every single step, so the step-by-step engine runs. */
#ifndef PAGESIM_STEP_LOG_H
#define PAGESIM_STEP_LOG_H

#include "base/text_writer.h"
#include "engine/observer.h"

/* Writes the header at once. The writer is borrowed. */
SIM_NODISCARD enum status step_log_begin(struct text_writer *writer, struct diag *diag);
struct observer step_log_observer(struct text_writer *writer);

#endif
