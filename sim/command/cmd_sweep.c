/* cmd_sweep.c - `pagesim sweep`: many configurations over one trace, in parallel, kept on disk as they end. This file reads the command
 * line and wires plan, runs, groups and report together; start with read_options and run.
 *
 * The order of work, each step failing before the next costs anything:
 *
 *     read_source    requests: a file (read once), or a generator that draws anew for each seed
 *     set_base       settings that hold for all points
 *     read_plan      points, from --vary or --list, times --replicates
 *     sweep_prepare  every point's configuration is checked, so that run 900 cannot fail on a misspelt value
 *     ranks_agree    what one of several processes could not read stops all (study/ranks.h)
 *     read_view      figures, objectives and requirements, by the figures that these runs will have
 *     run            what the journal does not have yet; then groups, the front, the report */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/notice.h"
#include "command/command.h"
#include "command/generate_options.h"
#include "command/interrupt.h"
#include "command/requirements.h"
#include "command/watch.h"
#include "report/sweep_report.h"
#include "study/ranks.h"
#include "trace/trace_block_size.h"

static const struct option_spec own_options[] = {
    {"vary", "KEY=VALUES", "values a,b,c or ranges from:to:step (inclusive; *k multiplies) of a configuration key; repeat for more keys",
     OPTION_AGAIN},
    {"mode", "MODE", "grid: all combinations of --vary; list: first with first, second with second [grid]"},
    {"list", "FILE", "points, one a line: JSON objects, or words like block_size=16; - is standard input"},
    {"replicates", "N", "every point with N seeds: seed, seed + 1, ...; rows are means with intervals"},
    {"journal", "FILE", "keep each run there as it ends; if FILE has runs of this sweep already, go on from there"},
    {"shard", "I/N", "do the I-th of N parts of the runs alone, into --journal FILE: for jobs on several machines, one a part"},
    {"merge", "FILE", "replay nothing: put the journals of all parts together; may be repeated", OPTION_MANY},
    {"mpi", NULL, "share the runs with the other processes that mpirun or srun started (noticed by itself with Open MPI's mpirun)"},
    {"figures", "A,B,...", "columns; `pagesim figures` lists them [throughput, p99 TTFT, preemptions, hit rate, pool; JSON and CSV: all]"},
    {"objectives", "A,B:max,...",
     "what the Pareto front (*) is about; :max or :min if not by its own sense [request_throughput, p99_ttft_ms, pool_bytes]"},
    {"sort", "NAME|none",
     "the best first by this figure (:max or :min as above), in CSV and JSON as well; none: every row, in the order of the points "
     "[tables: the first objective, equal rows once; CSV and JSON: none]"},
    {"front", NULL, "only rows on the front, which meet all that is required"},
    {"tolerance", "P%", "differences of so much do not put a row on the front or keep it there; 0: any difference does [0.5%]"},
    {"require", "R", "mark rows that meet it, as in p99_ttft_ms<500; exit 4 if none meets all; may be repeated", OPTION_AGAIN},
    ALLOW_DROPPED_OPTION,
    INPUT_OPTIONS,
    {"generate", "KIND",
     "instead of --trace: a kind of `pagesim trace gen` (chat, code, rag, agent, reasoning, uniform, ...), drawn anew for each seed; "
     "trace-block-size is --block-tokens then, unless given"},
    GENERATE_OPTIONS,
    OUTPUT_OPTIONS,
    {"threads", "N", "runs at once [OMP_NUM_THREADS, or all cores]"},
    {"reference", NULL, "use the plain step-by-step scheduler"},
    {"dry-run", NULL, "list the points, replay nothing"},
    {"quiet", NULL, "no warnings and no progress bar"},
    WATCH_OPTION,
};

/* Half a percent: less than any change of load or seed makes, and more than a difference in the sixth digit. */
#define USUAL_TOLERANCE 0.005

