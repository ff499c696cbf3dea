/* vllm_v0_outputs.c - one round of outputs for a group: who continues whom, new children, finishes. Beams have no scores here, so which
 * parent a beam continues is drawn from the request and its number of tokens, the same on every machine. */
#include "vllm_v0/vllm_v0_outputs.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/seeded_random.h"
#include "engine/content.h"

/* A sequence that got a token: itself (child == parent) or a new child of `parent`. */
struct v0_result {
    struct v0_sequence *child, *parent;
};

void v0_outputs_deinit(struct v0_outputs *outputs)
{
    free(outputs->results);
    free(outputs->draws);
    *outputs = (struct v0_outputs){0};
}

/* Samples other than beams stop at different lengths, so that groups shrink. */
static uint32_t length_of_sample(const struct v0_group *group, uint32_t sample)
{
    if (group->beam || group->samples == 1)
        return group->output;
    return group->output > sample % 4 + 1 ? group->output - sample % 4 : 1;
}

static enum status add_token(const struct v0_manager *manager, const struct v0_group *group, struct v0_sequence *sequence, uint32_t sample,
                             struct diag *diag)
{
    if (manager->want_lists) {
        enum status status = array_reserve(&sequence->lineage, &sequence->lineage_capacity, (size_t)sequence->generated + 1,
                                           sizeof *sequence->lineage, "output tokens", diag);
        if (status != SIM_OK)
            return status;
        sequence->lineage[sequence->generated] = content_output_token(group->request, sample, sequence->generated);
    }
    sequence->length++;
    sequence->generated++;
    sequence->sample = sample;
    if (sequence->generated == length_of_sample(group, sample))
        sequence->status = V0_FINISHED;
    return SIM_OK;
}

/* Which of the running sequences each sample continues: the first output all from the only one, then itself, or drawn for beams. */
static enum status draw_parents(struct v0_outputs *outputs, const struct v0_group *group, uint32_t running, uint32_t generated,
                                uint32_t *count, struct diag *diag)
{
    bool first = generated == 0 && group->count == 1;
    *count = group->beam ? group->beam : first ? group->samples : running;
    enum status status = array_reserve(&outputs->draws, &outputs->draws_capacity, *count, sizeof *outputs->draws, "outputs", diag);
    uint64_t state = (uint64_t)group->request << 32 | generated;
    for (uint32_t j = 0; j < *count && status == SIM_OK; j++)
        outputs->draws[j] = first ? 0 : group->beam ? (uint32_t)(seeded_bits(&state) % running) : j;
    return status;
}

/* The samples of one sequence: all but the last become children, the last extends it. *taken = 0: no sample continues it. */
static enum status continue_sequence(struct v0_outputs *outputs, struct v0_manager *manager, const struct v0_group *group,
                                     struct v0_sequence *parent, uint32_t number, uint32_t draws, uint32_t *results, uint32_t *taken,
                                     struct diag *diag)
{
    uint32_t last = UINT32_MAX;
    bool sampled_before = !(group->beam || (parent->generated == 0 && group->count == 1));
    enum status status = SIM_OK;
    *taken = 0;
    for (uint32_t j = 0; j < draws && status == SIM_OK; j++) {
        if (outputs->draws[j] != number)
            continue;
        ++*taken;
        if (last != UINT32_MAX) {
            struct v0_sequence *child;
            status = v0_sequence_copy(manager, parent, &child, diag);
            if (status == SIM_OK)
                outputs->results[(*results)++] = (struct v0_result){.child = child, .parent = parent};
            if (status == SIM_OK)
                status = add_token(manager, group, child, last, diag);
        }
        last = j;
    }
    if (status == SIM_OK && *taken > 0) {
        outputs->results[(*results)++] = (struct v0_result){.child = parent, .parent = parent};
        status = add_token(manager, group, parent, sampled_before ? parent->sample : last, diag);
    }
    return status;
}

/* Children join the list and share their parent's table; then original sequences that are done give theirs back. */
static enum status settle(struct v0_outputs *outputs, struct v0_manager *manager, struct v0_group *group, uint32_t results,
                          struct diag *diag)
{
    enum status status = SIM_OK;
    for (uint32_t i = 0; i < results && status == SIM_OK; i++) {
        struct v0_result *result = &outputs->results[i];
        if (result->child == result->parent)
            continue;
        status = v0_group_add(group, result->child, diag);
        if (status == SIM_OK && result->child->status != V0_FINISHED)
            status = v0_fork(manager, result->parent, result->child, diag);
    }
    for (uint32_t i = 0; i < results && status == SIM_OK; i++)
        if (outputs->results[i].child == outputs->results[i].parent && outputs->results[i].child->status == V0_FINISHED)
            v0_release(manager, outputs->results[i].child);
    return status;
}

enum status v0_feed(struct v0_outputs *outputs, struct v0_manager *manager, struct v0_group *group, struct diag *diag)
{
    uint32_t running = v0_group_count(group, V0_RUNNING), draws, results = 0, number = 0;
    uint32_t generated = 0;
    for (uint32_t i = group->count; i-- > 0;)
        if (group->sequences[i]->status == V0_RUNNING)
            generated = group->sequences[i]->generated; /* all running ones have generated the same */
    enum status status = draw_parents(outputs, group, running, generated, &draws, diag);
    if (status == SIM_OK)
        status = array_reserve(&outputs->results, &outputs->capacity, (size_t)draws + running, sizeof *outputs->results, "outputs", diag);
    for (uint32_t i = 0; i < group->count && number < running && status == SIM_OK;) {
        struct v0_sequence *sequence = group->sequences[i];
        uint32_t taken;
        if (sequence->status != V0_RUNNING) {
            i++;
            continue;
        }
        status = continue_sequence(outputs, manager, group, sequence, number++, draws, &results, &taken, diag);
        if (status == SIM_OK && taken == 0) { /* a beam that nobody continues leaves at once */
            v0_release(manager, sequence);
            v0_group_remove(group, sequence);
        } else {
            i++;
        }
    }
    return status == SIM_OK ? settle(outputs, manager, group, results, diag) : status;
}
