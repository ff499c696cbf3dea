/* validation.c - see validation.h. */
#include "study/validation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "config/engine_facts.h"
#include "observe/distribution.h"

static const char *const latency_names[LATENCIES] = {"ttft", "tpot", "e2e"};
static const char *const statistic_names[VALIDATION_STATISTICS] = {"mean", "p50", "p90", "p95", "p99"};

enum status validation_init(struct validation *validation, const struct trace *trace, const struct config *config,
                            const struct measured_run *measured, struct diag *diag)
{
    *validation = (struct validation){.trace = trace, .config = config, .measured = measured, .origin_ns = -1};
    int64_t **const arrays[] = {&validation->seen_ns, &validation->first_ns, &validation->finish_ns};
    enum status status = SIM_OK;
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays && status == SIM_OK; i++) {
        status = array_zeroed(arrays[i], trace->count, sizeof **arrays[i], "the comparison", diag);
        if (status == SIM_OK)
            memset(*arrays[i], 0xff, trace->count * sizeof **arrays[i]); /* -1 */
    }
    if (status == SIM_OK)
        status = array_zeroed(&validation->rows, measured->row_count, sizeof *validation->rows, "the timeline", diag);
    if (status != SIM_OK)
        validation_deinit(validation);
    return status;
}

void validation_deinit(struct validation *validation)
{
    free(validation->seen_ns);
    free(validation->first_ns);
    free(validation->finish_ns);
    free(validation->rows);
    validation->seen_ns = validation->first_ns = validation->finish_ns = NULL;
    validation->rows = NULL;
}

static enum status on_events(void *self, const struct event *events, size_t count, struct diag *diag)
{
    struct validation *validation = self;
    (void)diag;
    for (size_t i = 0; i < count; i++) {
        const struct event *event = &events[i];
        if (event->kind == EVENT_ARRIVE) {
            validation->seen_ns[event->request] = validation->measured->from_queued ? event->value : event->time_ns;
            if (validation->origin_ns < 0)
                validation->origin_ns = event->value;
        } else if (event->kind == EVENT_FIRST_TOKEN) {
            validation->first_ns[event->request] = event->time_ns;
        } else if (event->kind == EVENT_FINISH) {
            validation->finish_ns[event->request] = event->time_ns;
        } else if (event->kind == EVENT_PREEMPT) {
            validation->preemptions++;
        } else if (event->kind == EVENT_ADMIT) {
            validation->prompt_tokens += validation->trace->input_tokens[event->request];
            validation->cached_tokens += (uint64_t)event->value;
        }
    }
    return SIM_OK;
}

/* A measured row is compared with the step during which its time falls. */
static enum status on_tallies(void *self, const struct step_tally *tallies, size_t count, struct diag *diag)
{
    struct validation *validation = self;
    const double usable = validation->config->num_gpu_blocks - (engine_facts_of(validation->config)->has_null_block ? 1.0 : 0.0);
    (void)diag;
    for (size_t i = 0; i < count; i++) {
        const struct step_tally *tally = &tallies[i];
        const double end_s = (double)(tally->start_ns + tally->duration_ns - validation->origin_ns) / 1e9;
        while (validation->row_count < validation->measured->row_count && validation->measured->rows[validation->row_count].at_s < end_s) {
            struct timeline_row *row = &validation->rows[validation->row_count];
            *row = (struct timeline_row){.at_s = validation->measured->rows[validation->row_count].at_s,
                                         .running = tally->running,
                                         .waiting = tally->waiting,
                                         .kv_usage = usable > 0 ? 1 - tally->free_blocks / usable : 0,
                                         .output_tokens_per_s = validation->output_tokens}; /* so far; divided in the end */
            validation->row_count++;
        }
        validation->output_tokens += tally->sampled_tokens;
    }
    return SIM_OK;
}

/* --- figures ---------------------------------------------------------------------------------------------------------------------- */

static void add_figure(struct validation *validation, const char *name, const char *what, double value, bool whole)
{
    struct figure *figure = &validation->figures[validation->figure_count++];
    *figure = (struct figure){.value = value, .whole = whole, .undefined = isnan(value)};
    snprintf(figure->name, sizeof figure->name, "%s%s%s", name, *what ? "_" : "", what);
}