/* Everything that the command owns. */
struct job {
    struct call call;
    struct requirements requirements;
    struct config first; /* run 0's, for the report */
    struct config_option base[OPTIONS_MOST];
    struct sweep_plan plan;
    struct workload_source source;
    struct read_names names; /* what source.selection points to */
    struct workload workload;
    struct sweep sweep;
    struct sweep_view view;
    struct sweep_best best;          /* of --watch */
    const char *parts[OPTIONS_MOST]; /* --merge */
    size_t part_count;
};

/* --- reading the command line ----------------------------------------------------------------------------------------------------- */

/* --vary is collected in order of appearance: the last key varies fastest, as the innermost of nested loops. */
static enum status read_plan(struct job *job, struct diag *diag)
{
    const struct options *options = &job->call.options;
    const char *vary[OPTIONS_MOST], *value, *mode = options_value(options, "mode");
    struct sweep_request request = {.vary = vary, .list_path = options_value(options, "list")};
    uint32_t next = 0;
    while ((value = options_next(options, "vary", &next)) != NULL)
        vary[request.vary_count++] = value;
    request.zip = mode && strcmp(mode, "list") == 0;
    if (mode && !request.zip && strcmp(mode, "grid") != 0)
        return diag_set(diag, SIM_USAGE, "--mode %s: must be grid or list", mode);
    request.replicates = options_uint(options, "replicates", 1, SWEEP_POINTS_MOST, 0, diag);
    return diag->status == SIM_OK ? sweep_plan_make(&job->plan, &request, diag) : diag->status;
}

/* The size that was found is told, unless an option says one. What a configuration file or a point says is not known
 * here. */
static void tell_block_size(const struct options *options, struct trace *trace, uint32_t size)
{
    for (uint32_t i = 0; i < options->config_count; i++)
        if (strcmp(options->config[i].name, "trace-block-size") == 0)
            return;
    if (trace->hash_start && size != TRACE_BLOCK_SIZE_USUAL)
        input_tell_block_size(options, trace, size);
}

/* The hash ids of what is drawn, or was read, name so many tokens whatever the defaults say. A size that is impossible here may be one that a
 * point does not have; each run checks its own. */
static void set_base(struct job *job)
{
    const struct options *options = &job->call.options;
    const struct workload_source *source = &job->source;
    struct diag ignored = {0};
    bool inferred;
    job->plan.trace_block_size = source->random ? source->random_workload.prefix_tokens : source->generator.block_tokens;
    if (source->file && trace_block_size_choose(source->file, 0, &job->plan.trace_block_size, &inferred, &ignored) != SIM_OK)
        job->plan.trace_block_size = 0;
    else if (source->file)
        tell_block_size(options, source->file, job->plan.trace_block_size);
    if (options->config_count > 0)
        memcpy(job->base, options->config, options->config_count * sizeof *job->base);
    job->plan.config_path = options_value(options, "config");
    job->plan.base = job->base;
    job->plan.base_count = options->config_count;
}

/* One of --trace FILE, --generate KIND and --dataset-name random. A file is read once, by rank 0, and shared by all runs, which only read it.
 * For drawn requests this reads the description alone; sweep_prepare() draws them, once for each seed. */
static enum status read_source(struct job *job, struct diag *diag)
{
    struct workload_source *source = &job->source;
    struct config scratch; /* files set nothing in it */
    enum status status = input_drawn_source(&job->call.options, source, &job->names, diag);
    if (status != SIM_OK || source->random || source->kind)
        return status;
    config_defaults(SCHEDULER_VLLM_V1, &scratch);
    if (ranks_number() == 0)
        status = input_take_requests(&job->call.options, &scratch, &source->file, diag);
    return ranks_share_trace(status, &source->file, diag);
}

