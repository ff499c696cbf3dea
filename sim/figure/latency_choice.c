/* latency_choice.c - parses the two lists of vLLM's benchmark and turns them into names of figures. Read latency_choice.h first; the names
 * then take the way of any other percentile (figure_wish). */
#include "figure/latency_choice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

void latency_choice_init(struct latency_choice *choice)
{
    *choice = (struct latency_choice){.percentiles = {99}, .percentile_count = 1};
    for (int latency = 0; latency < LATENCIES; latency++)
        choice->wanted[latency] = latency == LATENCY_TTFT || latency == LATENCY_TPOT || latency == LATENCY_ITL;
}

/* Both lists replace their default as a whole, as vLLM's options do. `at` stands at the start of an item in each round. */
enum status latency_choice_metrics(struct latency_choice *choice, const char *list, struct diag *diag)
{
    memset(choice->wanted, 0, sizeof choice->wanted);
    for (const char *at = list;; at++) {
        const size_t length = strcspn(at, ",");
        const enum latency latency = latency_find(at, (uint32_t)length);
        if (latency == LATENCIES || latency == LATENCY_QUEUE) /* vLLM's benchmark is a client and cannot see the server's queue */
            return diag_set(diag, SIM_USAGE,
                            "--percentile-metrics %s: must be some of ttft,tpot,itl,e2el,client_queue_time,e2el_including_client_queue",
                            list);
        choice->wanted[latency] = true;
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

/* Shortest digits, so that 99 and 99.0 give the same name. */
char *latency_percentile_name(double percentile, enum latency latency, char *out)
{
    char digits[32];
    plain_double(percentile, digits, sizeof digits);
    snprintf(out, FIGURE_NAME_SIZE, "p%s_%s_ms", digits, latency_names[latency]);
    return out;
}

/* Percentiles that are rows of the table are in every report; figure_wish leaves them out. */
enum status latency_choice_wish(const struct latency_choice *choice, struct figure_wishes *wishes, struct diag *diag)
{
    enum status status = SIM_OK;
    for (int latency = 0; latency < LATENCIES; latency++)
        for (size_t i = 0; i < choice->percentile_count && choice->wanted[latency] && status == SIM_OK; i++) {
            char name[FIGURE_NAME_SIZE];
            status = figure_wish(wishes, latency_percentile_name(choice->percentiles[i], (enum latency)latency, name), diag);
        }
    return status;
}