static double simulated_ms(const struct validation *validation, enum latency latency, uint32_t position)
{
    const int64_t seen = validation->seen_ns[position], first = validation->first_ns[position], finish = validation->finish_ns[position];
    const uint32_t tokens = validation->trace->output_tokens[position];
    if (seen < 0 || first < 0 || finish < 0)
        return NAN;
    if (latency == LATENCY_TTFT)
        return (double)(first - seen) / 1e6;
    if (latency == LATENCY_E2E)
        return (double)(finish - seen) / 1e6;
    return tokens > 1 ? (double)(finish - first) / 1e6 / (tokens - 1) : NAN;
}

static enum status fill_statistics(const struct distribution *distribution, double *out, struct diag *diag)
{
    static const double percentiles[] = {50, 90, 95, 99};
    struct figures figures;
    enum status status = distribution_figures(distribution, &figures, diag);
    if (status == SIM_OK)
        status = distribution_percentiles(distribution, percentiles, VALIDATION_STATISTICS - 1, out + 1, diag);
    if (status == SIM_OK)
        out[0] = figures.mean;
    return status;
}

/* Both sides of one latency over the requests that both sides know. */
static enum status compare(struct validation *validation, enum latency latency, struct diag *diag)
{
    struct distribution sides[3] = {{0}}; /* measured, simulated, errors */
    double statistics[3][VALIDATION_STATISTICS] = {{0}};
    enum status status = SIM_OK;
    for (uint32_t position = 0; position < validation->trace->count && status == SIM_OK; position++) {
        const double measured = validation->measured->ms[latency][position], simulated = simulated_ms(validation, latency, position);
        const double values[] = {measured, simulated, fabs(simulated - measured) / measured};
        if (isnan(measured) || isnan(simulated) || measured <= 0)
            continue;
        for (int side = 0; side < 3 && status == SIM_OK; side++)
            status = distribution_add(&sides[side], values[side], diag);
    }
    const bool any = sides[0].count > 0;
    for (int side = 0; side < 3; side++) {
        if (status == SIM_OK)
            status = fill_statistics(&sides[side], statistics[side], diag);
        distribution_deinit(&sides[side]);
    }
    for (int i = 0; i < VALIDATION_STATISTICS && status == SIM_OK; i++) {
        const struct compared compared = {statistics[0][i], statistics[1][i]};
        char what[32];
        validation->latency[latency][i] = compared;
        snprintf(what, sizeof what, "%s_error", statistic_names[i]);
        add_figure(validation, latency_names[latency], what, any ? fabs(compared.simulated - compared.measured) / compared.measured : NAN,
                   false);
    }
    add_figure(validation, latency_names[latency], "mape", any ? statistics[2][0] : NAN, false);
    add_figure(validation, latency_names[latency], "median_error", any ? statistics[2][1] : NAN, false);
    return status;
}

static void compare_timeline(struct validation *validation)
{
    double sums[4] = {0}, rate = 0, before_tokens = 0, before_s = 0;
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
    }
    static const char *const names[] = {"running", "waiting", "kv_usage"};
    for (int i = 0; i < 3; i++)
        add_figure(validation, names[i], "error", rows ? sums[i] / (double)rows : NAN, false);
    add_figure(validation, "output_throughput", "error", rate > 0 ? sums[3] / rate : NAN, false);
}

static enum status on_finish(void *self, const struct run_end *end, struct diag *diag)
{
    struct validation *validation = self;
    enum status status = SIM_OK;
    (void)end;
    for (int latency = 0; latency < LATENCIES && status == SIM_OK; latency++)
        status = compare(validation, (enum latency)latency, diag);
    compare_timeline(validation);
    add_figure(validation, "preemptions", "", (double)validation->preemptions, true);
    add_figure(validation, "cached_share", "",
               validation->prompt_tokens ? (double)validation->cached_tokens / (double)validation->prompt_tokens : NAN, false);
    return status;
}

struct observer validation_observer(struct validation *validation)
{
    return (struct observer){.self = validation, .tallies = on_tallies, .events = on_events, .finish = on_finish};
}

/* --- output ----------------------------------------------------------------------------------------------------------------------- */

