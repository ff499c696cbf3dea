/* measured_run.c - reads what a server measured: first the CSV pair, then the JSON of `vllm bench serve`. Read measured_run.h first for
 * the two layouts. Both end in the same arrays by position, where NaN means that a request was not measured. */
#include "study/measured_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/csv.h"
#include "base/json.h"
#include "observe/distribution.h"
#include "trace/request_order.h"

const enum latency measured_latencies[MEASURED_LATENCIES] = {LATENCY_TTFT, LATENCY_TPOT, LATENCY_E2EL};

const char *const measured_statistics[MEASURED_STATISTICS] = {"mean", "median", "p90", "p95", "p99"};

enum status measured_statistics_of(const struct distribution *distribution, double *out, struct diag *diag)
{
    static const double percentiles[] = {50, 90, 95, 99};
    struct summary summary;
    enum status status = distribution_summary(distribution, &summary, diag);
    if (status == SIM_OK)
        status = distribution_percentiles(distribution, percentiles, MEASURED_STATISTICS - 1, out + 1, diag);
    if (status == SIM_OK)
        out[0] = summary.mean;
    return status;
}

/* Every request starts as not measured. NaN and not 0: a server may have measured 0, and a request without a value must not count as a
 * fast one. */
static enum status make_array(double **ms, uint32_t count, struct diag *diag)
{
    enum status status = array_zeroed(ms, count, sizeof **ms, "measured requests", diag);
    for (uint32_t position = 0; position < count && status == SIM_OK; position++)
        (*ms)[position] = NAN;
    return status;
}

static enum status make_arrays(struct measured_run *run, const struct trace *trace, struct diag *diag)
{
    *run = (struct measured_run){.count = trace->count};
    enum status status = SIM_OK;
    for (int i = 0; i < LATENCIES * MEASURED_STATISTICS; i++)
        run->pooled_ms[i / MEASURED_STATISTICS][i % MEASURED_STATISTICS] = NAN;
    for (int i = 0; i < MEASURED_LATENCIES && status == SIM_OK; i++)
        status = make_array(&run->ms[measured_latencies[i]], trace->count, diag);
    return status;
}

void measured_run_close(struct measured_run *run)
{
    for (int i = 0; i < LATENCIES; i++)
        free(run->ms[i]);
    free(run->prefill_ms);
    free(run->rows);
    pauses_seen_deinit(&run->pauses);
    *run = (struct measured_run){0};
}

/* As request_places, when the list has exactly one entry for each request of the trace: entry i is then the i-th of these in the file's
 * order, even if the trace is only a part of its file. `vllm bench serve` numbers nothing: its lists are in the order of its requests, so
 * if it was given a part of a file, the position in the list is all there is. */
static enum status places_in_turn(const struct trace *trace, uint32_t **places, uint32_t *most, struct diag *diag)
{
    enum status status = request_order(trace, places, diag);
    *most = trace->count;
    for (uint32_t entry = 0; entry < trace->count && status == SIM_OK; entry++)
        (*places)[entry]++;
    return status;
}

/* --- CSV -------------------------------------------------------------------------------------------------------------------------- */

enum { COLUMN_ID, COLUMN_INPUT, COLUMN_OUTPUT, COLUMN_LATENCIES };
enum { COLUMN_SCHEDULED = COLUMN_LATENCIES + MEASURED_LATENCIES, COLUMN_FIRST_TOKEN };

/* Both times are on one clock, whichever it is. */
static void take_prefill(struct measured_run *run, struct csv *csv, size_t row, uint32_t position)
{
    const double scheduled_s = csv_amount(csv, row, COLUMN_SCHEDULED), first_token_s = csv_amount(csv, row, COLUMN_FIRST_TOKEN);
    if (csv->status == SIM_OK && first_token_s < scheduled_s)
        csv_error(csv, row, COLUMN_FIRST_TOKEN, "at or after scheduled_s");
    run->prefill_ms[position] = (first_token_s - scheduled_s) * 1000;
}

/* Lengths must agree with the trace, the one protection against comparing with the measurements of another trace. */
static void take_request(struct measured_run *run, struct csv *csv, size_t row, const struct trace *trace, const uint32_t *places,
                         uint32_t most)
{
    uint64_t whole[COLUMN_LATENCIES];
    for (uint32_t i = 0; i < COLUMN_LATENCIES; i++)
        whole[i] = csv_whole(csv, row, i);
    if (csv->status != SIM_OK || whole[COLUMN_ID] >= most || places[whole[COLUMN_ID]] == 0)
        return; /* not an error: options such as --limit leave requests out of the trace */
    const uint32_t position = places[whole[COLUMN_ID]] - 1;
    if (whole[COLUMN_INPUT] != trace->input_tokens[position] || whole[COLUMN_OUTPUT] != trace->output_tokens[position])
        csv_error(csv, row, COLUMN_ID, "the trace's request: their lengths differ");
    for (uint32_t i = 0; i < MEASURED_LATENCIES; i++)
        if (measured_latencies[i] != LATENCY_TPOT || whole[COLUMN_OUTPUT] > 1)
            run->ms[measured_latencies[i]][position] = csv_amount(csv, row, COLUMN_LATENCIES + i);
    if (run->prefill_ms)
        take_prefill(run, csv, row, position);
    run->known++;
}

