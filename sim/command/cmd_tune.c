/* cmd_tune.c - `pagesim tune`: which settings of a server bear the most. The command line is read here; the search is in
 * study/tune_find.c, what else is told of it in study/tune_detail.c and report/tune_report.c. Start with read_options and run. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory_stream.h"
#include "base/notice.h"
#include "command/command.h"
#include "command/load_options.h"
#include "config/vllm_line.h"
#include "figure/run_figures.h"
#include "report/tune_report.h"
#include "study/tune_find.h"
#include "study/tune_journal.h"

static const struct option_spec own_options[] = {
    {"require", "R", "a limit, as in p99_ttft_ms<2s; may be repeated [not saturated]", OPTION_AGAIN},
    ALLOW_DROPPED_OPTION,
    {"tune", "KEY=VALUES",
     "what may change, and to what: a,b,c or from:to:step, *k multiplies; it may always stay; repeat for more keys [what a server can be "
     "told: budget, sequences, block size, watermark, threshold, share of memory]",
     OPTION_AGAIN},
    {"maximize", "FIGURE", "request_rate, the highest load that meets the limits, or a figure under the load that is given [request_rate]"},
    {"minimize", "FIGURE",
     "a figure, gpus under the load that is given, or cost_per_million_tokens at the highest load that meets the limits"},
    LOAD_OPTIONS,
    {"replicates", "N", "seeds of what is drawn: a candidate is better when the paired interval says so [5 if anything is drawn]"},
    {"most", "N", "combinations of which all are tried; of more, a spread of them and those next to the best [50000]"},
    {"journal", "FILE", "keep each replay there as it ends; if FILE has replays of this search already, go on from there"},
    {"no-clocks", NULL, "do not ask whether a clock with other constants would choose the same"},
    INPUT_OPTIONS,
    OUTPUT_OPTIONS,
    REPLAYS_AT_ONCE_OPTIONS,
};

struct job {
    struct call call;
    struct load_choice choice;
    struct workload_source source; /* of requests that are drawn: each seed has its own */
    struct read_names names;       /* what source.selection points to */
    struct workload workload;
    const struct trace *traces[TUNE_SEEDS_MOST];
    struct requirements requirements;
    struct figure_wishes wishes;
    struct rate_ladder ladder;
    struct tune_plan plan;
    struct tune_question question;
    struct tune_journal journal;
    struct tune_search search;
    struct tune_detail detail;
    struct tune_result result;
    struct config best;
    char *texts[2]; /* the server's command line, and what goes beside it */
};

/* --- reading the command line ----------------------------------------------------------------------------------------------------- */

static const char rate[] = "request_rate", cost[] = "cost_per_million_tokens";

static enum status read_objective(struct job *job, struct diag *diag)
{
    const struct options *options = &job->call.options;
    const char *most = options_value(options, "maximize"), *least = options_value(options, "minimize");
    const char *name = most ? most : least ? least : rate;
    struct tune_question *question = &job->question;
    if (most && least)
        return diag_set(diag, SIM_USAGE, "--maximize and --minimize are both given; take one");
    if (least && strcmp(least, rate) == 0)
        return diag_set(diag, SIM_USAGE, "--minimize request_rate: the least is none; --maximize takes it");
    if (most && (strcmp(most, cost) == 0 || strcmp(most, TUNE_GPUS) == 0))
        return diag_set(diag, SIM_USAGE, "--maximize %s: --minimize takes it", most);
    question->per_gpu = least && strcmp(least, cost) == 0;
    if (strcmp(name, rate) == 0 || question->per_gpu)
        return SIM_OK;
    snprintf(question->objective.name, sizeof question->objective.name, "%s", name);
    question->objective.maximise = most != NULL;
    if (options_has(options, "arrivals") || options_has(options, "rate-tolerance"))
        return diag_set(diag, SIM_USAGE, "--%s %s looks at one load, that of the trace or of --request-rate; leave out --%s",
                        most ? "maximize" : "minimize", name, options_has(options, "arrivals") ? "arrivals" : "rate-tolerance");
    return SIM_OK;
}

static enum status read_options(void *self, struct diag *diag)
{
    struct job *job = self;
    const struct options *options = &job->call.options;
    struct tune_question *question = &job->question;
    if (read_objective(job, diag) != SIM_OK || load_options_read(options, &job->choice, diag) != SIM_OK)
        return diag->status;
    const bool drawn = (job->choice.drawn || options_has(options, "generate")) && !question->objective.name[0];
    question->seeds = (uint32_t)options_uint(options, "replicates", 1, TUNE_SEEDS_MOST, drawn ? 5 : 1, diag);
    question->most = options_uint(options, "most", 1, TUNE_POINTS_MOST, 50000, diag);
    question->spread = TUNE_SPREAD;
    if (diag->status == SIM_OK && question->seeds > 1 && !drawn && !question->objective.name[0])
        return diag_set(diag, SIM_USAGE,
                        "--replicates: the trace's own arrivals are the same with every seed; --arrivals poisson draws them");
    return diag->status;
}

