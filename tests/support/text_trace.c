/* text_trace.c - text into a file that is gone when it has been read. */
#include "support/text_trace.h"

#include <criterion/criterion.h>
#include <string.h>

#include "support/temp_file.h"

enum status text_trace_load(const char *text, const struct trace_selection *selection, struct trace **out, struct diag *diag)
{
    struct temp_file file = temp_file_make(text, strlen(text));
    const struct trace_selection all = trace_select_all();
    *diag = (struct diag){0};
    enum status status = trace_load(file.path, selection ? selection : &all, out, diag);
    temp_file_remove(&file);
    return status;
}

struct trace *text_trace(const char *text, const struct trace_selection *selection)
{
    struct trace *trace = NULL;
    struct diag diag;
    cr_assert_eq(text_trace_load(text, selection, &trace, &diag), SIM_OK, "%s: %s", text, diag.text);
    return trace;
}
