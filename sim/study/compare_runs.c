/* compare_runs.c - replays all sides, tells each request's story on each, pairs the stories with those of the first side and sums up. Read
 * compare_runs.h first for what the statistics mean, then comparison_make at the end.
 *
 *     first side    stories -> outcomes [position]  \
 *                                                    pairs [position] -> differences -> statistics, ranking, figures
 *     another one   stories -> outcomes [position]  /
 *
 * Positions are those of the comparison's trace, whatever each side made of it (samples expanded, arrivals drawn). */
#include "study/compare_runs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/compare.h"
#include "base/sort_with.h"
#include "config/config_keys.h"
#include "study/alone_times.h"
#include "study/parallel_runs.h"
#include "trace/request_order.h"

/* --- one side -------------------------------------------------------------------------------------------------------------------- */

struct side_watch {
    const struct comparison *comparison;
    size_t side;
};

static bool on_progress(void *context, uint64_t finished, uint64_t total)
{
    const struct side_watch *watch = context;
    return watch->comparison->progress(watch->comparison->progress_context, watch->side, finished, total);
}

/* At full speed; the digests that the replay leaves bound the first step that differs (first_difference.h). The observer is made before
 * run_open, but looks at its trace only when events come. Messages say which configuration is meant. */
static enum status replay_side(void *context, size_t i, struct diag *diag)
{
    struct comparison *comparison = context;
    struct compare_side *side = &comparison->sides[i];
    const struct observer observer = step_digests_observer(&side->digests);
    struct side_watch watch = {.comparison = comparison, .side = i};
    const struct replay_options how = {.progress = comparison->progress ? on_progress : NULL, .progress_context = &watch};
    struct diag own = {0};
    enum status status = run_open(&side->run, side->trace, &side->config, &own);
    side->trace = side->digests.trace = side->run.trace; /* as this side's engine and rate want it */
    side->run.wishes = comparison->wishes;
    if (status == SIM_OK)
        status = run_replay(&side->run, &observer, side->run.fleet ? 0 : 1, &how, &own);
    if (status == SIM_INTERRUPTED)
        return diag_set(diag, status, "%s", own.text);
    return status == SIM_OK ? SIM_OK : diag_set(diag, status, "%s: %s", comparison_name(comparison, i), own.text);
}

/* The earlier of two times, -1 being never. */
static int64_t earlier(int64_t a, int64_t b)
{
    return a < 0 ? b : b < 0 ? a : a < b ? a : b;
}

/* The story of a request from those of its samples, which stand next to each other. V0 runs all samples of a request as one, V1 runs each
 * as a request of its own, so only the request as the user sent it can be compared: its first token is that of the fastest sample, its
 * end that of the slowest, and it has an end only when all samples have one. */
static struct outcome tell(const struct compare_side *side, uint32_t first, uint32_t samples)
{
    struct request_story whole = {.arrival_ns = metrics_story(&side->run.metrics, first).arrival_ns,
                                  .first_scheduled_ns = -1,
                                  .first_token_ns = -1,
                                  .finish_ns = -1,
                                  .dropped = true};
    bool finished = true;
    struct outcome out = {.arrival_s = (double)whole.arrival_ns / 1e9};
    for (uint32_t s = 0; s < samples; s++) {
        const struct request_story story = metrics_story(&side->run.metrics, first + s);
        whole.first_scheduled_ns = earlier(whole.first_scheduled_ns, story.first_scheduled_ns);
        whole.first_token_ns = earlier(whole.first_token_ns, story.first_token_ns);
        whole.finish_ns = story.finish_ns > whole.finish_ns ? story.finish_ns : whole.finish_ns;
        whole.dropped = whole.dropped && story.dropped;
        whole.ignored = whole.ignored || story.ignored;
        finished = finished && story.finish_ns >= 0;
        out.cached_tokens += story.cached_tokens;
        out.preemptions += story.preemptions;
    }
    if (!finished)
        whole.finish_ns = -1;
    out.status = request_status(&whole);
    for (int latency = 0; latency <= LATENCY_QUEUE; latency++)
        if (!request_latency_ms(&whole, (enum latency)latency, side->trace, first, &out.ms[latency]))
            out.ms[latency] = NAN;
    const int64_t end = side->run.facts.end.end_ns, waiting_ns = end > whole.arrival_ns ? end - whole.arrival_ns : 0;
    out.wait_ms = whole.dropped ? NAN : whole.first_scheduled_ns >= 0 ? out.ms[LATENCY_QUEUE] : (double)waiting_ns / 1e6;
    return out;
}

