/* public_run.c - second half of pagesim.h: observers, runs and results. public_inputs.c has the first half; public.h what both share.
 *
 * Observers get structs of their own and not the simulator's, so that the inside may change without programs having to.
 *
 * A run here is what `pagesim replay` does without its outputs: the same run_open, run_replay and figures (run/run.h), the same document
 * for JSON. The result keeps everything alive that it points into: the trace (counted), a copy of the configuration, the run with its
 * stories and figures. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/memory_stream.h"
#include "config/sizing.h"
#include "public/public.h"
#include "replay/workload.h"
#include "report/renderer.h"
#include "report/replay_report.h"
#include "run/run.h"

struct pagesim_result {
    struct pagesim_trace *source; /* held */
    struct trace trace;           /* the same columns, and what this run has to tell of them */
    struct config config;
    struct sizing sizing;
    struct run run;
    struct figure_wishes wishes;
    struct replay_course course; /* with options.charts; its trace is NULL without */
    char *page;                  /* once it was asked for */
    double seconds;              /* that the replay took on this machine */
    struct diag early;           /* why it ended early; SIM_OK: it did not */
};

/* --- observers ------------------------------------------------------------------------------------------------------------------- */

/* How many items a caller's function gets at once at most. They are translated on the stack. A few KB of stack, and a call for 64 items
 * instead of one for each. */
enum { BATCH = 64 };

/* One public observer during a run. `self` of the simulator's observer: the caller's functions, and the trace by which positions are turned
 * into the file's numbers. */
struct watcher {
    const struct pagesim_observer *observer;
    const struct trace *trace;
};

/* false: nothing that is told outside. EVENT_GAP is a detail of how token times are kept and has no meaning outside. `tokens` is taken from
 * the event's value only for kinds in which that is a count of tokens; in others it means something else, such as a pool's size. A V1
 * sample is a request of its own and its number comes from the trace; in V0 it comes from the event. */
static bool translate_event(const struct trace *trace, const struct event *event, struct pagesim_event *out)
{
    static const enum pagesim_event_kind kinds[] = {
        [EVENT_ARRIVE] = PAGESIM_ARRIVED,     [EVENT_ADMIT] = PAGESIM_ADMITTED,    [EVENT_READMIT] = PAGESIM_READMITTED,
        [EVENT_SWAP_IN] = PAGESIM_SWAPPED_IN, [EVENT_PREEMPT] = PAGESIM_PREEMPTED, [EVENT_FIRST_TOKEN] = PAGESIM_FIRST_TOKEN,
        [EVENT_FINISH] = PAGESIM_FINISHED,    [EVENT_IGNORE] = PAGESIM_IGNORED,    [EVENT_DROP] = PAGESIM_DROPPED,
        [EVENT_VAIN] = PAGESIM_VAIN,
    };
    if (event->kind == EVENT_GAP)
        return false;
    const bool counts = event->kind == EVENT_ADMIT || event->kind == EVENT_READMIT || event->kind == EVENT_PREEMPT ||
                        event->kind == EVENT_FINISH || event->kind == EVENT_VAIN;
    *out = (struct pagesim_event){.kind = kinds[event->kind],
                                  .time_ns = event->time_ns,
                                  .step = event->step,
                                  .request = trace_index(trace, event->request),
                                  .sample = trace->sample ? trace->sample[event->request] : event->sample,
                                  .position = event->request,
                                  .tokens = counts ? (uint32_t)event->value : 0};
    return true;
}

/* A callback that returns false is no error of the program, and the status of an interrupt says so. */
static enum status stopped(struct diag *diag)
{
    return diag_set(diag, SIM_INTERRUPTED, "an observer stopped the run");
}

/* Full batches are passed on, and what is left at the end of the engine's batch: nothing is held back, so events and steps reach the caller
 * in the order in which the engine tells them. */
