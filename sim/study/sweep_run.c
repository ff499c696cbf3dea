/* sweep_run.c - checks and fingerprints all points, then hands the pending ones to threads. Start with replay_point, which is one run, and
 * ranks.h, which says who does them.
 */
#include "study/sweep_run.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/fingerprint.h"
#include "data_plane/memory_limit.h"
#include "data_plane/worker.h"
#include "run/run.h"
#include "study/config_fingerprint.h"
#include "study/ranks.h"

/* --- what a sweep is made of ------------------------------------------------------------------------------------------------------ */

/* What most points have in common and costs time to look at: remembered from the point before. */
struct last_seen {
    struct config_files files;
    const struct trace *trace;
    struct sweep_weight weight; /* of that trace */
};

/* Traces of all points; the workload makes equal ones once. Their fingerprints count once each, in order of first use. A growing workload
 * is how a new one is noticed: taking the fingerprint of a trace costs as much as reading it, and most points share theirs. */
static enum status note_trace(struct sweep *sweep, size_t point, const struct config *config, struct last_seen *last, struct diag *diag)
{
    const size_t before = sweep->workload->count;
    enum status status = workload_get(sweep->workload, config, &sweep->traces[point], diag);
    if (status != SIM_OK)
        return status;
    if (sweep->workload->count > before)
        sweep->identity.trace = fingerprint_word(sweep->identity.trace, workload_fingerprint(sweep->traces[point]));
    if (last->trace != sweep->traces[point]) {
        last->trace = sweep->traces[point];
        last->weight = sweep_weigh(last->trace);
    }
    sweep->costs[point] = sweep_cost(&last->weight, config, sweep->reference);
    return SIM_OK;
}

/* Every configuration is made here once and thrown away, though its run makes it again: a point that vLLM would refuse must stop the
 * sweep before it begins, not after hours, and identity and columns have to be known before the journal can be read. One thread, as a
 * workload takes no more; the runs afterwards only read traces. */
enum status sweep_prepare(struct sweep *sweep, struct diag *diag)
{
    const size_t count = sweep->plan->point_count;
    const bool drawn = workload_is_drawn(sweep->workload->source);
    /* Seeds have a test of their own (sweep_groups.h), and of drawn requests the tokens of an id were not the user's choice. */
    const unsigned wanted = ADVICE_ALL & ~(1u << ADVICE_SEED | (drawn ? 1u << ADVICE_CONTENTS : 0));
    struct last_seen last = {.trace = NULL};
    sweep->identity = (struct sweep_identity){.trace = FINGERPRINT_START, .sweep = FINGERPRINT_START};
    const struct array_request arrays[] = {ARRAY_OF(sweep->traces, count), ARRAY_OF(sweep->costs, count)};
    enum status status = array_zeroed_all(arrays, 2, "a sweep's traces", diag);
    for (size_t point = 0; point < count && status == SIM_OK; point++) {
        struct config config;
        struct advice advice;
        if (sweep_plan_config(sweep->plan, point, &config, diag) != SIM_OK || note_trace(sweep, point, &config, &last, diag) != SIM_OK)
            return diag->status;
        status = config_fingerprint(&config, &last.files, &sweep->identity.sweep, diag);
        sweep->scopes |= run_figures_scopes(&config, false);
        sweep->step_times |= 1u << config.step_time.model;
        advice_collect(&config, sweep->traces[point], wanted, &advice);
        advice_gather(&advice, &sweep->advice);
    }
    advice_count(&sweep->advice, count);
    return status;
}

enum status sweep_start(struct sweep *sweep, const char *journal, size_t *resumed, struct diag *diag)
{
    *resumed = 0;
    enum status status = sweep_result_init(&sweep->result, sweep->plan->point_count, sweep->scopes, &sweep->wishes, diag);
    return status == SIM_OK && journal ? sweep_journal_open(&sweep->journal, journal, &sweep->identity, &sweep->result, resumed, diag)
                                       : status;
}

/* Nothing is replayed here, so a run that is missing is an error. It may be there without a figure that is wished for now. */
enum status sweep_merge(struct sweep *sweep, const char *const *parts, size_t count, struct diag *diag)
{
    size_t missing = 0, first = 0;
    enum status status = sweep_result_init(&sweep->result, sweep->plan->point_count, sweep->scopes, &sweep->wishes, diag);
    for (size_t i = 0; i < count && status == SIM_OK; i++)
        status = sweep_journal_merge(parts[i], &sweep->identity, &sweep->result, diag);
    for (size_t point = sweep->result.count; point-- > 0 && status == SIM_OK;)
        if (sweep->result.rows[point].state == SWEEP_PENDING)
            missing++, first = point;
    if (status == SIM_OK && missing > 0) {
        char text[256];
        sweep_plan_describe(sweep->plan, first, text, sizeof text);
        status = diag_set(diag, SIM_BAD_INPUT,
                          "%zu of %zu runs, the first of them run %zu (%s), are in no journal, or without a figure that is asked for; "
                          "do the missing --shard, with the same figures",
                          missing, sweep->result.count, first, text);
    }
    return status;
}

