/* cmd_explain.c - `pagesim explain`: why requests were preempted and prompts computed again, and what would help. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "base/units.h"
#include "command/command.h"
#include "command/input_options.h"
#include "command/interrupt.h"
#include "command/output.h"
#include "config/engine_facts.h"
#include "report/explain_tables.h"

static const struct option_spec own_options[] = {
    INPUT_OPTIONS,
    OUTPUT_OPTIONS,
    {"top", "N", "how many of the worst to list and to find remedies for, up to 31 [5]"},
    {"worst-by", "WHAT", "who is worst: tokens (lost) or times (preempted) [tokens]"},
    {"no-remedies", NULL, "do not look for settings that help (it takes many replays)"},
    {"threads", "N", "threads that replay [OMP_NUM_THREADS, or all cores]"},
    {"reference", NULL, "use the plain step-by-step scheduler for the first replay"},
    {"quiet", NULL, "no warnings and no progress bar"},
};

static const struct command_spec spec = {
    .usage = "pagesim explain --trace FILE [--config FILE] [options]",
    .description = "Say of every preemption who lost what to whom, what filled the pool and what\n"
                   "would have avoided it; and of every prompt token that was not cached why. json\n"
                   "and csv list all of both.\n",
    .options = own_options,
    .option_count = sizeof own_options / sizeof *own_options,
    .takes_config = true,
    .examples = "  pagesim explain --trace traces/long.jsonl --num-gpu-blocks 800\n"
                "  pagesim explain --trace t.jsonl --config c.json --top 20 --format json\n",
};

struct explain_tables {
    struct table *prices, *worst, *preemptions, *misses, *readmissions, *missers;
};

static bool on_progress(void *context, uint32_t done, uint32_t total)
{
    progress_update(context, done, total);
    return interrupted != 0;
}

/* --- for people ------------------------------------------------------------------------------------------------------------------- */

/* The one sentence to remember. */
static void print_verdict(const struct explanation *explanation, FILE *file)
{
    const struct preemption_story *story = &explanation->story;
    const struct remedy *pool = &explanation->remedies.of[0][KNOB_POOL];
    char preemptions[UNIT_TEXT], requests[UNIT_TEXT], more[UNIT_TEXT];
    if (story->count == 0) {
        fputs("Nobody was preempted.\n", file);
        return;
    }
    unit_count(story->count, preemptions);
    unit_count(story->requests, requests);
    fprintf(file, "%s preemption%s of %s request%s.", preemptions, story->count == 1 ? "" : "s", requests, story->requests == 1 ? "" : "s");
    if (!explanation->has_remedies) {
        fputc('\n', file);
        return;
    }
    int64_t now = explanation->remedies.now[KNOB_POOL];
    if (pool->found)
        fprintf(file, "\nThe pool is too small by %s blocks (%.1f %%):\n--num-gpu-blocks %" PRId64 " avoids them all%s\n",
                unit_count((uint64_t)(pool->value - now), more), 100.0 * (double)(pool->value - now) / (double)now, pool->value,
                pool->again ? ", but not every larger pool does (see *)." : ".");
    else
        fprintf(file, "\nNo pool up to %" PRId64 " blocks avoids them all.\n", pool->tried_to);
}

/* How sure the answers are, and where the knobs stand now. */
static void print_search(const struct explanation *explanation, FILE *file)
{
    const struct remedies *remedies = &explanation->remedies;
    bool starred = false;
    uint32_t least = UINT32_MAX, most = 0;
    char option[64];
    if (!explanation->has_remedies)
        return;
    for (uint32_t i = 0; i < remedies->targets; i++)
        for (int knob = 0; knob < KNOBS; knob++) {
            const struct remedy *remedy = &remedies->of[i][knob];
            starred |= remedy->again;
            least = remedy->points < least ? remedy->points : least;
            most = remedy->points > most ? remedy->points : most;
        }
    fputs("  now:", file);
    for (int knob = 0; knob < KNOBS; knob++) {
        explain_option(explanation, (enum knob)knob, remedies->now[knob], option, sizeof option);
        fprintf(file, " %s", option);
    }
    fprintf(file, "\n  %u replays, %u to %u settings each; one step back it is not spared\n", remedies->replays, least, most);
    if (starred)
        fputs("  * preempted again at a tested setting further away; the JSON says at which\n", file);
}

