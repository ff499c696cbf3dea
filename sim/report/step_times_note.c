/* step_times_note.c - names the step-time model, and says of the linear one what it is. Read step_times_note.h first. */
#include "report/step_times_note.h"

#include <stddef.h>
#include <string.h>

#include "base/line.h"
#include "time/step_time.h"

/* The last part of a path or of a name with an owner, without .json: what tells one from another, in few columns. */
static void put_name(struct line *line, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash && slash[1] ? slash + 1 : path, *dot = strstr(name, ".json");
    line_put(line, "%.*s", (int)(dot && !dot[strlen(".json")] ? dot - name : (ptrdiff_t)strlen(name)), name);
}

/* What the only model of all replays is made from: hardware and shape, or measurements in a file. */
static void put_source(struct line *line, const struct config *config)
{
    if (config->step_time.model == STEP_TIME_ROOFLINE) {
        line_put(line, ": ");
        put_name(line, config->model);
        line_put(line, " on ");
        if (config->tensor_parallel_size > 1)
            line_put(line, "%u ", config->tensor_parallel_size);
        put_name(line, config->gpu);
    } else if (*config->step_time.path) {
        line_put(line, ": ");
        put_name(line, config->step_time.path);
    }
}

/* The linear model has round numbers of no particular server. Its times order and compare, but nobody should buy GPUs by them; the words
 * stand in every head because a table of milliseconds looks like a prediction. */
static void add_line(struct document *document, const struct config *config, unsigned models)
{
    struct line line = {0};
    const bool one = (models & (models - 1)) == 0, linear = models & 1u << STEP_TIME_LINEAR;
    line_put(&line, "step times");
    for (int kind = 0; kind < STEP_TIME_KINDS; kind++)
        if (models >> kind & 1)
            line_put(&line, "%s %s", one || line.length == strlen("step times") ? "" : ",", step_time_name((enum step_time_kind)kind));
    if (linear)
        line_put(&line, "%s: a stand-in, times are not a prediction", one ? "" : "; linear");
    else if (one)
        put_source(&line, config);
    document_line(document, "%s", line.text);
}

void step_times_note(struct document *document, const struct config *config, unsigned models)
{
    add_line(document, config, models);
    document_open_object(document, "step_times");
    document_open_array(document, "models");
    for (int kind = 0; kind < STEP_TIME_KINDS; kind++)
        if (models >> kind & 1)
            document_text(document, NULL, step_time_name((enum step_time_kind)kind));
    document_close(document);
    document_bool(document, "prediction", !(models & 1u << STEP_TIME_LINEAR));
    document_close(document);
}