static enum status on_events(void *self, const struct event *events, size_t count, struct diag *diag)
{
    const struct watcher *watcher = self;
    struct pagesim_event batch[BATCH];
    size_t filled = 0;
    for (size_t i = 0; i < count; i++) {
        filled += translate_event(watcher->trace, &events[i], &batch[filled]);
        if (filled == BATCH || (i + 1 == count && filled > 0)) {
            if (!watcher->observer->events(watcher->observer->self, batch, filled))
                return stopped(diag);
            filled = 0;
        }
    }
    return SIM_OK;
}

/* Idle time between steps comes as a tally without a number (TALLY_GAP), so that times add up to the whole run. */
static struct pagesim_step translate_tally(const struct step_tally *tally)
{
    return (struct pagesim_step){.step = tally->step == TALLY_GAP ? 0 : tally->step,
                                 .idle = tally->step == TALLY_GAP,
                                 .start_ns = tally->start_ns,
                                 .duration_ns = tally->duration_ns,
                                 .decided_ns = tally->decided_ns,
                                 .state_ns = tally->state_ns,
                                 .scheduled_sequences = tally->scheduled_sequences,
                                 .scheduled_tokens = tally->scheduled_tokens,
                                 .prefill_tokens = tally->prefill_tokens,
                                 .output_tokens = tally->sampled_tokens,
                                 .vain_tokens = tally->vain_tokens,
                                 .running_requests = tally->running,
                                 .waiting_requests = tally->waiting,
                                 .swapped_groups = tally->swapped,
                                 .used_blocks = tally->used_blocks,
                                 .free_blocks = tally->free_blocks,
                                 .cached_blocks = tally->cached_blocks,
                                 .table_blocks = tally->table_blocks,
                                 .held_tokens = tally->held_tokens,
                                 .preemptions = tally->preemptions};
}

/* An observer that asks for steps makes the engine go step by step; one that has only `events` leaves the fast replay on. */
static enum status on_tallies(void *self, const struct step_tally *tallies, size_t count, struct diag *diag)
{
    const struct watcher *watcher = self;
    struct pagesim_step batch[BATCH];
    for (size_t from = 0, here; from < count; from += here) {
        here = count - from < BATCH ? count - from : BATCH;
        for (size_t i = 0; i < here; i++)
            batch[i] = translate_tally(&tallies[from + i]);
        if (!watcher->observer->steps(watcher->observer->self, batch, here))
            return stopped(diag);
    }
    return SIM_OK;
}

/* --- run ------------------------------------------------------------------------------------------------------------------------- */

/* The simulator asks "stop?", the public function "go on?"; hence the negation. */
static bool on_progress(void *context, uint64_t finished, uint64_t total)
{
    const struct pagesim_run_options *options = context;
    return !options->progress(options->progress_context, finished, total);
}

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Watchers and observers live on this stack as long as the replay does, and nobody keeps them afterwards. Functions that the caller left
 * out stay NULL, since the engine does only the work that somebody asks for. */
static enum status replay(struct pagesim_result *result, const struct pagesim_run_options *options, struct diag *diag)
{
    struct watcher watchers[PAGESIM_OBSERVERS_MOST];
    struct observer observers[PAGESIM_OBSERVERS_MOST + 1];
    size_t count = options->observer_count;
    for (uint32_t i = 0; i < options->observer_count; i++) {
        watchers[i] = (struct watcher){.observer = &options->observers[i], .trace = result->run.trace};
        observers[i] = (struct observer){.self = &watchers[i],
                                         .events = options->observers[i].events ? on_events : NULL,
                                         .tallies = options->observers[i].steps ? on_tallies : NULL};
    }
    const bool course = options->charts && !result->run.fleet;
    if (result->run.fleet)
        result->run.fleet->keeps_courses = options->charts;
    if (course && replay_course_init(&result->course, result->run.trace, result->run.config, diag) != SIM_OK)
        return diag->status;
    if (course)
        observers[count++] = replay_course_observer(&result->course);
    const struct replay_options how = {.reference = options->reference,
                                       .check = options->check,
                                       .progress = options->progress ? on_progress : NULL,
                                       .progress_context = (void *)options};
    const double start = now_seconds();
    enum status status = run_replay(&result->run, observers, count, &how, diag);
    result->seconds = now_seconds() - start;
    return status;
}

