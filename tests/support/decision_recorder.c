/* decision_recorder.c - fingerprints of steps. Read decision_recorder.h first. */
#include "support/decision_recorder.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/fingerprint.h"

static enum status add(uint64_t **list, size_t *count, size_t *capacity, uint64_t hash, struct diag *diag)
{
    enum status status = array_reserve(list, capacity, *count + 1, sizeof **list, "recorded decisions", diag);
    if (status == SIM_OK)
        (*list)[(*count)++] = hash;
    return status;
}

static uint64_t hash_tally(uint64_t hash, const struct step_tally *tally)
{
    const uint64_t fields[] = {tally->step,
                               (uint64_t)tally->decided_ns,
                               (uint64_t)tally->start_ns,
                               (uint64_t)tally->duration_ns,
                               tally->context_tokens,
                               tally->held_tokens,
                               tally->scheduled_tokens,
                               tally->scheduled_sequences,
                               tally->running,
                               tally->waiting,
                               tally->free_blocks,
                               tally->cached_blocks};
    return fingerprint_bytes(hash, fields, sizeof fields);
}

static enum status on_scheduled(void *self, const struct step *step, struct diag *diag)
{
    struct decisions *decisions = self;
    uint64_t hash = hash_tally(FINGERPRINT_START, &step->tally);
    for (uint32_t i = 0; i < step->scheduled_count; i++)
        hash = fingerprint_word(hash, (uint64_t)step->scheduled[i].request << 32 | (uint32_t)step->scheduled[i].tokens);
    for (uint32_t i = 0; i < step->sequence_count; i++) {
        const struct step_sequence *sequence = &step->sequences[i];
        hash = fingerprint_word(hash, (uint64_t)sequence->request << 32 | sequence->num_blocks);
        hash = fingerprint_bytes(hash, sequence->blocks, sequence->num_blocks * sizeof *sequence->blocks);
    }
    for (uint32_t i = 0; i < step->admitted_count; i++) {
        hash = fingerprint_word(hash, (uint64_t)step->admitted[i].request << 32 | step->admitted[i].cached_tokens);
        hash = fingerprint_word(hash, step->admitted[i].external_tokens);
    }
    for (uint32_t i = 0; i < step->preempted_count; i++) {
        const struct preempted *preempted = &step->preempted[i];
        hash = fingerprint_word(hash, (uint64_t)preempted->request << 32 | preempted->requester);
        hash = fingerprint_word(hash, (uint64_t)preempted->tokens_lost << 32 | preempted->blocks);
    }
    return add(&decisions->decided, &decisions->decided_count, &decisions->decided_capacity, hash, diag);
}

static enum status on_completed(void *self, const struct step *step, struct diag *diag)
{
    struct decisions *decisions = self;
    uint64_t hash = fingerprint_word(FINGERPRINT_START, step->tally.step);
    hash = fingerprint_word(hash, step->tally.vain_tokens);
    for (uint32_t i = 0; i < step->scheduled_count; i++)
        hash = fingerprint_word(hash, (uint64_t)step->scheduled[i].request << 1 | step->scheduled[i].vain);
    for (uint32_t i = 0; i < step->finished_count; i++)
        hash = fingerprint_word(hash, step->finished[i]);
    enum status status = add(&decisions->completed, &decisions->completed_count, &decisions->completed_capacity, hash, diag);
    return status == SIM_OK && decisions->completed_count == decisions->limit ? SIM_INTERRUPTED : status;
}

struct observer decisions_observer(struct decisions *decisions)
{
    return (struct observer){.self = decisions, .decisions = true, .scheduled = on_scheduled, .completed = on_completed};
}

void decisions_deinit(struct decisions *decisions)
{
    free(decisions->decided);
    free(decisions->completed);
    *decisions = (struct decisions){0};
}

static size_t first_difference(const uint64_t *a, size_t a_count, const uint64_t *b, size_t b_count)
{
    size_t at = 0;
    while (at < a_count && at < b_count && a[at] == b[at])
        at++;
    return at == a_count && at == b_count ? SIZE_MAX : at;
}

bool decisions_equal(const struct decisions *a, const struct decisions *b, char *text, size_t size)
{
    const size_t decided = first_difference(a->decided, a->decided_count, b->decided, b->decided_count);
    const size_t completed = first_difference(a->completed, a->completed_count, b->completed, b->completed_count);
    if (decided != SIZE_MAX)
        snprintf(text, size, "decisions of step %zu differ", decided);
    else if (completed != SIZE_MAX)
        snprintf(text, size, "what the output of step %zu brought differs", completed);
    return decided == SIZE_MAX && completed == SIZE_MAX;
}
