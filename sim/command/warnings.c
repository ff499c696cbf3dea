/* warnings.c - a warning, or with --strict the error that it becomes. */
#include "command/warnings.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/notice.h"

/* --quiet silences warnings and never a refusal. */
enum status warning_tell(const struct options *options, struct diag *diag, const char *format, ...)
{
    char text[sizeof diag->text];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    if (options_has(options, "strict"))
        return diag_set(diag, SIM_BAD_INPUT, "%s (a warning without --strict)", text);
    if (!options_has(options, "quiet"))
        notice("warning: %s", text);
    return SIM_OK;
}

enum status warning_tell_advice(const struct options *options, const char *who, const struct advice *advice, struct diag *diag)
{
    enum status status = SIM_OK;
    for (int kind = 0; kind < ADVICE_KINDS && status == SIM_OK; kind++)
        if (advice->text[kind][0])
            status = warning_tell(options, diag, "%s%s", who, advice->text[kind]);
    return status;
}