void sweep_close(struct sweep *sweep)
{
    journal_close(&sweep->journal);
    sweep_result_deinit(&sweep->result);
    free(sweep->traces);
    free(sweep->costs);
    *sweep = (struct sweep){0};
}

/* --- one run ---------------------------------------------------------------------------------------------------------------------- */

/* What the threads share. `done` is counted up by all of them. */
struct pass {
    struct sweep *sweep;
    struct kv_memory_speed limit;
    struct progress progress;
    size_t count, done;
};

/* The data plane measures the memory's speed: such runs go one after the other. */
static bool moves_bytes(const struct sweep *sweep)
{
    return (sweep->scopes & FIGURE_SCOPE(FIGURE_OF_BYTES)) != 0;
}

static bool should_stop(const struct pass *pass)
{
    return pass->sweep->stop && *pass->sweep->stop;
}

/* Shares of a run count too, so that the bar moves when runs are long. Only the share of the run that reports just now is added, so with
 * several threads the bar shows a little less than what is done. A bar is drawn by one thread at a time; where nobody looks nobody waits
 * for the lock. The answer makes the replay stop, so that Ctrl-C does not wait for the end of a long run. */
static bool on_progress(void *context, uint64_t finished, uint64_t total)
{
    enum { PARTS = 1000 };
    struct pass *pass = context;
    if (pass->progress.watched) {
#pragma omp critical(sweep_progress)
        {
            size_t runs;
#pragma omp atomic read
            runs = pass->done;
            uint64_t done = (uint64_t)runs * PARTS + (total ? finished * PARTS / total : 0);
            progress_update(&pass->progress, done, (uint64_t)pass->count * PARTS);
        }
    }
    return should_stop(pass);
}

static void tell_watcher(const struct sweep *sweep, size_t point)
{
    if (!sweep->watcher)
        return;
#pragma omp critical(sweep_progress)
    sweep->watcher->ended(sweep->watcher->context, &sweep->result, point);
}

/* What became of a run, into its slot and the journal. Appends take turns, as lines must stay whole. The sync is outside of the lock, so
 * that no thread waits for the disk on behalf of another; among several ranks settle_lines syncs for many runs at once. */
static enum status keep(struct pass *pass, const struct run *run, size_t point, struct diag *diag)
{
    struct sweep *sweep = pass->sweep;
    struct diag why = {0};
    const struct run_end *end = &run->facts.end;
    const enum sweep_state state = end->abort ? SWEEP_ABORTED : end->stalled ? SWEEP_STALLED : SWEEP_DONE;
    if (run_judge(run, &why) == SIM_OK) /* else its sentence goes into the row */
        diag_clear(&why);
    enum status status = sweep_result_set(&sweep->result, point, state, &run->figures, why.text, diag);
    if (status == SIM_OK && sweep->journal.path) {
#pragma omp critical(sweep_journal)
        status = sweep_journal_append(&sweep->journal, &sweep->result, point, diag);
    }
#pragma omp atomic
    pass->done++;
    tell_watcher(sweep, point);
    if (status == SIM_OK && sweep->journal.path && ranks_count() == 1)
        status = journal_sync(&sweep->journal, diag);
    return status;
}

/* What a run needs that is too large for the stack of a thread. */
struct point_run {
    struct run run;
    struct config config;
    struct worker *worker; /* NULL: no K/V bytes are moved */
};

static enum status replay_into(struct pass *pass, struct point_run *made, size_t point, struct diag *diag)
{
    struct sweep *sweep = pass->sweep;
    struct run *run = &made->run;
    struct observer observer;
    const struct geometry_wish geometry = {.measure = true}; /* shapes may differ from point to point; one is measured once, and kept */
    const struct replay_options how = {.reference = sweep->reference, .progress = on_progress, .progress_context = pass};
    enum status status = sweep_plan_config(sweep->plan, point, &made->config, diag);
    if (status == SIM_OK)
        status = run_open(run, sweep->traces[point], &made->config, diag);
    if (status == SIM_OK && made->config.data_plane != DATA_PLANE_OFF)
        status = worker_create(run->trace, &made->config, sweep->threads, &geometry, &made->worker, diag);
    run->wishes = &sweep->wishes;
    if (made->worker) {
        observer = worker_observer(made->worker);
        run->worker = worker_totals(made->worker);
        run->read_limit = memory_limit_for(&pass->limit, made->config.kv.read);
    }
    if (status == SIM_OK)
        status = run_replay(run, made->worker ? &observer : NULL, made->worker != NULL, &how, diag);
    return status == SIM_OK ? keep(pass, run, point, diag) : status;
}