/* In the order of the comparison's trace, so that outcome i is of the same request on all sides. Samples of a request stand
 * next to each other with the same number in the file, which is what brings them together again; request_places then says where that
 * number is in the comparison's trace, in constant time. */
static enum status collect_outcomes(const struct comparison *comparison, struct compare_side *side, struct diag *diag)
{
    const struct trace *replayed = side->trace;
    uint32_t *places = NULL, most; /* drawn arrivals put requests into another order than the comparison's */
    enum status status = array_zeroed(&side->outcomes, comparison->trace->count, sizeof *side->outcomes, "outcomes of requests", diag);
    if (status == SIM_OK)
        status = request_places(comparison->trace, &places, &most, diag);
    side->longest_wait = UINT32_MAX;
    for (uint32_t first = 0, samples; first < replayed->count && status == SIM_OK; first += samples) {
        for (samples = 1; first + samples < replayed->count && trace_index(replayed, first + samples) == trace_index(replayed, first);)
            samples++;
        const uint32_t position = places[trace_index(replayed, first)] - 1;
        const struct outcome out = side->outcomes[position] = tell(side, first, samples);
        side->dropped += out.status == REQUEST_DROPPED;
        side->unfinished += out.status == REQUEST_UNFINISHED || out.status == REQUEST_IGNORED;
        if (out.wait_ms > 0 && (side->longest_wait == UINT32_MAX || out.wait_ms > side->outcomes[side->longest_wait].wait_ms))
            side->longest_wait = position;
    }
    free(places);
    return status;
}

/* --- pairs ----------------------------------------------------------------------------------------------------------------------- */

static double difference_of(const struct comparison *comparison, size_t side, enum latency latency, uint32_t position)
{
    return pair_difference(&comparison->sides[0].outcomes[position], &comparison->sides[side].outcomes[position], latency);
}

struct ranked_side {
    const struct comparison *comparison;
    size_t side;
};

/* Ties by position, so that the order does not depend on the sort. */
static int by_difference(const void *a, const void *b, void *context)
{
    const uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    const struct ranked_side *of = context;
    const double of_left = difference_of(of->comparison, of->side, of->comparison->ranked_by, left);
    const double of_right = difference_of(of->comparison, of->side, of->comparison->ranked_by, right);
    return of_left != of_right ? compare_doubles(of_left, of_right) : compare_u64(left, right);
}

/* Requests without the latency on both sides have no rank. Sorting the others costs far less than the replays did. */
static enum status rank(struct comparison *comparison, size_t side, struct diag *diag)
{
    struct against_first *against = &comparison->sides[side].against;
    struct ranked_side of = {comparison, side};
    enum status status = array_zeroed(&against->ranked, comparison->trace->count, sizeof *against->ranked, "the order of requests", diag);
    for (uint32_t position = 0; position < comparison->trace->count && status == SIM_OK; position++)
        if (!isnan(difference_of(comparison, side, comparison->ranked_by, position)))
            against->ranked[against->ranked_count++] = position;
    sort_with(against->ranked, against->ranked_count, sizeof *against->ranked, by_difference, &of);
    return status;
}

/* --- starving and fairness ------------------------------------------------------------------------------------------------------- */

/* The yardstick is taken over all sides: one of its own for each would hide a side on which everybody waits. In a run without much load
 * most requests do not wait at all, and the median is 0; any wait would be above it, so the mean takes its place. */
