/* cmd_compare.c - `pagesim compare`: two to eight configurations on the same trace, and where, for whom and how much they differ. Reads the
 * sides and the options; what is compared is in study/compare_runs.h, what is told of it in report/compare_report.h.
 *
 * All sides start from the same command line and differ by --side, by --a and --b, or by their files. Nothing may differ that is not a
 * configuration key: the requests are read once, also where a configuration would draw others, as a comparison of two workloads says nothing about two
 * schedulers. */
#include <ctype.h>
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
    {"side", "NAME [FILE] K=V ...", "a side by name; may be repeated, and all are held against the first one", OPTION_WORDS},
    {"by", "LATENCY|KEY|CONDITIONS",
     "rank requests by ttft, tpot, e2el or queue [e2el]; also by class: input_length, output_length, priority, session, tenant, or as in "
     "input_length>4000; may be repeated",
     OPTION_AGAIN},
    {"top", "N", "how many winners and losers to name [5]"},
    {"starve-factor", "K", "starving: waits longer than K times the median wait [10]"},
    {"require", "R", "exit 4 unless it holds, as in delta_p99_ttft_ms<=0; may be repeated", OPTION_AGAIN},
    ALLOW_DROPPED_OPTION,
    {"threads", "N", "threads that replay, one a side at most [OMP_NUM_THREADS, or all cores]"},
    {"quiet", NULL, "no warnings and no progress bar"},
};

enum { SETTING_SIZE = 1024, SIDE_SETTINGS_MOST = 128 };

/* What the command line says of one side, before any file is read. */
struct side_words {
    char option[COMPARE_NAME_SIZE + 8]; /* what messages call it: "--a", "--side fcfs" */
    const char *path;                   /* its own file; NULL: none */
    const char *settings[SIDE_SETTINGS_MOST];
    size_t count;
    char split[SETTING_SIZE]; /* of --side 'NAME K=V': its words */
};

/* Everything one comparison needs; settings of a side are options with texts of their own. settings and texts serve one side after the
 * other: config_load() copies what it reads. */
struct job {
    struct call call; /* its input has the trace alone, once for all sides */
    struct requirements requirements;
    struct figure_wishes wishes;
    struct priority_rules rules[COMPARE_SORTINGS_MOST]; /* of --by */
    struct side_words words[COMPARE_SIDES_MOST];
    struct comparison comparison;
    struct compare_view view;
    struct progress progress;
    uint64_t finished[COMPARE_SIDES_MOST], total[COMPARE_SIDES_MOST]; /* requests of each side */
    struct config_option settings[OPTIONS_MOST];
    char texts[SIDE_SETTINGS_MOST][SETTING_SIZE];
};

/* --- which sides there are -------------------------------------------------------------------------------------------------------- */

static enum status add_setting(struct side_words *words, const char *setting, struct diag *diag)
{
    if (words->count == SIDE_SETTINGS_MOST)
        return diag_set(diag, SIM_USAGE, "%s: more than %d settings; put some into a configuration file", words->option,
                        SIDE_SETTINGS_MOST);
    words->settings[words->count++] = setting;
    return SIM_OK;
}

/* Names are prefixes of figures and columns of tables, and must not be what these have anyway. */
static enum status check_side_name(const struct comparison *comparison, size_t side, const char *name, struct diag *diag)
{
    static const char *const taken[] = {"delta", "figure", "key"};
    size_t length = 0;
    while (isalnum((unsigned char)name[length]) || name[length] == '_')
        length++;
    if (length == 0 || name[length] != '\0' || isdigit((unsigned char)name[0]) || length >= COMPARE_NAME_SIZE)
        return diag_set(diag, SIM_USAGE, "--side %s: a name is a letter and then letters, digits and _, %d at most", name,
                        COMPARE_NAME_SIZE - 1);
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (strcmp(name, taken[i]) == 0)
            return diag_set(diag, SIM_USAGE, "--side %s: the report has another use for this name; take another one", name);
    for (size_t i = 0; i < side; i++)
        if (strcmp(name, comparison->sides[i].name) == 0)
            return diag_set(diag, SIM_USAGE, "--side %s: two sides have this name", name);
    return SIM_OK;
}

