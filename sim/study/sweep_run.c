/* sweep_run.c - checks and fingerprints all points, then hands the pending ones to threads. Start with replay_point, which is one run, and
 * run_all, which decides what still starts after a failure.
 */
#include "study/sweep_run.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/fingerprint.h"
#include "base/progress.h"
#include "base/text_file.h"
#include "config/hardware.h"
#include "data_plane/memory_limit.h"
#include "data_plane/worker.h"
#include "replay/run.h"

/* --- what a sweep is made of ------------------------------------------------------------------------------------------------------ */

static enum status fingerprint_file(const char *path, uint64_t *hash, struct diag *diag)
{
    struct text_file file;
    enum status status = text_file_open(path, &file, diag);
    if (status != SIM_OK)
        return status;
    *hash = fingerprint_bytes(*hash, file.text, file.length);
    text_file_close(&file);
    return SIM_OK;
}

/* A step-time model is a file, or a folder of files in order of their names. */
static enum status fingerprint_path(const char *path, uint64_t *hash, struct diag *diag)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0)
        return fingerprint_file(path, hash, diag);
    enum status status = SIM_OK;
    for (int i = 0; i < count; i++) {
        char file[2 * CONFIG_PATH_SIZE];
        snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
        if (status == SIM_OK && entries[i]->d_type != DT_DIR)
            status = fingerprint_file(file, hash, diag);
        free(entries[i]);
    }
    free(entries);
    return status;
}

/* The files that a configuration names. Most points name the same ones: `last` remembers. */
struct named_files {
    char step_time[CONFIG_PATH_SIZE], model[CONFIG_PATH_SIZE], gpu[CONFIG_PATH_SIZE];
    uint64_t hash;
};

static enum status fingerprint_files(const struct config *config, struct named_files *last, struct diag *diag)
{
    enum status status = SIM_OK;
    if (last->hash && strcmp(last->step_time, config->step_time.path) == 0 && strcmp(last->model, config->model) == 0 &&
        strcmp(last->gpu, config->gpu) == 0)
        return SIM_OK;
    struct model_shape model = {0};
    struct gpu gpu = {0};
    last->hash = FINGERPRINT_START;
    if (config->step_time.path[0])
        status = fingerprint_path(config->step_time.path, &last->hash, diag);
    if (status == SIM_OK && config->model[0])
        status = model_shape_load(config->model, &model, diag);
    if (status == SIM_OK && config->gpu[0])
        status = gpu_load(config->gpu, &gpu, diag);
    last->hash = fingerprint_bytes(last->hash, &model, sizeof model);
    last->hash = fingerprint_bytes(last->hash, &gpu, sizeof gpu);
    memcpy(last->step_time, config->step_time.path, sizeof last->step_time);
    memcpy(last->model, config->model, sizeof last->model);
    memcpy(last->gpu, config->gpu, sizeof last->gpu);
    return status;
}

static enum status fingerprint_config(const struct config *config, struct named_files *files, uint64_t *hash, struct diag *diag)
{
    struct json_text json;
    json_text_init(&json, false);
    config_write(config, &json);
    enum status status = json_text_status(&json, diag);
    if (status == SIM_OK)
        status = fingerprint_files(config, files, diag);
    if (status == SIM_OK) {
        *hash = fingerprint_bytes(*hash, json.text, json.length);
        *hash = fingerprint_word(*hash, files->hash);
        *hash = fingerprint_word(*hash, config->block_bytes);
    }
    json_text_deinit(&json);
    return status;
}

/* Traces of all points; the workload makes equal ones once. Their fingerprints count once each, in order of first use. */
static enum status note_trace(struct sweep *sweep, size_t point, const struct config *config, struct diag *diag)
{
    const size_t before = sweep->workload->count;
    enum status status = workload_get(sweep->workload, config, &sweep->traces[point], diag);
    if (status == SIM_OK && sweep->workload->count > before)
        sweep->identity.trace = fingerprint_word(sweep->identity.trace, workload_fingerprint(sweep->traces[point]));
    return status;
}

enum status sweep_prepare(struct sweep *sweep, struct diag *diag)
{
    const size_t count = sweep->plan->point_count;
    struct named_files files = {.hash = 0};
    sweep->identity = (struct sweep_identity){.trace = FINGERPRINT_START, .sweep = FINGERPRINT_START};
    enum status status = array_zeroed(&sweep->traces, count, sizeof *sweep->traces, "a sweep's traces", diag);
    for (size_t point = 0; point < count && status == SIM_OK; point++) {
        struct config config;
        status = sweep_plan_config(sweep->plan, point, &config, diag);
        if (status == SIM_OK)
            status = note_trace(sweep, point, &config, diag);
        if (status == SIM_OK)
            status = fingerprint_config(&config, &files, &sweep->identity.sweep, diag);
        if (status == SIM_OK)
            sweep->scopes |= run_figures_scopes(&config, false);
    }
    return status;
}

enum status sweep_start(struct sweep *sweep, const char *journal, size_t *resumed, struct diag *diag)
{
    *resumed = 0;
    enum status status = sweep_result_init(&sweep->result, sweep->plan->point_count, sweep->scopes, &sweep->wishes, diag);
    return status == SIM_OK && journal ? sweep_journal_open(journal, &sweep->identity, &sweep->result, &sweep->journal, resumed, diag)
                                       : status;
}