/* With an objective the load is the configuration's, as for a replay. */
static enum status open_input(struct job *job, struct diag *diag)
{
    struct call *call = &job->call;
    if (!job->question.objective.name[0])
        return load_input_open(call, &job->choice, diag);
    enum status status = input_open(&call->options, false, ADVICE_ALL, &call->input, diag);
    return status == SIM_OK ? input_without_bytes(&call->options, &call->input.config, diag) : status;
}

/* The first seed's requests are the input's. */
static enum status draw_others(struct job *job, struct diag *diag)
{
    struct tune_question *question = &job->question;
    struct config config = job->call.input.config;
    enum status status = input_drawn_source(&job->call.options, &job->source, &job->names, diag);
    workload_init(&job->workload, &job->source);
    job->traces[0] = job->call.input.trace;
    for (uint32_t seed = 1; seed < question->seeds && status == SIM_OK; seed++) {
        config.seed = question->first_seed + seed;
        status = workload_get(&job->workload, &config, &job->traces[seed], diag);
    }
    question->traces = job->traces;
    return status;
}

static enum status read_plan(struct job *job, struct diag *diag)
{
    const struct options *options = &job->call.options;
    const struct input *input = &job->call.input;
    const char *tune[OPTIONS_MOST], *value;
    const bool gpus = job->question.per_gpu || strcmp(job->question.objective.name, TUNE_GPUS) == 0;
    size_t count = 0;
    uint32_t next = 0;
    while ((value = options_next(options, "tune", &next)) != NULL)
        tune[count++] = value;
    if (count == 0)
        count = tune_usual(input->trace, &input->config, gpus, tune);
    job->plan.points.config_path = options_value(options, "config");
    job->plan.points.trace_block_size = input->config.trace_block_size;
    job->plan.points.base = options->config;
    job->plan.points.base_count = options->config_count;
    return tune_plan_make(&job->plan, tune, count, &input->config, diag);
}

static enum status check_objective(struct job *job, unsigned scopes, struct diag *diag)
{
    const char *name = job->question.objective.name;
    if (!*name || strcmp(name, TUNE_GPUS) == 0)
        return SIM_OK;
    enum status status = figure_check_name(job->question.objective.maximise ? "--maximize" : "--minimize", name, scopes, diag);
    return status == SIM_OK ? figure_wish(&job->wishes, name, diag) : status;
}

static enum status prepare(struct job *job, struct diag *diag)
{
    const struct options *options = &job->call.options;
    const struct input *input = &job->call.input;
    struct tune_question *question = &job->question;
    if (open_input(job, diag) != SIM_OK)
        return diag->status;
    const double price = input->config.fleet.gpu_hour_price;
    job->result.gpu_hour_price = price > 0 ? price : (double)NAN;
    if (question->per_gpu && !(price > 0))
        return diag_set(diag, SIM_USAGE, "--minimize cost_per_million_tokens needs --gpu-hour-price");
    /* The point that stays is as given, and knows which figures the others have (config.fleets_compared). */
    struct config given;
    if (read_plan(job, diag) != SIM_OK || sweep_plan_config(&job->plan.points, 0, &given, diag) != SIM_OK)
        return diag->status;
    const unsigned scopes = run_figures_scopes(&given, false);
    if (requirements_read(options, scopes, &job->requirements, &job->wishes, diag) != SIM_OK ||
        check_objective(job, scopes, diag) != SIM_OK || rate_ladder_make(1, job->choice.tolerance, &job->ladder, diag) != SIM_OK)
        return diag->status;
    question->load = load_question_of(&job->call, &job->choice, &job->requirements, &job->wishes);
    question->load.fixed = question->objective.name[0] != '\0';
    question->plan = &job->plan;
    question->ladder = &job->ladder;
    question->first_seed = input->config.seed;
    question->threads = input->threads;
    question->quiet = options_has(options, "quiet");
    return input_is_drawn(options) ? draw_others(job, diag) : SIM_OK;
}

/* --- doing it ---------------------------------------------------------------------------------------------------------------------- */

/* The line of a server has no load; what no server has goes beside it. */
static enum status print_line(struct job *job, struct diag *diag)
{
    struct memory_stream streams[2];
    size_t length;
    enum status status = SIM_OK, closed;
    int open = 0;
    struct config config;
    if (job->best.scheduler != SCHEDULER_VLLM_V1)
        return SIM_OK;
    /* Without the load, and with the pool that follows from model and GPU left to do so. */
    if (sweep_plan_config(&job->plan.points, job->search.candidates[job->search.best].point, &config, diag) != SIM_OK)
        return diag->status;
    if (config.sized)
        config.num_gpu_blocks = 0;
    for (; open < 2 && status == SIM_OK; open += status == SIM_OK)
        status = memory_stream_open(&streams[open], diag);
    if (status == SIM_OK)
        status = vllm_line_print(&config, streams[0].file, streams[1].file, diag);
    for (int i = open - 1; i >= 0; i--)
        if ((closed = memory_stream_close(&streams[i], &job->texts[i], &length, diag)) != SIM_OK)
            status = closed;
    return status;
}

