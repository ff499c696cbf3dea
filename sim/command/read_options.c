/* read_options.c - from options to the part of a trace_selection that says how a file is read. Read read_options_take first; what is said
 * about the trace afterwards is at the end. */
#include "command/read_options.h"

#include <stdlib.h>
#include <string.h>

#include "base/line.h"
#include "base/notice.h"
#include "base/text_parts.h"
#include "command/warnings.h"
#include "replay/workload.h"
#include "trace/time_unit.h"

/* 0: no unit of that name. */
static double unit_ns(const char *name)
{
    const struct time_unit *unit = time_unit_find(name);
    return unit ? unit->ns : 0;
}

/* strtoul takes a minus sign and wraps around, hence the check for it. On an error the range keeps its default, which is valid, and diag
 * ends the command. */
void read_range_option(const struct options *options, const char *name, uint32_t *least, uint32_t *most, struct diag *diag)
{
    const char *text = options_value(options, name);
    char *colon, *end;
    if (!text)
        return;
    unsigned long a = strtoul(text, &colon, 10), b = *colon == ':' ? strtoul(colon + 1, &end, 10) : 0;
    if (*colon != ':' || *end != '\0' || *text == '-' || a < 1 || b < a || b > 1000000000) {
        diag_set(diag, SIM_USAGE, "--%s %s: must be A:B with 1 <= A <= B <= 1000000000", name, text);
        return;
    }
    *least = (uint32_t)a;
    *most = (uint32_t)b;
}

/* Options give seconds, the trace counts nanoseconds. 9e9 seconds are 285 years and stay far from the limit of int64. */
void read_times_options(const struct options *options, struct trace_selection *selection, struct diag *diag)
{
    const double longest_s = 9e9;
    selection->from_ns = (int64_t)(options_double(options, "from", 0, longest_s, 0, diag) * 1e9);
    if (options_has(options, "to"))
        selection->to_ns = (int64_t)(options_double(options, "to", 0, longest_s, longest_s, diag) * 1e9);
}

/* --- --columns --------------------------------------------------------------------------------------------------------------------- */

static const char *const field_names[TRACE_FIELDS] = {
    [TRACE_FIELD_ARRIVAL] = "arrival",       [TRACE_FIELD_INPUT] = "input",
    [TRACE_FIELD_OUTPUT] = "output",         [TRACE_FIELD_HASH_IDS] = "hash_ids",
    [TRACE_FIELD_PRIORITY] = "priority",     [TRACE_FIELD_N] = "n",
    [TRACE_FIELD_BEAM_WIDTH] = "beam_width", [TRACE_FIELD_SESSION] = "session",
    [TRACE_FIELD_DELAY] = "delay",           [TRACE_FIELD_FINISH_REASON] = "finish_reason",
    [TRACE_FIELD_TENANT] = "tenant",
};

/* One name=value of the list. */
static enum status take_column(const char *list, char *item, struct trace_selection *selection, struct read_names *names, struct diag *diag)
{
    char *value = strchr(item, '=');
    if (!value || value == item || value[1] == '\0')
        return diag_set(diag, SIM_USAGE, "--columns %s: \"%s\" must be like input=prompt_tokens", list, item);
    *value++ = '\0';
    if (strcmp(item, "unit") == 0) {
        selection->time_unit_ns = unit_ns(value);
        return selection->time_unit_ns > 0 ? SIM_OK : diag_set(diag, SIM_USAGE, "--columns %s: the unit must be s, ms, us or ns", list);
    }
    for (size_t i = 0; i < TRACE_FIELDS; i++)
        if (strcmp(item, field_names[i]) == 0) {
            if (names->columns.of[i])
                return diag_set(diag, SIM_USAGE, "--columns %s: %s is given twice", list, item);
            names->columns.of[i] = value;
            return SIM_OK;
        }
    return diag_set(diag, SIM_USAGE,
                    "--columns %s: \"%s\" is no field; arrival, input, output, hash_ids, priority, n, beam_width, session, tenant, "
                    "delay, finish_reason and unit are",
                    list, item);
}

/* A prompt without a length is no request; everything else has a default, or options that replace it. */
static enum status take_columns(const char *list, struct trace_selection *selection, struct read_names *names, struct diag *diag)
{
    enum status status = SIM_OK;
    if (strlen(list) >= sizeof names->text)
        return diag_set(diag, SIM_USAGE, "--columns: the list is longer than %zu characters", sizeof names->text - 1);
    memcpy(names->text, list, strlen(list) + 1);
    char *rest = names->text, *item;
    while (status == SIM_OK && (item = next_part(&rest, ',')) != NULL)
        status = take_column(list, item, selection, names, diag);
    if (status == SIM_OK && !names->columns.of[TRACE_FIELD_INPUT])
        status = diag_set(diag, SIM_USAGE, "--columns %s: input=NAME is needed, the column with the tokens of prompts", list);
    selection->columns = &names->columns;
    return status;
}