static void print_preemptions(const struct explanation *explanation, const struct explain_tables *tables, FILE *file)
{
    const struct preemption_story *story = &explanation->story;
    char lost[UNIT_TEXT], chained[UNIT_TEXT], all[UNIT_TEXT];
    uint64_t scheduled = explanation->run.metrics.scheduled_tokens;
    fprintf(file, "\nPreemptions\n  %s tokens lost", unit_count(story->tokens_lost, lost));
    if (scheduled > 0)
        fprintf(file, ", %.1f %% of the %s computed", 100.0 * (double)story->tokens_lost / (double)scheduled, unit_count(scheduled, all));
    fprintf(file, "\n  %s for a request that had been preempted itself; chains up to %u deep\n", unit_count(story->chained, chained),
            story->max_depth);
    if (table_rows(tables->prices) > 1) {
        fputs("\nEach alone avoids them all (found by replay)\n", file);
        table_print(tables->prices, "  ", file);
    }
    fprintf(file, "\nThe worst, and from which setting on each is spared\n");
    table_print(tables->worst, "  ", file);
    print_search(explanation, file);
    fprintf(file, "\nThe first of them (blocks when the step began: unused; of prefills, of decodes)\n");
    table_print(tables->preemptions, "  ", file);
}

static void print_misses(const struct explanation *explanation, const struct explain_tables *tables, FILE *file)
{
    fputs("\nPrefix cache\n", file);
    table_print(tables->misses, "  ", file);
    if (explanation->misses.again.count > 0) {
        fputc('\n', file);
        table_print(tables->readmissions, "  ", file);
    }
    if (table_rows(tables->missers) > 0) {
        fputs("\nMost tokens computed again\n", file);
        table_print(tables->missers, "  ", file);
    }
}

static void print_tables(const struct explanation *explanation, const struct explain_tables *tables, FILE *file)
{
    const struct trace *trace = explanation->trace;
    const struct config *config = explanation->config;
    fprintf(file, "%s: %u requests, %s in %u blocks of %u tokens\n", trace->name, trace->count, engine_facts_of(config)->name,
            config->num_gpu_blocks, config->block_size);
    print_verdict(explanation, file);
    if (explanation->story.count > 0)
        print_preemptions(explanation, tables, file);
    print_misses(explanation, tables, file);
}

/* --- for programs ----------------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *key;
    size_t offset;
} sections[] = {
    {"settings_that_avoid_all", offsetof(struct explain_tables, prices)},
    {"worst", offsetof(struct explain_tables, worst)},
    {"preemptions", offsetof(struct explain_tables, preemptions)},
    {"misses", offsetof(struct explain_tables, misses)},
    {"readmissions", offsetof(struct explain_tables, readmissions)},
    {"requests_with_misses", offsetof(struct explain_tables, missers)},
};
enum { SECTIONS = sizeof sections / sizeof *sections };

static const struct table *section(const struct explain_tables *tables, int i)
{
    return *(struct table *const *)(const void *)((const char *)tables + sections[i].offset);
}

static void write_json(const struct explanation *explanation, const struct explain_tables *tables, struct json_text *json)
{
    const struct preemption_story *story = &explanation->story;
    json_open_object(json);
    json_put_string(json, "trace", explanation->trace->name);
    json_put_uint(json, "requests", explanation->trace->count);
    json_put_uint(json, "preemption_count", story->count);
    json_put_uint(json, "preempted_requests", story->requests);
    json_put_uint(json, "tokens_lost", story->tokens_lost);
    json_put_uint(json, "chained_preemptions", story->chained);
    json_put_uint(json, "max_depth", story->max_depth);
    json_put_uint(json, "replays", explanation->remedies.replays);
    for (int i = 0; i < SECTIONS; i++) {
        json_key(json, sections[i].key);
        table_write_json(section(tables, i), json);
    }
    json_close_object(json);
}

/* One table after the other, an empty line between. */
static void print_csv(const struct explain_tables *tables, FILE *file)
{
    for (int i = 0; i < SECTIONS; i++) {
        if (i > 0)
            fputc('\n', file);
        table_print_csv(section(tables, i), file);
    }
}

