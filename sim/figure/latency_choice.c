/* latency_choice.c - see latency_choice.h. */
#include "figure/latency_choice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "observe/distribution.h"
#include "observe/latency.h"

const char *const latency_metric_names[LATENCY_METRICS] = {"ttft", "tpot", "itl", "e2el"};

void latency_choice_init(struct latency_choice *choice)
{
    *choice = (struct latency_choice){.wanted = {true, true, true, true}, .percentiles = {99}, .percentile_count = 1};
}

enum status latency_choice_metrics(struct latency_choice *choice, const char *list, struct diag *diag)
{
    memset(choice->wanted, 0, sizeof choice->wanted);
    for (const char *at = list;; at++) {
        const size_t length = strcspn(at, ",");
        int metric = 0;
        while (metric < LATENCY_METRICS &&
               (strlen(latency_metric_names[metric]) != length || strncmp(at, latency_metric_names[metric], length) != 0))
            metric++;
        if (metric == LATENCY_METRICS)
            return diag_set(diag, SIM_USAGE, "--percentile-metrics %s: must be some of ttft,tpot,itl,e2el", list);
        choice->wanted[metric] = true;
        at += length;
        if (*at == '\0')
            return SIM_OK;
    }
}

enum status latency_choice_percentiles(struct latency_choice *choice, const char *list, struct diag *diag)
{
    choice->percentile_count = 0;
    for (const char *at = list;; at++) {
        char *end;
        double percentile = strtod(at, &end);
        if (end == at || (*end != '\0' && *end != ',') || !(percentile >= 0 && percentile <= 100))
            return diag_set(diag, SIM_USAGE, "--metric-percentiles %s: must be numbers from 0 to 100, as in 50,90,99", list);
        if (choice->percentile_count == LATENCY_PERCENTILES_MOST)
            return diag_set(diag, SIM_USAGE, "--metric-percentiles: %d at most", LATENCY_PERCENTILES_MOST);
        choice->percentiles[choice->percentile_count++] = percentile;
        at = end;
        if (*at == '\0')
            return SIM_OK;
    }
}

static enum status over_requests(struct latency_choice *choice, const struct metrics *metrics, enum latency_metric metric,
                                 latency_of *latency, struct diag *diag)
{
    struct distribution distribution = {0};
    enum status status = SIM_OK;
    for (uint32_t position = 0; position < metrics->trace->count && status == SIM_OK; position++) {
        double ms;
        if (latency(&metrics->stories[position], metrics->trace->output_tokens[position], &ms))
            status = distribution_add(&distribution, ms, diag);
    }
    if (status == SIM_OK)
        status = distribution_percentiles(&distribution, choice->percentiles, choice->percentile_count, choice->values_ms[metric], diag);
    distribution_deinit(&distribution);
    return status;
}

enum status latency_choice_collect(struct latency_choice *choice, const struct metrics *metrics, struct diag *diag)
{
    static latency_of *const latencies[LATENCY_METRICS] = {latency_ttft, latency_tpot, NULL, latency_e2e};
    enum status status = SIM_OK;
    for (int metric = 0; metric < LATENCY_METRICS && status == SIM_OK; metric++) {
        double *values = choice->values_ms[metric];
        if (choice->wanted[metric] && latencies[metric])
            status = over_requests(choice, metrics, (enum latency_metric)metric, latencies[metric], diag);
        if (!choice->wanted[metric] || latencies[metric])
            continue;
        status = gap_distribution_percentiles(&metrics->gaps, choice->percentiles, choice->percentile_count, values, diag);
    }
    return status;
}

void latency_percentile_name(double percentile, char *out, size_t size)
{
    out[0] = 'p';
    plain_double(percentile, out + 1, size - 1);
}

const struct figures *latency_figures(const struct metrics *metrics, enum latency_metric metric)
{
    const struct figures *const all[LATENCY_METRICS] = {&metrics->ttft_ms, &metrics->tpot_ms, &metrics->itl_ms, &metrics->e2e_ms};
    return all[metric];
}