/* A setting has an equals sign, a file has not; one file at most. */
static enum status add_side_word(struct side_words *words, const char *word, struct diag *diag)
{
    if (strchr(word, '='))
        return add_setting(words, word, diag);
    if (words->path)
        return diag_set(diag, SIM_USAGE, "%s: %s is neither KEY=VALUE nor the only file", words->option, word);
    words->path = word;
    return SIM_OK;
}

/* Room for one more side. */
static struct side_words *new_side(struct job *job, struct diag *diag)
{
    if (job->comparison.count == COMPARE_SIDES_MOST) {
        diag_set(diag, SIM_USAGE, "more than %d sides", COMPARE_SIDES_MOST);
        return NULL;
    }
    return &job->words[job->comparison.count++];
}

/* --side NAME [FILE] KEY=VALUE ..., or the same as one argument, whose words have blanks between them. */
static enum status read_named_sides(struct job *job, struct diag *diag)
{
    struct comparison *comparison = &job->comparison;
    const char *text, *word;
    uint32_t next = 0;
    comparison->named = true;
    while ((text = options_next(&job->call.options, "side", &next)) != NULL) {
        struct side_words *words = new_side(job, diag);
        if (!words)
            return diag->status;
        struct compare_side *side = &comparison->sides[comparison->count - 1];
        char *rest = words->split;
        snprintf(words->split, sizeof words->split, "%s", text);
        const char *name = strtok_r(rest, " ", &rest);
        if (check_side_name(comparison, comparison->count - 1, name ? name : "", diag) != SIM_OK)
            return diag->status;
        snprintf(side->name, sizeof side->name, "%s", name);
        snprintf(words->option, sizeof words->option, "--side %s", name);
        while ((word = strtok_r(NULL, " ", &rest)) != NULL || (word = options_next_word(&job->call.options, &next)) != NULL)
            if (add_side_word(words, word, diag) != SIM_OK)
                return diag->status;
    }
    return comparison->count == 1 ? diag_set(diag, SIM_USAGE, "--side %s alone is nothing to compare; give two to %d",
                                             comparison->sides[0].name, COMPARE_SIDES_MOST)
                                  : SIM_OK;
}

/* "runs/small-pool.yaml" -> small_pool. Files that are called alike need --side, which names them. */
static enum status name_by_file(struct comparison *comparison, size_t side, const char *path, struct diag *diag)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path, *dot = strrchr(base, '.');
    const size_t length = dot && dot > base ? (size_t)(dot - base) : strlen(base);
    char *name = comparison->sides[side].name;
    snprintf(name, COMPARE_NAME_SIZE, "%.*s", (int)(length < COMPARE_NAME_SIZE ? length : COMPARE_NAME_SIZE - 1), base);
    for (char *c = name; *c; c++)
        *c = isalnum((unsigned char)*c) ? *c : '_';
    struct diag ignored = {0};
    if (check_side_name(comparison, side, name, &ignored) == SIM_OK)
        return SIM_OK;
    return diag_set(diag, SIM_USAGE, "%s: \"%s\" cannot be the name of this side, or is that of another; name it, as in --side NAME %s",
                    path, name, path);
}

/* Two files are A and B, as ever; more are called as the files are. --a and --b come on top of the first two. */
static enum status read_lettered_sides(struct job *job, struct diag *diag)
{
    static const char *const letters[] = {"a", "b"};
    const struct options *options = &job->call.options;
    struct comparison *comparison = &job->comparison;
    const uint32_t files = options->positional_count;
    const char *setting;
    comparison->named = files > 2;
    for (uint32_t i = 0; i < (files ? files : 2); i++) {
        struct side_words *words = new_side(job, diag);
        if (!words || (comparison->named && name_by_file(comparison, i, options->positional[i], diag) != SIM_OK))
            return diag->status;
        snprintf(words->option, sizeof words->option, "--%s", i < 2 ? letters[i] : "");
        words->path = files ? options->positional[i] : NULL;
        for (uint32_t next = 0; i < 2 && (setting = options_next(options, letters[i], &next)) != NULL;)
            if (add_setting(words, setting, diag) != SIM_OK)
                return diag->status;
    }
    return SIM_OK;
}

