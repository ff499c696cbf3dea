/* replay_pictures.c - the charts of a replay's page, in reading order: queues, blocks, steps, latencies, and how single requests went. Read
 * replay_pictures() at the end first.
 *
 * All is thinned so that a page stays light whatever the trace: tracks over time to the mean and the exact extremes of CELLS pieces, clouds of
 * requests to a mark in each spot (chart_thin), and the phases of requests to ROWS_MOST of them. */
#include <math.h>
#include <stdio.h>

#include "base/integers.h"
#include "base/line.h"
#include "base/units.h"
#include "report/fleet_report.h"
#include "report/replay_report.h"

enum { CHANGES_MOST = 1000, CELLS = 512, ROWS_MOST = 400 };

/* A track's colour and label. */
struct shown_track {
    enum course_track track;
    const char *name;
    size_t color;
    double scale; /* of its values; 0: they are shown as they are */
};

static const struct chart_axis time_axis = {.name = "time", .unit = "s"};

/* As it was, if a picture can show that: a value that changed a thousand times. */
static void add_exact(struct chart *chart, const struct counter_track *track, double scale)
{
    for (size_t cell = 0; cell < COUNTER_CELLS; cell++) {
        struct counter_point points[COUNTER_POINTS_MOST];
        const size_t count = counter_track_points(track, cell, points);
        for (size_t i = 0; i < count; i++)
            chart_add(chart, (double)points[i].at_ns / 1e9, scale * points[i].value);
    }
    chart_add(chart, (double)track->since_ns / 1e9, scale * track->value);
}

/* The mean of each cell, then its lowest and highest value; `ranges` says which. */
static void add_cells(struct chart *chart, const struct counter_track *track, double scale, bool ranges)
{
    double carried = NAN;
    for (size_t cell = 0; cell < COUNTER_CELLS; cell++) {
        struct counter_range range;
        const double at = (double)((int64_t)cell * track->width_ns) / 1e9;
        if (!counter_track_range(track, cell, &carried, &range))
            continue;
        chart_add(chart, at, scale * (ranges ? range.lowest : range.mean));
        if (ranges)
            chart_add(chart, at, scale * range.highest);
    }
}

static size_t changes_of(const struct counter_track *track)
{
    size_t changes = 0;
    struct counter_point points[COUNTER_POINTS_MOST];
    for (size_t cell = 0; cell < COUNTER_CELLS; cell++)
        changes += counter_track_points(track, cell, points);
    return changes;
}

static void add_track(struct chart *chart, struct replay_course *course, const struct shown_track *shown)
{
    struct counter_track *track = &course->tracks[shown->track];
    struct chart_series series = {.name = shown->name, .draw = DRAW_STEPS, .group = shown->color};
    const double scale = shown->scale != 0 ? shown->scale : 1;
    const bool exact = changes_of(track) <= CHANGES_MOST;
    chart_add_series(chart, &series);
    if (exact) {
        add_exact(chart, track, scale);
        return;
    }
    counter_track_thin(track, CELLS);
    add_cells(chart, track, scale, false);
    series.draw = DRAW_RANGE;
    chart_add_series(chart, &series);
    add_cells(chart, track, scale, true);
}

static struct chart *add_tracks(struct document *document, struct replay_course *course, const char *key, const char *title,
                                const char *note, const char *unit, const struct shown_track *shown, size_t count)
{
    const struct chart_heading heading = {
        .kind = CHART_PLOT, .title = title, .note = note, .x = time_axis, .y = {.name = unit, .unit = unit}};
    struct chart *chart = document_chart_for(document, FOR_PAGE, key, &heading);
    for (size_t i = 0; i < count; i++)
        add_track(chart, course, &shown[i]);
    return chart;
}

/* Where requests lost their blocks: a mark in each piece of time with preemptions, as high as there were. */
static void add_preempted(struct chart *chart, struct replay_course *course)
{
    struct counter_track *track = &course->tracks[COURSE_PREEMPTIONS];
    double before = 0;
    if (course->preemptions == 0)
        return;
    counter_track_thin(track, CELLS);
    chart_add_series(chart, &(struct chart_series){.name = "preempted", .draw = DRAW_MARKS, .group = 3});
    for (size_t cell = 0; cell < COUNTER_CELLS; cell++)
        if (track->cells[cell].filled && track->cells[cell].last.value > before) {
            chart_add(chart, (double)track->cells[cell].last.at_ns / 1e9, track->cells[cell].last.value - before);
            before = track->cells[cell].last.value;
        }
}

