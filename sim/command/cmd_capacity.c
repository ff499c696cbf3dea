/* cmd_capacity.c - `pagesim capacity`: how much load one configuration takes. The command line is read here; the study is in
 * study/capacity_curve.c, what is told of it in report/capacity_report.c. */
#include "command/command.h"
#include "command/load_options.h"
#include "figure/run_figures.h"
#include "report/capacity_report.h"

static const struct option_spec own_options[] = {
    {"require", "R", "a limit that the highest load is to meet, as in p99_ttft_ms<500; may be repeated [not saturated]", OPTION_AGAIN},
    ALLOW_DROPPED_OPTION,
    LOAD_OPTIONS,
    {"points", "N", "loads to replay, from a tenth of what saturates to a third above it [13]"},
    INPUT_OPTIONS,
    OUTPUT_OPTIONS,
    REPLAYS_AT_ONCE_OPTIONS,
};

struct job {
    struct call call;
    struct load_choice choice;
    struct requirements requirements;
    struct figure_wishes wishes;
    struct rate_ladder ladder;
    struct capacity_question question;
    struct capacity_curve curve;
};

static enum status read_options(void *self, struct diag *diag)
{
    struct job *job = self;
    job->question.points = (uint32_t)options_uint(&job->call.options, "points", 2, 1000, 13, diag);
    return diag->status == SIM_OK ? load_options_read(&job->call.options, &job->choice, diag) : diag->status;
}

static enum status study(struct job *job, struct diag *diag)
{
    const struct options *options = &job->call.options;
    const struct input *input = &job->call.input;
    struct capacity_question *question = &job->question;
    if (load_input_open(&job->call, &job->choice, diag) != SIM_OK ||
        requirements_read(options, run_figures_scopes(&input->config, false), &job->requirements, &job->wishes, diag) != SIM_OK ||
        rate_ladder_make(1, job->choice.tolerance, &job->ladder, diag) != SIM_OK)
        return diag->status;
    question->load = load_question_of(&job->call, &job->choice, &job->requirements, &job->wishes);
    question->config = &input->config;
    question->ladder = &job->ladder;
    question->threads = input->threads;
    question->quiet = options_has(options, "quiet");
    return capacity_curve_make(question, &job->curve, diag);
}

/* The configuration of the report is under the load that was found, so that it can be replayed as it stands. No load that meets the
 * limits is an unmet requirement (exit code 4), and the report is written first. */
static enum status run(void *self, struct diag *diag)
{
    struct job *job = self;
    const struct capacity_curve *curve = &job->curve;
    enum status status = study(job, diag);
    if (status != SIM_OK)
        return status;
    const bool none = curve->sustained.passes_to < 0;
    struct config config = job->call.input.config;
    load_apply(&job->question.load, none ? job->ladder.loads[0] : curve->sustained_load, config.seed, &config);
    const struct document_origin origin = output_origin(&job->call.options, job->question.load.trace->name, &config);
    status = output_document(&job->call.form, capacity_report(&job->question, curve, &origin), diag);
    if (status == SIM_OK && none)
        status = diag_set(diag, SIM_REQUIREMENT, "no load meets the requirements, down to a thousandth of %s",
                          job->choice.drawn ? "a request a second" : "the trace's own");
    return status;
}

static void close_job(void *self)
{
    struct job *job = self;
    capacity_curve_deinit(&job->curve);
    rate_ladder_deinit(&job->ladder);
}

const struct command command_capacity = {
    .name = "capacity",
    .usage = "pagesim capacity --trace FILE [--require R ...] [options]",
    .description = "Raise the load until the configuration is saturated: latency, throughput and\n"
                   "queue of each load, the highest load that meets the requirements (to 1 %), the\n"
                   "knee, and what binds. Loads are the trace's own arrivals, sped up, or drawn\n"
                   "ones (--arrivals poisson). Exit code 4: no load meets the requirements.\n",
    OPTIONS(own_options),
    .takes_config = true,
    .examples = "  pagesim capacity --trace azure.csv --require 'p99_ttft_ms<2s' \\\n"
                "    --model llama-3.1-70b --gpu h100 --tensor-parallel-size 4\n",
    .tables = {"loads"},
    .job_size = sizeof(struct job),
    .read = read_options,
    .run = run,
    .close = close_job,
};
