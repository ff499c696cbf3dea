/* replay_outputs.c - reads the options of the further outputs, opens files and observers before the replay, completes them after it. Read
 * replay_outputs.h first. A new output is a row in its option table, a value of enum replay_output, a name below, and a line in
 * replay_outputs_open() (an observer) or replay_outputs_write() (made at the end).
 *
 * Three moments, three parts of this file. Options are checked before the trace is read. Files and observers are opened when the run's
 * trace is known. After the replay, outputs that are made from stored facts are written (result, requests, Prometheus), those that an
 * observer wrote step by step are complete already, and all are renamed together. */
#include "command/replay_outputs.h"

#include <math.h>
#include <string.h>

#include "base/printable.h"
#include "command/output_names.h"
#include "command/picture_files.h"
#include "observe/step_log.h"

static const char *const option_names[REPLAY_OUTPUTS] = {"save-result", "per-request",  "prometheus",
                                                         "perfetto",    "decision-log", "step-log"};

/* --- options ---------------------------------------------------------------------------------------------------------------------- */

/* vLLM's default name without the date: the same run should write the same file. The trace's name is cut at its first dot, so that
 * "chat.jsonl.gz" gives "chat". */
static int default_name(const struct run *run, char *out, size_t size)
{
    const struct config *config = run->config;
    const char *slash = strrchr(run->trace->name, '/'), *trace = slash ? slash + 1 : run->trace->name;
    const int length = (int)strcspn(trace, ".");
    char rate[32] = "inf", concurrency[32] = "";
    if (config->request_rate > 0 && isfinite(config->request_rate))
        snprintf(rate, sizeof rate, "%g", config->request_rate);
    if (config->max_concurrency > 0)
        snprintf(concurrency, sizeof concurrency, "-concurrency%u", config->max_concurrency);
    return snprintf(out, size, "pagesim-%sqps%s-%.*s.json", rate, concurrency, length, trace);
}

/* The file's name: of --save-result, of --result-filename, or the default. --result-dir applies to relative names. "-" is standard output
 * and takes no folder; an absolute name is where the user wants it. */
static enum status name_result(const struct options *options, const struct run *run, char path[CONFIG_PATH_SIZE], struct diag *diag)
{
    const char *folder = options_value(options, "result-dir"), *name = options_value(options, "save-result");
    char made[CONFIG_NAME_SIZE + sizeof run->trace->name];
    if (!name)
        name = options_value(options, "result-filename");
    if (!name) {
        default_name(run, made, sizeof made);
        name = made;
    }
    const bool inside = folder && *folder && name[0] != '/' && strcmp(name, "-") != 0;
    if (snprintf(path, CONFIG_PATH_SIZE, "%s%s%s", inside ? folder : "", inside ? "/" : "", name) >= CONFIG_PATH_SIZE)
        return diag_set(diag, SIM_USAGE, "--save-result: the file's name is too long");
    return SIM_OK;
}

/* vLLM takes KEY=VALUE pairs and writes every value as a string. Only pointers are kept, into argv. The key's length is bounded because the
 * writer copies it into a buffer. Keys must be UTF-8 and unique in the result: a JSON object with a key twice is read differently by
 * different programs, and bytes that are no text would become the same character. */
static enum status parse_metadata(struct replay_outputs *outputs, const char *pair, struct diag *diag)
{
    const char *equals = strchr(pair, '=');
    char key[CONFIG_NAME_SIZE + 1];
    long code = 0;
    if (!equals || equals == pair || equals - pair > CONFIG_NAME_SIZE)
        return diag_set(diag, SIM_USAGE, "--metadata %s: must be KEY=VALUE", pair);
    if (outputs->metadata_count == METADATA_MOST)
        return diag_set(diag, SIM_USAGE, "--metadata: %d members at most", METADATA_MOST);
    const size_t length = (size_t)(equals - pair);
    snprintf(key, sizeof key, "%.*s", (int)length, pair);
    for (const char *at = key; *at && code >= 0;)
        at += printable_next(at, &code);
    if (code < 0)
        return diag_set(diag, SIM_USAGE, "--metadata %s: the key is not UTF-8", pair);
    if (bench_result_has_key(key))
        return diag_set(diag, SIM_USAGE, "--metadata %s: the result has a member of this name; give another key", pair);
    for (size_t i = 0; i < outputs->metadata_count; i++)
        if (strncmp(outputs->metadata[i], pair, length + 1) == 0)
            return diag_set(diag, SIM_USAGE, "--metadata %s: %s is given twice", pair, key);
    outputs->metadata[outputs->metadata_count++] = pair;
    return SIM_OK;
}

