/* requirement.h - what a user demands of a run: `preemptions=0`, `p99_ttft_ms<0.5s`, `e2e_mape<=1%`. One grammar for every command.
 *
 *   NAME OP NUMBER [UNIT]     OP: <  <=  >  >=  =     UNIT: ms, s (for figures that are times), % (a hundredth)
 *
 * NAME is a figure's name in the JSON report. Spaces are allowed between the parts. A figure that is undefined meets no requirement.
 */
#ifndef PAGESIM_REQUIREMENT_H
#define PAGESIM_REQUIREMENT_H

#include <stddef.h>

#include "base/diag.h"
#include "figure/figure.h"

enum requirement_operator { REQUIRE_LESS, REQUIRE_AT_MOST, REQUIRE_GREATER, REQUIRE_AT_LEAST, REQUIRE_EQUAL };
enum requirement_unit { UNIT_NONE, UNIT_MS, UNIT_S, UNIT_PERCENT };

struct requirement {
    const char *text; /* borrowed: as the user wrote it */
    char name[64];
    enum requirement_operator operator;
    double value;
    enum requirement_unit unit;
};

/* SIM_USAGE says what is wrong and what would be right. */
SIM_NODISCARD enum status requirement_parse(const char *text, struct requirement *out, struct diag *diag);

/* SIM_USAGE: no figure of that name (the nearest is named), or a unit that does not fit it. */
SIM_NODISCARD enum status requirement_check(const struct requirement *requirement, const struct figure *figures, size_t count, bool *met,
                                            double *actual, struct diag *diag);

#endif
