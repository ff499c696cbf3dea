/* decision_hash.c - mixes events, steps and sums into one 64-bit hash. Read decision_hash.h first for what is left out, and why. It costs
 * a few multiplications an event and a step, because a replay has hundreds of thousands of each and a size search runs many replays. */
#include "observe/decision_hash.h"

#include "base/fingerprint.h"
#include "base/integers.h"

/* Odd constants without a pattern. The fields of a record are multiplied by one each and added up, which needs no dependent chain: only
 * the sum then goes through the hash. */
#define A UINT64_C(0x9E3779B97F4A7C15)
#define B UINT64_C(0xC2B2AE3D27D4EB4F)
#define C UINT64_C(0x165667B19E3779F9)
#define D UINT64_C(0xD6E8FEB86659FD93)
#define E UINT64_C(0xA0761D6478BD642F)

void decision_hash_init(struct decision_hash *hash)
{
    *hash = (struct decision_hash){.hash = FINGERPRINT_START, .least_uncached = UINT32_MAX};
}

/* A step that computes prompts, preempts or swaps. Steps of pure decoding go into the sums only: where the engine ends a run of such steps
 * is its own choice and may depend on the pool's size, and who decodes in them follows from the events. */
static void hash_step(struct decision_hash *hash, const struct step_tally *tally)
{
    hash->hash = fingerprint_word(hash->hash, (uint64_t)tally->start_ns * A + (uint64_t)tally->duration_ns * B +
                                                  tally->scheduled_tokens * C + tally->held_tokens * D);
    hash->hash = fingerprint_word(hash->hash, tally->running * A + tally->waiting * B + tally->used_blocks * C + tally->table_blocks * D +
                                                  tally->swapped * E + tally->free_cpu_blocks);
}

static enum status on_runs(void *self, const struct step_run *runs, size_t count, struct diag *diag)
{
    (void)diag;
    struct decision_hash *hash = self;
    for (size_t i = 0; i < count; i++) {
        const struct step_run *run = &runs[i];
        const struct step_tally *first = &run->first;
        /* A run of steps may take more blocks after its first step; at its end the free blocks without content are fewer by those. */
        const uint32_t uncached = first->free_blocks - first->cached_blocks, taken = run->peak_used_blocks - first->used_blocks;
        const uint32_t least = uncached > taken ? uncached - taken : 0;
        if (first->prefill_tokens > 0 || first->preemptions > 0 || first->swapped > 0)
            hash_step(hash, first);
        hash->used_blocks_ns += run->used_blocks_ns;
        hash->held_tokens_ns += run->held_tokens_ns;
        hash->waiting_ns += (step_sum)first->waiting * (uint64_t)run->state_ns;
        hash->preemptions += first->preemptions;
        hash->peak_used = max_u32(hash->peak_used, run->peak_used_blocks);
        if (first->step != TALLY_GAP)
            hash->least_uncached = min_u32(hash->least_uncached, least);
    }
    return SIM_OK;
}

static enum status on_events(void *self, const struct event *events, size_t count, struct diag *diag)
{
    (void)diag;
    struct decision_hash *hash = self;
    for (size_t i = 0; i < count; i++) {
        const struct event *event = &events[i];
        const uint64_t small = (uint64_t)event->kind << 32 | (uint64_t)event->extra << 16 | event->sample;
        hash->hash = fingerprint_word(hash->hash, (uint64_t)event->time_ns * A + event->request * B + (uint64_t)event->value * C +
                                                      event->other * D + small * E + event->blocks);
    }
    return SIM_OK;
}

/* Sums over time enter last: they do not depend on how steps were cut into runs. */
static enum status on_finish(void *self, const struct run_end *end, struct diag *diag)
{
    (void)diag;
    struct decision_hash *hash = self;
    const step_sum sums[] = {hash->used_blocks_ns, hash->held_tokens_ns, hash->waiting_ns};
    hash->hash = fingerprint_bytes(hash->hash, sums, sizeof sums);
    hash->hash = fingerprint_word(hash->hash, end->steps * A + (uint64_t)end->end_ns * B + end->unfinished * C + end->stalled * D +
                                                  (end->abort != NULL) * E);
    return SIM_OK;
}

struct observer decision_hash_observer(struct decision_hash *hash)
{
    return (struct observer){.self = hash, .runs = on_runs, .events = on_events, .finish = on_finish};
}