static enum status tell(struct job *job, struct diag *diag)
{
    const struct tune_search *search = &job->search;
    const struct tune_value *value = &search->values[search->best];
    const bool met = !isnan(tune_load(search, value));
    const double load = job->ladder.loads[met && !job->question.objective.name[0] ? value->passes_to[0] : 0];
    enum status status = sweep_plan_config(&job->plan.points, search->candidates[search->best].point, &job->best, diag);
    if (status != SIM_OK)
        return status;
    load_apply(&job->question.load, load, job->question.first_seed, &job->best);
    if (met && print_line(job, diag) != SIM_OK)
        return diag->status;
    job->result.question = &job->question;
    job->result.search = search;
    job->result.detail = &job->detail;
    job->result.given = &job->call.input.config;
    job->result.best = &job->best;
    job->result.line = job->texts[0];
    job->result.beside = job->texts[1];
    const struct document_origin origin = output_origin(&job->call.options, job->question.load.trace->name, &job->best);
    status = output_document(&job->call.form, tune_report(&job->result, &origin), diag);
    if (status == SIM_OK && !met)
        status = diag_set(diag, SIM_REQUIREMENT, "no combination meets the limits");
    return status;
}

static enum status open_journal(struct job *job, const char *path, struct diag *diag)
{
    enum status status = tune_journal_open(&job->journal, path, &job->question, diag);
    const struct line changed = journal_warning(&job->journal.file, "replay");
    if (changed.length > 0)
        notice("%s", changed.text);
    if (status == SIM_OK && job->journal.count > 0 && !job->question.quiet)
        notice("%zu replays are in %s already", job->journal.count, path);
    job->question.journal = &job->journal;
    return status;
}

static enum status search(struct job *job, struct diag *diag)
{
    enum status status = tune_find(&job->question, &job->search, diag);
    return status == SIM_OK ? tune_detail_make(&job->search, !options_has(&job->call.options, "no-clocks"), &job->detail, diag) : status;
}

/* A diag of its own, as the first message wins, and with a journal an interrupt loses nothing but the replays in progress. */
static enum status run(void *self, struct diag *diag)
{
    struct job *job = self;
    const char *journal = options_value(&job->call.options, "journal");
    struct diag inner = {0};
    if (prepare(job, diag) != SIM_OK || (journal && open_journal(job, journal, diag) != SIM_OK))
        return diag->status;
    enum status status = search(job, &inner);
    if (status == SIM_INTERRUPTED && journal)
        return diag_set(diag, status, "interrupted; the same command goes on with what %s holds", journal);
    return status == SIM_OK ? tell(job, diag) : diag_set(diag, status, "%s", inner.text);
}

static void close_job(void *self)
{
    struct job *job = self;
    tune_detail_deinit(&job->detail);
    tune_search_deinit(&job->search);
    tune_journal_close(&job->journal);
    tune_plan_deinit(&job->plan);
    rate_ladder_deinit(&job->ladder);
    workload_deinit(&job->workload);
    generate_spec_deinit(&job->source.generator);
    free(job->texts[0]);
    free(job->texts[1]);
}

const struct command command_tune = {
    .name = "tune",
    .usage = "pagesim tune --trace FILE --require R [--tune KEY=VALUES ...] [options]",
    .description = "Find the settings under which a server bears the highest load that meets the\n"
                   "limits, and prove that no other combination of them bears more: one replay\n"
                   "rejects a combination. Then each setting alone, who comes next, whether a clock\n"
                   "with other constants would choose the same, and the line for vllm serve. With\n"
                   "--maximize or --minimize of a figure the load is given. A search that was killed\n"
                   "goes on when the same command is given again with the same --journal. Exit code\n"
                   "4: no combination meets the limits.\n",
    OPTIONS(own_options),
    .takes_config = true,
    .examples = "  pagesim tune --trace azure.csv --require 'p99_ttft_ms<2s' \\\n"
                "    --model llama-3.1-70b --gpu h100 --tensor-parallel-size 4 \\\n"
                "    --tune block_size=16,32,64 --tune max_num_seqs=32:1024:*2 \\\n"
                "    --tune max_num_batched_tokens=512:16384:*2 \\\n"
                "    --tune gpu_memory_utilization=0.85,0.9,0.92,0.95\n"
                "  pagesim tune --generate chat --requests 1000 --require 'p99_ttft_ms<1s' \\\n"
                "    --model llama-3.1-8b --gpu rtx-4090 --journal tune.jsonl\n",
    .tables = {"changes", "runners_up", "clocks", "figures"},
    .job_size = sizeof(struct job),
    .read = read_options,
    .run = run,
    .close = close_job,
};
