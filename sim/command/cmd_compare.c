/* cmd_compare.c - `pagesim compare`: two configurations on the same trace, and where, for whom and how much they differ. Reads the two
 * sides and the options; what is compared is in study/compare_runs.h, what is told of it in report/compare_report.h.
 *
 * Both sides start from the same command line and differ by --a and --b, or by their files. Nothing may differ that is not a configuration
 * key: the requests are read once, also where a configuration would draw others, as a comparison of two workloads says nothing about two
 * schedulers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/nearest_name.h"
#include "base/progress.h"
#include "command/command.h"
#include "command/interrupt.h"
#include "command/requirements.h"
#include "config/config_keys.h"
#include "report/compare_report.h"

static const struct option_spec own_options[] = {
    INPUT_OPTIONS,
    OUTPUT_OPTIONS,
    {"a", "KEY=VALUE", "a setting of A alone, as in block_size=16; may be repeated", OPTION_AGAIN},
    {"b", "KEY=VALUE", "a setting of B alone; may be repeated", OPTION_AGAIN},
    {"by", "LATENCY", "rank requests by ttft, tpot, e2el or queue [e2el]"},
    {"top", "N", "how many winners and losers to name [5]"},
    {"starve-factor", "K", "starving: waits longer than K times the median wait [10]"},
    {"require", "R", "exit 4 unless it holds, as in delta_p99_ttft_ms<=0; may be repeated", OPTION_AGAIN},
    ALLOW_DROPPED_OPTION,
    {"threads", "N", "threads that replay, two at most [OMP_NUM_THREADS, or all cores]"},
    {"quiet", NULL, "no warnings and no progress bar"},
};

enum { SETTING_SIZE = 1024 };

/* Everything one comparison needs; settings of a side are options with texts of their own. settings and texts serve one side after the
 * other: config_load() copies what it reads. */
struct job {
    struct call call; /* its input has the trace alone, once for both sides */
    struct requirements requirements;
    struct figure_wishes wishes;
    struct comparison comparison;
    struct compare_view view;
    struct progress progress;
    uint64_t finished[2], total[2]; /* requests of each side */
    struct config_option settings[OPTIONS_MOST];
    char texts[OPTIONS_MOST][SETTING_SIZE];
};

/* Keys are spelled as in configuration files here, block_size, not as the options that they are turned into. The list of names is made anew
 * for each message; it is an error path and runs once. */
static enum status unknown_key(const char *side, const char *name, struct diag *diag)
{
    static char spellings[128][96];
    const char *names[128];
    size_t count = 0;
    for (size_t i = 0; i < config_key_count && count < 128; i++, count++) {
        config_option_name(&config_keys[i], spellings[count], sizeof spellings[count]);
        for (char *c = spellings[count]; *c; c++)
            *c = *c == '-' ? '_' : *c;
        names[count] = spellings[count];
    }
    const char *near = nearest_name(name, names, count);
    return diag_set(diag, SIM_USAGE, "--%s: there is no configuration key \"%s\"%s%s%s", side, name, near ? "; did you mean \"" : "",
                    near ? near : "; `pagesim config show` lists them", near ? "\"?" : "");
}

/* "block_size=16" as the option it stands for. The text is copied because the '=' becomes the end of the name; command lines themselves are
 * told again in the report and must stay whole. */
static enum status read_setting(const char *side, const char *setting, char *text, struct config_option *out, struct diag *diag)
{
    const char *equals = strchr(setting, '=');
    bool negated;
    if (!equals || equals == setting || strlen(setting) >= SETTING_SIZE)
        return diag_set(diag, SIM_USAGE, "--%s %s: must be KEY=VALUE, as in block_size=16", side, setting);
    memcpy(text, setting, strlen(setting) + 1);
    text[equals - setting] = '\0';
    const struct config_key *key = config_find_option(text, &negated);
    if (!key)
        return unknown_key(side, text, diag);
    *out = (struct config_option){.name = text, .value = text + (equals - setting) + 1};
    return SIM_OK;
}

