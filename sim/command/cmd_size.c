/* cmd_size.c - `pagesim size`: the smallest pool that is large enough, and that every larger one is too; or, with --replicas, the same of the
 * number of servers. The command line is read here; the searches are in study/size_pools.c and study/size_replicas.c, what is told of them in
 * report/size_report.c and report/replicas_report.c.
 *
 * The pool's size is the unknown here, but a configuration without one is refused almost everywhere. So the input is read with a
 * placeholder, and what the hardware would give is worked out apart, for the report alone. */
#include <stdio.h>
#include <stdlib.h>

#include "command/command.h"
#include "command/interrupt.h"
#include "command/requirements.h"
#include "figure/run_figures.h"
#include "report/replicas_report.h"
#include "report/size_report.h"

static const struct option_spec own_options[] = {
    {"require", "R", "what the pool must do, as in preemptions=0 or p99_ttft_ms<500; may be repeated; at least one", OPTION_AGAIN},
    ALLOW_DROPPED_OPTION,
    {"replicas", "N|A:B", "ask for the fewest servers, N at most (from A to B), instead of the smallest pool; pools are as configured"},
    {"max-blocks", "N", "largest pool that matters [one in which nothing ever waits]"},
    {"prove", "N",
     "most replays for a proof where pools decide otherwise than their neighbours; if it takes more, a sample of them is tested [10 "
     "million requests in "
     "all, 20000 at most]"},
    {"below", "N", "pools under the largest failing one to look at too, for isolated ones that pass [100]"},
    INPUT_OPTIONS,
    OUTPUT_OPTIONS,
    REPLAYS_AT_ONCE_OPTIONS,
};

struct job {
    struct call call;
    struct requirements requirements;
    struct figure_wishes wishes;
    struct size_question question;
    struct size_answer answer;
    struct size_result result;
    struct replicas_question fleet; /* most 0: it is the pool that is asked for */
    struct replicas_answer fleets;
};

/* --- reading the command line ----------------------------------------------------------------------------------------------------- */

/* "64" or "4:64". */
static enum status read_replicas(struct job *job, const char *text, struct diag *diag)
{
    static const char *const of_pools[] = {"max-blocks", "prove", "below"};
    enum { MOST = 10000 };
    char *end;
    unsigned long least = 1, most = strtoul(text, &end, 10);
    if (*end == ':') {
        least = most;
        most = strtoul(end + 1, &end, 10);
    }
    if (*end || *text == '-' || least < 1 || most < least || most > MOST)
        return diag_set(diag, SIM_USAGE, "--replicas %s: must be how many servers at most, or from how many to how many, as in 64 or 4:64",
                        text);
    for (size_t i = 0; i < sizeof of_pools / sizeof *of_pools; i++)
        if (options_has(&job->call.options, of_pools[i]))
            return diag_set(diag, SIM_USAGE, "--%s is about pools, and --replicas asks for a number of servers; leave out one of them",
                            of_pools[i]);
    job->fleet.least = (uint32_t)least;
    job->fleet.most = (uint32_t)most;
    return SIM_OK;
}

/* A search without a requirement has an answer too (the smallest pool that serves all), but nobody who forgot --require wants it. */
static enum status read_options(void *self, struct diag *diag)
{
    struct job *job = self;
    const struct options *options = &job->call.options;
    if (!options_has(options, "require"))
        return diag_set(diag, SIM_USAGE, "what must the pool do? give --require, as in --require preemptions=0");
    job->question.max_blocks = (uint32_t)options_uint(options, "max-blocks", 1, 4294967294, 0, diag);
    job->question.below = (uint32_t)options_uint(options, "below", 0, 1000000, 100, diag);
    if (diag->status == SIM_OK && options_has(options, "replicas"))
        return read_replicas(job, options_value(options, "replicas"), diag);
    return diag->status;
}

/* The input as if it had a pool; what that is to be is what is asked. The placeholder goes in as the last option, so it wins over a
 * num_gpu_blocks of the file or the command line, and sizing by model and GPU is not tried. Data-plane runs are refused: the search looks
 * at schedules, and its replays move no bytes. */