static enum status find_starving(struct comparison *comparison, struct diag *diag)
{
    struct distribution waits = {0};
    struct summary figures;
    enum status status = SIM_OK;
    for (size_t i = 0; i < comparison->count; i++)
        for (uint32_t position = 0; position < comparison->trace->count && status == SIM_OK; position++)
            if (!isnan(comparison->sides[i].outcomes[position].wait_ms))
                status = distribution_add(&waits, comparison->sides[i].outcomes[position].wait_ms, diag);
    if (status == SIM_OK)
        status = distribution_summary(&waits, &figures, diag);
    distribution_deinit(&waits);
    if (status != SIM_OK)
        return status;
    comparison->by_median = figures.median > 0;
    comparison->starving_ms = comparison->factor * (comparison->by_median ? figures.median : figures.mean);
    for (size_t i = 0; i < comparison->count; i++)
        for (uint32_t position = 0; position < comparison->trace->count; position++)
            comparison->sides[i].starving += comparison->sides[i].outcomes[position].wait_ms > comparison->starving_ms;
    return SIM_OK;
}

/* Long answers take longer and should: fairness is judged by the latency per output token. Only completed requests have one; those that
 * never ended are counted elsewhere (unfinished, starving). */
static void find_fairness(const struct comparison *comparison, struct compare_side *side, double *scratch)
{
    size_t n = 0;
    for (uint32_t position = 0; position < comparison->trace->count; position++)
        if (side->outcomes[position].status == REQUEST_COMPLETED)
            scratch[n++] = side->outcomes[position].ms[LATENCY_E2EL] / comparison->trace->output_tokens[position];
    side->jain = jain_index(scratch, n);
}

/* --- slowdown -------------------------------------------------------------------------------------------------------------------- */

struct alone_sides {
    struct comparison *comparison;
    int64_t *ns[COMPARE_SIDES_MOST]; /* NULL: as on a side before, or not to be had */
};

static size_t first_alike(const struct comparison *comparison, size_t side)
{
    size_t first = 0;
    while (first < side && !alone_times_alike(&comparison->sides[first].config, &comparison->sides[side].config))
        first++;
    return first;
}

/* Sides that differ in policies alone, the usual case, share one. */
static enum status find_alone(void *context, size_t side, struct diag *diag)
{
    struct alone_sides *alone = context;
    const struct comparison *comparison = alone->comparison;
    const struct config *config = &comparison->sides[side].config;
    if (config->step_time.model == STEP_TIME_RECORDED || first_alike(comparison, side) < side)
        return SIM_OK;
    enum status status = array_zeroed(&alone->ns[side], comparison->trace->count, sizeof *alone->ns[side], "requests alone", diag);
    return status == SIM_OK ? alone_times(comparison->trace, config, alone->ns[side], diag) : status;
}

static enum status slow_down(const struct comparison *comparison, struct compare_side *side, const int64_t *alone_ns, struct diag *diag)
{
    struct distribution slowdowns = {0};
    enum status status = SIM_OK;
    for (uint32_t position = 0; alone_ns && position < comparison->trace->count && status == SIM_OK; position++)
        if (side->outcomes[position].status == REQUEST_COMPLETED && alone_ns[position] > 0)
            status = distribution_add(&slowdowns, side->outcomes[position].ms[LATENCY_E2EL] * 1e6 / (double)alone_ns[position], diag);
    if (status == SIM_OK)
        status = distribution_summary(&slowdowns, &side->slowdown, diag);
    distribution_deinit(&slowdowns);
    return status;
}

static enum status find_slowdowns(struct comparison *comparison, struct diag *diag)
{
    struct alone_sides alone = {.comparison = comparison};
    enum status status = parallel_runs(comparison->count, 0, find_alone, &alone, diag);
    for (size_t i = 0; i < comparison->count && status == SIM_OK; i++)
        status = slow_down(comparison, &comparison->sides[i], alone.ns[first_alike(comparison, i)], diag);
    for (size_t i = 0; i < comparison->count; i++)
        free(alone.ns[i]);
    return status;
}

