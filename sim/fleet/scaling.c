/* scaling.c - the rule, apart from who it is applied to. */
#include "fleet/scaling.h"

#include <math.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/integers.h"

#define TOLERANCE 0.1

/* A first entry of the schedule at time 0 is the number at the start. */
void scaling_init(struct scaling *scaling, const struct autoscale_config *config)
{
    *scaling = (struct scaling){.config = config, .next_ns = INT64_MAX};
    if (config->most > 0)
        scaling->next_ns = ns_of(config->interval_s, 1e9);
    if (config->schedule_count > 0 && config->schedule[0].at_s <= 0)
        scaling->steps = 1;
    if (config->schedule_count > scaling->steps)
        scaling->next_ns = ns_of(config->schedule[scaling->steps].at_s, 1e9);
}

void scaling_deinit(struct scaling *scaling)
{
    free(scaling->wishes);
    scaling->wishes = NULL;
}

/* The most that was wanted within the window. Wishes below the newest can be forgotten, so what is left falls. */
static enum status remember(struct scaling *scaling, uint32_t wish, uint32_t *most, struct diag *diag)
{
    const int64_t oldest_ns = scaling->next_ns - ns_of(scaling->config->down_after_s, 1e9);
    while (scaling->count > scaling->first && scaling->wishes[scaling->count - 1].wanted <= wish)
        scaling->count--;
    while (scaling->first < scaling->count && scaling->wishes[scaling->first].time_ns < oldest_ns)
        scaling->first++;
    enum status status = array_reserve(&scaling->wishes, &scaling->capacity, scaling->count + 1, sizeof *scaling->wishes, "scaling", diag);
    if (status != SIM_OK)
        return status;
    scaling->wishes[scaling->count].time_ns = scaling->next_ns;
    scaling->wishes[scaling->count++].wanted = wish;
    *most = scaling->wishes[scaling->first].wanted;
    return SIM_OK;
}

enum status scaling_look(struct scaling *scaling, uint32_t taking, uint32_t there, double ratio, uint32_t *wanted, struct diag *diag)
{
    const struct autoscale_config *config = scaling->config;
    if (config->schedule_count > 0) {
        *wanted = config->schedule[scaling->steps++].replicas;
        scaling->next_ns = scaling->steps < config->schedule_count ? ns_of(config->schedule[scaling->steps].at_s, 1e9) : INT64_MAX;
        return SIM_OK;
    }
    uint32_t wish = there, most = there;
    if (taking > 0 && fabs(ratio - 1) > TOLERANCE)
        wish = (uint32_t)fmin(ceil(taking * ratio), config->most);
    wish = max_u32(config->least, wish < config->most ? wish : config->most);
    enum status status = remember(scaling, wish, &most, diag);
    *wanted = wish >= there ? wish : most < there ? most : there;
    scaling->next_ns += ns_of(config->interval_s, 1e9);
    return status;
}