static enum status read_input(struct call *call, struct diag *diag)
{
    const unsigned advice = ADVICE_ALL & ~(1u << ADVICE_POOL | 1u << ADVICE_POOL_SOURCE);
    enum status status = input_open_assuming(&call->options, "num-gpu-blocks", "2", advice, &call->input, diag);
    return status == SIM_OK ? input_without_bytes(&call->options, &call->input.config, diag) : status;
}

/* If model and GPU are known: what the pool would be there. block_bytes are known whenever there is a model or a kv shape. The rest is only
 * for telling the answer as a share of a GPU's memory; a fixed kv_cache_memory_bytes leaves no share to tell. */
static enum status read_hardware(struct job *job, struct diag *diag)
{
    struct config probe = job->call.input.config;
    job->result.block_bytes = (double)config_block_bytes(&probe);
    if (!probe.model[0] || !probe.gpu[0] || probe.kv_cache_memory_bytes > 0)
        return SIM_OK;
    probe.num_gpu_blocks = 0;
    return sizing_fill(&probe, &job->result.gpu, diag);
}

/* --- doing it ---------------------------------------------------------------------------------------------------------------------- */

/* Requirements are read after the input, since which figures exist depends on the configuration's engine. */
static enum status search(struct job *job, struct diag *diag)
{
    const struct options *options = &job->call.options;
    const struct input *input = &job->call.input;
    struct size_question *question = &job->question;
    if (read_input(&job->call, diag) != SIM_OK ||
        requirements_read(options, run_figures_scopes(&input->config, false), &job->requirements, &job->wishes, diag) != SIM_OK ||
        read_hardware(job, diag) != SIM_OK)
        return diag->status;
    question->config = input->config;
    question->trace = input->trace;
    question->requirements = job->requirements.list;
    question->requirement_count = job->requirements.count;
    question->wishes = &job->wishes;
    question->threads = input->threads;
    question->prove = (uint32_t)options_uint(options, "prove", 0, 4294967294, size_usual_prove(input->trace), diag);
    question->reference = options_has(options, "reference");
    question->quiet = options_has(options, "quiet");
    question->stop = &interrupted;
    return diag->status == SIM_OK ? size_pools(question, &job->answer, diag) : diag->status;
}

/* --- of servers --------------------------------------------------------------------------------------------------------------------- */

/* What else says how many there are. Servers of prompts are counted among all, and at least one is to answer. */
static enum status check_fleet(struct job *job, const struct config *config, struct diag *diag)
{
    struct replicas_question *question = &job->fleet;
    const struct fleet_config *fleet = &config->fleet;
    const bool scaled = fleet->autoscale.most > 0 || fleet->autoscale.schedule_count > 0;
    const char *given = fleet->data_parallel_size > 1 ? "data_parallel_size"
                        : fleet->kind_count > 0       ? "replica_kinds"
                        : scaled                      ? "autoscale"
                                                      : NULL;
    if (given)
        return diag_set(diag, SIM_USAGE, "%s says how many servers there are, which is what --replicas asks for; leave it out", given);
    if (fleet->prefill_replicas >= question->most)
        return diag_set(diag, SIM_USAGE,
                        "--replicas: of up to %u servers %u would be for prompts (prefill_replicas), and none is left to answer",
                        question->most, fleet->prefill_replicas);
    if (question->least <= fleet->prefill_replicas)
        question->least = fleet->prefill_replicas + 1;
    return SIM_OK;
}

/* Read as the largest fleet. */
static enum status search_fleets(struct job *job, struct diag *diag)
{
    struct options *options = &job->call.options;
    char most[16];
    struct input *input = &job->call.input;
    struct replicas_question *question = &job->fleet;
    snprintf(most, sizeof most, "%u", question->most);
    if (input_open_assuming(options, "replicas", most, ADVICE_ALL, input, diag) != SIM_OK ||
        input_without_bytes(options, &input->config, diag) != SIM_OK || check_fleet(job, &input->config, diag) != SIM_OK)
        return diag->status;
    question->config = &input->config;
    input->config.fleets_compared = true;
    if (requirements_read(options, run_figures_scopes(&input->config, false), &job->requirements, &job->wishes, diag) != SIM_OK)
        return diag->status;
    question->load = (struct load_question){.trace = input->trace,
                                            .fixed = true,
                                            .requirements = job->requirements.list,
                                            .requirement_count = job->requirements.count,
                                            .wishes = &job->wishes,
                                            .reference = options_has(options, "reference"),
                                            .stop = &interrupted};
    return size_replicas(question, &job->fleets, diag);
}