/* The format follows the file's name, as users expect, and JSON lines are the default because they name every field. */
static enum status parse_format(struct replay_outputs *outputs, struct diag *diag)
{
    const char *path = options_value(outputs->options, "per-request"), *format = options_value(outputs->options, "per-request-format");
    const size_t length = path ? strlen(path) : 0;
    if (format && strcmp(format, "csv") != 0 && strcmp(format, "jsonl") != 0)
        return diag_set(diag, SIM_USAGE, "--per-request-format %s: must be jsonl or csv", format);
    const bool csv = format ? strcmp(format, "csv") == 0 : length > 4 && strcmp(path + length - 4, ".csv") == 0;
    outputs->per_request_format = csv ? PER_REQUEST_CSV : PER_REQUEST_JSONL;
    return SIM_OK;
}

/* An option about an output that is not requested is a mistake, and ignoring it would hide that. */
static enum status check_needs(const struct options *options, struct diag *diag)
{
    static const char *const pairs[][2] = {{"save-detailed", "save-result"},
                                           {"result-filename", "save-result"},
                                           {"result-dir", "save-result"},
                                           {"metadata", "save-result"},
                                           {"per-request-format", "per-request"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (options_has(options, pairs[i][0]) && !options_has(options, pairs[i][1]))
            return diag_set(diag, SIM_USAGE, "--%s has no effect without --%s", pairs[i][0], pairs[i][1]);
    if (options_has(options, "tables") && !options_has(options, "decision-log") && !options_has(options, "replica-logs"))
        return diag_set(diag, SIM_USAGE, "--tables has no effect without --decision-log");
    if (options_value(options, "save-result") && options_has(options, "result-filename"))
        return diag_set(diag, SIM_USAGE, "--save-result %s and --result-filename both name the file",
                        options_value(options, "save-result"));
    return SIM_OK;
}

/* The report steps back when another output takes standard output, unless --output gives it a file; two of them that want it are refused
 * elsewhere (output_names.h). A result without a name of its own has a file. */
static bool takes_stdout(const struct options *options)
{
    bool takes = options_value(options, "html") && strcmp(options_value(options, "html"), "-") == 0;
    takes |= options_value(options, "result-filename") && strcmp(options_value(options, "result-filename"), "-") == 0;
    for (int i = 0; i < REPLAY_OUTPUTS; i++) {
        const char *path = options_value(options, option_names[i]);
        takes |= path && strcmp(path, "-") == 0;
    }
    return takes;
}

/* Every option that may be repeated is walked in full, so that each value is checked and not only the last. */
enum status replay_outputs_parse(struct replay_outputs *outputs, const struct options *options, bool prints_block, struct diag *diag)
{
    *outputs = (struct replay_outputs){.options = options, .prints_block = prints_block};
    goodput_init(&outputs->goodput);
    latency_choice_init(&outputs->choice);
    const char *metrics = options_value(options, "percentile-metrics"), *percentiles = options_value(options, "metric-percentiles"), *text;
    if (check_needs(options, diag) != SIM_OK || (metrics && latency_choice_metrics(&outputs->choice, metrics, diag) != SIM_OK) ||
        (percentiles && latency_choice_percentiles(&outputs->choice, percentiles, diag) != SIM_OK))
        return diag->status;
    for (uint32_t next = 0; (text = options_next(options, "goodput", &next)) != NULL;)
        if (goodput_parse(&outputs->goodput, text, diag) != SIM_OK)
            return diag->status;
    for (uint32_t next = 0; (text = options_next(options, "metadata", &next)) != NULL;)
        if (parse_metadata(outputs, text, diag) != SIM_OK)
            return diag->status;
    outputs->takes_stdout = takes_stdout(options);
    enum status status = replica_outputs_parse(&outputs->replicas, options, diag);
    return status == SIM_OK ? parse_format(outputs, diag) : status;
}

/* --- before the replay ------------------------------------------------------------------------------------------------------------ */

/* The decision log writes to a sink, not to a file, so that tests can read it from memory. This sink is the file. */
static enum status write_log(void *self, const char *text, size_t length, struct diag *diag)
{
    return text_writer_write(self, text, length, diag);
}

static enum status open_decisions(struct replay_outputs *outputs, const struct run *run, struct diag *diag)
{
    const struct log_sink sink = {.self = outputs->writers[OUTPUT_DECISIONS], .write = write_log};
    struct decision_log_options how;
    enum status status = decision_log_options_for(run->config, options_has(outputs->options, "tables"), &how, diag);
    return status == SIM_OK ? decision_log_create(&run->metrics, &how, &sink, &outputs->log, diag) : status;
}

/* All files are opened before any of them is written: a folder that does not exist shows before the replay and not after an hour of it. The
 * result's file may have no name on the command line. On a failure the writers that are open already are discarded by
 * replay_outputs_close(); no target file has changed. */
static enum status open_files(struct replay_outputs *outputs, const struct run *run, struct diag *diag)
{
    const struct options *options = outputs->options;
    char result_path[CONFIG_PATH_SIZE];
    if (options_has(options, "save-result") &&
        (name_result(options, run, result_path, diag) != SIM_OK || output_names_check(options, result_path, run->config, diag) != SIM_OK))
        return diag->status;
    for (int i = 0; i < REPLAY_OUTPUTS; i++) {
        if (!options_has(options, option_names[i]))
            continue;
        const char *path = i == OUTPUT_RESULT ? result_path : options_value(options, option_names[i]);
        if (text_writer_open(path, &outputs->writers[i], diag) != SIM_OK)
            return diag->status;
    }
    return SIM_OK;
}

/* Observers are added only for requested outputs, because the engine pays for what its observers need: the decision log and the step log
 * force the step-by-step engine. An observer that could not be created is in the list, too, but the caller stops at the status. Observers
 * do not see each other, so their order does not matter. */
enum status replay_outputs_open(struct replay_outputs *outputs, struct run *run, struct observer observers[REPLAY_OBSERVERS_MOST],
                                size_t *count, struct diag *diag)
{
    *count = 0;
    enum status status = open_files(outputs, run, diag);
    if (status == SIM_OK && options_has(outputs->options, "save-detailed")) {
        status = token_times_init(&outputs->times, run->trace, diag);
        if (status == SIM_OK && run->model)
            stream_pauses_init(&outputs->times.pauses, &run->model->config);
        observers[(*count)++] = token_times_observer(&outputs->times);
    }
    if (status == SIM_OK && run->fleet) {
        run->fleet->keeps_courses = picture_files_wanted(outputs->options);
        return replica_outputs_open(&outputs->replicas, run->fleet, diag);
    }
    if (status == SIM_OK && picture_files_wanted(outputs->options)) {
        status = replay_course_init(&outputs->course, run->trace, run->config, diag);
        observers[(*count)++] = replay_course_observer(&outputs->course);
    }
    if (status == SIM_OK && outputs->writers[OUTPUT_PROMETHEUS])
        observers[(*count)++] = prometheus_observer(&outputs->prometheus);
    if (status == SIM_OK && outputs->writers[OUTPUT_PERFETTO]) {
        status = chrome_trace_create(&run->metrics, run->config, outputs->writers[OUTPUT_PERFETTO], &outputs->chrome, diag);
        observers[(*count)++] = chrome_trace_observer(outputs->chrome);
    }
    if (status == SIM_OK && outputs->writers[OUTPUT_DECISIONS]) {
        status = open_decisions(outputs, run, diag);
        observers[(*count)++] = decision_log_observer(outputs->log);
    }
    if (status == SIM_OK && outputs->writers[OUTPUT_STEPS]) {
        status = step_log_begin(outputs->writers[OUTPUT_STEPS], diag);
        observers[(*count)++] = step_log_observer(outputs->writers[OUTPUT_STEPS]);
    }
    return status;
}

/* --- after the replay ------------------------------------------------------------------------------------------------------------- */

/* The report has the usual percentiles. Others cost another pass over all latencies, so they are computed only if an output shows them. */
enum status replay_outputs_wish(const struct replay_outputs *outputs, struct figure_wishes *wishes, struct diag *diag)
{
    const struct options *options = outputs->options;
    const bool asked = options_has(options, "percentile-metrics") || options_has(options, "metric-percentiles") ||
                       options_has(options, "save-result") || outputs->prints_block;
    return asked ? latency_choice_wish(&outputs->choice, wishes, diag) : SIM_OK;
}

static struct bench_result result_of(const struct replay_outputs *outputs, const struct run *run)
{
    return (struct bench_result){.run = run,
                                 .choice = &outputs->choice,
                                 .times = outputs->times.trace ? &outputs->times : NULL,
                                 .metadata = outputs->metadata,
                                 .metadata_count = outputs->metadata_count};
}

enum status replay_outputs_block(const struct replay_outputs *outputs, const struct run *run, struct document *document, struct diag *diag)
{
    const struct bench_result result = result_of(outputs, run);
    return bench_result_lines(&result, document, diag);
}

/* A writer is set to NULL once it is committed, as commit frees it and close() would free it again. If a later commit fails, files before
 * it have been replaced; a set of files cannot be renamed as one. */
enum status replay_outputs_write(struct replay_outputs *outputs, const struct run *run, struct diag *diag)
{
    const struct bench_result result = result_of(outputs, run);
    enum status status = SIM_OK;
    struct request_servers servers = {0};
    if (run->fleet)
        servers = (struct request_servers){.answered_by = run->fleet->answered_by,
                                           .prefilled_by = run->fleet->prefilled_by,
                                           .routing_wait_ns = run->fleet->routing_wait_ns};
    if (outputs->writers[OUTPUT_RESULT])
        status = bench_result_write(&result, outputs->writers[OUTPUT_RESULT], diag);
    if (status == SIM_OK && outputs->writers[OUTPUT_PER_REQUEST])
        status = per_request_write(&run->metrics, run->fleet ? &servers : NULL, outputs->per_request_format,
                                   outputs->writers[OUTPUT_PER_REQUEST], diag);
    if (status == SIM_OK && outputs->writers[OUTPUT_PROMETHEUS])
        status = prometheus_write(&outputs->prometheus, &run->metrics, run->config, outputs->writers[OUTPUT_PROMETHEUS], diag);
    /* Only when all are complete are they renamed: a failure leaves the old files. */
    for (int i = 0; i < REPLAY_OUTPUTS && status == SIM_OK; i++)
        if (outputs->writers[i]) {
            status = text_writer_commit(outputs->writers[i], diag);
            outputs->writers[i] = NULL;
        }
    return status;
}

void replay_outputs_close(struct replay_outputs *outputs)
{
    for (int i = 0; i < REPLAY_OUTPUTS; i++)
        text_writer_discard(outputs->writers[i]);
    token_times_deinit(&outputs->times);
    replay_course_deinit(&outputs->course);
    chrome_trace_destroy(outputs->chrome);
    decision_log_destroy(outputs->log);
    *outputs = (struct replay_outputs){0};
}