/* An error with the side that it is about in front. Two configurations are checked with the same messages, and "block_size must be ..."
 * alone would leave open which one. */
static enum status of_side(int side, enum status status, const struct diag *own, struct diag *diag)
{
    return status == SIM_OK ? SIM_OK : diag_set(diag, status, "%c: %s", 'A' + side, own->text);
}

/* The configuration of one side: its file (or the common one), options for both, then its own --a or --b, each overriding those before.
 * Sizing comes after all settings, so a side may get its pool from another model or GPU than the other. */
static enum status load_side(struct job *job, int side, struct diag *diag)
{
    const struct options *options = &job->call.options;
    const char *letter = side ? "b" : "a", *setting;
    const char *path = options->positional_count ? options->positional[side] : options_value(options, "config");
    struct config *config = &job->comparison.sides[side].config;
    struct sizing sizing;
    struct diag own = {0};
    uint32_t count = options->config_count, next = 0;
    memcpy(job->settings, options->config, count * sizeof *job->settings);
    for (; (setting = options_next(options, letter, &next)) != NULL; count++) {
        if (count == OPTIONS_MOST)
            return diag_set(diag, SIM_USAGE, "more than %d settings; put some into a configuration file", OPTIONS_MOST);
        if (read_setting(letter, setting, job->texts[count], &job->settings[count], diag) != SIM_OK)
            return diag->status;
    }
    enum status status = config_load(path, job->settings, count, config, &own);
    if (status == SIM_OK)
        status = sizing_fill(config, &sizing, &own);
    config->data_plane = DATA_PLANE_OFF; /* moves bytes, decides nothing */
    return of_side(side, status, &own, diag);
}

/* What holds for both sides is told once. */
static enum status tell_advice(const struct job *job, struct diag *diag)
{
    struct advice a, b, both;
    const struct trace *trace = job->call.input.trace;
    advice_collect(&job->comparison.sides[0].config, trace, ADVICE_ALL, &a);
    advice_collect(&job->comparison.sides[1].config, trace, ADVICE_ALL, &b);
    advice_split(&a, &b, &both);
    enum status status = warning_tell_advice(&job->call.options, "", &both, diag);
    if (status == SIM_OK)
        status = warning_tell_advice(&job->call.options, "A: ", &a, diag);
    return status == SIM_OK ? warning_tell_advice(&job->call.options, "B: ", &b, diag) : status;
}

/* The requests, once for both; drawn ones are drawn as A says. A data set that is drawn depends on a configuration: the seed, and
 * trace_block_size and the request rate that it sets. B takes over what A's reading set, so that both sides replay the same requests. A
 * rate that B has of its own stays: arrivals are drawn for each run (workload.h), and to compare rates is a fair use. */
static enum status take_requests(struct job *job, struct diag *diag)
{
    const struct options *options = &job->call.options;
    struct config *a = &job->comparison.sides[0].config, *b = &job->comparison.sides[1].config;
    struct trace **trace = &job->call.input.trace;
    enum status status = input_take_requests(options, a, trace, diag);
    for (int side = 0; side < 2 && status == SIM_OK; side++)
        status = input_settle(options, *trace, side ? b : a, diag);
    if (status == SIM_OK && options_has(options, "dataset-name")) {
        b->trace_block_size = a->trace_block_size;
        if (!(b->request_rate > 0) && !b->ramp_up_strategy[0])
            b->request_rate = a->request_rate;
    }
    job->comparison.trace = *trace;
    return status == SIM_OK ? tell_advice(job, diag) : status;
}

/* --require before anything is replayed: the figure after a_, b_ or delta_ must be one that the side (both sides) will have. A bare name of
 * a figure of one run is refused and not taken for a difference: "p99_ttft_ms<500" would hold for any two runs that are alike. Figures that
 * belong to the comparison itself need no prefix. */
