/* validation.c - follows a replay as a server's client and monitor would, then compares. Read validation.h first. Latencies are compared
 * over the requests that both sides have, the timeline row by row; on_finish() starts both, and validation_put_figures() names the
 * results. */
#include "study/validation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/compare.h"
#include "config/engine_facts.h"
#include "observe/distribution.h"

/* Stories begin with -1 everywhere: a request that the replay never finished has no latencies, as one that the server lost has none. */
enum status validation_init(struct validation *validation, const struct trace *trace, const struct config *config,
                            const struct measured_run *measured, struct diag *diag)
{
    *validation = (struct validation){.trace = trace, .config = config, .measured = measured, .origin_ns = -1};
    for (int i = 0; i < LATENCIES * MEASURED_STATISTICS; i++)
        validation->latency[i / MEASURED_STATISTICS][i % MEASURED_STATISTICS] = (struct compared){NAN, NAN};
    const struct array_request arrays[] = {ARRAY_OF(validation->stories, trace->count), ARRAY_OF(validation->rows, measured->row_count)};
    enum status status = array_zeroed_all(arrays, 2, "the comparison", diag);
    if (status != SIM_OK)
        validation_deinit(validation);
    for (uint32_t position = 0; position < trace->count && status == SIM_OK; position++)
        validation->stories[position] =
            (struct request_story){.arrival_ns = -1, .first_scheduled_ns = -1, .first_token_ns = -1, .finish_ns = -1};
    return status;
}

void validation_deinit(struct validation *validation)
{
    free(validation->stories);
    free(validation->rows);
    stream_pauses_deinit(&validation->pauses);
    validation->stories = NULL;
    validation->rows = NULL;
}

/* EVENT_ARRIVE has two times: when the request arrived, and (value) when the engine took it in, at the start of its next step. A server
 * that logs from its queue starts the clock at the latter. */
static enum status on_events(void *self, const struct event *events, size_t count, struct diag *diag)
{
    struct validation *validation = self;
    (void)diag;
    for (size_t i = 0; i < count; i++) {
        const struct event *event = &events[i];
        struct request_story *story = &validation->stories[event->request];
        if (event->kind == EVENT_ARRIVE) {
            story->arrival_ns = validation->measured->from_queued ? event->value : event->time_ns;
            if (validation->origin_ns < 0)
                validation->origin_ns = event->value;
        } else if (event->kind == EVENT_ADMIT) {
            story->first_scheduled_ns = event->time_ns;
        } else if (event->kind == EVENT_FIRST_TOKEN) {
            story->first_token_ns = event->time_ns;
        } else if (event->kind == EVENT_FINISH) {
            story->finish_ns = event->time_ns;
        }
    }
    return SIM_OK;
}

/* Tokens are there when their step is back, which with asynchronous scheduling is one or two decisions after its own. */
static void note_tokens_until(struct validation *validation, int64_t now_ns)
{
    for (int i = 0; i < 2; i++)
        if (validation->late[i].end_ns <= now_ns) {
            validation->output_tokens += validation->late[i].tokens;
            validation->late[i].tokens = 0;
        }
}

/* A measured row is compared with what the decision before it left. A monitor samples; several rows may fall into one step, or none. Both
 * clocks start when the engine takes in its first request. Rows after the end of the replay are not compared, as there is nothing to
 * compare with. */
static enum status on_tallies(void *self, const struct step_tally *tallies, size_t count, struct diag *diag)
{
    struct validation *validation = self;
    const double usable = validation->config->num_gpu_blocks - (engine_facts_of(validation->config)->has_null_block ? 1.0 : 0.0);
    enum status status = SIM_OK;
    for (size_t i = 0; i < count && status == SIM_OK; i++) {
        const struct step_tally *tally = &tallies[i];
        const double end_s = (double)(tally->decided_ns + tally->state_ns - validation->origin_ns) / 1e9;
        note_tokens_until(validation, tally->decided_ns);
        while (validation->row_count < validation->measured->row_count && validation->measured->rows[validation->row_count].at_s < end_s) {
            struct timeline_row *row = &validation->rows[validation->row_count];
            *row = (struct timeline_row){.at_s = validation->measured->rows[validation->row_count].at_s,
                                         .running = tally->running,
                                         .waiting = tally->waiting,
                                         .kv_usage = usable > 0 ? 1 - tally->free_blocks / usable : 0,
                                         .output_tokens_per_s = validation->output_tokens}; /* a running total; compare_timeline divides */
            validation->row_count++;
        }
        if (tally->step == TALLY_GAP)
            continue;
        const struct late_tokens late = {.end_ns = tally->start_ns + tally->duration_ns, .tokens = tally->sampled_tokens};
        validation->late[tally->step % 2] = late;
        status = stream_pauses_note_step(&validation->pauses, late.end_ns, late.tokens, diag);
    }
    return status;
}

