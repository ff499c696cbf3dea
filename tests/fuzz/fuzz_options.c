/* fuzz_options.c - command lines: the first line names the command, every other one is a word. Everything that is checked before a file is
 * opened is done: parsing, the configuration, forms of output, reading, workloads, requirements, points of a sweep. Words with a slash are
 * left out, so that no input reads or writes files of the machine. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/command.h"
#include "command/generate_options.h"
#include "command/requirements.h"
#include "config/config_keys.h"
#include "fuzz/harness.h"
#include "generate/generate.h"
#include "study/sweep_plan.h"
#include "study/tune_plan.h"
#include "trace/trace_edit.h"

enum { WORDS_MOST = 300, WORD_SIZE = 400, INPUT_MOST = 1 << 14, VARY_MOST = 16, REQUESTS_MOST = 20, POINTS_CHECKED = 3 };

static const struct option_spec generate_options[] = {GENERATE_OPTIONS, {"seed", "N", ""}};
static const struct command command_generate = {.name = "trace gen", .usage = "", .description = "", OPTIONS(generate_options)};

static const struct command *const commands[] = {
    &command_replay,       &command_curve,       &command_compare,     &command_sweep,           &command_size,       &command_explain,
    &command_ledger,       &command_validate,    &command_fit,         &command_config,          &command_figures,    &command_tune,
    &command_capacity,     &command_trace_info,  &command_generate,    &command_trace_convert,   &command_trace_head, &command_trace_sample,
    &command_trace_filter, &command_trace_scale, &command_trace_merge, &command_trace_anonymise,
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static bool has(const struct options *options, const char *name)
{
    for (size_t i = 0; i < options->command->option_count; i++)
        if (strcmp(options->command->options[i].name, name) == 0)
            return true;
    return false;
}

/* --- parts ------------------------------------------------------------------------------------------------------------------------- */

/* A generated workload is drawn, if it is small: how long sessions may be is the user's choice. */
static void generate(const struct options *options)
{
    struct generate_spec spec = {0};
    struct diag diag = {0};
    const char *kind = options_value(options, "generate");
    if (!kind && options->positional_count > 0)
        kind = options->positional[0];
    enum status status = generate_options_read(options, kind, &spec, &diag);
    fuzz_check_diag(status, &diag);
    if (status == SIM_OK && spec.requests > REQUESTS_MOST)
        spec.requests = REQUESTS_MOST;
    char *text = NULL;
    size_t length = 0;
    FILE *file = status == SIM_OK ? open_memstream(&text, &length) : NULL;
    if (file) {
        fuzz_check_diag(generate_write(&spec, file, &diag), &diag);
        fclose(file);
    }
    if (file && diag.status == SIM_OK) {
        const struct trace_selection all = trace_select_all();
        struct trace *trace;
        FUZZ_CHECK(trace_load(fuzz_file("generated", text, length), &all, &trace, &diag) == SIM_OK, "what was generated cannot be read: %s",
                   diag.text);
        FUZZ_CHECK(trace->count == spec.requests, "%u requests instead of %u", trace->count, spec.requests);
        trace_destroy(trace);
    }
    free(text);
    generate_spec_deinit(&spec);
}

static bool names_files(const struct config_option *options, uint32_t count)
{
    bool negated;
    for (uint32_t i = 0; i < count; i++) {
        const struct config_key *key = config_find_option(options[i].name, &negated);
        if (key && key->type == KEY_PATH)
            return true;
    }
    return false;
}

static void plan_sweep(const struct options *options)
{
    const char *vary[VARY_MOST], *value;
    struct sweep_plan plan = {.base = options->config, .base_count = options->config_count};
    struct sweep_request request = {.vary = vary, .zip = options_has(options, "mode"), .replicates = 2};
    struct diag diag = {0};
    uint32_t next = 0;
    while (request.vary_count < VARY_MOST && (value = options_next(options, "vary", &next)) != NULL)
        vary[request.vary_count++] = value;
    if (request.vary_count == 0)
        return;
    enum status status = sweep_plan_make(&plan, &request, &diag);
    fuzz_check_diag(status, &diag);
    bool files = names_files(options->config, options->config_count);
    for (uint32_t key = 0; key < plan.varied.count; key++)
        files = files || plan.varied.list[key]->type == KEY_PATH;
    for (size_t point = 0; status == SIM_OK && !files && point < plan.point_count && point < POINTS_CHECKED; point++) {
        struct config config;
        char text[WORD_SIZE];
        sweep_plan_describe(&plan, point, text, sizeof text);
        diag_clear(&diag);
        fuzz_check_diag(sweep_plan_config(&plan, point, &config, &diag), &diag);
    }
    sweep_plan_deinit(&plan);
}

static void plan_tune(const struct options *options)
{
    const char *tune[VARY_MOST], *value;
    struct tune_plan plan = {.points = {.base = options->config, .base_count = options->config_count}};
    struct config config;
    struct diag diag = {0};
    size_t count = 0;
    uint32_t next = 0;
    config_defaults(SCHEDULER_VLLM_V1, &config);
    while (count < VARY_MOST && (value = options_next(options, "tune", &next)) != NULL)
        tune[count++] = value;
    enum status status = tune_plan_make(&plan, tune, count, &config, &diag);
    fuzz_check_diag(status, &diag);
    for (size_t point = 0; status == SIM_OK && point < plan.points.point_count; point++)
        for (uint32_t key = 0; key < plan.points.varied.count; key++)
            FUZZ_CHECK(tune_with(&plan, point, key, tune_digit(&plan, point, key)) == point, "a digit is not itself");
    tune_plan_deinit(&plan);
}