/* What is to be told, by the figures that the runs will have. Requirements first: their figures become columns, too (sweep_groups.h). */
static enum status read_view(struct job *job, struct diag *diag)
{
    const struct options *options = &job->call.options;
    struct sweep_view *view = &job->view;
    struct sweep *sweep = &job->sweep;
    enum status status = requirements_read(options, sweep->scopes, &job->requirements, &sweep->wishes, diag);
    view->requirements = job->requirements.list;
    view->requirement_count = job->requirements.count;
    view->front_only = options_has(options, "front");
    view->tolerance = options_percent(options, "tolerance", 0, nextafter(100, 0), "below 100, as in 0.5%, or 0", USUAL_TOLERANCE, diag);
    if (status == SIM_OK)
        status = diag->status;
    if (status == SIM_OK)
        status = sweep_view_objectives(view, options_value(options, "objectives"), sweep->scopes, &sweep->wishes, diag);
    if (status == SIM_OK)
        status = sweep_view_sort(view, options_value(options, "sort"), sweep->scopes, &sweep->wishes, diag);
    return status == SIM_OK ? sweep_view_figures(view, options_value(options, "figures"), sweep->scopes, &sweep->wishes, diag) : status;
}

/* "3/8". */
static enum status read_shard(const struct options *options, struct sweep_share *share, struct diag *diag)
{
    const char *text = options_value(options, "shard");
    char *slash, *end;
    if (!text)
        return SIM_OK;
    const unsigned long index = strtoul(text, &slash, 10), count = *slash == '/' ? strtoul(slash + 1, &end, 10) : 0;
    if (count == 0 || *end || index < 1 || index > count || count > SWEEP_POINTS_MOST)
        return diag_set(diag, SIM_USAGE, "--shard %s: must be I/N, as in 3/8 for the third of eight parts", text);
    if (!options_has(options, "journal"))
        return diag_set(diag, SIM_USAGE, "--shard %s needs --journal FILE, where its runs are kept for --merge", text);
    *share = (struct sweep_share){.index = (uint32_t)index - 1, .count = (uint32_t)count};
    return SIM_OK;
}

/* Where runs are kept and where they come from. */
static enum status read_parts(struct job *job, struct diag *diag)
{
    const struct options *options = &job->call.options;
    const char *value;
    uint32_t next = 0;
    while ((value = options_next(options, "merge", &next)) != NULL)
        job->parts[job->part_count++] = value;
    if (job->part_count > 0 && (options_has(options, "journal") || options_has(options, "shard")))
        return diag_set(diag, SIM_USAGE, "--merge replays nothing; --%s has no place next to it",
                        options_has(options, "shard") ? "shard" : "journal");
    return read_shard(options, &job->sweep.share, diag);
}

/* Whatever may fail in one rank and not in another, so that nothing in here waits for the others but read_source. */
static enum status read_sweep(struct job *job, struct diag *diag)
{
    const struct options *options = &job->call.options;
    struct sweep *sweep = &job->sweep;
    if (read_source(job, diag) != SIM_OK)
        return diag->status;
    set_base(job);
    workload_init(&job->workload, &job->source);
    sweep->plan = &job->plan;
    sweep->workload = &job->workload;
    sweep->reference = options_has(options, "reference");
    sweep->quiet = options_has(options, "quiet");
    sweep->stop = &interrupted;
    if (read_plan(job, diag) != SIM_OK || sweep_prepare(sweep, diag) != SIM_OK ||
        sweep_plan_config(&job->plan, 0, &job->first, diag) != SIM_OK)
        return diag->status;
    if (ranks_count() > 1 && sweep->scopes & FIGURE_SCOPE(FIGURE_OF_BYTES))
        return diag_set(diag, SIM_USAGE,
                        "--data-plane on measures one machine's memory, one run after the other; several processes cannot");
    enum status status = warning_tell_advice(options, "", &sweep->advice.first, diag);
    return status == SIM_OK ? read_view(job, diag) : status;
}

/* Processes that a launcher started with a part for each need nobody. */
static enum status join(const struct options *options, struct diag *diag)
{
    const bool asked = options_has(options, "mpi");
    if (!options_has(options, "shard") || asked)
        return ranks_open(asked, diag);
    notice_mute(false);
    return SIM_OK;
}

/* Everything but the runs happens in read(), since --dry-run needs it all. `scopes`, which says what figures there will be, is known after
 * sweep_prepare. Ranks read the same options, so that they fail alike before ranks_open. */