static void add_queues(struct document *document, struct replay_course *course)
{
    static const struct shown_track shown[] = {{COURSE_RUNNING, "running", 0, 0}, {COURSE_WAITING, "waiting", 1, 0}};
    add_preempted(add_tracks(document, course, "queues", "Requests running and waiting", NULL, "requests", shown, 2), course);
}

static void add_blocks(struct document *document, struct replay_course *course, const struct config *config)
{
    static const struct shown_track shown[] = {
        {COURSE_USED_BLOCKS, "in use", 0, 0}, {COURSE_CACHED_BLOCKS, "cached, idle", 2, 0}, {COURSE_FREE_BLOCKS, "free", 6, 0}};
    char blocks[UNIT_TEXT], bytes[UNIT_TEXT];
    struct line note = {0};
    line_put(&note, "of %s blocks of %u tokens", unit_count(config->num_gpu_blocks, blocks), config->block_size);
    if (config->block_bytes)
        line_put(&note, ", %s on each GPU", unit_bytes((double)config->num_gpu_blocks * (double)config->block_bytes, bytes));
    add_tracks(document, course, "blocks", "Blocks in use, cached and free", note.text, "blocks", shown, 3);
}

/* --- memory ------------------------------------------------------------------------------------------------------------------------- */

/* How scattered what nobody uses is, at the first of the moments when least of it is left: what a contiguous allocator could still give. */
static void put_scatter(struct line *line, const struct memory_map *map)
{
    char count[UNIT_TEXT], longest[UNIT_TEXT], time[UNIT_TEXT];
    uint32_t fullest = 0;
    for (uint32_t column = 1; column < map->columns; column++)
        if (map->unused[column] < map->unused[fullest])
            fullest = column;
    const uint32_t unused = map->unused[fullest];
    line_put(line, "; when fullest, at %s, ", unit_seconds((double)(fullest * map->width_ns) / 1e9, time));
    if (unused < 2)
        line_put(line, unused == 0 ? "every block is in use" : "a single block is not in use");
    else if (map->longest_run[fullest] == 1)
        line_put(line, "%s blocks are not in use, no two of them side by side", unit_count(unused, count));
    else
        line_put(line, "%s blocks are not in use, at most %s of them side by side", unit_count(unused, count),
                 unit_count(map->longest_run[fullest], longest));
}

static void add_map(struct document *document, const struct memory_map *map, const struct config *config)
{
    static const struct {
        const char *name;
        size_t color;
    } shown[BLOCK_STATES] = {[BLOCK_FREE] = {"free", 6},
                             [BLOCK_CACHED] = {"cached, idle", 2},
                             [BLOCK_USED] = {"in one table", 0},
                             [BLOCK_SHARED] = {"in several tables", 1}};
    const double width = (double)map->width_ns / 1e9;
    struct line note = {0};
    if (map->columns == 0)
        return;
    line_put(&note, "a column shows one moment, a row %u neighbouring block%s in the mixture of their colors", map->row_blocks,
             map->row_blocks == 1 ? "" : "s");
    put_scatter(&note, map);
    line_put(&note, config->scheduler == SCHEDULER_VLLM_V0 ? "; blocks on the CPU are not shown" : "");
    struct chart *chart = document_chart_for(
        document, FOR_PAGE, "memory_map",
        &(struct chart_heading){.kind = CHART_GRID,
                                .title = "The pool, block by block",
                                .note = note.text,
                                .x = {.name = "time", .unit = "s", .high = map->columns * width},
                                .y = {.name = "block id", .low = map->first_id, .high = (double)map->first_id + map->blocks},
                                .grid = {.rows = map->rows, .column_width = width, .row_height = map->row_blocks}});
    for (int state = 0; state < BLOCK_STATES; state++) {
        chart_add_series(chart, &(struct chart_series){.name = shown[state].name, .draw = DRAW_MARKS, .group = shown[state].color});
        for (uint32_t column = 0; column < map->columns; column++)
            for (uint32_t row = 0; row < map->rows; row++)
                chart_add(chart, column * width, memory_map_at(map, column, row, (enum block_state)state));
    }
}

