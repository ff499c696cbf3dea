/* requirements.h - the option --require, which several commands have. */
#ifndef PAGESIM_REQUIREMENTS_H
#define PAGESIM_REQUIREMENTS_H

#include "command/options.h"
#include "figure/requirement.h"

enum { REQUIREMENTS_MOST = 64 };

/* Rows for a command's option table, after its own text for --require. */
#define ALLOW_DROPPED_OPTION                                                                                                               \
    {                                                                                                                                      \
        "allow-dropped", NULL, "judge latencies of the served requests alone, even if others were dropped or left unfinished"              \
    }

struct requirements {
    struct requirement list[REQUIREMENTS_MOST];
    size_t count;
};

/* All --require, added to a zeroed `out` and checked against the figures that runs of these scopes have. Percentiles that no report lists are added to `wishes`. SIM_USAGE:
 * one of them is wrong; call this before any work. */
SIM_NODISCARD enum status requirements_read(const struct options *options, unsigned scopes, struct requirements *out,
                                            struct figure_wishes *wishes, struct diag *diag);

/* One requirement a call, parsed and added to the list, for a command that resolves names its own way. Start with *next = 0. NULL after the
 * last, or when one is wrong: then diag tells. */
struct requirement *requirements_next(const struct options *options, struct requirements *requirements, uint32_t *next, struct diag *diag);

/* Bind one to a figure as requirement_resolve does, and judge it as --allow-dropped says. */
SIM_NODISCARD enum status requirements_resolve(const struct options *options, struct requirement *requirement, const char *name,
                                               unsigned scopes, struct diag *diag);

/* SIM_REQUIREMENT: some are not met; the message names them all, and requests that were not served where that is why. `figures` has
 * "requests", "dropped" and "unserved", too. */
SIM_NODISCARD enum status requirements_judge(const struct requirements *requirements, const struct figure_set *figures, struct diag *diag);

#endif