/* --- figures ---------------------------------------------------------------------------------------------------------------------- */

/* Nothing of a request that did not end. */
double validation_simulated_ms(const struct validation *validation, enum latency latency, uint32_t position)
{
    struct request_story story = validation->stories[position];
    double ms;
    if (!validation->measured->from_queued)
        story = request_streamed(story, &validation->pauses);
    return story.finish_ns >= 0 && request_latency_ms(&story, latency, validation->trace, position, &ms) ? ms : NAN;
}

/* One latency over the requests that both sides have. Requests that only one side finished are left out of both, or the distributions
 * would be of different requests. Errors are relative, so a measured 0 cannot be used. The statistics of the errors give mape (mean) and
 * median_ape. */
static enum status compare(struct validation *validation, enum latency latency, struct diag *diag)
{
    struct distribution sides[3] = {{0}}; /* measured, simulated, errors */
    double statistics[3][MEASURED_STATISTICS] = {{0}};
    enum status status = SIM_OK;
    for (uint32_t position = 0; position < validation->trace->count && status == SIM_OK; position++) {
        const double measured = validation->measured->ms[latency][position],
                     simulated = validation_simulated_ms(validation, latency, position);
        const double values[] = {measured, simulated, fabs(simulated - measured) / measured};
        if (isnan(measured) || isnan(simulated) || measured <= 0)
            continue;
        for (int side = 0; side < 3 && status == SIM_OK; side++)
            status = distribution_add(&sides[side], values[side], diag);
    }
    const bool any = sides[0].count > 0;
    for (int side = 0; side < 3; side++) {
        if (status == SIM_OK)
            status = measured_statistics_of(&sides[side], statistics[side], diag);
        distribution_deinit(&sides[side]);
    }
    for (int i = 0; i < MEASURED_STATISTICS; i++)
        validation->latency[latency][i] = (struct compared){any ? statistics[0][i] : NAN, any ? statistics[1][i] : NAN};
    validation->mape[latency] = any ? statistics[2][0] : NAN;
    validation->median_ape[latency] = any ? statistics[2][1] : NAN;
    return status;
}

/* The smallest against the smallest, and so on: the mean distance of two distributions of as many values. NaN: of none. */
static double distance_by_rank(const struct distribution *measured, const struct distribution *simulated)
{
    const size_t count = measured->count;
    double difference = 0, total = 0;
    if (count == 0)
        return NAN;
    qsort(measured->values, count, sizeof(double), compare_double_items);
    qsort(simulated->values, count, sizeof(double), compare_double_items);
    for (size_t i = 0; i < count; i++) {
        difference += fabs(simulated->values[i] - measured->values[i]);
        total += measured->values[i];
    }
    return total > 0 ? difference / total : NAN;
}

/* Over the requests of which both sides know when they were admitted. */
static enum status compare_prefills(struct validation *validation, struct diag *diag)
{
    const double *measured_ms = validation->measured->prefill_ms;
    struct distribution measured = {0}, simulated = {0};
    enum status status = SIM_OK;
    for (uint32_t position = 0; measured_ms && position < validation->trace->count && status == SIM_OK; position++) {
        const struct request_story *story = &validation->stories[position];
        if (isnan(measured_ms[position]) || story->first_scheduled_ns < 0 || story->first_token_ns < 0)
            continue;
        status = distribution_add(&measured, measured_ms[position], diag);
        if (status == SIM_OK)
            status = distribution_add(&simulated, (double)(story->first_token_ns - story->first_scheduled_ns) / 1e6, diag);
    }
    validation->prefill_error = status == SIM_OK ? distance_by_rank(&measured, &simulated) : NAN;
    distribution_deinit(&measured);
    distribution_deinit(&simulated);
    return status;
}

/* Mean absolute differences over the rows that the replay reached. The throughput's is divided by the measured mean: the other three are in
 * units that speak for themselves, tokens a second are not. A usage of 0 in all rows, although requests ran, is one that nobody logged. */