/* Slots of used blocks without a token, in bytes where the model says how many a token takes. */
static void add_tail(struct document *document, struct replay_course *course, const struct run *run)
{
    const struct config *config = run->config;
    const struct shown_track shown = {COURSE_EMPTY_SLOTS, "empty", 1,
                                      config->block_bytes ? (double)config->block_bytes / run->ledger.block_size / 0x1p20 : 1};
    const struct ledger_sums sums = ledger_span_sums(&run->ledger, SPAN_ALL);
    slot_time accounts[LEDGER_ACCOUNTS];
    struct line note = {0};
    ledger_split(&run->ledger, &sums, accounts);
    line_put(&note, "in the last block of each table, until tokens come; in the mean %.3g %% of what is in use",
             100 * ledger_share((ledger_sum)accounts[ACCOUNT_TAIL], sums.used * run->ledger.block_size));
    add_tracks(document, course, "tail_waste", "Room that stands empty in used blocks", note.text, config->block_bytes ? "MiB" : "tokens",
               &shown, 1);
}

static void add_steps(struct document *document, struct replay_course *course, const struct config *config)
{
    static const struct shown_track work[] = {
        {COURSE_PREFILL_TOKENS, "prefill", 1, 0}, {COURSE_DECODE_TOKENS, "decode", 0, 0}, {COURSE_VAIN_TOKENS, "in vain", 3, 0}};
    static const struct shown_track duration[] = {{COURSE_STEP_MS, "step", 0, 0}};
    const double budget = config->max_num_scheduled_tokens ? config->max_num_scheduled_tokens : config->max_num_batched_tokens;
    const bool vain = changes_of(&course->tracks[COURSE_VAIN_TOKENS]) > 1;
    const double end = (double)course->tracks[COURSE_STEP_MS].since_ns / 1e9;
    struct chart *chart =
        add_tracks(document, course, "step_tokens", "Tokens of each step against the budget",
                   vain ? "in vain: for requests that were over when the step came back" : NULL, "tokens", work, vain ? 3 : 2);
    chart_add_series(chart, &(struct chart_series){.name = "budget", .draw = DRAW_LINE, .group = 6});
    chart_add(chart, 0, budget);
    chart_add(chart, end, budget);
    add_tracks(document, course, "step_duration", "Duration of steps", "who decodes waits so long for the next token", "ms", duration, 1);
}

/* --- latencies ------------------------------------------------------------------------------------------------------------------------ */

/* Percentiles at which the distribution is drawn: whole ones, and more where the tail is. */
enum { TAIL = 14, QUANTILES = 100 + TAIL };

static void fill_quantiles(double quantiles[QUANTILES])
{
    static const double tail[TAIL] = {99, 99.1, 99.2, 99.3, 99.4, 99.5, 99.6, 99.7, 99.8, 99.9, 99.95, 99.98, 99.99, 100};
    for (int i = 0; i < 100; i++)
        quantiles[i] = i;
    for (int i = 0; i < TAIL; i++)
        quantiles[99 + i] = tail[i];
    quantiles[QUANTILES - 1] = 100;
}

static enum status add_distributions(struct document *document, const struct run *run, struct diag *diag)
{
    static const enum latency shown[] = {LATENCY_TTFT, LATENCY_ITL, LATENCY_E2EL};
    const struct chart_heading heading = {.kind = CHART_PLOT,
                                          .title = "How many have waited at most so long",
                                          .note = "distributions of the times to the first token, between tokens, and to the end",
                                          .x = {.name = "latency", .unit = "ms", .logarithmic = true},
                                          .y = {.name = "share", .unit = "%", .high = 100}};
    double quantiles[QUANTILES], ms[QUANTILES];
    struct chart *chart = document_chart_for(document, FOR_PAGE, "latency_distributions", &heading);
    fill_quantiles(quantiles);
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        if (run->metrics.latency_ms[shown[i]].count == 0)
            continue;
        if (metrics_percentiles(&run->metrics, shown[i], quantiles, QUANTILES, ms, diag) != SIM_OK)
            return diag->status;
        chart_add_series(chart, &(struct chart_series){.name = latency_titles[shown[i]], .draw = DRAW_LINE, .group = i});
        for (int q = 0; q < QUANTILES; q++)
            if (ms[q] > 0)
                chart_add(chart, ms[q], quantiles[q]);
    }
    return SIM_OK;
}

/* A mark a request: at its arrival or at its prompt's length, as high as its latency. `preempted`: of those alone that were (1) or were not
 * (0); -1: of all. */
static void add_cloud(struct chart *chart, const struct run *run, enum latency latency, int preempted, const struct chart_series *series)
{
    const bool over_time = !chart || !chart->heading.x.logarithmic;
    chart_add_series(chart, series);
    for (uint32_t position = 0; position < run->trace->count; position++) {
        const struct request_story story = metrics_story(&run->metrics, position);
        double ms;
        if ((preempted >= 0 && preempted != (story.preemptions > 0)) || !request_latency_ms(&story, latency, run->trace, position, &ms) ||
            !(ms > 0))
            continue;
        chart_add(chart, over_time ? (double)story.arrival_ns / 1e9 : (double)run->trace->input_tokens[position], ms);
    }
    chart_thin(chart);
}