/* Names are checked before anything is replayed. A name that this run cannot have is an error now and not a NaN later. */
static enum status take_wishes(struct pagesim_result *result, const struct pagesim_run_options *options, struct diag *diag)
{
    const unsigned scopes = run_figures_scopes(&result->config, false);
    enum status status = SIM_OK;
    for (uint32_t i = 0; i < options->figure_count && status == SIM_OK; i++) {
        status = figure_check_name("options.figures", options->figures[i], scopes, diag);
        if (status == SIM_OK)
            status = figure_wish(&result->wishes, options->figures[i], diag);
    }
    result->run.wishes = &result->wishes;
    return status;
}

/* Many runs may share the trace, so what one tells of it goes into a copy of the struct. The columns are the trace's own and not to be freed. */
static enum status settle(struct pagesim_result *result, const struct trace *trace, struct diag *diag)
{
    bool doubtful;
    const uint32_t before = result->config.trace_block_size;
    result->trace = *trace;
    const struct line rate = workload_doubt_rate(trace);
    if (rate.length > 0)
        trace_tell(&result->trace, rate.text);
    enum status status = workload_settle(trace, &result->config, diag);
    if (status != SIM_OK)
        return status;
    const struct line size = workload_block_size_note(trace, &result->config, before, &doubtful);
    if (size.length > 0)
        trace_tell(&result->trace, size.text);
    return SIM_OK;
}

/* The data plane is switched off: a library call moves no K/V bytes. run_judge() is asked for its sentence only. A stall or an abort is a
 * result here, which pagesim_result_ended_early() tells. */
static enum status run(const struct pagesim_trace *trace, const struct pagesim_config *config, const struct pagesim_run_options *options,
                       struct pagesim_result *result, struct diag *diag)
{
    if (options->observer_count > PAGESIM_OBSERVERS_MOST)
        return diag_set(diag, SIM_USAGE, "%u observers; at most %d can watch a run", options->observer_count, PAGESIM_OBSERVERS_MOST);
    enum status status = public_config_make(config, &result->config, diag);
    result->config.data_plane = DATA_PLANE_OFF;
    if (status == SIM_OK)
        status = sizing_fill(&result->config, &result->sizing, diag);
    if (status == SIM_OK)
        status = settle(result, trace->trace, diag);
    if (status == SIM_OK)
        status = run_open(&result->run, &result->trace, &result->config, diag);
    if (status == SIM_OK)
        status = take_wishes(result, options, diag);
    if (status == SIM_OK)
        status = replay(result, options, diag);
    if (status == SIM_OK)
        (void)!run_judge(&result->run, &result->early); /* its figures are worth having all the same */
    return status;
}

/* The trace gets its new holder before anything can fail, so that closing the result is right in every case. The order can be relaxed:
 * whoever calls this holds the trace already, so it cannot be freed meanwhile. */
enum pagesim_status pagesim_run(const struct pagesim_trace *trace, const struct pagesim_config *config,
                                const struct pagesim_run_options *options, struct pagesim_result **out, struct pagesim_error *error)
{
    const struct pagesim_run_options defaults = {0};
    struct diag diag = {0};
    struct pagesim_result *result = calloc(1, sizeof *result);
    if (!result)
        return public_tell(diag_no_memory(&diag, sizeof *result, "a result"), &diag, error);
    result->source = (struct pagesim_trace *)trace; /* only its count of holders changes */
    atomic_fetch_add_explicit(&result->source->holders, 1, memory_order_relaxed);
    enum status status = run(trace, config, options ? options : &defaults, result, &diag);
    if (status == SIM_OK)
        *out = result;
    else
        pagesim_result_close(result);
    return public_tell(status, &diag, error);
}