/* Columns are found by name, so files may have others, in any order. */
static enum status read_requests(struct measured_run *run, const char *path, const struct trace *trace, struct diag *diag)
{
    static const char *const names[] = {"id", "input_tokens", "output_tokens", "ttft_ms", "tpot_ms", "e2e_ms"};
    uint32_t *places = NULL, most;
    struct csv csv;
    enum status status = csv_open(path, names, COLUMN_SCHEDULED, &csv, diag);
    if (status != SIM_OK)
        return status;
    if (csv_has(&csv, "scheduled_s", COLUMN_SCHEDULED) && csv_has(&csv, "first_token_s", COLUMN_FIRST_TOKEN))
        csv.status = make_array(&run->prefill_ms, trace->count, diag);
    if (csv.status == SIM_OK)
        csv.status = request_places(trace, &places, &most, diag);
    for (size_t row = 0; row < csv.rows && csv.status == SIM_OK; row++)
        take_request(run, &csv, row, trace, places, most);
    status = csv.status;
    free(places);
    csv_close(&csv);
    return status;
}

/* Times must rise: the comparison walks steps and rows together. kv_cache_pct is in percent, as servers show it, and becomes a share
 * here. */
static enum status read_timeline(struct measured_run *run, const char *path, struct diag *diag)
{
    static const char *const names[] = {"t", "running", "waiting", "kv_cache_pct", "gen_throughput"};
    struct csv csv;
    enum status status = csv_open(path, names, 5, &csv, diag);
    if (status != SIM_OK)
        return status;
    csv.status = array_reserve(&run->rows, &run->row_capacity, csv.rows, sizeof *run->rows, "measured timeline", diag);
    for (size_t row = 0; row < csv.rows && csv.status == SIM_OK; row++) {
        double values[5];
        for (uint32_t i = 0; i < 5; i++)
            values[i] = csv_amount(&csv, row, i);
        if (csv.status == SIM_OK && row > 0 && values[0] <= run->rows[row - 1].at_s)
            csv_error(&csv, row, 0, "later than the row before");
        run->rows[row] = (struct timeline_row){values[0], values[1], values[2], values[3] / 100, values[4]};
    }
    run->row_count = csv.rows;
    status = csv.status;
    csv_close(&csv);
    return status;
}

/* The timeline is optional: without it only latencies are compared. */
enum status measured_run_open_csv(const char *requests, const char *timeline, const struct trace *trace, struct measured_run *out,
                                  struct diag *diag)
{
    enum status status = make_arrays(out, trace, diag);
    out->from_queued = true;
    if (status == SIM_OK)
        status = read_requests(out, requests, trace, diag);
    if (status == SIM_OK && timeline)
        status = read_timeline(out, timeline, diag);
    if (status != SIM_OK)
        measured_run_close(out);
    return status;
}

/* --- vLLM's JSON ------------------------------------------------------------------------------------------------------------------ */

/* The lists exist only with --save-detailed, the likely reason why one is missing. */
static enum status find_list(const struct json_document *document, const char *name, const cJSON **out, struct diag *diag)
{
    *out = cJSON_GetObjectItemCaseSensitive(document->root, name);
    if (cJSON_IsArray(*out))
        return SIM_OK;
    return json_error(document, document->root, false, diag, "no list \"%s\"; save the run with --save-result --save-detailed", name);
}

/* Seconds, no more than 285 years, which sums of them cannot drive out of a double. */
static bool is_time(const cJSON *node)
{
    return cJSON_IsNumber(node) && node->valuedouble >= 0 && node->valuedouble <= 9e9;
}

/* What read_lists fills, and from whose requests. */
struct list_reader {
    struct measured_run *run;
    const struct trace *trace;
    struct distribution gaps; /* of all requests */
    double *own_gaps_ms;      /* of one */
    size_t own_capacity;
};

/* One request, from its nodes in the four lists. Its E2E latency is TTFT plus all gaps: vLLM's client notes the time since the last
 * output for each output that it receives, so the gaps lead from the first token to the end. TPOT divides by the tokens after the first,
 * as vLLM does, and not by the number of gaps: a server may send several tokens at once. */
