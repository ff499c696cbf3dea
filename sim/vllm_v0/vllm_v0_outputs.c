/* vllm_v0_outputs.c - one round of outputs for a group: who continues whom, new children, finishes. Beams have no scores here, so which
 * parent a beam continues is drawn from the request and its number of tokens, the same on every machine. Source: doc/vllm_v0.md section
 * 8; vLLM 0.6.2 engine/output_processor/single_step.py.
 *
 * A round, three beams of which 0 is continued twice, 2 once, 1 by nobody:
 *
 *     before   b0   b1   b2
 *     draws    0, 2, 0                      who is continued by the new beams 0, 1, 2
 *     after    b0 (sample 2)   b2 (sample 1)   child of b0 (sample 0);   b1 is released
 *
 * The last continuation is the sequence itself, so that a beam which is continued once needs no child and no copy. */
#include "base/array.h"
#include "base/seeded_random.h"
#include "engine/content.h"
#include "vllm_v0/vllm_v0_groups.h"

/* One round of a group: `samples` tokens for `running` sequences. */
struct round {
    uint32_t running, samples;
    bool first;    /* the prompt's first output: all samples continue its only sequence */
    uint64_t seed; /* beams: of the draws of this round */
};

/* Samples other than beams stop at different lengths, so that groups shrink. A trace has one length for the whole request; s mod 4 fewer
 * tokens is a rule of this replay (section 8). */
static uint32_t length_of_sample(const struct v0_group *group, uint32_t sample)
{
    if (group->beam || group->samples == 1)
        return group->output;
    return group->output > sample % 4 + 1 ? group->output - sample % 4 : 1;
}

/* Length counts the new token, whose K and V the next step will write. Lineage is for the data plane only: a fork's tokens were made by
 * others, so (sample, number) does not name them. */
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

/* A new sequence that goes on from `parent` with one token. It shares the parent's table, unless it has nothing more to write. */
static enum status add_child(struct v0_manager *manager, struct v0_group *group, const struct v0_sequence *parent, uint32_t sample,
                             struct diag *diag)
{
    struct v0_sequence *child;
    enum status status = v0_group_add_copy(manager, group, parent, &child, diag);
    if (status == SIM_OK)
        status = add_token(manager, group, child, sample, diag);
    return status == SIM_OK && child->status != V0_FINISHED ? v0_fork(manager, group, parent, child, diag) : status;
}

/* The samples of running sequence `number`: all but the last become children, the last extends it. Which sequence a sample continues: in
 * the first round the only one, later its own, or a drawn one for beams. *taken: by how many samples it is continued. Draws are made
 * anew from the seed for each sequence instead of being kept: a few calls of a generator against a list a round. Children are made
 * before the parent gets its own token, because they copy its past. */
static enum status continue_sequence(const struct round *round, struct v0_manager *manager, struct v0_group *group,
                                     struct v0_sequence *parent, uint32_t number, uint32_t *taken, struct diag *diag)
{
    const bool sampled_before = !group->beam && !round->first;
    uint64_t state = round->seed;
    uint32_t last = 0;
    enum status status = SIM_OK;
    *taken = 0;
    for (uint32_t j = 0; j < round->samples && status == SIM_OK; j++) {
        const uint32_t continued = round->first ? 0 : group->beam ? (uint32_t)(seeded_bits(&state) % round->running) : j;
        if (continued != number)
            continue;
        if ((*taken)++ > 0)
            status = add_child(manager, group, parent, last, diag);
        last = j;
    }
    if (status == SIM_OK && *taken > 0)
        status = add_token(manager, group, parent, sampled_before ? parent->sample : last, diag);
    return status;
}

/* Children join the end of the list while it is walked, after all who run; and only when everybody was continued do those who are done
 * give their tables back. A child that is finished with its first token never had a table. `number` counts running sequences as the
 * draws do; the index i falls back by one when a beam leaves the list. */
enum status v0_feed(struct v0_manager *manager, struct v0_group *group, struct diag *diag)
{
    if (v0_group_is_single(group)) { /* what follows comes to this */
        struct v0_sequence *sequence = v0_group_single(group);
        enum status fed = add_token(manager, group, sequence, sequence->sample, diag);
        if (sequence->status == V0_FINISHED)
            v0_release(manager, sequence);
        return fed;
    }
    const uint32_t running = v0_group_count(group, V0_RUNNING), generated = running ? v0_group_only(group, V0_RUNNING)->generated : 0;
    const bool first = generated == 0 && group->count == 1;
    const struct round round = {.running = running,
                                .samples = group->beam ? group->beam
                                           : first     ? group->samples
                                                       : running,
                                .first = first,
                                .seed = (uint64_t)group->request << 32 | generated}; /* all running ones have generated the same */
    enum status status = SIM_OK;
    for (uint32_t i = 0, number = 0; number < running && status == SIM_OK; i++) {
        struct v0_sequence *sequence = group->sequences[i];
        uint32_t taken;
        if (sequence->status != V0_RUNNING)
            continue;
        status = continue_sequence(&round, manager, group, sequence, number++, &taken, diag);
        if (status == SIM_OK && taken == 0) { /* a beam that nobody continues leaves at once */
            v0_release(manager, sequence);
            v0_group_remove(group, i--);
        }
    }
    for (uint32_t i = 0; i < group->count && status == SIM_OK; i++)
        if (group->sequences[i]->status == V0_FINISHED)
            v0_release(manager, group->sequences[i]);
    return status;
}