/* One run, from the number of a point to its row. The configuration is made in the thread that needs it. With the data plane on, the worker
 * copies real K/V bytes as the replay goes, with all threads of the sweep, and its totals become figures of the run. After an interruption
 * others may still be asked for; they return at once. */
static enum status replay_point(void *context, size_t point, struct diag *diag)
{
    struct pass *pass = context;
    struct point_run *made;
    if (should_stop(pass))
        return diag_set(diag, SIM_INTERRUPTED, "interrupted");
    enum status status = array_zeroed(&made, 1, sizeof *made, "a run", diag);
    if (status != SIM_OK)
        return status;
    status = replay_into(pass, made, point, diag);
    worker_destroy(made->worker);
    run_close(&made->run);
    free(made);
    return status;
}

/* --- runs of other ranks ------------------------------------------------------------------------------------------------------------ */

/* A rank that has no journal says with a line of one what became of its run. */
static void write_line(void *context, size_t point, struct json_text *line)
{
    const struct pass *pass = context;
    sweep_journal_line(&pass->sweep->identity, &pass->sweep->result, point, line);
}

/* The same line, byte for byte, goes into the journal. */
static enum status take_line(void *context, size_t from, const char *line, size_t length, struct diag *diag)
{
    struct pass *pass = context;
    struct sweep *sweep = pass->sweep;
    char name[32];
    snprintf(name, sizeof name, "rank %zu", from);
    enum status status = sweep_journal_take(&sweep->identity, name, line, length, &sweep->result, diag);
    if (status == SIM_OK && sweep->journal.path) {
#pragma omp critical(sweep_journal)
        status = sweep_journal_append_line(&sweep->journal, line, length, diag);
    }
#pragma omp atomic
    pass->done++;
    return status;
}

static enum status settle_lines(void *context, struct diag *diag)
{
    struct sweep *sweep = ((struct pass *)context)->sweep;
    return sweep->journal.path ? journal_sync(&sweep->journal, diag) : SIM_OK;
}

/* --- all runs --------------------------------------------------------------------------------------------------------------------- */

/* The runs of the sweep's share that are still pending, in their order; what the journal had is not done again. Shares are cut before that,
 * so that they do not depend on what is done. */
static size_t list_pending(const struct sweep *sweep, size_t *runs)
{
    const size_t count = sweep->result.count;
    size_t pending = 0;
    for (size_t point = 0; point < count; point++)
        runs[point] = point;
    sweep_order_by_cost(runs, count, sweep->costs);
    const size_t ours = sweep_share_take(runs, count, sweep->share);
    for (size_t i = 0; i < ours; i++)
        if (sweep->result.rows[runs[i]].state == SWEEP_PENDING)
            runs[pending++] = runs[i];
    return pending;
}

/* Figures of moved bytes compare with what this machine's memory can do; that is measured once, before the runs, while nothing else uses the
 * memory. Only rank 0 knows what is pending, and hands it out. */
enum status sweep_run(struct sweep *sweep, struct diag *diag)
{
    struct pass pass = {.sweep = sweep};
    size_t *runs;
    enum status status = array_zeroed(&runs, sweep->result.count, sizeof *runs, "a sweep", diag);
    if (status != SIM_OK)
        return status;
    pass.count = ranks_number() == 0 ? list_pending(sweep, runs) : 0;
    if (moves_bytes(sweep) && pass.count > 0)
        pass.limit = kv_memory_speed_measure(sweep->threads);
    const struct rank_work work = {.numbers = runs,
                                   .count = pass.count,
                                   .threads = moves_bytes(sweep) ? 1 : sweep->threads,
                                   .stop = sweep->stop,
                                   .context = &pass,
                                   .run = replay_point,
                                   .write = write_line,
                                   .take = take_line,
                                   .settle = settle_lines};
    for (size_t point = 0; point < sweep->result.count; point++)
        if (sweep->result.rows[point].state != SWEEP_PENDING)
            tell_watcher(sweep, point);
    if (sweep->watcher && ranks_number() == 0)
        progress_start_view(&pass.progress, "sweep", sweep->watcher->describe, sweep->watcher->context);
    else
        progress_start(&pass.progress, "sweep", sweep->quiet || ranks_number() > 0);
    status = ranks_hand_out(&work, diag);
    progress_finish(&pass.progress, pass.done, pass.count);
    progress_end(&pass.progress);
    free(runs);
    return status;
}
