/* compare_runs.c - see compare_runs.h. */
#include "study/compare_runs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "config/config_keys.h"

#define NS_PER_MS 1e6

const char *const compare_metric_names[COMPARE_METRICS] = {"ttft", "tpot", "e2e", "queue"};

/* --- one side -------------------------------------------------------------------------------------------------------------------- */

static enum status replay_side(struct compare_side *side, struct diag *diag)
{
    const struct observer observer = decision_digests_observer(&side->digests);
    side->config.data_plane = DATA_PLANE_OFF; /* moves bytes, decides nothing */
    enum status status = run_open(&side->run, side->trace, &side->config, diag);
    side->trace = side->digests.trace = side->run.trace; /* as this side's engine and rate want it */
    return status == SIM_OK ? run_replay(&side->run, &observer, 1, NULL, diag) : status;
}

static enum status replay_both(struct comparison *comparison, struct diag *diag)
{
    struct diag diags[2] = {{0}};
    enum status statuses[2];
#pragma omp parallel for default(none) shared(comparison, diags, statuses)
    for (int i = 0; i < 2; i++)
        statuses[i] = replay_side(&comparison->sides[i], &diags[i]);
    for (int i = 0; i < 2; i++)
        if (statuses[i] != SIM_OK)
            return diag_set(diag, statuses[i], "%c: %s", 'A' + i, diags[i].text);
    return SIM_OK;
}

/* The earlier of two times, -1 being never. */
static int64_t earlier(int64_t a, int64_t b)
{
    return a < 0 ? b : b < 0 ? a : a < b ? a : b;
}

static double ms_between(int64_t from_ns, int64_t to_ns)
{
    return to_ns < 0 ? NAN : (double)(to_ns - from_ns) / NS_PER_MS;
}

/* The story of a request from those of its samples, which stand one behind the other. */
static struct outcome tell(const struct compare_side *side, uint32_t first, uint32_t samples)
{
    const struct request_story *stories = side->run.metrics.stories + first;
    int64_t scheduled = -1, token = -1, finish = -1;
    struct outcome out = {.finished = true, .dropped = true};
    for (uint32_t s = 0; s < samples; s++) {
        const struct request_story *story = &stories[s];
        scheduled = earlier(scheduled, story->first_scheduled_ns);
        token = earlier(token, story->first_token_ns);
        finish = story->finish_ns > finish ? story->finish_ns : finish;
        out.finished = out.finished && story->finish_ns >= 0;
        out.dropped = out.dropped && story->dropped;
        out.cached_tokens += story->cached_tokens;
        out.preemptions += story->preemptions;
    }
    const int64_t arrival = stories[0].arrival_ns, end = side->run.facts.end.end_ns;
    const uint32_t output = side->trace->output_tokens[first];
    out.arrival_s = (double)arrival / 1e9;
    out.ms[COMPARE_TTFT] = ms_between(arrival, token);
    out.ms[COMPARE_QUEUE] = ms_between(arrival, scheduled);
    out.ms[COMPARE_E2E] = out.finished ? ms_between(arrival, finish) : NAN;
    out.ms[COMPARE_TPOT] = out.finished && output > 1 ? ms_between(token, finish) / (output - 1) : NAN;
    out.wait_ms = out.dropped ? NAN : scheduled >= 0 ? out.ms[COMPARE_QUEUE] : end > arrival ? ms_between(arrival, end) : 0;
    return out;
}

/* The comparison's position of each number in the file: drawn arrivals put requests into another order. */
static enum status find_positions(const struct trace *trace, uint32_t **out, struct diag *diag)
{
    uint32_t most = 0;
    for (uint32_t position = 0; position < trace->count; position++)
        most = trace->index[position] > most ? trace->index[position] : most;
    enum status status = array_zeroed(out, (size_t)most + 1, sizeof **out, "outcomes of requests", diag);
    for (uint32_t position = 0; position < trace->count && status == SIM_OK; position++)
        (*out)[trace->index[position]] = position;
    return status;
}