static enum status read_sides(struct job *job, struct diag *diag)
{
    const struct options *options = &job->call.options;
    const bool letters = options_has(options, "a") || options_has(options, "b"), named = options_has(options, "side");
    const uint32_t files = options->positional_count;
    if (named && letters)
        return diag_set(diag, SIM_USAGE, "--side does not go with --a and --b; name all sides with --side");
    if (named && files)
        return diag_set(diag, SIM_USAGE, "%s: with --side a file stands behind the name of its side", options->positional[0]);
    if (files == 1)
        return diag_set(diag, SIM_USAGE, "give two configuration files, or none and --a, --b; there is %u", files);
    if (files > 2 && letters)
        return diag_set(diag, SIM_USAGE, "--a and --b are for two sides; there are %u files", files);
    if (files && options_has(options, "config"))
        return diag_set(diag, SIM_USAGE, "--config stands for %s sides; with %s files it has no place", files == 2 ? "both" : "all",
                        files == 2 ? "two" : "several");
    return named ? read_named_sides(job, diag) : read_lettered_sides(job, diag);
}

/* --- configurations --------------------------------------------------------------------------------------------------------------- */

/* Keys are spelled as in configuration files here, block_size, not as the options that they are turned into. The list of names is made anew
 * for each message; it is an error path and runs once. */
static enum status unknown_key(const char *option, const char *name, struct diag *diag)
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
    return diag_set(diag, SIM_USAGE, "%s: there is no configuration key \"%s\"%s%s%s", option, name, near ? "; did you mean \"" : "",
                    near ? near : "; `pagesim config show` lists them", near ? "\"?" : "");
}

/* "block_size=16" as the option it stands for. The text is copied because the '=' becomes the end of the name; command lines themselves are
 * told again in the report and must stay whole. */
static enum status read_setting(const char *option, const char *setting, char *text, struct config_option *out, struct diag *diag)
{
    const char *equals = strchr(setting, '=');
    bool negated;
    if (!equals || equals == setting || strlen(setting) >= SETTING_SIZE)
        return diag_set(diag, SIM_USAGE, "%s %s: must be KEY=VALUE, as in block_size=16", option, setting);
    memcpy(text, setting, strlen(setting) + 1);
    text[equals - setting] = '\0';
    const struct config_key *key = config_find_option(text, &negated);
    if (!key)
        return unknown_key(option, text, diag);
    *out = (struct config_option){.name = text, .value = text + (equals - setting) + 1};
    return SIM_OK;
}

/* An error with the side that it is about in front. Configurations are checked with the same messages, and "block_size must be ..." alone
 * would leave open which one. */
static enum status of_side(const struct comparison *comparison, size_t side, enum status status, const struct diag *own, struct diag *diag)
{
    return status == SIM_OK ? SIM_OK : diag_set(diag, status, "%s: %s", comparison_name(comparison, side), own->text);
}

/* The configuration of one side: its file (or the common one), options for all, then its own settings, each overriding those before.
 * Sizing comes after all settings, so a side may get its pool from another model or GPU than the others. */
static enum status load_side(struct job *job, size_t side, struct diag *diag)
{
    const struct options *options = &job->call.options;
    const struct side_words *words = &job->words[side];
    struct config *config = &job->comparison.sides[side].config;
    struct sizing sizing;
    struct diag own = {0};
    uint32_t count = options->config_count;
    memcpy(job->settings, options->config, count * sizeof *job->settings);
    for (size_t i = 0; i < words->count; i++, count++) {
        if (count == OPTIONS_MOST)
            return diag_set(diag, SIM_USAGE, "more than %d settings; put some into a configuration file", OPTIONS_MOST);
        if (read_setting(words->option, words->settings[i], job->texts[i], &job->settings[count], diag) != SIM_OK)
            return diag->status;
    }
    enum status status = config_load(words->path ? words->path : options_value(options, "config"), job->settings, count, config, &own);
    if (status == SIM_OK)
        status = sizing_fill(config, &sizing, &own);
    config->data_plane = DATA_PLANE_OFF; /* moves bytes, decides nothing */
    return of_side(&job->comparison, side, status, &own, diag);
}

