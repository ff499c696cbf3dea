/* drafts.c - luck of drafts, as a function of seed, request and place. */
#include "vllm_v1/drafts.h"

#include "base/seeded_random.h"
#include "config/speculation.h"

void drafts_init(struct drafts *drafts, const struct trace *trace, const struct config *config)
{
    const struct speculative_config *speculative = &config->speculative;
    *drafts = (struct drafts){.trace = trace,
                              .most = speculation_drafts(config),
                              .varies = speculative->method == SPECULATIVE_NGRAM && !config->async_scheduling,
                              .seed = speculative->acceptance_seed};
    for (uint32_t i = 0; i < drafts->most; i++) {
        const double before = i ? speculative->acceptance_rates[i - 1] : 1;
        drafts->chance[i] = before > 0 ? speculative->acceptance_rates[i] / before : 0;
    }
}

/* Samples of a request have luck of their own. */
static uint64_t draw(const struct drafts *drafts, uint64_t salt, uint32_t position, uint32_t output)
{
    const uint64_t index = trace_index(drafts->trace, position), sample = trace_sample_of(drafts->trace, position);
    uint64_t state = drafts->seed ^ salt ^ index << 32 ^ output ^ sample << 48;
    return seeded_bits(&state);
}

uint32_t drafts_accepted(const struct drafts *drafts, uint32_t position, uint32_t output, uint32_t count)
{
    uint32_t right = 0;
    while (right < count && (double)(draw(drafts, 0, position, output + right) >> 11) * 0x1p-53 < drafts->chance[right])
        right++;
    return right;
}

uint32_t drafts_proposed(const struct drafts *drafts, uint32_t position, uint32_t output)
{
    if (!drafts->varies)
        return drafts->most;
    return (uint32_t)(draw(drafts, UINT64_C(0x9E3779B97F4A7C15), position, output) % (drafts->most + 1));
}