static enum status collect_outcomes(const struct comparison *comparison, struct compare_side *side, struct diag *diag)
{
    const struct trace *replayed = side->trace;
    uint32_t *position_of = NULL;
    enum status status = array_zeroed(&side->outcomes, comparison->trace->count, sizeof *side->outcomes, "outcomes of requests", diag);
    if (status == SIM_OK)
        status = find_positions(comparison->trace, &position_of, diag);
    side->longest_wait = UINT32_MAX;
    for (uint32_t first = 0, samples; first < replayed->count && status == SIM_OK; first += samples) {
        for (samples = 1; first + samples < replayed->count && replayed->index[first + samples] == replayed->index[first];)
            samples++;
        const uint32_t position = position_of[replayed->index[first]];
        const struct outcome out = side->outcomes[position] = tell(side, first, samples);
        side->dropped += out.dropped;
        side->unfinished += !out.finished && !out.dropped;
        if (out.wait_ms > 0 && (side->longest_wait == UINT32_MAX || out.wait_ms > side->outcomes[side->longest_wait].wait_ms))
            side->longest_wait = position;
    }
    free(position_of);
    return status;
}

/* --- pairs ----------------------------------------------------------------------------------------------------------------------- */

static double difference_of(const struct comparison *comparison, enum compare_metric metric, uint32_t position)
{
    return comparison->sides[1].outcomes[position].ms[metric] - comparison->sides[0].outcomes[position].ms[metric];
}

static struct statistics batch_statistics(const double *differences, size_t n)
{
    double means[COMPARE_BATCHES];
    if (n / COMPARE_BATCHES < 2)
        return (struct statistics){0};
    for (size_t batch = 0; batch < COMPARE_BATCHES; batch++) {
        const size_t from = n * batch / COMPARE_BATCHES, to = n * (batch + 1) / COMPARE_BATCHES;
        means[batch] = statistics_of(differences + from, to - from).mean;
    }
    return statistics_of(means, COMPARE_BATCHES);
}

static void pair_metric(struct comparison *comparison, enum compare_metric metric, double *differences)
{
    struct paired *paired = &comparison->paired[metric];
    size_t n = 0;
    *paired = (struct paired){0};
    for (uint32_t position = 0; position < comparison->trace->count; position++) {
        const double difference = difference_of(comparison, metric, position);
        if (isnan(difference))
            continue;
        differences[n++] = difference;
        paired->mean_a += comparison->sides[0].outcomes[position].ms[metric];
        paired->mean_b += comparison->sides[1].outcomes[position].ms[metric];
        paired->better += difference < 0;
        paired->worse += difference > 0;
        paired->equal += difference == 0;
    }
    paired->mean_a /= n ? (double)n : 1;
    paired->mean_b /= n ? (double)n : 1;
    paired->difference = statistics_of(differences, n);
    paired->batches = batch_statistics(differences, n);
    paired->sign_p = sign_test_p(paired->better, paired->worse);
}

/* --- starving and fairness ------------------------------------------------------------------------------------------------------- */

static enum status find_starving(struct comparison *comparison, struct diag *diag)
{
    struct distribution waits = {0};
    struct figures figures;
    enum status status = SIM_OK;
    for (int i = 0; i < 2; i++)
        for (uint32_t position = 0; position < comparison->trace->count && status == SIM_OK; position++)
            if (!isnan(comparison->sides[i].outcomes[position].wait_ms))
                status = distribution_add(&waits, comparison->sides[i].outcomes[position].wait_ms, diag);
    if (status == SIM_OK)
        status = distribution_figures(&waits, &figures, diag);
    distribution_deinit(&waits);
    if (status != SIM_OK)
        return status;
    comparison->by_median = figures.median > 0;
    comparison->starving_ms = comparison->factor * (comparison->by_median ? figures.median : figures.mean);
    for (int i = 0; i < 2; i++)
        for (uint32_t position = 0; position < comparison->trace->count; position++)
            comparison->sides[i].starving += comparison->sides[i].outcomes[position].wait_ms > comparison->starving_ms;
    return SIM_OK;
}

static void find_fairness(struct comparison *comparison, double *scratch)
{
    for (int i = 0; i < 2; i++) {
        size_t n = 0;
        for (uint32_t position = 0; position < comparison->trace->count; position++)
            if (comparison->sides[i].outcomes[position].finished)
                scratch[n++] = comparison->sides[i].outcomes[position].ms[COMPARE_E2E] / comparison->trace->output_tokens[position];
        comparison->sides[i].jain = jain_index(scratch, n);
    }
}

