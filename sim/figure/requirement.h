/* requirement.h - what a user demands of a run: `preemptions=0`, `p99_ttft_ms<0.5s`, `e2el_mape<=1%`. One grammar for every command.
 *
 *   NAME OP NUMBER [UNIT]     OP: <  <=  >  >=  =     UNIT: ms, s (for figures that are times), % (a hundredth)
 *
 * NAME is a figure's name (figure.h). Spaces are allowed between the parts. A figure that is undefined meets no requirement. Names and units
 * are checked before anything is replayed.
 *
 * A latency is that of the requests that were served. A pool that turns most of them away is fast with the rest, so a requirement on a
 * latency is met only if nobody was dropped, ignored or left unfinished, unless the user says that this is fine (--allow-dropped).
 */
#ifndef PAGESIM_REQUIREMENT_H
#define PAGESIM_REQUIREMENT_H

#include <stddef.h>

#include "base/diag.h"
#include "base/line.h"
#include "figure/figure.h"

/* A bit for each result of the comparison that will do. */
enum requirement_operator { REQUIRE_LESS = 1, REQUIRE_EQUAL = 2, REQUIRE_AT_MOST = 3, REQUIRE_GREATER = 4, REQUIRE_AT_LEAST = 6 };
enum requirement_unit { UNIT_NONE, UNIT_MS, UNIT_S, UNIT_PERCENT };

struct requirement {
    const char *text; /* borrowed: as the user wrote it */
    char name[FIGURE_NAME_SIZE];
    enum requirement_operator operator;
    double value; /* after requirement_resolve: in the figure's own unit */
    enum requirement_unit unit;
    bool of_latency; /* after requirement_resolve: it speaks of requests that were served, so all must be; clear it to judge those alone */
};

/* The grammar alone. SIM_USAGE says what is wrong and what would be right. */
SIM_NODISCARD enum status requirement_parse(const char *text, struct requirement *out, struct diag *diag);

/* Bind it to the figure `name`, which is requirement->name without a command's prefix, and convert the value to the figure's unit. SIM_USAGE:
 * runs of these scopes have no such figure (the message gives the nearest name), or the unit does not fit the figure. */
SIM_NODISCARD enum status requirement_resolve(struct requirement *requirement, const char *name, unsigned scopes, struct diag *diag);

/* Parse and resolve. */
SIM_NODISCARD enum status requirement_read(const char *text, unsigned scopes, struct requirement *out, struct diag *diag);

/* Does the value meet the requirement, of a run that left so many requests unserved (the figure "unserved")? NaN (undefined) does not. */
bool requirement_met(const struct requirement *requirement, double value, double unserved);

/* Must all requests be served, and some were not? Then this is why the requirement is not met, whatever the value. */
static inline bool requirement_lacks_requests(const struct requirement *requirement, double unserved)
{
    return requirement->of_latency && unserved > 0;
}

/* As the user wrote them: "preemptions=0, p99_ttft_ms<500". */
struct line requirements_text(const struct requirement *list, size_t count);

#endif