static void add_clouds(struct document *document, const struct run *run)
{
    const struct chart_heading over_time = {.kind = CHART_PLOT,
                                            .title = "Latency of each request, by its arrival",
                                            .x = {.name = "arrival", .unit = "s"},
                                            .y = {.name = "latency", .unit = "ms", .logarithmic = true}};
    const struct chart_heading by_prompt = {.kind = CHART_PLOT,
                                            .title = "Time to first token, by length of the prompt",
                                            .x = {.name = "prompt", .unit = "tokens", .logarithmic = true},
                                            .y = {.name = "TTFT", .unit = "ms", .logarithmic = true}};
    struct chart *chart = document_chart_for(document, FOR_PAGE, "latency_over_time", &over_time);
    add_cloud(chart, run, LATENCY_E2EL, -1, &(struct chart_series){.name = "E2E", .draw = DRAW_MARKS, .group = 2});
    add_cloud(chart, run, LATENCY_TTFT, -1, &(struct chart_series){.name = "TTFT", .draw = DRAW_MARKS, .group = 0});
    chart = document_chart_for(document, FOR_PAGE, "ttft_by_prompt", &by_prompt);
    add_cloud(chart, run, LATENCY_TTFT, 0, &(struct chart_series){.name = "never preempted", .draw = DRAW_MARKS, .group = 0});
    if (run->metrics.preempt_recompute + run->metrics.preempt_swap > 0)
        add_cloud(chart, run, LATENCY_TTFT, 1, &(struct chart_series){.name = "preempted", .draw = DRAW_MARKS, .group = 1});
}

/* In cells without a token what was there before holds on, as in all steps. */
static void add_gap_cells(struct chart *chart, const struct sample_track *gaps, bool ranges)
{
    for (size_t i = 0; i < SAMPLE_CELLS; i++) {
        const struct sample_cell *cell = &gaps->cells[i];
        const double at = (double)((int64_t)i << gaps->shift) / 1e9;
        if (cell->count == 0)
            continue;
        if (ranges) {
            chart_add(chart, at, (double)cell->lowest / 1e6);
            chart_add(chart, at, (double)cell->highest / 1e6);
        } else {
            chart_add(chart, at, (double)cell->sum / (double)cell->count / 1e6);
        }
    }
}

/* The shortest gap, INT64_MAX if there is none; *pauses: there is a cell without a token between others. */
static int64_t shortest_gap(const struct sample_track *gaps, bool *pauses)
{
    int64_t lowest = INT64_MAX;
    bool empty = false;
    *pauses = false;
    for (size_t i = 0; i < SAMPLE_CELLS; i++) {
        if (gaps->cells[i].count > 0) {
            *pauses |= empty && lowest < INT64_MAX;
            lowest = min_i64(lowest, gaps->cells[i].lowest);
        }
        empty = gaps->cells[i].count == 0;
    }
    return lowest;
}

/* Every gap between two output tokens, by the moment of the later one. The longest are far above the mean, hence the axis. */
static void add_gaps(struct document *document, const struct sample_track *gaps)
{
    bool pauses;
    const int64_t lowest = shortest_gap(gaps, &pauses);
    const struct chart_heading heading = {.kind = CHART_PLOT,
                                          .title = "Time between output tokens, over time",
                                          .note = pauses ? "each token but a request's first, when it came; a line goes on where none came"
                                                         : "each token but a request's first, when it came",
                                          .x = time_axis,
                                          .y = {.name = "ITL", .unit = "ms", .logarithmic = lowest > 0}};
    if (lowest == INT64_MAX)
        return;
    struct chart *chart = document_chart_for(document, FOR_PAGE, "itl_over_time", &heading);
    chart_add_series(chart, &(struct chart_series){.name = "ITL", .draw = DRAW_STEPS, .group = 1});
    add_gap_cells(chart, gaps, false);
    chart_add_series(chart, &(struct chart_series){.name = "ITL", .draw = DRAW_RANGE, .group = 1});
    add_gap_cells(chart, gaps, true);
}

/* --- single requests -------------------------------------------------------------------------------------------------------------------- */

/* Which requests are drawn: all, or those around the one that waited longest for its first token. */
struct window {
    uint32_t first, end;
};