/* --- figures --------------------------------------------------------------------------------------------------------------------- */

static enum status add_figure(struct comparison *comparison, const char *prefix, const char *name, double value, struct diag *diag)
{
    enum status status = array_reserve(&comparison->figures, &comparison->figure_capacity, comparison->figure_count + 1,
                                       sizeof *comparison->figures, "figures", diag);
    if (status != SIM_OK)
        return status;
    struct figure *figure = &comparison->figures[comparison->figure_count++];
    *figure = (struct figure){.value = isnan(value) ? 0 : value, .undefined = isnan(value)};
    snprintf(figure->name, sizeof figure->name, "%s%s", prefix, name);
    return SIM_OK;
}

static enum status add_triple(struct comparison *comparison, const char *name, double a, double b, struct diag *diag)
{
    enum status status = add_figure(comparison, "a_", name, a, diag);
    if (status == SIM_OK)
        status = add_figure(comparison, "b_", name, b, diag);
    return status == SIM_OK ? add_figure(comparison, "delta_", name, b - a, diag) : status;
}

static double value_of(const struct compare_side *side, const char *name)
{
    const struct figure *figure = report_find(&side->run.report, name);
    return figure && !figure->undefined ? figure->value : NAN;
}

/* Every figure that one of the reports has; engines have some of their own. */
static enum status add_report_figures(struct comparison *comparison, struct diag *diag)
{
    enum status status = SIM_OK;
    const struct compare_side *sides = comparison->sides;
    for (int i = 0; i < 2; i++)
        for (size_t k = 0; k < sides[i].run.report.figure_count && status == SIM_OK; k++) {
            const char *name = sides[i].run.report.figures[k].name;
            if (i == 0 || !report_find(&sides[0].run.report, name))
                status = add_triple(comparison, name, value_of(&sides[0], name), value_of(&sides[1], name), diag);
        }
    return status;
}

/* Blocks of different sizes compare in tokens and as shares of their pool. */
static enum status add_memory_figures(struct comparison *comparison, struct diag *diag)
{
    double slots[2], shares[2];
    for (int i = 0; i < 2; i++) {
        const struct compare_side *side = &comparison->sides[i];
        slots[i] = value_of(side, "mean_used_blocks") * side->config.block_size;
        shares[i] = value_of(side, "mean_used_blocks") / value_of(side, "pool_blocks");
    }
    enum status status = add_triple(comparison, "mean_used_slots", slots[0], slots[1], diag);
    return status == SIM_OK ? add_triple(comparison, "mean_used_share", shares[0], shares[1], diag) : status;
}

static enum status add_paired_figures(struct comparison *comparison, struct diag *diag)
{
    enum status status = SIM_OK;
    for (int metric = 0; metric < COMPARE_METRICS && status == SIM_OK; metric++) {
        const struct paired *paired = &comparison->paired[metric];
        const bool any = paired->difference.n > 0, batched = paired->batches.n > 0;
        const struct {
            const char *prefix, *suffix;
            double value;
        } rows[] = {{"paired_", "_ms", any ? paired->difference.mean : NAN},
                    {"paired_ci_low_", "_ms", any ? paired->difference.ci_low : NAN},
                    {"paired_ci_high_", "_ms", any ? paired->difference.ci_high : NAN},
                    {"paired_batch_ci_low_", "_ms", batched ? paired->batches.ci_low : NAN},
                    {"paired_batch_ci_high_", "_ms", batched ? paired->batches.ci_high : NAN},
                    {"better_", "", (double)paired->better},
                    {"worse_", "", (double)paired->worse},
                    {"equal_", "", (double)paired->equal},
                    {"sign_p_", "", any ? paired->sign_p : NAN}};
        for (size_t i = 0; i < sizeof rows / sizeof *rows && status == SIM_OK; i++) {
            char name[64];
            snprintf(name, sizeof name, "%s%s", compare_metric_names[metric], rows[i].suffix);
            status = add_figure(comparison, rows[i].prefix, name, rows[i].value, diag);
        }
    }
    return status;
}