/* The run first, as it may borrow the trace. */
void pagesim_result_close(struct pagesim_result *result)
{
    if (!result)
        return;
    replay_course_deinit(&result->course);
    free(result->page);
    run_close(&result->run);
    public_trace_drop(result->source);
    free(result);
}

/* --- result ---------------------------------------------------------------------------------------------------------------------- */

const char *pagesim_result_ended_early(const struct pagesim_result *result)
{
    return result->early.status == SIM_OK ? NULL : result->early.text;
}

uint32_t pagesim_result_figure_count(const struct pagesim_result *result)
{
    return (uint32_t)result->run.figures.count;
}

/* NaN is what C programs test for; the internal flag stays inside. */
static double value_of(const struct figure *figure)
{
    return figure->undefined ? NAN : figure->value;
}

/* Percentiles that were wished for have no entry of their own in the list of kinds; their kind is made in `made`. That ends with this call,
 * so only literals of it are given out; the name is the result's. */
enum pagesim_status pagesim_result_figure_at(const struct pagesim_result *result, uint32_t i, struct pagesim_figure *out,
                                             struct pagesim_error *error)
{
    static const char *const units[] = {
        [FIGURE_COUNT] = "",    [FIGURE_MS] = "ms",       [FIGURE_S] = "s",           [FIGURE_SHARE] = "",
        [FIGURE_PER_S] = "1/s", [FIGURE_BYTES] = "bytes", [FIGURE_GB_PER_S] = "GB/s",
    };
    struct diag diag = {0};
    struct figure_kind made;
    const struct figure_set *figures = &result->run.figures;
    if (i >= figures->count)
        return public_tell(diag_set(&diag, SIM_USAGE, "there is no figure %u; there are %zu", i, figures->count), &diag, error);
    const struct figure *figure = &figures->list[i];
    const struct figure_kind *kind = figure_kind_find(figure->name, &made);
    *out = (struct pagesim_figure){
        .name = figure->name, .unit = kind ? units[kind->unit] : "", .meaning = kind ? kind->meaning : "", .value = value_of(figure)};
    return PAGESIM_OK;
}

/* Two ways to fail, told apart: a name that no run has, with the nearest known one, and a figure that exists but was not asked for before
 * the run. */
enum pagesim_status pagesim_result_figure(const struct pagesim_result *result, const char *name, double *value, struct pagesim_error *error)
{
    struct diag diag = {0};
    const struct figure *figure = figure_set_find(&result->run.figures, name);
    if (figure) {
        *value = value_of(figure);
        return PAGESIM_OK;
    }
    enum status status = figure_check_name("figure", name, run_figures_scopes(&result->config, false), &diag);
    if (status == SIM_OK) /* a percentile that has a name and was not asked for */
        status = diag_set(&diag, SIM_USAGE, "figure: \"%s\" was not computed; name it in the run's options", name);
    return public_tell(status, &diag, error);
}

/* The report of `pagesim replay`, without a command line, as there was none. One thread: no data plane ran. Pictures of several servers are kept
 * with these. */
static struct document *report_of(const struct pagesim_result *result, struct replay_course *course, bool page)
{
    const bool of_fleet = page && result->run.fleet && result->run.fleet->keeps_courses;
    const struct document_origin origin = {
        .command = "replay", .trace = result->run.trace->name, .config = &result->config, .pictures = course != NULL || of_fleet};
    const struct replay_result replayed = {
        .run = &result->run, .course = course, .sizing = &result->sizing, .measured = {.replay_seconds = result->seconds, .threads = 1}};
    return replay_report(&replayed, &origin);
}