static struct window choose_window(const struct run *run)
{
    const uint32_t count = run->trace->count;
    uint32_t worst = 0;
    double longest = -1;
    for (uint32_t position = 0; position < count && count > ROWS_MOST; position++) {
        const struct request_story story = metrics_story(&run->metrics, position);
        double ms;
        if (request_latency_ms(&story, LATENCY_TTFT, run->trace, position, &ms) && ms > longest) {
            longest = ms;
            worst = position;
        }
    }
    const uint32_t most = count < ROWS_MOST ? count : ROWS_MOST;
    const uint32_t first = worst < most / 2 ? 0 : worst - most / 2;
    return (struct window){first > count - most ? count - most : first, (first > count - most ? count - most : first) + most};
}

static void add_span(struct chart *chart, int64_t from_ns, int64_t to_ns, uint32_t row)
{
    if (from_ns < 0 || to_ns <= from_ns)
        return;
    chart_add(chart, (double)from_ns / 1e9, row);
    chart_add(chart, (double)to_ns / 1e9, row);
}

/* Without blocks; or, `again`, when they are back and what was in them is computed once more. */
static void add_pauses(struct chart *chart, const struct replay_course *course, struct window window, int64_t end_ns, bool again)
{
    chart_add_series(chart,
                     &(struct chart_series){.name = again ? "computed again" : "preempted", .draw = DRAW_SPANS, .group = again ? 4 : 3});
    for (size_t i = 0; i < course->pause_count; i++) {
        const struct course_pause *pause = &course->pauses[i];
        const int64_t to_ns = pause->to_ns < 0 ? end_ns : pause->to_ns;
        if (pause->request < window.first || pause->request >= window.end)
            continue;
        if (!again)
            add_span(chart, pause->from_ns, to_ns, pause->request);
        else if (pause->recomputes)
            add_span(chart, to_ns, pause->caught_up_ns < 0 ? end_ns : pause->caught_up_ns, pause->request);
    }
}

/* Pauses are drawn over the phases. An unreached time is the run's end. */
static void add_phases(struct document *document, const struct run *run, const struct replay_course *course)
{
    static const char *const names[] = {"queued", "prefill", "decode"};
    static const size_t colors[] = {6, 1, 0};
    const struct window window = choose_window(run);
    const int64_t end_ns = run->facts.end.end_ns;
    char note[128];
    snprintf(note, sizeof note, "a line a request%s; drag, or + and -, to look closer",
             window.end - window.first < run->trace->count ? ": those around the longest wait for a first token" : "");
    struct chart *chart = document_chart_for(document, FOR_PAGE, "phases",
                                             &(struct chart_heading){.kind = CHART_PLOT,
                                                                     .title = "Phases of single requests",
                                                                     .note = note,
                                                                     .x = time_axis,
                                                                     .y = {.name = "request, in order of arrival"}});
    for (int phase = 0; phase < 3; phase++) {
        chart_add_series(chart, &(struct chart_series){.name = names[phase], .draw = DRAW_SPANS, .group = colors[phase]});
        for (uint32_t position = window.first; position < window.end; position++) {
            const struct request_story story = metrics_story(&run->metrics, position);
            const int64_t times[] = {story.dropped ? -1 : story.arrival_ns, story.first_scheduled_ns, story.first_token_ns,
                                     story.finish_ns};
            add_span(chart, times[phase], times[phase + 1] < 0 ? end_ns : times[phase + 1], position);
        }
    }
    if (course->pause_count > 0) {
        add_pauses(chart, course, window, end_ns, false);
        add_pauses(chart, course, window, end_ns, true);
    }
}

/* What one server alone shows is told replica by replica. */
static void add_fleet(struct document *document, const struct run *run)
{
    struct diag ignored = {0};
    fleet_pictures(document, run);
    if (add_distributions(document, run, &ignored) != SIM_OK && document)
        document->out_of_memory = true;
    add_clouds(document, run);
}

void replay_pictures(struct document *document, const struct replay_result *result)
{
    struct diag ignored = {0}; /* only memory can be missing, which the document tells */
    const struct run *run = result->run;
    if (run->fleet) {
        add_fleet(document, run);
        return;
    }
    for (int track = 0; track < COURSE_TRACKS; track++)
        counter_track_finish(&result->course->tracks[track], run->facts.end.end_ns);
    add_queues(document, result->course);
    add_blocks(document, result->course, run->config);
    add_map(document, &result->course->map, run->config);
    add_tail(document, result->course, run);
    add_steps(document, result->course, run->config);
    if (add_distributions(document, run, &ignored) != SIM_OK && document)
        document->out_of_memory = true;
    add_gaps(document, &result->course->gaps);
    add_clouds(document, run);
    add_phases(document, run, result->course);
}