/* --- figures --------------------------------------------------------------------------------------------------------------------- */

/* What only a comparison has to say of a side goes to the side's own figures. */
static void add_side_figures(struct compare_side *side)
{
    struct figure_set *figures = &side->run.figures;
    const double used = run_figure(&side->run, "mean_used_blocks");
    figure_set_put(figures, "mean_used_slots", used * side->config.block_size);
    figure_set_put(figures, "mean_used_share", used / run_figure(&side->run, "pool_blocks"));
    figure_set_put(figures, "jain_index", side->jain);
    figure_set_put(figures, "starving", side->starving);
    const bool known = side->slowdown.count > 0;
    figure_set_put(figures, "mean_slowdown", known ? side->slowdown.mean : (double)NAN);
    figure_set_put(figures, "p99_slowdown", known ? side->slowdown.p99 : (double)NAN);
    figure_set_put(figures, "max_slowdown", known ? side->slowdown.max : (double)NAN);
}

/* The same numbers as in struct paired, under names that --require can ask for. */
static void add_paired_figures(struct against_first *against, enum latency latency)
{
    const struct paired *paired = &against->paired[latency];
    const bool any = paired->difference.n > 0, batched = paired->batches.n > 0;
    const struct {
        const char *prefix, *suffix;
        double value;
    } rows[] = {{"paired_", "_ms", any ? paired->difference.mean : (double)NAN},
                {"paired_ci_low_", "_ms", any ? paired->difference.ci_low : (double)NAN},
                {"paired_ci_high_", "_ms", any ? paired->difference.ci_high : (double)NAN},
                {"paired_batch_ci_low_", "_ms", batched ? paired->batches.ci_low : (double)NAN},
                {"paired_batch_ci_high_", "_ms", batched ? paired->batches.ci_high : (double)NAN},
                {"better_", "", (double)paired->better},
                {"worse_", "", (double)paired->worse},
                {"equal_", "", (double)paired->equal},
                {"sign_p_", "", any ? paired->sign_p : (double)NAN}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[FIGURE_NAME_SIZE];
        snprintf(name, sizeof name, "%s%s%s", rows[i].prefix, latency_names[latency], rows[i].suffix);
        figure_set_put(&against->figures, name, rows[i].value);
    }
}

/* Figures of a side go to the side, so that a prefix works for them as for the figures of any replay. */
static void add_figures(struct comparison *comparison)
{
    for (size_t i = 0; i < comparison->count; i++)
        add_side_figures(&comparison->sides[i]);
    for (size_t i = 1; i < comparison->count; i++) {
        struct against_first *against = &comparison->sides[i].against;
        const struct first_difference *difference = &against->difference;
        figure_set_put(&against->figures, "starving_above_ms", comparison->starving_ms);
        for (int latency = 0; latency < PAIRED_LATENCIES; latency++)
            add_paired_figures(against, paired_latencies[latency]);
        figure_set_put(&against->figures, "decisions_differ", against->fleets ? (double)NAN : difference->found);
        figure_set_put(&against->figures, "first_difference_step", difference->found ? (double)difference->step : (double)NAN);
    }
}

/* --- names ----------------------------------------------------------------------------------------------------------------------- */

const char *comparison_name(const struct comparison *comparison, size_t side)
{
    static const char *const letters[] = {"A", "B"};
    return comparison->named ? comparison->sides[side].name : letters[side > 0];
}

const char *comparison_key(const struct comparison *comparison, size_t side)
{
    static const char *const letters[] = {"a", "b"};
    return comparison->named ? comparison->sides[side].name : letters[side > 0];
}

/* What follows "KEY_" in a name; NULL: it begins otherwise. */
static const char *after_key(const char *name, const char *key)
{
    const size_t length = strlen(key);
    return strncmp(name, key, length) == 0 && name[length] == '_' ? name + length + 1 : NULL;
}