/* As --format json, member for member. */
enum pagesim_status pagesim_result_json(const struct pagesim_result *result, char **out, struct pagesim_error *error)
{
    struct diag diag = {0};
    struct json_text json;
    struct document *document = report_of(result, NULL, false);
    enum status status = document_status(document, &diag);
    if (status == SIM_OK)
        status = document_to_json(document, &json, &diag);
    document_destroy(document);
    if (status == SIM_OK)
        *out = json.text;
    return public_tell(status, &diag, error);
}

/* As wide as what goes to a file. */
static enum status make_page(struct pagesim_result *result, struct diag *diag)
{
    const struct render_options options = {.width = TABLE_LINE};
    struct memory_stream stream;
    size_t length;
    struct document *document = report_of(result, result->course.trace ? &result->course : NULL, true);
    enum status status = document_status(document, diag);
    if (status == SIM_OK)
        status = memory_stream_open(&stream, diag);
    if (status == SIM_OK) {
        status = render_html(document, &options, stream.file, diag);
        const enum status closed = memory_stream_close(&stream, &result->page, &length, diag);
        status = status == SIM_OK ? closed : status;
    }
    document_destroy(document);
    return status;
}

/* Pictures thin what was kept, so the page is made once and kept itself. */
enum pagesim_status pagesim_result_html(struct pagesim_result *result, char **out, struct pagesim_error *error)
{
    struct diag diag = {0};
    enum status status = render_html_check(&diag);
    if (status == SIM_OK && !result->page)
        status = make_page(result, &diag);
    char *copy = status == SIM_OK ? strdup(result->page) : NULL;
    if (status == SIM_OK && !copy)
        status = diag_no_memory(&diag, strlen(result->page), "a page");
    if (status == SIM_OK)
        *out = copy;
    return public_tell(status, &diag, error);
}

uint32_t pagesim_result_request_count(const struct pagesim_result *result)
{
    return result->run.trace->count;
}

/* Positions are those of the run's trace, which has arrivals in order and V1's samples as requests; `request` and `sample` lead back to the
 * file. */
static struct pagesim_request_result request_at(const struct pagesim_result *result, uint32_t position)
{
    const struct trace *trace = result->run.trace;
    const struct request_story story = metrics_story(&result->run.metrics, position);
    return (struct pagesim_request_result){.request = trace_index(trace, position),
                                           .sample = trace_sample_of(trace, position),
                                           .input_tokens = trace->input_tokens[position],
                                           .output_tokens = story.output_tokens,
                                           .arrival_ns = story.arrival_ns,
                                           .first_scheduled_ns = story.first_scheduled_ns,
                                           .first_token_ns = story.first_token_ns,
                                           .finish_ns = story.finish_ns,
                                           .preemptions = story.preemptions,
                                           .cached_tokens = story.cached_tokens,
                                           .dropped = story.dropped,
                                           .ignored = story.ignored};
}

enum pagesim_status pagesim_result_request(const struct pagesim_result *result, uint32_t position, struct pagesim_request_result *out,
                                           struct pagesim_error *error)
{
    struct diag diag = {0};
    const uint32_t count = result->run.trace->count;
    if (position >= count)
        return public_tell(diag_set(&diag, SIM_USAGE, "there is no request %u; there are %u", position, count), &diag, error);
    *out = request_at(result, position);
    return PAGESIM_OK;
}

enum pagesim_status pagesim_result_requests(const struct pagesim_result *result, uint32_t first, uint32_t count,
                                            struct pagesim_request_result *out, struct pagesim_error *error)
{
    struct diag diag = {0};
    const uint32_t all = result->run.trace->count;
    if (first > all || count > all - first)
        return public_tell(diag_set(&diag, SIM_USAGE, "there are no %u requests from %u on; there are %u", count, first, all), &diag,
                           error);
    for (uint32_t i = 0; i < count; i++)
        out[i] = request_at(result, first + i);
    return PAGESIM_OK;
}