static enum status run_fleets(struct job *job, struct diag *diag)
{
    const struct replicas_question *question = &job->fleet;
    const struct replicas_answer *answer = &job->fleets;
    struct config config; /* the one that is the answer, or failed */
    enum status status = search_fleets(job, diag);
    if (status != SIM_OK)
        return status;
    replicas_apply(question, answer->answer ? answer->answer : question->most, &config);
    const struct document_origin origin = output_origin(&job->call.options, question->load.trace->name, &config);
    if (!options_has(&job->call.options, "table"))
        job->call.form.table = "fleets";
    status = output_document(&job->call.form, replicas_report(question, answer, &origin), diag);
    if (status == SIM_OK && answer->answer == 0)
        status = diag_set(diag, SIM_REQUIREMENT, "no fleet of up to %u servers meets the requirements: there %s", question->most,
                          replicas_tried_at(answer, question->most)->result.why);
    return status;
}

/* --- of pools ----------------------------------------------------------------------------------------------------------------------- */

/* The report's configuration is that of the answer, so that it can be replayed as it stands; without an answer it is the bound's, which is
 * the run that failed. Not finding a pool is an unmet requirement (exit code 4), and the report is written first. */
static enum status run(void *self, struct diag *diag)
{
    struct job *job = self;
    const struct size_found *found = &job->answer.found;
    if (job->fleet.most > 0)
        return run_fleets(job, diag);
    enum status status = search(job, diag);
    if (status != SIM_OK)
        return status;
    struct config config = job->question.config; /* the one that is the answer */
    config.num_gpu_blocks = found->answer ? found->answer : found->bound;
    const struct document_origin origin = output_origin(&job->call.options, job->question.trace->name, &config);
    job->result.question = &job->question;
    job->result.answer = &job->answer;
    status = output_document(&job->call.form, size_report(&job->result, &origin), diag);
    if (status == SIM_OK && found->answer == 0)
        status = diag_set(diag, SIM_REQUIREMENT, "no pool up to %u blocks meets the requirements: there %s", found->bound,
                          job->answer.bound.why);
    return status;
}

static void close_job(void *self)
{
    struct job *job = self;
    size_answer_deinit(&job->answer);
    replicas_answer_deinit(&job->fleets);
}

const struct command command_size = {
    .name = "size",
    .usage = "pagesim size --trace FILE --require R [--replicas N] [options]",
    .description = "Find the smallest num_gpu_blocks such that it and every larger pool meet the\n"
                   "requirements and serve as many requests as the largest pool does; exact to one\n"
                   "block, with the replay just below as the certificate. More blocks can make\n"
                   "things worse, so every pool above is replayed, or shown to decide as its\n"
                   "neighbours do; where that would take more replays than --prove, those next\n"
                   "to the answer and a grid of the others are. With --model and --gpu the answer\n"
                   "is told as gpu_memory_utilization, too. With --replicas find the fewest servers\n"
                   "behind the router that meet them, and what they cost. Exit code 4: not even the\n"
                   "largest pool, or the most servers, meets them.\n",
    OPTIONS(own_options),
    .takes_config = true,
    .examples = "  pagesim size --trace azure.csv --require preemptions=0\n"
                "  pagesim size --trace t.jsonl --require 'p99_ttft_ms<500' --max-blocks 20000 \\\n"
                "    --model llama-3.1-8b --gpu rtx-4090\n"
                "  pagesim size --trace t.jsonl --require 'p99_ttft_ms<500' --replicas 64 \\\n"
                "    --router prefix-aware --model llama-3.1-8b --gpu h100 --gpu-hour-price 2.5\n",
    .tables = {"pools", "passing_below", "fleets"},
    .last_table_needs = "replicas",
    .job_size = sizeof(struct job),
    .read = read_options,
    .run = run,
    .close = close_job,
};