static void compare_timeline(struct validation *validation)
{
    double sums[4] = {0}, rate = 0, used = 0, ran = 0, before_tokens = 0, before_s = 0;
    const size_t rows = validation->row_count;
    for (size_t i = 0; i < rows; i++) {
        struct timeline_row *simulated = &validation->rows[i];
        const struct timeline_row *measured = &validation->measured->rows[i];
        const double tokens = simulated->output_tokens_per_s;
        simulated->output_tokens_per_s = (tokens - before_tokens) / (simulated->at_s - before_s);
        before_tokens = tokens;
        before_s = simulated->at_s;
        sums[0] += fabs(simulated->running - measured->running);
        sums[1] += fabs(simulated->waiting - measured->waiting);
        sums[2] += fabs(simulated->kv_usage - measured->kv_usage);
        sums[3] += fabs(simulated->output_tokens_per_s - measured->output_tokens_per_s);
        rate += measured->output_tokens_per_s;
        used += measured->kv_usage;
        ran += measured->running;
    }
    validation->running_error = rows ? sums[0] / (double)rows : NAN;
    validation->waiting_error = rows ? sums[1] / (double)rows : NAN;
    validation->kv_usage_error = rows && (used > 0 || ran <= 0) ? sums[2] / (double)rows : NAN;
    validation->output_throughput_error = rate > 0 ? sums[3] / rate : NAN;
}

/* Every story is complete now. A replay that stalled is compared as far as it went. */
static enum status on_finish(void *self, const struct run_end *end, struct diag *diag)
{
    struct validation *validation = self;
    enum status status = SIM_OK;
    (void)end;
    for (int i = 0; i < MEASURED_LATENCIES && status == SIM_OK; i++)
        status = compare(validation, measured_latencies[i], diag);
    if (status == SIM_OK)
        status = compare_prefills(validation, diag);
    compare_timeline(validation);
    return status;
}

struct observer validation_observer(struct validation *validation)
{
    return (struct observer){.self = validation, .tallies = on_tallies, .events = on_events, .finish = on_finish};
}

/* What the server says of all its requests stands next to what the replay says of all of its own. */
static void compare_pooled(struct validation *validation, enum latency latency, const struct figure_set *figures)
{
    for (int s = 0; s < MEASURED_STATISTICS; s++) {
        const double measured = validation->measured->pooled_ms[latency][s];
        char name[FIGURE_NAME_SIZE];
        snprintf(name, sizeof name, "%s_%s_ms", measured_statistics[s], latency_names[latency]);
        const double simulated = figure_set_value(figures, name);
        if (!isnan(measured))
            validation->latency[latency][s] = (struct compared){measured, simulated};
    }
}

static void put_statistics(const struct validation *validation, enum latency latency, struct figure_set *figures)
{
    for (int s = 0; s < MEASURED_STATISTICS; s++) {
        const struct compared *compared = &validation->latency[latency][s];
        char name[FIGURE_NAME_SIZE];
        snprintf(name, sizeof name, "%s_%s_error", measured_statistics[s], latency_names[latency]);
        figure_set_put(figures, name, fabs(compared->simulated - compared->measured) / compared->measured);
    }
}

/* Names are put together from the same words as in figure_rows.h. NaN, where nothing was measured, becomes an undefined figure, which
 * meets no requirement: a comparison without data must not pass. */
void validation_put_figures(struct validation *validation, struct figure_set *figures)
{
    for (int latency = 0; latency < LATENCIES; latency++)
        compare_pooled(validation, (enum latency)latency, figures);
    for (int i = 0; i < MEASURED_LATENCIES; i++) {
        const enum latency latency = measured_latencies[i];
        char name[FIGURE_NAME_SIZE];
        put_statistics(validation, latency, figures);
        snprintf(name, sizeof name, "%s_mape", latency_names[latency]);
        figure_set_put(figures, name, validation->mape[latency]);
        snprintf(name, sizeof name, "%s_median_ape", latency_names[latency]);
        figure_set_put(figures, name, validation->median_ape[latency]);
    }
    put_statistics(validation, LATENCY_ITL, figures);
    figure_set_put(figures, "prefill_error", validation->prefill_error);
    figure_set_put(figures, "running_error", validation->running_error);
    figure_set_put(figures, "waiting_error", validation->waiting_error);
    figure_set_put(figures, "kv_usage_error", validation->kv_usage_error);
    figure_set_put(figures, "output_throughput_error", validation->output_throughput_error);
}