static enum status read_requirements(struct job *job, struct diag *diag)
{
    const struct comparison *comparison = &job->comparison;
    struct requirement *requirement;
    uint32_t next = 0;
    while ((requirement = requirements_next(&job->call.options, &job->requirements, &next, diag)) != NULL) {
        const char *figure;
        const enum comparison_part part = comparison_split_name(requirement->name, &figure);
        struct diag ignored = {0};
        if (part == COMPARISON_WHOLE && figure_check_name("", figure, comparison_scopes(comparison, COMPARISON_A), &ignored) == SIM_OK)
            return diag_set(diag, SIM_USAGE, "requirement \"%s\": whose %s? write a_, b_ or delta_ (B - A) before it", requirement->text,
                            figure);
        if (requirements_resolve(&job->call.options, requirement, figure, comparison_scopes(comparison, part), diag) != SIM_OK ||
            figure_wish(&job->wishes, figure, diag) != SIM_OK)
            break;
    }
    return diag->status;
}

/* Requests that were not served on the sides that a requirement speaks of. */
static double unserved(const struct comparison *comparison, const char *name)
{
    const char *figure;
    const enum comparison_part part = comparison_split_name(name, &figure);
    double count = 0;
    for (int side = 0; side < 2; side++)
        if (part != (side ? COMPARISON_A : COMPARISON_B))
            count += run_figure(&comparison->sides[side].run, "unserved");
    return count;
}

/* Values of exactly the figures that are required, under the names that the user wrote. The set is put together here because requirements
 * name figures of two runs and of the comparison, while requirements_judge() looks in one set. Counts of requests are of both sides
 * together; a requirement on the latency of a side that served all of its own is judged like any other. */
static enum status judge_requirements(struct job *job, struct diag *diag)
{
    static const char *const counts[] = {"requests", "dropped", "unserved"};
    const struct comparison *comparison = &job->comparison;
    struct figure_set *wanted;
    enum status status = array_zeroed(&wanted, 1, sizeof *wanted, "requirements", diag);
    if (status != SIM_OK)
        return status;
    for (size_t i = 0; i < job->requirements.count; i++) {
        struct requirement *requirement = &job->requirements.list[i];
        figure_set_add(wanted, &(struct figure_kind){.name = requirement->name}, comparison_figure(comparison, requirement->name));
        requirement->of_latency = requirement->of_latency && unserved(comparison, requirement->name) > 0;
    }
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        figure_set_put(wanted, counts[i],
                       run_figure(&comparison->sides[0].run, counts[i]) + run_figure(&comparison->sides[1].run, counts[i]));
    status = requirements_judge(&job->requirements, wanted, diag);
    free(wanted);
    return status;
}

/* Told after the report: a stall or an abort on either side, then what was required. A run that stalled is told before requirements: its
 * figures cover a part of the trace only, and a requirement that they meet would mean little. */
static enum status judge(struct job *job, struct diag *diag)
{
    for (int side = 0; side < 2; side++) {
        struct diag own = {0};
        enum status status = run_judge(&job->comparison.sides[side].run, &own);
        if (of_side(side, status, &own, diag) != SIM_OK)
            return status;
    }
    return judge_requirements(job, diag);
}

/* ITL has many values a request, so requests cannot be ranked by it. Errors do not return at once: diag keeps the first one, and the rest
 * of the function is harmless. */