/* What holds for all sides is told once. */
static enum status tell_advice(const struct job *job, struct diag *diag)
{
    const struct comparison *comparison = &job->comparison;
    struct advice *each, all;
    char who[COMPARE_NAME_SIZE + 2];
    if (array_zeroed(&each, comparison->count, sizeof *each, "advice", diag) != SIM_OK)
        return diag->status;
    for (size_t i = 0; i < comparison->count; i++)
        advice_collect(&comparison->sides[i].config, job->call.input.trace, ADVICE_ALL, &each[i]);
    advice_split(each, comparison->count, &all);
    enum status status = warning_tell_advice(&job->call.options, "", &all, diag);
    for (size_t i = 0; i < comparison->count && status == SIM_OK; i++) {
        snprintf(who, sizeof who, "%s: ", comparison_name(comparison, i));
        status = warning_tell_advice(&job->call.options, who, &each[i], diag);
    }
    free(each);
    return status;
}

/* The requests, once for all; drawn ones are drawn as the first side says. A data set that is drawn depends on a configuration: the seed, and
 * trace_block_size and the request rate that it sets. The others take over what the first one's reading set, so that all sides replay the same
 * requests. A rate that a side has of its own stays: arrivals are drawn for each run (workload.h), and to compare rates is a fair use. */
static enum status take_requests(struct job *job, struct diag *diag)
{
    const struct options *options = &job->call.options;
    struct comparison *comparison = &job->comparison;
    struct config *first = &comparison->sides[0].config;
    struct trace **trace = &job->call.input.trace;
    enum status status = input_take_requests(options, first, trace, diag);
    for (size_t side = 0; side < comparison->count && status == SIM_OK; side++)
        status = input_settle(options, *trace, &comparison->sides[side].config, diag);
    for (size_t side = 1; side < comparison->count && status == SIM_OK && options_has(options, "dataset-name"); side++) {
        struct config *config = &comparison->sides[side].config;
        config->trace_block_size = first->trace_block_size;
        if (!(config->request_rate > 0) && !config->ramp_up_strategy[0])
            config->request_rate = first->request_rate;
    }
    comparison->trace = *trace;
    return status == SIM_OK ? tell_advice(job, diag) : status;
}

/* --- requirements ----------------------------------------------------------------------------------------------------------------- */

/* A bare name is refused and not taken for a difference: "p99_ttft_ms<500" would hold for any two runs that are alike. */
static enum status check_whole(const struct comparison *comparison, const struct requirement *requirement, const char *figure,
                               struct diag *diag)
{
    const struct comparison_figure_name last = {COMPARISON_SIDE, comparison->count - 1, figure};
    struct diag ignored = {0};
    if (figure_check_name("", figure, comparison_scopes(comparison, &last), &ignored) != SIM_OK)
        return SIM_OK; /* no side's; it may be the comparison's */
    if (!comparison->named)
        return diag_set(diag, SIM_USAGE, "requirement \"%s\": whose %s? write a_, b_ or delta_ (B - A) before it", requirement->text,
                        figure);
    if (strcmp(figure, "starving_above_ms") == 0)
        return SIM_OK;
    return diag_set(diag, SIM_USAGE,
                    "requirement \"%s\": whose %s? write the name of a side before it, as in %s_%s, or delta_%s_ (less %s)",
                    requirement->text, figure, last.side ? comparison->sides[last.side].name : "", figure,
                    comparison->sides[last.side].name, comparison->sides[0].name);
}

/* --require before anything is replayed: the figure after a prefix must be one that the side (both sides) will have. Figures that belong to
 * the comparison itself need no prefix where there are two sides. */
static enum status read_requirements(struct job *job, struct diag *diag)
{
    const struct comparison *comparison = &job->comparison;
    struct requirement *requirement;
    uint32_t next = 0;
    while ((requirement = requirements_next(&job->call.options, &job->requirements, &next, diag)) != NULL) {
        const struct comparison_figure_name name = comparison_split_name(comparison, requirement->name);
        if (name.part == COMPARISON_WHOLE && check_whole(comparison, requirement, name.figure, diag) != SIM_OK)
            break;
        if (requirements_resolve(&job->call.options, requirement, name.figure, comparison_scopes(comparison, &name), diag) != SIM_OK ||
            figure_wish(&job->wishes, name.figure, diag) != SIM_OK)
            break;
    }
    return diag->status;
}