/* The side that a name begins with. Names may begin like each other ("small" and "small_pool"), so that one counts whose rest is a figure, or
 * else the first one, for the message. */
static bool split_side(const struct comparison *comparison, const char *name, struct comparison_figure_name *out)
{
    struct figure_kind made;
    bool found = false;
    for (size_t side = 0; side < comparison->count; side++) {
        const char *rest = after_key(name, comparison_key(comparison, side));
        if (!rest || (found && !figure_kind_find(rest, &made)))
            continue;
        out->side = side;
        out->figure = rest;
        if (figure_kind_find(rest, &made))
            return true;
        found = true;
    }
    return found;
}

/* The prefix decides alone; whether the rest is a figure is checked against comparison_scopes. */
struct comparison_figure_name comparison_split_name(const struct comparison *comparison, const char *name)
{
    struct comparison_figure_name out = {COMPARISON_SIDE, 0, name};
    const char *rest = after_key(name, "delta");
    if (split_side(comparison, name, &out))
        return out;
    out.part = rest ? COMPARISON_DELTA : COMPARISON_WHOLE;
    if (rest && !comparison->named)
        out = (struct comparison_figure_name){COMPARISON_DELTA, 1, rest};
    else if (rest && !split_side(comparison, rest, &out))
        out.part = COMPARISON_WHOLE;
    return out;
}

/* No side moves bytes here, whatever its data plane. */
static unsigned scopes_of_side(const struct comparison *comparison, size_t side)
{
    const unsigned never = FIGURE_SCOPE(FIGURE_OF_BYTES) | FIGURE_SCOPE(FIGURE_OF_MACHINE);
    return (run_figures_scopes(&comparison->sides[side].config, false) & ~never) | FIGURE_SCOPE(FIGURE_OF_COMPARED_RUN);
}

/* Asked before the replays, so that a wrong name costs no time. V0 has figures that V1 lacks (swaps); their difference has no meaning if
 * only one side has them. What is told of a side against the first has the side's name where sides have names. */
unsigned comparison_scopes(const struct comparison *comparison, const struct comparison_figure_name *name)
{
    const bool against_first = comparison->named && name->side > 0;
    switch (name->part) {
    case COMPARISON_WHOLE:
        return FIGURE_SCOPE(FIGURE_OF_COMPARISON);
    case COMPARISON_DELTA:
        return scopes_of_side(comparison, 0) & scopes_of_side(comparison, name->side);
    default:
        return scopes_of_side(comparison, name->side) | (against_first ? FIGURE_SCOPE(FIGURE_OF_COMPARISON) : 0);
    }
}

/* NaN on either side makes the difference NaN, which meets no requirement. */
double comparison_figure(const struct comparison *comparison, const char *name)
{
    const struct comparison_figure_name split = comparison_split_name(comparison, name);
    const struct compare_side *side = &comparison->sides[split.side];
    const double value = run_figure(&side->run, split.figure);
    switch (split.part) {
    case COMPARISON_WHOLE:
        return figure_set_value(&comparison->sides[1].against.figures, split.figure);
    case COMPARISON_DELTA:
        return value - run_figure(&comparison->sides[0].run, split.figure);
    default:
        return isnan(value) && comparison->named ? figure_set_value(&side->against.figures, split.figure) : value;
    }
}

/* --- together -------------------------------------------------------------------------------------------------------------------- */

/* Every key, defaults included: files that say the same in other words are the same. */
static bool same_configuration(const struct config *a, const struct config *b)
{
    for (size_t i = 0; i < config_key_count; i++)
        if (!config_key_equal(&config_keys[i], a, b))
            return false;
    return true;
}