static enum status read_options(void *self, struct diag *diag)
{
    struct job *job = self;
    const struct options *options = &job->call.options;
    const char *by = options_value(options, "by");
    struct comparison *comparison = &job->comparison;
    comparison->ranked_by = by ? latency_find(by, (uint32_t)strlen(by)) : LATENCY_E2EL;
    if (comparison->ranked_by == LATENCIES || comparison->ranked_by == LATENCY_ITL || latency_of_client(comparison->ranked_by))
        diag_set(diag, SIM_USAGE, "--by %s: must be ttft, tpot, e2el or queue", by);
    job->view = (struct compare_view){.comparison = comparison, .names = {"", ""}};
    job->view.top = (uint32_t)options_uint(options, "top", 0, 1000000, 5, diag);
    comparison->factor = options_double(options, "starve-factor", 1e-3, 1e9, 10, diag);
    comparison->wishes = &job->wishes;
    input_threads(options, diag);
    if (options->positional_count != 0 && options->positional_count != 2)
        diag_set(diag, SIM_USAGE, "give two configuration files, or none and --a, --b; there %s %u",
                 options->positional_count == 1 ? "is" : "are", options->positional_count);
    if (options->positional_count == 2 && options_has(options, "config"))
        diag_set(diag, SIM_USAGE, "--config stands for both sides; with two files it has no place");
    return diag->status;
}

/* One bar for both sides. Each tells its own part, so they take turns, where anybody looks. */
static bool on_progress(void *context, size_t side, uint64_t finished, uint64_t total)
{
    struct job *job = context;
    if (job->progress.watched) {
#pragma omp critical(compare_progress)
        {
            job->finished[side] = finished;
            job->total[side] = total;
            progress_update(&job->progress, job->finished[0] + job->finished[1], job->total[0] + job->total[1]);
        }
    }
    return interrupted != 0;
}

static enum status replay(struct job *job, struct diag *diag)
{
    job->comparison.progress = on_progress;
    job->comparison.progress_context = job;
    progress_start(&job->progress, "compare", options_has(&job->call.options, "quiet"));
    enum status status = comparison_make(&job->comparison, diag);
    progress_end(&job->progress);
    return status;
}

/* The frame opens no input for this command (INPUT_OWN), because it would load one configuration; the trace is put into the call's input
 * all the same, so that the frame closes it. */
static enum status run(void *self, struct diag *diag)
{
    struct job *job = self;
    const struct options *options = &job->call.options;
    for (int side = 0; side < 2; side++) {
        if (load_side(job, side, diag) != SIM_OK)
            return diag->status;
        if (options->positional_count == 2)
            job->view.names[side] = options->positional[side];
    }
    if (read_requirements(job, diag) != SIM_OK || take_requests(job, diag) != SIM_OK || replay(job, diag) != SIM_OK)
        return diag->status;
    const struct document_origin origin = output_origin(options, job->comparison.trace->name, NULL);
    enum status status = output_document(&job->call.form, compare_report(&job->view, &origin), diag);
    return status == SIM_OK ? judge(job, diag) : status;
}

static void close_job(void *self)
{
    comparison_free(&((struct job *)self)->comparison);
}

const struct command command_compare = {
    .name = "compare",
    .usage = "pagesim compare [A.json B.json] --trace FILE [--a K=V] [--b K=V]",
    .description = "Replay a trace under two configurations: the first decision that differs, gains\n"
                   "and losses of each request, who starves, fairness, memory. A and B are two\n"
                   "files, or one configuration (--config and options) with --a and --b; options\n"
                   "hold for both. --require knows a_NAME, b_NAME and delta_NAME (B - A) of every\n"
                   "figure, and those of the comparison itself; `pagesim figures` lists both.\n"
                   "Tables: requests, figures, latencies, winners_and_losers,\n"
                   "decisions_that_differ, keys_that_differ.\n",
    OPTIONS(own_options),
    .takes_config = true,
    .examples = "  pagesim compare a.json b.json --trace azure.csv\n"
                "  pagesim compare --trace azure.csv --num-gpu-blocks 2000 \\\n"
                "      --b scheduling_policy=priority\n"
                "  pagesim compare --trace t.jsonl --a block_size=16 --a num_gpu_blocks=4000 \\\n"
                "      --b block_size=64 --b num_gpu_blocks=1000 --require 'worse_e2el<100'\n",
    .tables = {"per_request", "figures", "latencies", "winners_and_losers", "decisions_that_differ", "keys_that_differ"},
    .job_size = sizeof(struct job),
    .read = read_options,
    .run = run,
    .close = close_job,
};