static enum status take_lists(struct list_reader *reader, const struct json_document *document, const cJSON *const *nodes,
                              uint32_t position, struct diag *diag)
{
    struct measured_run *run = reader->run;
    const struct trace *trace = reader->trace;
    uint64_t input, output;
    double total = 0;
    size_t gap_count = 0;
    if (!json_uint64(document, nodes[0], &input) || !json_uint64(document, nodes[1], &output))
        return json_error(document, nodes[0], false, diag, "a request's length is not a whole number");
    if (!cJSON_IsNumber(nodes[2]) || !cJSON_IsArray(nodes[3]))
        return json_error(document, nodes[2], false, diag, "ttfts should hold numbers and itls lists of numbers");
    if (nodes[2]->valuedouble <= 0)
        return SIM_OK; /* vLLM writes a TTFT of 0 for a request that failed, or that ended without a token */
    if (input != trace->input_tokens[position] || output != trace->output_tokens[position])
        return json_error(document, nodes[0], false, diag, "this request has %llu and %llu tokens here, %u and %u in the trace",
                          (unsigned long long)input, (unsigned long long)output, trace->input_tokens[position],
                          trace->output_tokens[position]);
    const cJSON *gap;
    cJSON_ArrayForEach(gap, nodes[3])
    {
        if (!is_time(gap))
            return json_error(document, gap, false, diag, "a time between tokens is a number of seconds from 0 to 9e9");
        const double gap_ms = gap->valuedouble * 1000;
        total += gap->valuedouble;
        if (distribution_add(&reader->gaps, gap_ms, diag) != SIM_OK ||
            array_append(&reader->own_gaps_ms, &gap_count, &reader->own_capacity, &gap_ms, sizeof gap_ms, "measured gaps", diag) != SIM_OK)
            return diag->status;
    }
    if (!is_time(nodes[2]))
        return json_error(document, nodes[2], false, diag, "a time to the first token is a number of seconds from 0 to 9e9");
    run->ms[LATENCY_TTFT][position] = nodes[2]->valuedouble * 1000;
    run->ms[LATENCY_E2EL][position] = (nodes[2]->valuedouble + total) * 1000;
    if (output > 1)
        run->ms[LATENCY_TPOT][position] = total * 1000 / (double)(output - 1);
    run->known++;
    return pauses_seen_add(&run->pauses, reader->own_gaps_ms, gap_count, diag);
}

/* Of a run that was saved without its lists: what stands there of all requests. False: there are lists, or nothing. */
static bool take_statistics(struct measured_run *run, const struct json_document *document)
{
    const cJSON *completed = cJSON_GetObjectItemCaseSensitive(document->root, "completed");
    bool any = false;
    if (cJSON_HasObjectItem(document->root, "input_lens"))
        return false;
    for (int latency = 0; latency < LATENCIES; latency++)
        for (int statistic = 0; statistic < MEASURED_STATISTICS; statistic++) {
            char name[64];
            snprintf(name, sizeof name, "%s_%s_ms", measured_statistics[statistic], latency_names[latency]);
            const cJSON *node = cJSON_GetObjectItemCaseSensitive(document->root, name);
            if (!cJSON_IsNumber(node) || !(node->valuedouble > 0))
                continue;
            run->pooled_ms[latency][statistic] = node->valuedouble;
            any = true;
        }
    if (any)
        run->known = cJSON_IsNumber(completed) && completed->valuedouble >= 1 && completed->valuedouble < run->count
                         ? (uint32_t)completed->valuedouble
                         : run->count;
    return any;
}

/* The four lists are walked in parallel through cJSON's links: access by index would be quadratic. A list that ends before the others
 * would shift nothing, but shows that the file was cut or edited, so it is refused. */
static enum status read_lists(const struct json_document *document, void *self, struct diag *diag)
{
    static const char *const names[] = {"input_lens", "output_lens", "ttfts", "itls"};
    struct list_reader *reader = self;
    const struct trace *trace = reader->trace;
    const cJSON *nodes[4];
    uint32_t *places = NULL, most;
    enum status status = make_arrays(reader->run, trace, diag);
    if (status == SIM_OK && take_statistics(reader->run, document))
        return SIM_OK;
    for (int i = 0; i < 4 && status == SIM_OK; i++)
        status = find_list(document, names[i], &nodes[i], diag);
    if (status == SIM_OK)
        status = (cJSON_GetArraySize(nodes[0]) == (int)trace->count ? places_in_turn : request_places)(trace, &places, &most, diag);
    for (int i = 0; i < 4 && status == SIM_OK; i++)
        nodes[i] = nodes[i]->child;
    for (uint32_t at = 0; status == SIM_OK && nodes[0] && nodes[1] && nodes[2] && nodes[3]; at++) {
        if (at < most && places[at] > 0)
            status = take_lists(reader, document, nodes, places[at] - 1, diag);
        for (int i = 0; i < 4; i++)
            nodes[i] = nodes[i]->next;
    }
    if (status == SIM_OK && (nodes[0] || nodes[1] || nodes[2] || nodes[3]))
        status = json_error(document, document->root, false, diag, "input_lens, output_lens, ttfts and itls should be of one length");
    free(places);
    if (status == SIM_OK && reader->gaps.count > 0)
        status = measured_statistics_of(&reader->gaps, reader->run->pooled_ms[LATENCY_ITL], diag);
    if (status != SIM_OK)
        measured_run_close(reader->run);
    return status;
}

enum status measured_run_open_json(const char *path, const struct trace *trace, struct measured_run *out, struct diag *diag)
{
    struct list_reader reader = {.run = out, .trace = trace};
    const enum status status = json_read_file(path, read_lists, &reader, diag);
    distribution_deinit(&reader.gaps);
    free(reader.own_gaps_ms);
    pauses_seen_sort(&out->pauses);
    return status;
}