static enum status read_options(void *self, struct diag *diag)
{
    struct job *job = self;
    const struct options *options = &job->call.options;
    if (options->positional_count > 0)
        return diag_set(diag, SIM_USAGE, "unexpected argument \"%s\"; the trace is given with --trace", options->positional[0]);
    job->sweep.threads = input_threads(options, diag);
    if (diag->status != SIM_OK || read_parts(job, diag) != SIM_OK || join(options, diag) != SIM_OK)
        return diag->status;
    if (ranks_count() > 1 && options_has(options, "list") && strcmp(options_value(options, "list"), "-") == 0)
        return diag_set(diag, SIM_USAGE, "--list -: several processes cannot read one standard input; give a file");
    enum status status = read_sweep(job, diag);
    return ranks_agree(status, job->sweep.identity.trace ^ job->sweep.identity.sweep, diag);
}

/* --- doing it ---------------------------------------------------------------------------------------------------------------------- */

/* Plain lines and not a document: one a point, for a look before a long sweep. */
static void list_points(const void *context, FILE *file)
{
    const struct sweep_plan *plan = context;
    for (size_t point = 0; point < plan->point_count; point++) {
        char text[1024];
        sweep_plan_describe(plan, point, text, sizeof text);
        fprintf(file, "%s\n", text);
    }
}

/* Rank 0 has the journal, and with it knows what is to be done. */
static enum status start(struct job *job, const char *journal, struct diag *diag)
{
    struct sweep *sweep = &job->sweep;
    size_t resumed;
    enum status status = sweep_start(sweep, ranks_number() == 0 ? journal : NULL, &resumed, diag);
    const struct line changed = journal_warning(&sweep->journal, "run");
    if (changed.length > 0)
        notice("%s", changed.text);
    if (resumed > 0 && !sweep->quiet)
        notice("%zu of %zu runs are in %s already", resumed, job->plan.point_count, journal);
    return ranks_agree(status, 0, diag);
}

/* With a journal an interrupt loses nothing but the runs in progress, so the message says how to go on. A diag of its own is used because
 * the first message wins in the command's one, and this one replaces it. mpirun ends all ranks by the same signal when one of them dies. */
static enum status replay_all(struct job *job, struct diag *diag)
{
    const char *journal = options_value(&job->call.options, "journal");
    struct diag inner = {0};
    if (job->part_count > 0)
        return sweep_merge(&job->sweep, job->parts, job->part_count, diag);
    if (start(job, journal, diag) != SIM_OK)
        return diag->status;
    if (options_has(&job->call.options, "watch"))
        job->sweep.watcher = sweep_best_watch(&job->best, &job->plan, &job->view);
    enum status status = sweep_run(&job->sweep, &inner);
    if (status == SIM_INTERRUPTED && journal)
        return diag_set(diag, status, "interrupted%s; the same command goes on with what %s holds",
                        ranks_count() > 1 ? ", or another rank has died" : "", journal);
    return status == SIM_OK ? SIM_OK : diag_set(diag, status, "%s", inner.text);
}

static bool is_varied(const void *context, const struct config_key *key)
{
    const struct sweep_plan *plan = context;
    return sweep_keys_index(&plan->varied, key) < plan->varied.count;
}

/* Of a run, up to what its point says. Requests that a generator draws are in no file, and no replay can be given them. */
static enum status replay_line(const struct job *job, char **line, struct diag *diag)
{
    *line = NULL;
    if (job->source.kind)
        return SIM_OK;
    *line = options_command_line_of(&job->call.options, &command_replay, is_varied, &job->plan);
    return *line ? SIM_OK : diag_no_memory(diag, 0, "a command line");
}

/* Replicates that all agree are suspicious: most likely nothing in the run depends on the seed, and an interval of width 0 would look like
 * great precision. */