/* The only part that replays again (passes 2 and 3 of first_difference.h), and only up to the step that differs; to the end if none does. */
static enum status find_difference(void *context, size_t i, struct diag *diag)
{
    struct comparison *comparison = context;
    struct compare_side *sides[] = {&comparison->sides[0], &comparison->sides[i + 1]};
    struct compared_replay replays[2];
    sides[1]->against.fleets = sides[0]->run.fleet || sides[1]->run.fleet;
    if (sides[1]->against.fleets || same_configuration(&sides[0]->config, &sides[1]->config))
        return SIM_OK; /* a replay is a function of trace and configuration */
    for (int k = 0; k < 2; k++)
        replays[k] = (struct compared_replay){.trace = sides[k]->trace, .config = &sides[k]->config, .digests = &sides[k]->digests};
    return first_difference_find(replays, &sides[1]->against.difference, diag);
}

static enum status sort_into_classes(struct comparison *comparison, double *scratch, struct diag *diag)
{
    const struct outcome *outcomes[COMPARE_SIDES_MOST];
    enum status status = SIM_OK;
    for (size_t i = 0; i < comparison->count; i++)
        outcomes[i] = comparison->sides[i].outcomes;
    for (size_t i = 0; i < comparison->sorting_count && status == SIM_OK; i++)
        status = compare_classes_add(&comparison->classes, comparison->sortings[i].text, &comparison->sorted[i], outcomes,
                                     comparison->count, comparison->ranked_by, scratch, diag);
    return status;
}

/* From the outcomes of all sides. The one scratch array serves the latencies one after the other, then fairness. */
static enum status sum_up(struct comparison *comparison, struct diag *diag)
{
    double *scratch;
    enum status status = array_zeroed(&scratch, comparison->trace->count, sizeof *scratch, "differences", diag);
    if (status != SIM_OK)
        return status;
    for (size_t side = 1; side < comparison->count && status == SIM_OK; side++) {
        struct compare_side *own = &comparison->sides[side];
        for (int i = 0; i < PAIRED_LATENCIES; i++)
            own->against.paired[paired_latencies[i]] = paired_of(comparison->sides[0].outcomes, own->outcomes, comparison->trace->count,
                                                                 paired_latencies[i], (struct pair_choice){0}, scratch);
        status = rank(comparison, side, diag);
    }
    for (size_t side = 0; side < comparison->count; side++)
        find_fairness(comparison, &comparison->sides[side], scratch);
    if (status == SIM_OK)
        status = sort_into_classes(comparison, scratch, diag);
    free(scratch);
    return status == SIM_OK ? find_starving(comparison, diag) : status;
}

/* The sides are runs that share nothing but the trace. What can be wrong with classes is told before they start. The figures come last, as they hold the result of everything before. */
enum status comparison_make(struct comparison *comparison, struct diag *diag)
{
    enum status status = SIM_OK;
    for (size_t i = 0; i < comparison->count; i++)
        comparison->sides[i].trace = comparison->trace;
    for (size_t i = 0; i < comparison->sorting_count && status == SIM_OK; i++)
        status = request_classes_init(&comparison->sorted[i], comparison->trace, comparison->sortings[i].key, comparison->sortings[i].rules,
                                      diag);
    if (status == SIM_OK)
        status = parallel_runs(comparison->count, 0, replay_side, comparison, diag);
    for (size_t i = 0; i < comparison->count && status == SIM_OK; i++)
        status = collect_outcomes(comparison, &comparison->sides[i], diag);
    if (status == SIM_OK)
        status = sum_up(comparison, diag);
    if (status == SIM_OK)
        status = find_slowdowns(comparison, diag);
    if (status == SIM_OK)
        status = parallel_runs(comparison->count - 1, 0, find_difference, comparison, diag);
    if (status == SIM_OK)
        add_figures(comparison);
    return status;
}

void comparison_free(struct comparison *comparison)
{
    for (size_t i = 0; i < comparison->count; i++) {
        struct compare_side *side = &comparison->sides[i];
        run_close(&side->run);
        step_digests_free(&side->digests);
        free(side->outcomes);
        free(side->against.ranked);
        first_difference_free(&side->against.difference);
    }
    compare_classes_free(&comparison->classes);
    memset(comparison, 0, sizeof *comparison);
}