/* --- flow ------------------------------------------------------------------------------------------------------------------------- */

/* People get the first `top` of what is long, programs everything. */
static enum status make_tables(const struct explanation *explanation, size_t top, struct explain_tables *tables, struct diag *diag)
{
    enum status status = explain_table_prices(explanation, &tables->prices, diag);
    if (status == SIM_OK)
        status = explain_table_worst(explanation, &tables->worst, diag);
    if (status == SIM_OK)
        status = explain_table_preemptions(explanation, top, &tables->preemptions, diag);
    if (status == SIM_OK)
        status = explain_table_misses(explanation, &tables->misses, diag);
    if (status == SIM_OK)
        status = explain_table_readmissions(explanation, &tables->readmissions, diag);
    return status == SIM_OK ? explain_table_missers(explanation, top, &tables->missers, diag) : status;
}

static enum status tell(const struct explanation *explanation, const struct options *options, const char *format, size_t top,
                        struct diag *diag)
{
    struct explain_tables tables = {0};
    struct output output;
    enum status status = output_begin(&output, options, diag);
    if (status != SIM_OK)
        return status;
    status = make_tables(explanation, strcmp(format, "table") == 0 ? top : SIZE_MAX, &tables, diag);
    if (status == SIM_OK && strcmp(format, "json") == 0) {
        struct json_text json;
        json_text_init(&json, true);
        write_json(explanation, &tables, &json);
        status = output_json(&output, &json, diag);
    } else if (status == SIM_OK && strcmp(format, "csv") == 0) {
        print_csv(&tables, output.file);
    } else if (status == SIM_OK) {
        print_tables(explanation, &tables, output.file);
    }
    table_destroy(tables.prices);
    table_destroy(tables.worst);
    table_destroy(tables.preemptions);
    table_destroy(tables.misses);
    table_destroy(tables.readmissions);
    table_destroy(tables.missers);
    return output_end(&output, status, diag);
}

static enum status read_options(const struct options *options, struct explanation_options *how, struct diag *diag)
{
    uint64_t top;
    const char *by = options_value(options, "worst-by");
    enum status status = options_uint(options, "top", 1, REMEDY_TARGETS_MOST, 5, &top, diag);
    if (status != SIM_OK)
        return status;
    if (by && strcmp(by, "tokens") != 0 && strcmp(by, "times") != 0)
        return diag_set(diag, SIM_USAGE, "--worst-by %s: must be tokens or times", by);
    *how = (struct explanation_options){.worst = (size_t)top,
                                        .order = by && strcmp(by, "times") == 0 ? WORST_BY_TIMES : WORST_BY_TOKENS,
                                        .remedies = !options_has(options, "no-remedies"),
                                        .reference = options_has(options, "reference"),
                                        .progress = on_progress};
    return SIM_OK;
}

static enum status explain(const struct options *options, const struct input *input, struct explanation_options *how, const char *format,
                           struct diag *diag)
{
    struct explanation explanation = {0};
    struct progress progress;
    progress_start(&progress, "explain");
    progress.terminal = progress.terminal && !options_has(options, "quiet");
    how->progress_context = &progress;
    interrupt_catch();
    enum status status = explanation_make(&explanation, input->trace, &input->config, how, diag);
    progress_end(&progress);
    if (status == SIM_OK)
        status = tell(&explanation, options, format, how->worst, diag);
    if (status == SIM_OK)
        status = run_judge(&explanation.run, diag); /* told after the result */
    explanation_close(&explanation);
    return status;
}

enum status cmd_explain(int argc, char **argv, struct diag *diag)
{
    struct options options;
    const char *format = NULL;
    struct explanation_options how;
    struct input input = {0};
    enum status status;
    if (options_done(&spec, argc, argv, &options, &status, diag))
        return status;
    if (status == SIM_OK)
        status = output_format(&options, &format, diag);
    if (status == SIM_OK)
        status = read_options(&options, &how, diag);
    if (status == SIM_OK)
        status = input_open(&options, &input, diag);
    if (status == SIM_OK)
        status = explain(&options, &input, &how, format, diag);
    input_close(&input);
    return status;
}