static enum status tell(const struct job *job, struct diag *diag)
{
    struct sweep_groups groups;
    struct sweep_rows rows = {0};
    char *line = NULL;
    enum status status = sweep_groups_make(&groups, &job->sweep, &job->view, diag);
    if (status == SIM_OK)
        status = sweep_rows_make(&rows, &groups, diag);
    if (status == SIM_OK)
        status = replay_line(job, &line, diag);
    if (status == SIM_OK) {
        const struct document_origin origin = output_origin(&job->call.options, job->sweep.traces[0]->name, &job->first);
        status = output_document(&job->call.form, sweep_report(&groups, &rows, line, &origin), diag);
    }
    free(line);
    if (status == SIM_OK && groups.seeds_made_no_difference)
        status = warning_tell(&job->call.options, diag,
                              "the seeds made no difference: nothing in these runs is drawn; --generate draws a workload for each");
    if (status == SIM_OK)
        status = sweep_groups_judge(&groups, diag); /* told after its table */
    sweep_rows_deinit(&rows);
    sweep_groups_deinit(&groups);
    return status;
}

/* A part has no report: --merge makes it, of all parts. */
static void tell_part(const struct job *job)
{
    size_t done = 0;
    for (size_t i = 0; i < job->sweep.result.count; i++)
        done += job->sweep.result.rows[i].state != SWEEP_PENDING;
    if (!job->sweep.quiet)
        notice("%s holds %zu of %zu runs", job->sweep.journal.path, done, job->sweep.result.count);
}

/* What people see comes from rank 0 alone. */
static enum status run(void *self, struct diag *diag)
{
    struct job *job = self;
    const bool first = ranks_number() == 0;
    if (options_has(&job->call.options, "dry-run"))
        return first ? output_printed(list_points, &job->plan, diag) : SIM_OK;
    enum status status = replay_all(job, diag);
    if (status != SIM_OK || !first)
        return status;
    if (job->sweep.share.count == 0)
        return tell(job, diag);
    tell_part(job);
    return SIM_OK;
}

static void close_job(void *self)
{
    struct job *job = self;
    sweep_close(&job->sweep);
    workload_deinit(&job->workload);
    trace_destroy(job->source.file);
    generate_spec_deinit(&job->source.generator);
    sweep_plan_deinit(&job->plan);
    ranks_close();
}

const struct command command_sweep = {
    .name = "sweep",
    .usage = "pagesim sweep --trace FILE --vary KEY=VALUES [--vary ...] [options]",
    .description = "Replay one trace under many configurations, in parallel, and compare: a row a\n"
                   "run, a * where no other run that meets what is required is better in all\n"
                   "objectives. All points are checked first. A run that stalls is a row too, but\n"
                   "not on the front; nor is one that serves fewer requests than others do. Runs\n"
                   "that differ in their seed alone are replicates. With --data-plane on, runs go\n"
                   "one by one and measure the gather's bandwidth. A sweep that was killed goes on\n"
                   "when the same command is given again with the same --journal. Several machines\n"
                   "share one: under mpirun (a build with `make mpi`), or as jobs of their own, each\n"
                   "with --shard I/N, whose journals --merge puts together; the bytes are the same.\n",
    OPTIONS(own_options),
    .takes_config = true,
    .examples = "  pagesim sweep --trace azure.csv --vary block_size=8,16,32 \\\n"
                "    --vary num_gpu_blocks=1000:8000:500 --journal sweep.jsonl\n"
                "  pagesim sweep --trace t.jsonl --num-gpu-blocks 2000 \\\n"
                "    --vary step_time.base_ns=2000000:32000000:*2 --format csv --output out.csv\n"
                "  pagesim sweep --generate chat --requests 1000 --replicates 10 \\\n"
                "    --num-gpu-blocks 3000 --vary enable_prefix_caching=true,false\n"
                "  mpirun -n 8 pagesim sweep --trace azure.csv --vary num_gpu_blocks=1000:8000:1\n",
    .tables = {"rows", "runs"},
    .job_size = sizeof(struct job),
    .read = read_options,
    .run = run,
    .close = close_job,
};