/* Requests that were not served on the sides that a requirement speaks of: its own, and the first where it is held against that. */
static double unserved(const struct comparison *comparison, const char *name)
{
    const struct comparison_figure_name split = comparison_split_name(comparison, name);
    const struct compare_side *sides = comparison->sides;
    const bool alone = split.part == COMPARISON_SIDE && figure_set_find(&sides[split.side].run.figures, split.figure);
    const size_t side = split.part == COMPARISON_WHOLE ? 1 : split.side;
    return run_figure(&sides[side].run, "unserved") + (alone ? 0 : run_figure(&sides[0].run, "unserved"));
}

/* Values of exactly the figures that are required, under the names that the user wrote. The set is put together here because requirements
 * name figures of several runs and of the comparison, while requirements_judge() looks in one set. Counts of requests are of all sides
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
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        double sum = 0;
        for (size_t side = 0; side < comparison->count; side++)
            sum += run_figure(&comparison->sides[side].run, counts[i]);
        figure_set_put(wanted, counts[i], sum);
    }
    status = requirements_judge(&job->requirements, wanted, diag);
    free(wanted);
    return status;
}

/* Told after the report: a stall or an abort on any side, then what was required. A run that stalled is told before requirements: its
 * figures cover a part of the trace only, and a requirement that they meet would mean little. */
static enum status judge(struct job *job, struct diag *diag)
{
    for (size_t side = 0; side < job->comparison.count; side++) {
        struct diag own = {0};
        enum status status = run_judge(&job->comparison.sides[side].run, &own);
        if (of_side(&job->comparison, side, status, &own, diag) != SIM_OK)
            return status;
    }
    return judge_requirements(job, diag);
}

/* --- the command ------------------------------------------------------------------------------------------------------------------ */

/* A latency is what requests are ranked by, and classes differ in. ITL has many values a request, so it cannot be. */
static bool read_rank(struct comparison *comparison, const char *by)
{
    const enum latency latency = latency_find(by, (uint32_t)strlen(by));
    if (latency == LATENCIES || latency == LATENCY_ITL || latency_of_client(latency))
        return false;
    comparison->ranked_by = latency;
    return true;
}

static enum status read_by(struct job *job, const char *by, const char **rank, struct diag *diag)
{
    struct comparison *comparison = &job->comparison;
    struct compare_sorting *sorting = &comparison->sortings[comparison->sorting_count];
    if (read_rank(comparison, by)) {
        if (*rank && strcmp(*rank, by) != 0)
            return diag_set(diag, SIM_USAGE, "--by %s and --by %s: requests are ranked by one latency", *rank, by);
        *rank = by;
        return SIM_OK;
    }
    if (comparison->sorting_count == COMPARE_SORTINGS_MOST)
        return diag_set(diag, SIM_USAGE, "--by: at most %d ways to sort requests", COMPARE_SORTINGS_MOST);
    sorting->text = by;
    sorting->key = class_key_find(by);
    if (strpbrk(by, "<>=!")) {
        sorting->key = CLASS_BY_RULES;
        sorting->rules = &job->rules[comparison->sorting_count];
        if (priority_rules_parse_classes("--by", by, &job->rules[comparison->sorting_count], diag) != SIM_OK)
            return diag->status;
    } else if (sorting->key == CLASS_KEYS || sorting->key == CLASS_BY_PHASE) {
        return diag_set(
            diag, SIM_USAGE,
            "--by %s: must be ttft, tpot, e2el or queue, or a class of requests: input_length, output_length, priority, session, "
            "tenant, or conditions as in input_length>4000",
            by);
    }
    comparison->sorting_count++;
    return SIM_OK;
}

/* Errors do not return at once: diag keeps the first one, and the rest of the function is harmless. */
static enum status read_options(void *self, struct diag *diag)
{
    struct job *job = self;
    const struct options *options = &job->call.options;
    const char *by, *rank = NULL;
    uint32_t next = 0;
    struct comparison *comparison = &job->comparison;
    comparison->ranked_by = LATENCY_E2EL;
    while ((by = options_next(options, "by", &next)) != NULL)
        if (read_by(job, by, &rank, diag) != SIM_OK)
            return diag->status;
    if (read_sides(job, diag) != SIM_OK)
        return diag->status;
    job->view = (struct compare_view){.comparison = comparison};
    job->view.top = (uint32_t)options_uint(options, "top", 0, 1000000, comparison->count == 2 ? 5 : 2, diag);
    comparison->factor = options_double(options, "starve-factor", 1e-3, 1e9, 10, diag);
    comparison->wishes = &job->wishes;
    input_threads(options, diag);
    return diag->status;
}