static const struct figure *find(const struct validation *validation, const char *name)
{
    for (size_t i = 0; i < validation->figure_count; i++)
        if (strcmp(validation->figures[i].name, name) == 0)
            return &validation->figures[i];
    return NULL;
}

static void print_value(const struct validation *validation, const char *label, const char *name, double scale, const char *unit,
                        FILE *file)
{
    const struct figure *figure = find(validation, name);
    if (figure && !figure->undefined)
        fprintf(file, "  %-34s%8.*f%s%s\n", label, figure->whole ? 0 : 2, figure->value * scale, *unit ? " " : "", unit);
}

void validation_print(const struct validation *validation, FILE *file)
{
    static const char *const titles[LATENCIES] = {"TTFT", "TPOT", "E2E"};
    fprintf(file, "%s: %u of %u requests measured\n\n%-14s%12s%12s%10s\n", validation->trace->name, validation->measured->known,
            validation->trace->count, "ms", "measured", "simulated", "error");
    for (int latency = 0; latency < LATENCIES; latency++)
        for (int i = 0; i < VALIDATION_STATISTICS; i++) {
            const struct compared *one = &validation->latency[latency][i];
            if (one->measured > 0)
                fprintf(file, "  %-5s%-7s%12.3f%12.3f%+9.2f%%\n", titles[latency], statistic_names[i], one->measured, one->simulated,
                        (one->simulated - one->measured) / one->measured * 100);
        }
    fputs("Request by request, absolute error\n", file);
    print_value(validation, "TTFT, mean", "ttft_mape", 100, "%", file);
    print_value(validation, "TTFT, median", "ttft_median_error", 100, "%", file);
    print_value(validation, "TPOT, mean", "tpot_mape", 100, "%", file);
    print_value(validation, "E2E, mean", "e2e_mape", 100, "%", file);
    if (validation->row_count > 0)
        fprintf(file, "Timeline, mean absolute difference over %zu points\n", validation->row_count);
    print_value(validation, "running", "running_error", 1, "requests", file);
    print_value(validation, "waiting", "waiting_error", 1, "requests", file);
    print_value(validation, "KV cache usage", "kv_usage_error", 100, "points of percent", file);
    print_value(validation, "output throughput", "output_throughput_error", 100, "%", file);
    fputs("Replay\n", file);
    print_value(validation, "preemptions", "preemptions", 1, "", file);
    print_value(validation, "prompt tokens found in the cache", "cached_share", 100, "%", file);
}

static void write_rows(const char *name, const struct timeline_row *rows, size_t count, struct json_text *json)
{
    json_key(json, name);
    json_open_array(json);
    for (size_t i = 0; i < count; i++) {
        json_open_object(json);
        json_put_double(json, "t_s", rows[i].at_s);
        json_put_double(json, "running", rows[i].running);
        json_put_double(json, "waiting", rows[i].waiting);
        json_put_double(json, "kv_usage", rows[i].kv_usage);
        json_put_double(json, "output_tokens_per_s", rows[i].output_tokens_per_s);
        json_close_object(json);
    }
    json_close_array(json);
}

void validation_write_json(const struct validation *validation, struct json_text *json)
{
    json_open_object(json);
    json_put_int(json, "schema_version", 1);
    json_put_string(json, "trace", validation->trace->name);
    json_put_uint(json, "requests", validation->trace->count);
    json_put_uint(json, "measured_requests", validation->measured->known);
    for (size_t i = 0; i < validation->figure_count; i++) {
        const struct figure *figure = &validation->figures[i];
        json_put_double(json, figure->name, figure->undefined ? NAN : figure->value);
    }
    for (int latency = 0; latency < LATENCIES; latency++) {
        char name[32];
        snprintf(name, sizeof name, "%s_ms", latency_names[latency]);
        json_key(json, name);
        json_open_object(json);
        for (int i = 0; i < VALIDATION_STATISTICS; i++) {
            json_key(json, statistic_names[i]);
            json_open_object(json);
            json_put_double(json, "measured", validation->latency[latency][i].measured);
            json_put_double(json, "simulated", validation->latency[latency][i].simulated);
            json_close_object(json);
        }
        json_close_object(json);
    }
    write_rows("timeline_measured", validation->measured->rows, validation->row_count, json);
    write_rows("timeline_simulated", validation->rows, validation->row_count, json);
    json_close_object(json);
}