/* --- all of them ------------------------------------------------------------------------------------------------------------------- */

/* Two options for one thing, of which one would be ignored. */
static enum status check_pairs(const struct options *options, struct diag *diag)
{
    if (options_has(options, "output-length") && options_has(options, "output-range"))
        return diag_set(diag, SIM_USAGE, "--output-length and --output-range both say the same; give one of them");
    if (options_has(options, "columns") && options_has(options, "trace-format"))
        return diag_set(diag, SIM_USAGE, "--columns describes a file of no known format; it does not go with --trace-format");
    return SIM_OK;
}

enum status read_options_take(const struct options *options, struct trace_selection *selection, struct read_names *names, struct diag *diag)
{
    const char *format = options_value(options, "trace-format"), *unit = options_value(options, "time-unit");
    const char *columns = options_value(options, "columns"), *answers = options_value(options, "session-answers");
    *names = (struct read_names){0};
    enum status status = check_pairs(options, diag);
    if (status == SIM_OK && columns)
        status = take_columns(columns, selection, names, diag);
    if (status != SIM_OK)
        return status;
    selection->reader = format ? trace_reader_find(format) : NULL;
    if (unit) {
        selection->time_unit_ns = unit_ns(unit);
        if (!(selection->time_unit_ns > 0))
            return diag_set(diag, SIM_USAGE, "--time-unit %s: must be s, ms, us or ns", unit);
    }
    if (answers && strcmp(answers, "share") != 0 && strcmp(answers, "own") != 0)
        return diag_set(diag, SIM_USAGE, "--session-answers %s: must be share or own", answers);
    selection->answers_shared = answers && strcmp(answers, "share") == 0;
    selection->skip_invalid = options_has(options, "skip-invalid");
    selection->output_least = (uint32_t)options_uint(options, "output-length", 1, 1000000000, 0, diag);
    selection->output_most = selection->output_least;
    read_range_option(options, "output-range", &selection->output_least, &selection->output_most, diag);
    return diag->status;
}

/* --- what is told ------------------------------------------------------------------------------------------------------------------ */

/* Names the first ones; the share says whether what is left still stands for the file. */
static void tell_skipped(const struct options *options, struct trace *trace)
{
    const struct skipped_rows *skipped = &trace->skipped;
    struct line lines = {0}, text = {0};
    line_put(&text, "%llu of %u rows (%.3g %%) were left out as they cannot be run", (unsigned long long)skipped->count,
             trace->requests_in_file, 100.0 * (double)skipped->count / trace->requests_in_file);
    trace_tell(trace, text.text);
    if (options_has(options, "quiet"))
        return;
    for (size_t i = 0; i < skipped->count && i < TRACE_SKIPPED_NAMED; i++)
        line_put(&lines, "%s%zu", i ? ", " : "", skipped->lines[i]);
    notice("warning: %s: %s; lines %s%s", trace->name, text.text, lines.text, skipped->count > TRACE_SKIPPED_NAMED ? ", ..." : "");
    notice("first: %s", skipped->reason);
}

static enum status tell_rate(const struct options *options, struct trace *trace, struct diag *diag)
{
    const struct line text = workload_doubt_rate(trace);
    if (text.length == 0)
        return SIM_OK;
    trace_tell(trace, text.text);
    return warning_tell(options, diag, "%s: %s", trace->name, text.text);
}

/* Skipped rows are only told: --skip-invalid asked for them, so --strict cannot mean that they are refused. What bears on results stands in
 * the heads of reports as well (report/head_notes.h). */
enum status read_options_tell(const struct options *options, struct trace *trace, struct diag *diag)
{
    enum status status = SIM_OK;
    /* An ignored field may be a misspelt one. It is no error: traces of other tools have fields of their own. */
    if (trace->ignored_fields[0])
        status = warning_tell(options, diag, "%s: fields that are ignored: %s", trace->name, trace->ignored_fields);
    if (trace->notes[0] && !options_has(options, "quiet"))
        notice("note: %s: %s", trace->name, trace->notes);
    if (trace->skipped.count > 0)
        tell_skipped(options, trace);
    return status == SIM_OK ? tell_rate(options, trace, diag) : status;
}
