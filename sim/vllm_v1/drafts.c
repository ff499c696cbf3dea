/* drafts.c - luck of drafts, as a function of seed, request and place. */
#include "vllm_v1/drafts.h"

#include <math.h>

#include "config/speculation.h"

/* Draws are multiples of 2^-53, so that one is below the chance exactly if its numerator is below the chance's, rounded up. */
void drafts_init(struct drafts *drafts, const struct trace *trace, const struct config *config)
{
    const struct speculative_config *speculative = &config->speculative;
    *drafts = (struct drafts){.trace = trace,
                              .most = speculation_drafts(config),
                              .varies = speculative->method == SPECULATIVE_NGRAM && !config->async_scheduling,
                              .sure = true,
                              .seed = speculative->acceptance_seed};
    for (uint32_t i = 0; i < drafts->most; i++) {
        const double before = i ? speculative->acceptance_rates[i - 1] : 1;
        const double chance = before > 0 ? speculative->acceptance_rates[i] / before : 0;
        drafts->chance[i] = (uint64_t)ceil(chance * (double)DRAFTS_SURE);
        drafts->sure = drafts->sure && drafts->chance[i] == DRAFTS_SURE;
    }
}

/* Samples of a request have luck of their own. */
uint64_t drafts_luck(const struct drafts *drafts, uint32_t position)
{
    const uint64_t index = trace_index(drafts->trace, position), sample = trace_sample_of(drafts->trace, position);
    return drafts->seed ^ index << 32 ^ sample << 48;
}

uint32_t drafts_proposed(const struct drafts *drafts, uint64_t luck, uint32_t output)
{
    uint64_t state = luck ^ UINT64_C(0x9E3779B97F4A7C15) ^ output;
    return drafts->varies ? (uint32_t)(seeded_bits(&state) % (drafts->most + 1)) : drafts->most;
}
