/* warnings.h - what may not be what the user meant, but is no error: told on standard error, or refused with --strict. All warnings of all
 * commands go through here, so that both options mean the same everywhere. */
#ifndef PAGESIM_WARNINGS_H
#define PAGESIM_WARNINGS_H

#include "command/options.h"
#include "replay/advice.h"

/* A row for a command's option table; INPUT_OPTIONS has it. */
#define STRICT_OPTION                                                                                                                      \
    {                                                                                                                                      \
        "strict", NULL, "refuse what else is a warning: exit 3"                                                                            \
    }

/* Print "pagesim: warning: ..." unless --quiet. With --strict SIM_BAD_INPUT instead, with the same text. */
SIM_NODISCARD enum status warning_tell(const struct options *options, struct diag *diag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Tell each piece of advice as a warning, `who` in front of it ("", "A: "). */
SIM_NODISCARD enum status warning_tell_advice(const struct options *options, const char *who, const struct advice *advice,
                                              struct diag *diag);

#endif
