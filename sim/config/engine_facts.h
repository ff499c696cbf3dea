/* engine_facts.h - what is true of an engine under any configuration: its name, whose decisions it makes, and what reports, logs and
 * accounts have to know of it. They ask here, so that they need no scheduler. A new engine is one row in engine_facts.c.
 */
#ifndef PAGESIM_ENGINE_FACTS_H
#define PAGESIM_ENGINE_FACTS_H

#include <stdbool.h>

#include "config/config.h"

struct engine_facts {
    const char *name;         /* as in the configuration */
    const char *vllm_version; /* whose decisions it makes */
    bool has_null_block;      /* block 0 is never given out */
    bool has_groups;          /* a request is a group of sequences: forks, swaps, beams; logs and reports have more to say */
    bool expands_samples;     /* n > 1 becomes n requests before the replay */
};

/* The facts of the engine that config->scheduler names; never NULL. */
const struct engine_facts *engine_facts_of(const struct config *config);

#endif