/* One bar for all sides. Each tells its own part, so they take turns, where anybody looks. */
static bool on_progress(void *context, size_t side, uint64_t finished, uint64_t total)
{
    struct job *job = context;
    if (job->progress.watched) {
#pragma omp critical(compare_progress)
        {
            job->finished[side] = finished;
            job->total[side] = total;
            for (size_t i = finished = total = 0; i < job->comparison.count; i++) {
                finished += job->finished[i];
                total += job->total[i];
            }
            progress_update(&job->progress, finished, total);
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

/* Next to a side with several servers, or where one has a price, what a side with one costs is told, too. */
static void compare_fleets(struct comparison *comparison)
{
    bool fleets = false;
    for (size_t side = 0; side < comparison->count; side++)
        fleets = fleets || run_figures_scopes(&comparison->sides[side].config, false) & FIGURE_SCOPE(FIGURE_OF_FLEET);
    for (size_t side = 0; side < comparison->count; side++)
        comparison->sides[side].config.fleets_compared = fleets;
}

/* The frame opens no input for this command (INPUT_OWN), because it would load one configuration; the trace is put into the call's input
 * all the same, so that the frame closes it. */
static enum status run(void *self, struct diag *diag)
{
    struct job *job = self;
    const struct options *options = &job->call.options;
    for (size_t side = 0; side < job->comparison.count; side++) {
        if (load_side(job, side, diag) != SIM_OK)
            return diag->status;
        job->view.files[side] = job->words[side].path;
    }
    compare_fleets(&job->comparison);
    if (read_requirements(job, diag) != SIM_OK || take_requests(job, diag) != SIM_OK || replay(job, diag) != SIM_OK)
        return diag->status;
    const struct document_origin origin = output_origin(options, job->comparison.trace->name, NULL);
    job->view.per_request = origin.pictures || job->call.form.renderer != renderer_find(NULL);
    enum status status = output_document(&job->call.form, compare_report(&job->view, &origin), diag);
    return status == SIM_OK ? judge(job, diag) : status;
}

static void close_job(void *self)
{
    comparison_free(&((struct job *)self)->comparison);
}

const struct command command_compare = {
    .name = "compare",
    .usage = "pagesim compare [A.json B.json ...] --trace FILE [--a K=V] [--b K=V]\n"
             "       pagesim compare --trace FILE --side NAME [FILE] K=V ... --side NAME ...",
    .description = "Replay a trace under two to eight configurations: the first decision that\n"
                   "differs, gains and losses of each request, who starves, fairness, memory. A and\n"
                   "B are two files, or one configuration (--config and options) with --a and --b;\n"
                   "more sides have names (--side, or further files) and are held against the first\n"
                   "one; options hold for all. --require knows a_NAME, b_NAME and delta_NAME (B - A)\n"
                   "of every figure, and those of the comparison itself; of sides that have names\n"
                   "SIDE_NAME and delta_SIDE_NAME. `pagesim figures` lists them.\n"
                   "Tables: per_request, figures, latencies, winners_and_losers,\n"
                   "decisions_that_differ, keys_that_differ; with --by KEY classes and\n"
                   "class_differences; with names sides and first_differences.\n",
    OPTIONS(own_options),
    .takes_config = true,
    .examples = "  pagesim compare a.json b.json --trace azure.csv\n"
                "  pagesim compare --trace azure.csv --num-gpu-blocks 2000 --side fcfs \\\n"
                "      --side sjf scheduling_policy=sjf --side srpt scheduling_policy=srpt\n"
                "  pagesim compare --trace azure.csv --num-gpu-blocks 2000 \\\n"
                "      --b scheduling_policy=priority\n"
                "  pagesim compare --trace t.jsonl --a block_size=16 --a num_gpu_blocks=4000 \\\n"
                "      --b block_size=64 --b num_gpu_blocks=1000 --require 'worse_e2el<100'\n",
    .tables = {"per_request", "figures", "latencies", "winners_and_losers", "decisions_that_differ", "keys_that_differ", "classes",
               "class_differences", "sides", "first_differences"},
    .job_size = sizeof(struct job),
    .read = read_options,
    .run = run,
    .close = close_job,
};