/* A command's own checks. Sweep's read the trace; generate has none outside of cmd_trace.c. */
static void read_job(const struct options *options)
{
    const struct command *command = options->command;
    struct diag diag = {0};
    struct output_form form;
    if (command->tables[0])
        fuzz_check_diag(output_form_read(options, &form, &diag), &diag);
    if (!command->read || command == &command_sweep || diag.status != SIM_OK)
        return;
    struct call *call = calloc(1, command->job_size ? command->job_size : sizeof *call);
    FUZZ_CHECK(call, "out of memory");
    call->options = *options;
    call->form = form;
    fuzz_check_diag(command->read(call, &diag), &diag);
    if (command->close)
        command->close(call);
    input_close(&call->input);
    free(call);
}

static void read_parts(const struct options *options)
{
    struct trace_selection selection = trace_select_all();
    struct read_names names;
    struct diag diag = {0};
    if (has(options, "n-every"))
        fuzz_check_diag(input_selection(options, &selection, &names, &diag), &diag);
    else if (has(options, "columns"))
        fuzz_check_diag(read_options_take(options, &selection, &names, &diag), &diag);
    diag_clear(&diag);
    if (has(options, "require") && options->command != &command_compare) {
        struct requirements *requirements = calloc(1, sizeof *requirements);
        struct figure_wishes wishes = {0};
        FUZZ_CHECK(requirements, "out of memory");
        fuzz_check_diag(requirements_read(options, UINT_MAX, requirements, &wishes, &diag), &diag);
        free(requirements);
    }
    if (has(options, "sharing") && (options->command == &command_generate || options_has(options, "generate")))
        generate(options);
    if (has(options, "tune"))
        plan_tune(options);
    if (has(options, "vary"))
        plan_sweep(options);
}

static void read_config(const struct options *options)
{
    struct diag diag = {0};
    struct config config;
    if (names_files(options->config, options->config_count))
        return;
    const enum status status = config_load(NULL, options->config, options->config_count, &config, &diag);
    fuzz_check_diag(status, &diag);
    if (status != SIM_OK)
        return;
    struct sizing sizing;
    fuzz_check_diag(sizing_fill(&config, &sizing, &diag), &diag);
}

/* --- the line that reproduces a result ------------------------------------------------------------------------------------------------ */

/* Words of a line that a shell would read: quotes '...' and \', blanks between words. Cuts in place. */
static int split(char *line, char **words)
{
    int count = 0;
    char *from = line, *to = line;
    while (*from && count < 2 * WORDS_MOST) {
        while (*from == ' ')
            from++;
        if (!*from)
            break;
        words[count++] = to;
        for (bool quoted = false; *from && (quoted || *from != ' '); from++) {
            if (*from == '\'')
                quoted = !quoted;
            else
                *to++ = !quoted && *from == '\\' && from[1] ? *++from : *from;
        }
        if (*from)
            from++;
        *to++ = '\0';
    }
    return count;
}

/* The line reads back to options that write the same line. */
static void check_command_line(const struct options *options)
{
    struct diag diag = {0};
    static char *words[2 * WORDS_MOST];
    char *line = options_command_line(options), *again = line ? strdup(line) : NULL;
    struct options *second = calloc(1, sizeof *second);
    FUZZ_CHECK(line && again && second, "out of memory");
    const int count = split(again, words);
    int names = 1; /* "pagesim", and the words of the command's name but the last, which stands for the program's own */
    for (const char *space = options->command->name; (space = strchr(space, ' ')) != NULL; space++)
        names++;
    FUZZ_CHECK(count > names, "no command in %s", line);
    FUZZ_CHECK(options_parse(options->command, count - names, words + names, second, &diag) == SIM_OK, "%s: %s", line, diag.text);
    char *repeated = options_command_line(second);
    FUZZ_CHECK(repeated && strcmp(line, repeated) == 0, "%s\nbecomes\n%s", line, repeated);
    free(repeated);
    free(second);
    free(again);
    free(line);
}

/* --- the whole ---------------------------------------------------------------------------------------------------------------------- */

static void run_line(const struct command *command, int count, char **words)
{
    struct diag diag = {0};
    struct options *options = calloc(1, sizeof *options);
    FUZZ_CHECK(options, "out of memory");
    const enum status status = options_parse(command, count, words, options, &diag);
    fuzz_check_diag(status, &diag);
    if (status == SIM_OK && !options->help) {
        check_command_line(options);
        if (command->takes_config)
            read_config(options);
        read_parts(options);
        read_job(options);
    }
    free(options);
}

/* Warnings are not what is looked at, and there are thousands a second. */
static void silence(void)
{
    static FILE *nowhere;
    if (!nowhere)
        nowhere = fopen("/dev/null", "w");
    if (nowhere)
        stderr = nowhere;
}

static bool stays_inside(const char *word)
{
    const size_t length = strlen(word);
    return !strchr(word, '/') && strcmp(word, "-") != 0 && (length < 2 || strcmp(word + length - 2, "=-") != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char texts[WORDS_MOST][WORD_SIZE];
    char *words[WORDS_MOST + 1];
    struct fuzz_bytes bytes = {data, size};
    const struct command *command = NULL;
    int count = 1;
    if (size > INPUT_MOST)
        return 0;
    silence();
    fuzz_line(&bytes, texts[0], WORD_SIZE);
    words[0] = texts[0];
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i]->name, texts[0]) == 0)
            command = commands[i];
    if (!command)
        command = commands[(unsigned char)texts[0][0] % COMMANDS];
    while (bytes.left > 0 && count < WORDS_MOST) {
        fuzz_line(&bytes, texts[count], WORD_SIZE);
        if (stays_inside(texts[count])) {
            words[count] = texts[count];
            count++;
        }
    }
    words[count] = NULL;
    run_line(command, count, words);
    return 0;
}