static enum status collect_figures(struct comparison *comparison, struct diag *diag)
{
    const struct compare_side *a = &comparison->sides[0], *b = &comparison->sides[1];
    enum status status = add_report_figures(comparison, diag);
    if (status == SIM_OK)
        status = add_memory_figures(comparison, diag);
    if (status == SIM_OK)
        status = add_triple(comparison, "jain_index", a->jain, b->jain, diag);
    if (status == SIM_OK)
        status = add_triple(comparison, "starving", a->starving, b->starving, diag);
    if (status == SIM_OK)
        status = add_figure(comparison, "", "starving_above_ms", comparison->starving_ms, diag);
    if (status == SIM_OK)
        status = add_paired_figures(comparison, diag);
    if (status == SIM_OK)
        status = add_figure(comparison, "", "decisions_differ", comparison->parting.found, diag);
    const double step = comparison->parting.found ? (double)comparison->parting.step : NAN;
    return status == SIM_OK ? add_figure(comparison, "", "first_difference_step", step, diag) : status;
}

/* --- together -------------------------------------------------------------------------------------------------------------------- */

static bool same_configuration(const struct config *a, const struct config *b)
{
    for (size_t i = 0; i < config_key_count; i++)
        if (!config_key_equal(&config_keys[i], a, b))
            return false;
    return true;
}

static enum status find_parting(struct comparison *comparison, struct diag *diag)
{
    struct decision_side sides[2];
    if (same_configuration(&comparison->sides[0].config, &comparison->sides[1].config))
        return SIM_OK; /* a replay is a function of trace and configuration */
    for (int i = 0; i < 2; i++) {
        const struct compare_side *side = &comparison->sides[i];
        sides[i] = (struct decision_side){.trace = side->trace, .config = &side->config, .digests = &side->digests};
    }
    return decisions_part(sides, &comparison->parting, diag);
}

enum status comparison_make(struct comparison *comparison, struct diag *diag)
{
    double *scratch = NULL;
    for (int i = 0; i < 2; i++)
        comparison->sides[i].trace = comparison->trace;
    enum status status = array_zeroed(&scratch, comparison->trace->count, sizeof *scratch, "differences", diag);
    if (status == SIM_OK)
        status = replay_both(comparison, diag);
    for (int i = 0; i < 2 && status == SIM_OK; i++)
        status = collect_outcomes(comparison, &comparison->sides[i], diag);
    for (int metric = 0; metric < COMPARE_METRICS && status == SIM_OK; metric++)
        pair_metric(comparison, (enum compare_metric)metric, scratch);
    if (status == SIM_OK)
        find_fairness(comparison, scratch);
    free(scratch);
    if (status == SIM_OK)
        status = find_starving(comparison, diag);
    if (status == SIM_OK)
        status = find_parting(comparison, diag);
    return status == SIM_OK ? collect_figures(comparison, diag) : status;
}

void comparison_free(struct comparison *comparison)
{
    for (int i = 0; i < 2; i++) {
        struct compare_side *side = &comparison->sides[i];
        run_close(&side->run);
        decision_digests_free(&side->digests);
        free(side->outcomes);
    }
    parting_free(&comparison->parting);
    free(comparison->figures);
    *comparison = (struct comparison){0};
}

struct ranked {
    double difference;
    uint32_t position;
};

static int by_difference(const void *a, const void *b)
{
    const struct ranked *left = a, *right = b;
    if (left->difference != right->difference)
        return left->difference < right->difference ? -1 : 1;
    return (left->position > right->position) - (left->position < right->position);
}

enum status comparison_rank(const struct comparison *comparison, enum compare_metric metric, uint32_t **order, size_t *count,
                            struct diag *diag)
{
    struct ranked *ranked = NULL;
    uint32_t *made = NULL;
    size_t n = 0;
    enum status status = array_zeroed(&ranked, comparison->trace->count, sizeof *ranked, "a ranking", diag);
    if (status == SIM_OK)
        status = array_zeroed(&made, comparison->trace->count, sizeof *made, "a ranking", diag);
    if (status == SIM_OK) {
        for (uint32_t position = 0; position < comparison->trace->count; position++) {
            const double difference = difference_of(comparison, metric, position);
            if (!isnan(difference))
                ranked[n++] = (struct ranked){difference, position};
        }
        qsort(ranked, n, sizeof *ranked, by_difference);
        for (size_t i = 0; i < n; i++)
            made[i] = ranked[i].position;
        *order = made;
        *count = n;
    }
    free(ranked);
    return status;
}
