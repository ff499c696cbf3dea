/* text_trace.c - text into a file that is gone when it has been read. */
#include "support/text_trace.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "support/random.h"
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

struct trace *random_sessions(uint64_t *seed, uint32_t requests, uint32_t longest, bool ids)
{
    enum { MOST = 40, SESSIONS = 3, LINE = 200 };
    char text[MOST * LINE];
    size_t length = 0;
    uint32_t said[SESSIONS] = {0};
    cr_assert_leq(requests, MOST);
    for (uint32_t i = 0; i < requests; i++) {
        const uint32_t session = random_below(seed, SESSIONS), output = 1 + random_below(seed, 20);
        const bool named = ids && random_below(seed, 6) == 0, fallen = random_below(seed, 6) == 0;
        uint32_t input = said[session] + 1 + random_below(seed, longest);
        if (fallen)
            input = 1 + input / 2;
        said[session] = input + output;
        length += (size_t)snprintf(text + length, sizeof text - length,
                                   "{\"timestamp\":%u,\"session_id\":\"s%u\",\"input_length\":%u,\"output_length\":%u%s}\n", i, session,
                                   input, output, named ? ",\"hash_ids\":[1]" : "");
    }
    return text_trace(text, NULL);
}