void sweep_close(struct sweep *sweep)
{
    sweep_journal_close(sweep->journal);
    sweep_result_deinit(&sweep->result);
    free(sweep->traces);
    *sweep = (struct sweep){0};
}

/* --- one run ---------------------------------------------------------------------------------------------------------------------- */

/* What the threads share. */
struct pass {
    struct sweep *sweep;
    struct kv_memory_speed limit;
    struct progress progress;
    size_t *pending;
    size_t pending_count, done;
    bool failed;
    size_t failed_place;
    struct diag failure;
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

/* Shares of a run count too, so that the bar moves when runs are long. */
static bool on_progress(void *context, uint64_t finished, uint64_t total)
{
    enum { PARTS = 1000 };
    struct pass *pass = context;
    if (pass->progress.terminal) {
#pragma omp critical(sweep_progress)
        {
            size_t runs;
#pragma omp atomic read
            runs = pass->done;
            uint64_t done = (uint64_t)runs * PARTS + (total ? finished * PARTS / total : 0);
            progress_update(&pass->progress, done, (uint64_t)pass->pending_count * PARTS);
        }
    }
    return should_stop(pass);
}

static enum status keep(struct pass *pass, const struct run *run, size_t point, struct diag *diag)
{
    struct sweep *sweep = pass->sweep;
    struct diag why = {0};
    const struct run_end *end = &run->facts.end;
    const enum sweep_state state = end->abort ? SWEEP_ABORTED : end->stalled ? SWEEP_STALLED : SWEEP_DONE;
    if (run_judge(run, &why) == SIM_OK) /* else its sentence goes into the row */
        diag_clear(&why);
    enum status status = sweep_result_set(&sweep->result, point, state, &run->figures, why.text, diag);
    if (status == SIM_OK && sweep->journal) {
#pragma omp critical(sweep_journal)
        status = sweep_journal_append(sweep->journal, &sweep->result, point, diag);
    }
#pragma omp atomic
    pass->done++;
    if (status == SIM_OK && sweep->journal)
        status = sweep_journal_sync(sweep->journal, diag);
    return status;
}

static enum status replay_point(struct pass *pass, size_t point, struct diag *diag)
{
    struct sweep *sweep = pass->sweep;
    struct config config;
    struct run run = {0};
    struct worker *worker = NULL;
    struct observer observer;
    const struct replay_options how = {.reference = sweep->reference, .progress = on_progress, .progress_context = pass};
    enum status status = sweep_plan_config(sweep->plan, point, &config, diag);
    if (status == SIM_OK)
        status = run_open(&run, sweep->traces[point], &config, diag);
    if (status == SIM_OK && config.data_plane != DATA_PLANE_OFF)
        status = worker_create(run.trace, &config, sweep->threads, &worker, diag);
    run.wishes = &sweep->wishes;
    if (worker) {
        observer = worker_observer(worker);
        run.worker = worker_totals(worker);
        run.read_limit = memory_limit_for(&pass->limit, config.kv.read);
    }
    if (status == SIM_OK)
        status = run_replay(&run, worker ? &observer : NULL, worker != NULL, &how, diag);
    if (status == SIM_OK)
        status = keep(pass, &run, point, diag);
    worker_destroy(worker);
    run_close(&run);
    return status;
}

/* --- all runs --------------------------------------------------------------------------------------------------------------------- */

/* The failure that is told is that of the first run in order of the plan, as if they had run one after the other. */
static void keep_error(struct pass *pass, size_t place, const struct diag *diag)
{
#pragma omp critical(sweep_error)
    if (!pass->failed || place < pass->failed_place) {
        pass->failed = true;
        pass->failed_place = place;
        pass->failure = *diag;
    }
}

/* Once a run has failed, those after it need not start; those before it still do, as one of them may be the first to fail. */
static bool still_wanted(struct pass *pass, size_t place)
{
    bool wanted;
#pragma omp critical(sweep_error)
    wanted = !pass->failed || place < pass->failed_place;
    return wanted && !should_stop(pass);
}

static void run_all(struct pass *pass)
{
    const int threads = moves_bytes(pass->sweep) ? 1 : (int)pass->sweep->threads;
    (void)threads; /* without OpenMP */
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads) default(none) shared(pass)
    for (size_t place = 0; place < pass->pending_count; place++) {
        struct diag diag = {0};
        if (still_wanted(pass, place) && replay_point(pass, pass->pending[place], &diag) != SIM_OK)
            keep_error(pass, place, &diag);
    }
}

enum status sweep_run(struct sweep *sweep, struct diag *diag)
{
    struct pass pass = {.sweep = sweep};
    enum status status = array_zeroed(&pass.pending, sweep->result.count, sizeof *pass.pending, "a sweep", diag);
    if (status != SIM_OK)
        return status;
    for (size_t point = 0; point < sweep->result.count; point++)
        if (sweep->result.rows[point].state == SWEEP_PENDING)
            pass.pending[pass.pending_count++] = point;
    if (moves_bytes(sweep) && pass.pending_count > 0)
        pass.limit = kv_memory_speed_measure(sweep->threads);
    progress_start(&pass.progress, "sweep", sweep->quiet);
    run_all(&pass);
    progress_end(&pass.progress);
    free(pass.pending);
    if (pass.failed && pass.failure.status != SIM_INTERRUPTED)
        return diag_set(diag, pass.failure.status, "%s", pass.failure.text);
    if (should_stop(&pass))
        return diag_set(diag, SIM_INTERRUPTED, "interrupted");
    return SIM_OK;
}
