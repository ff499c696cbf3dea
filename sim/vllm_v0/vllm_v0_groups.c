/* vllm_v0_groups.c - lives of groups, keys of blocks, tables, copy-on-write, swapping, invariants, in this order. The two devices that
 * blocks come from are vllm_v0_device.c's.
 *
 * What sharing looks like, three samples after a prompt of 6 tokens in blocks of 4, and after their next token:
 *
 *     parent   [19,18]        [19,17]     18 copied to 17
 *     child 0  [19,18]   ->   [19,16]     18 copied to 16
 *     child 1  [19,18]        [19,18]     alone by now, keeps 18
 *
 * References count tables, not requests. Sums over GPU tables are kept up to date with every change, so a tally costs nothing. */
#include "vllm_v0/vllm_v0_groups.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/integers.h"
#include "engine/content.h"

/* Does any group become several sequences, which then share blocks? */
static bool has_forks(const struct trace *trace)
{
    bool forks = false;
    for (uint32_t i = 0; i < trace->count && !forks; i++)
        forks = (trace->samples && trace->samples[i] > 1) || (trace->beam_width && trace->beam_width[i] > 0);
    return forks;
}

/* moved_to is indexed by blocks of whichever device a group leaves, hence the larger of the two pools. */
enum status v0_manager_init(struct v0_manager *manager, const struct trace *trace, const struct config *config, enum v0_detail detail,
                            struct diag *diag)
{
    const bool shares = config->enable_prefix_caching || has_forks(trace);
    *manager = (struct v0_manager){.trace = trace,
                                   .block_size = config->block_size,
                                   .watermark_blocks = config_watermark_blocks(config),
                                   .caching = config->enable_prefix_caching,
                                   .want_lists = detail == V0_LISTS,
                                   .ids = shares || detail != V0_COUNTS};
    const enum v0_blocks kind = !manager->ids ? V0_BLOCKS_COUNTED : manager->caching ? V0_BLOCKS_CACHED : V0_BLOCKS_PLAIN;
    uint32_t most = config->num_gpu_blocks > config->num_cpu_blocks ? config->num_gpu_blocks : config->num_cpu_blocks;
    enum status status = v0_device_init(&manager->gpu, config->num_gpu_blocks, kind, diag);
    if (status == SIM_OK)
        status = v0_device_init(&manager->cpu, config->num_cpu_blocks, kind, diag);
    if (status == SIM_OK && manager->ids)
        status = array_zeroed(&manager->moved_to, most, sizeof *manager->moved_to, "swapping", diag);
    if (status == SIM_OK && manager->caching)
        status = prompt_contents_init(&manager->contents, trace, config->trace_block_size, diag);
    if (status != SIM_OK)
        v0_manager_deinit(manager);
    return status;
}

void v0_manager_deinit(struct v0_manager *manager)
{
    v0_device_deinit(&manager->gpu);
    v0_device_deinit(&manager->cpu);
    prompt_contents_deinit(&manager->contents);
    free(manager->copies.pairs);
    free(manager->swap_in.pairs);
    free(manager->swap_out.pairs);
    free(manager->unwritten.list);
    free(manager->moved_to);
    memset(manager, 0, sizeof *manager);
}

/* --- groups ---------------------------------------------------------------------------------------------------------------------- */

static void close_sequence(struct v0_group *group, struct v0_sequence *sequence)
{
    free(sequence->blocks);
    free(sequence->lineage);
    if (sequence != &group->first)
        free(sequence);
}

/* A new sequence at the end of the group's list, with the next id. */
static enum status add_sequence(struct v0_manager *manager, struct v0_group *group, struct v0_sequence **out, struct diag *diag)
{
    enum status status =
        array_reserve(&group->sequences, &group->capacity, (size_t)group->count + 1, sizeof *group->sequences, "a group", diag);
    *out = &group->first;
    if (status == SIM_OK && group->count > 0)
        status = array_zeroed(out, 1, sizeof **out, "a sequence", diag);
    if (status != SIM_OK)
        return status;
    (*out)->id = manager->next_sequence_id++;
    group->sequences[group->count++] = *out;
    return SIM_OK;
}

/* One sequence, whatever n or the beam width is: all samples have the prompt in common, so it is computed once and they fork from it. */
enum status v0_group_open(struct v0_manager *manager, uint32_t request, struct v0_group *group, struct diag *diag)
{
    const struct trace *trace = manager->trace;
    struct v0_sequence *sequence;
    *group = (struct v0_group){.request = request,
                               .samples = trace->samples ? trace->samples[request] : 1,
                               .beam = trace->beam_width ? trace->beam_width[request] : 0,
                               .output = trace->output_tokens[request],
                               .prompt = trace->input_tokens[request]};
    enum status status = add_sequence(manager, group, &sequence, diag);
    if (status == SIM_OK)
        sequence->length = group->prompt;
    return status;
}

void v0_group_close(struct v0_group *group)
{
    for (uint32_t i = 0; i < group->count; i++)
        close_sequence(group, group->sequences[i]);
    free(group->sequences);
    free(group->prompt_contents);
    *group = (struct v0_group){0};
}

void v0_group_remove(struct v0_group *group, uint32_t i)
{
    close_sequence(group, group->sequences[i]);
    memmove(group->sequences + i, group->sequences + i + 1, (size_t)(--group->count - i) * sizeof *group->sequences);
}

/* The child has its parent's past but none of its blocks: v0_fork shares the table. */
enum status v0_group_add_copy(struct v0_manager *manager, struct v0_group *group, const struct v0_sequence *parent,
                              struct v0_sequence **out, struct diag *diag)
{
    enum status status = add_sequence(manager, group, out, diag);
    if (status != SIM_OK)
        return status;
    struct v0_sequence *child = *out;
    const uint32_t id = child->id;
    *child = *parent;
    child->id = id;
    child->has_table = false;
    child->blocks = NULL;
    child->lineage = NULL;
    child->capacity = child->lineage_capacity = 0;
    child->count = child->runs = 0;
    if (!parent->lineage)
        return SIM_OK;
    status = array_reserve(&child->lineage, &child->lineage_capacity, (size_t)parent->generated + 1, sizeof *child->lineage,
                           "output tokens", diag);
    if (status == SIM_OK)
        memcpy(child->lineage, parent->lineage, parent->generated * sizeof *child->lineage);
    return status;
}

/* --- contents (prefix caching) --------------------------------------------------------------------------------------------------- */

/* Values of output tokens in keys: this tag keeps them apart from those of prompts (prompt_contents.c). */
static uint64_t output_token(uint32_t request, uint32_t o)
{
    return UINT64_C(3) << 62 | (uint64_t)request << 30 | o;
}

/* Identities of the prompt up to the end of each of its blocks, the last one possibly partial. Made when the group is first allocated;
 * they do not change, and a readmission finds them here. */
static enum status make_prompt_contents(struct v0_manager *manager, struct v0_group *group, struct diag *diag)
{
    const uint32_t size = manager->block_size, blocks = ceil_div(group->prompt, size);
    uint64_t parent = KV_CONTENT_NONE;
    if (group->prompt_contents)
        return SIM_OK;
    enum status status = array_zeroed(&group->prompt_contents, blocks, sizeof *group->prompt_contents, "prompt contents", diag);
    for (uint32_t i = 0; i < blocks && status == SIM_OK; i++) {
        const uint32_t end = min_u32((i + 1) * size, group->prompt);
        status =
            prompt_contents_block(&manager->contents, parent, group->request, (uint64_t)i * size, end, &group->prompt_contents[i], diag);
        parent = group->prompt_contents[i];
    }
    return status;
}

/* The key of logical block i: all tokens up to its end; equal only if the split in prompt and output is equal too. Prompt blocks can be
 * found by other requests. A block that holds output only by this one: at a given length each sample number belongs to one sequence of
 * the group, so length and sample say which output it is. A partly filled last block of the prompt has the prompt's own key, which is
 * what lets two identical prompts share it (section 11). */
static enum status block_key(struct v0_manager *manager, struct v0_group *group, const struct v0_sequence *sequence, uint32_t i,
                             uint64_t *key, struct diag *diag)
{
    *key = V0_UNIQUE;
    if (!manager->caching)
        return SIM_OK;
    enum status status = make_prompt_contents(manager, group, diag);
    if (status != SIM_OK)
        return status;
    uint64_t end = ((uint64_t)i + 1) * manager->block_size;
    uint32_t last = (group->prompt - 1) / manager->block_size;
    uint64_t known = end < sequence->length ? end : sequence->length;
    if (end <= group->prompt || known <= group->prompt) {
        *key = group->prompt_contents[i < last ? i : last];
        return SIM_OK;
    }
    const struct kv_span output[2] = {{.first = output_token(group->request, (uint32_t)(known - group->prompt)), .count = 1},
                                      {.first = sequence->sample, .count = 1}};
    return prompt_contents_intern(&manager->contents, group->prompt_contents[last], output, 2, key, diag);
}

/* --- tables ---------------------------------------------------------------------------------------------------------------------- */

/* Contiguity, for reports: does a run of consecutive ids begin at this entry? */
static bool starts_run(const struct v0_sequence *sequence, uint32_t i)
{
    return i == 0 || sequence->blocks[i - 1] + 1 != sequence->blocks[i];
}

/* At how many places do ids not follow each other? */
static uint32_t count_breaks(const uint32_t *blocks, size_t count)
{
    uint32_t breaks = 0;
    for (size_t i = 1; i < count; i++)
        breaks += blocks[i] - blocks[i - 1] != 1;
    return breaks;
}

/* Room for all blocks that a sequence of this group can ever have, so that appending cannot fail. */
static enum status make_table(const struct v0_manager *manager, const struct v0_group *group, struct v0_sequence *sequence,
                              struct diag *diag)
{
    const uint32_t longest = ceil_div(group->prompt + group->output, manager->block_size);
    sequence->has_table = true;
    if (!manager->ids)
        return SIM_OK;
    return array_reserve(&sequence->blocks, &sequence->capacity, longest, sizeof *sequence->blocks, "a block table", diag);
}

/* Room was made with the table. */
static void append_block(struct v0_manager *manager, struct v0_sequence *sequence, uint32_t block)
{
    manager->table_blocks++;
    sequence->count++;
    if (!manager->ids)
        return;
    sequence->blocks[sequence->count - 1] = block;
    bool starts = starts_run(sequence, sequence->count - 1);
    sequence->runs += starts;
    manager->table_runs += starts;
}

/* A run that began or ended here may not any more; the difference is taken modulo 2^32, as it can be -1. */
static void replace_last(struct v0_manager *manager, struct v0_sequence *sequence, uint32_t block)
{
    uint32_t last = sequence->count - 1, before = starts_run(sequence, last);
    sequence->blocks[last] = block;
    uint32_t after = starts_run(sequence, last);
    sequence->runs += after - before;
    manager->table_runs += (uint64_t)after - before;
}

/* A table comes to (+1) or leaves (-1) the GPU: the sums over GPU tables follow. Its ids are new when it comes. */
static void count_table(struct v0_manager *manager, struct v0_sequence *sequence, int sign)
{
    if (sign > 0 && manager->ids)
        sequence->runs = sequence->count > 0 ? 1 + count_breaks(sequence->blocks, sequence->count) : 0;
    manager->table_runs += sign > 0 ? sequence->runs : 0 - (uint64_t)sequence->runs;
    manager->table_blocks += sign > 0 ? sequence->count : 0 - (uint64_t)sequence->count;
    manager->held_tokens += (uint64_t)(int64_t)(sign > 0 ? sequence->computed : -sequence->computed);
}

/* Pairs are what the data plane and the price of a step see of copies and swaps. */
static enum status add_pair(struct v0_pairs *list, uint32_t from, uint32_t to, struct diag *diag)
{
    enum status status = array_reserve(&list->pairs, &list->capacity, (size_t)list->count + 1, sizeof *list->pairs, "block moves", diag);
    if (status == SIM_OK)
        list->pairs[list->count++] = (struct block_pair){.from = from, .to = to};
    return status;
}

/* The watermark keeps blocks free for those who run already, so that an admission does not preempt them in the next step. */
enum v0_fit v0_can_allocate(const struct v0_manager *manager, const struct v0_group *group)
{
    uint32_t need = v0_blocks_needed(manager, v0_group_only(group, V0_WAITING)), pool = manager->gpu.num_blocks;
    if ((uint64_t)need + manager->watermark_blocks > pool)
        return V0_NEVER;
    return (uint64_t)need + manager->watermark_blocks <= v0_device_free(&manager->gpu) ? V0_FITS : V0_LATER;
}

/* Blocks for the whole sequence, generated tokens included, even if only a chunk of it is computed in this step: in V0 a prompt's table
 * does not grow while it is computed. */
enum status v0_allocate(struct v0_manager *manager, struct v0_group *group, struct diag *diag)
{
    struct v0_sequence *sequence = v0_group_only(group, V0_WAITING);
    uint32_t need = v0_blocks_needed(manager, sequence);
    enum status status = make_table(manager, group, sequence, diag);
    /* vLLM would count as many references as the group has sequences, finished ones included, and never get the blocks back. */
    manager->survivor_recomputes += group->count > 1;
    if (!manager->caching && status == SIM_OK) {
        v0_device_take_many(&manager->gpu, need, sequence->blocks);
        sequence->count = need;
        count_table(manager, sequence, +1);
    }
    for (uint32_t i = 0; i < need && manager->caching && status == SIM_OK; i++) {
        uint64_t key;
        status = block_key(manager, group, sequence, i, &key, diag);
        append_block(manager, sequence, v0_device_take(&manager->gpu, key, (i + 1) * manager->block_size));
    }
    sequence->status = V0_RUNNING;
    return status;
}

/* Each running sequence may need a block: for a new logical block, or for a copy of a shared last one. vLLM does not ask whether it does
 * need one, so groups are preempted that would have had room. The watermark plays no part: it was kept free for this. */
bool v0_can_append(const struct v0_manager *manager, const struct v0_group *group)
{
    return v0_group_count(group, V0_RUNNING) <= v0_device_free(&manager->gpu);
}

/* A block for the sequence's last logical block: under its content when that is complete, else unfindable. */
static enum status take_last(struct v0_manager *manager, struct v0_group *group, const struct v0_sequence *sequence, uint32_t *block,
                             struct diag *diag)
{
    uint32_t need = v0_blocks_needed(manager, sequence);
    uint64_t key = V0_UNIQUE;
    enum status status = SIM_OK;
    if (sequence->length % manager->block_size == 0)
        status = block_key(manager, group, sequence, need - 1, &key, diag);
    *block = v0_device_take(&manager->gpu, key, need * manager->block_size);
    return status;
}

/* The last block is unshared and has just become full: it takes its content's key, or gives way to the block that has it already. */
static enum status complete_last(struct v0_manager *manager, struct v0_group *group, struct v0_sequence *sequence, struct diag *diag)
{
    uint32_t block = sequence->blocks[sequence->count - 1];
    uint64_t key;
    enum status status = block_key(manager, group, sequence, v0_blocks_needed(manager, sequence) - 1, &key, diag);
    if (status != SIM_OK)
        return status;
    if (!v0_device_rekey(&manager->gpu, block, key)) {
        v0_device_drop(&manager->gpu, block);
        replace_last(manager, sequence, v0_device_take(&manager->gpu, key, 0));
    }
    return SIM_OK;
}

/* Three ways to make room for one token: a new block; a copy of the last one if it is shared; or nothing, since there is a slot left.
 * With prefix caching, the token may also complete the last block. A copy leaves one reference less on the original; the last sequence
 * to come here finds itself alone and writes in place. */
static enum status append_sequence(struct v0_manager *manager, struct v0_group *group, struct v0_sequence *sequence, struct diag *diag)
{
    uint32_t fresh;
    if ((uint64_t)sequence->count * manager->block_size < sequence->length) { /* without a division, as it is asked in each step */
        enum status status = take_last(manager, group, sequence, &fresh, diag);
        append_block(manager, sequence, fresh);
        return status;
    }
    if (!manager->ids)
        return SIM_OK;
    uint32_t last = sequence->blocks[sequence->count - 1];
    if (manager->gpu.refs[last] > 1) {
        enum status status = take_last(manager, group, sequence, &fresh, diag);
        replace_last(manager, sequence, fresh);
        v0_device_drop(&manager->gpu, last);
        return status == SIM_OK ? add_pair(&manager->copies, last, fresh, diag) : status;
    }
    if (manager->caching && sequence->length % manager->block_size == 0)
        return complete_last(manager, group, sequence, diag);
    return SIM_OK;
}

void v0_append_fresh(struct v0_manager *manager, struct v0_sequence *sequence)
{
    append_block(manager, sequence, v0_device_take(&manager->gpu, V0_UNIQUE, 0));
}

/* In the order of the list, which is the order of ids: it decides who copies and who keeps the original. */
enum status v0_append(struct v0_manager *manager, struct v0_group *group, struct diag *diag)
{
    enum status status = SIM_OK;
    for (uint32_t i = 0; i < group->count && status == SIM_OK; i++)
        if (group->sequences[i]->status == V0_RUNNING)
            status = append_sequence(manager, group, group->sequences[i], diag);
    return status;
}

/* Nothing is copied and no block is taken: that is left to the first write, which is what copy-on-write is for (SOSP'23, section 4.4). */
enum status v0_fork(struct v0_manager *manager, const struct v0_group *group, const struct v0_sequence *parent, struct v0_sequence *child,
                    struct diag *diag)
{
    if (!parent->has_table)
        return SIM_OK;
    enum status status = make_table(manager, group, child, diag);
    if (status != SIM_OK)
        return status;
    for (uint32_t i = 0; i < parent->count; i++) {
        child->blocks[i] = parent->blocks[i];
        v0_device_share(&manager->gpu, parent->blocks[i]);
    }
    child->count = parent->count;
    count_table(manager, child, +1);
    manager->forks++;
    return SIM_OK;
}

/* From the first block to the last, so the last one is on top of the stack (section 2). A sequence that was swapped out is never
 * released: it comes back or is lost. */
void v0_release(struct v0_manager *manager, struct v0_sequence *sequence)
{
    if (!sequence->has_table)
        return;
    count_table(manager, sequence, -1);
    if (!manager->caching)
        v0_device_drop_many(&manager->gpu, sequence->count, sequence->blocks);
    for (uint32_t i = 0; i < sequence->count && manager->caching; i++)
        v0_device_drop(&manager->gpu, sequence->blocks[i]);
    sequence->count = sequence->runs = 0;
    sequence->has_table = false;
}

/* --- swapping -------------------------------------------------------------------------------------------------------------------- */

/* Distinct blocks over the tables of the live sequences. moved_to is all zero before and after. Shared blocks are moved once and need
 * one block on the other side. The second pass only clears the marks. */
static uint32_t count_distinct(const struct v0_manager *manager, const struct v0_group *group)
{
    uint32_t distinct = 0;
    if (!manager->ids)
        return group->sequences[0]->count;
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t s = 0; s < group->count; s++) {
            const struct v0_sequence *sequence = group->sequences[s];
            for (uint32_t i = 0; sequence->status != V0_FINISHED && i < sequence->count; i++) {
                uint32_t *mark = &manager->moved_to[sequence->blocks[i]];
                distinct += pass == 0 && *mark == 0;
                *mark = pass == 0;
            }
        }
    return distinct;
}

/* No watermark on the CPU. False means that vLLM dies (section 5). */
bool v0_can_swap_out(const struct v0_manager *manager, const struct v0_group *group)
{
    return count_distinct(manager, group) <= v0_device_free(&manager->cpu);
}

/* One more for each sequence, since each of them appends in the same step and may need a block for it. */
enum v0_fit v0_can_swap_in(const struct v0_manager *manager, const struct v0_group *group)
{
    uint32_t need = count_distinct(manager, group) + v0_group_count(group, V0_SWAPPED);
    if (need > manager->gpu.num_blocks)
        return V0_NEVER;
    return (uint64_t)need + manager->watermark_blocks <= v0_device_free(&manager->gpu) ? V0_FITS : V0_LATER;
}

/* Without ids: a table moves, and so many pairs say it. */
static void move_count(struct v0_sequence *sequence, struct v0_device *from, struct v0_device *to, struct v0_pairs *pairs)
{
    v0_device_take_many(to, sequence->count, NULL);
    v0_device_drop_many(from, sequence->count, NULL);
    pairs->count += sequence->count;
    sequence->status = sequence->status == V0_RUNNING ? V0_SWAPPED : V0_RUNNING;
}

/* Move every table with status `which`; a block that several of them share is moved once. moved_to holds the new block plus one, so that
 * 0 says "not moved yet"; the pairs made here are those whose marks have to be cleared. With prefix caching the key goes along, and a
 * block of the other device that has the content already is shared instead of filled. */
static enum status move_group(struct v0_manager *manager, struct v0_group *group, enum v0_status which, struct v0_device *from,
                              struct v0_device *to, struct v0_pairs *pairs, struct diag *diag)
{
    enum status status = SIM_OK;
    uint32_t first_pair = pairs->count;
    if (!manager->ids) {
        move_count(group->sequences[0], from, to, pairs);
        return SIM_OK;
    }
    for (uint32_t s = 0; s < group->count; s++) {
        struct v0_sequence *sequence = group->sequences[s];
        if (sequence->status != which)
            continue;
        for (uint32_t i = 0; i < sequence->count; i++) {
            uint32_t old = sequence->blocks[i], *moved = &manager->moved_to[old];
            if (*moved) {
                v0_device_share(to, *moved - 1);
            } else {
                *moved = v0_device_take(to, v0_device_key(from, old), from->caching ? from->hashed_tokens[old] : 0) + 1;
                if (status == SIM_OK)
                    status = add_pair(pairs, old, *moved - 1, diag);
            }
            sequence->blocks[i] = *moved - 1;
            v0_device_drop(from, old);
        }
        sequence->status = which == V0_RUNNING ? V0_SWAPPED : V0_RUNNING;
    }
    for (uint32_t i = first_pair; i < pairs->count; i++)
        manager->moved_to[pairs->pairs[i].from] = 0;
    return status;
}

/* A prompt that is swapped out between two chunks takes blocks along that hold nothing yet, and with prefix caching they are moved over those
 * of the same content on the CPU (doc/vllm_v0.md, section 11). */
static enum status note_unwritten(struct v0_manager *manager, const struct v0_sequence *sequence, struct diag *diag)
{
    struct v0_unwritten *unwritten = &manager->unwritten;
    enum status status = SIM_OK;
    for (uint32_t i = 0; i < sequence->count && status == SIM_OK; i++) {
        const struct unwritten one = {.block = sequence->blocks[i], .valid = v0_tokens_in_block(manager, sequence, i)};
        if (one.valid < manager->block_size && !manager->gpu.computed[one.block])
            status = array_append(&unwritten->list, &unwritten->count, &unwritten->capacity, &one, sizeof one,
                                  "the list of unwritten blocks", diag);
    }
    return status;
}

/* Sums over GPU tables lose these before the ids change, and swapping in adds them after. */
enum status v0_swap_out(struct v0_manager *manager, struct v0_group *group, struct diag *diag)
{
    enum status status = SIM_OK;
    for (uint32_t s = 0; s < group->count; s++)
        if (group->sequences[s]->status == V0_RUNNING) {
            count_table(manager, group->sequences[s], -1);
            if (manager->caching && manager->want_lists && status == SIM_OK)
                status = note_unwritten(manager, group->sequences[s], diag);
        }
    const enum status moved = move_group(manager, group, V0_RUNNING, &manager->gpu, &manager->cpu, &manager->swap_out, diag);
    return status == SIM_OK ? moved : status;
}

enum status v0_swap_in(struct v0_manager *manager, struct v0_group *group, struct diag *diag)
{
    enum status status = move_group(manager, group, V0_SWAPPED, &manager->cpu, &manager->gpu, &manager->swap_in, diag);
    for (uint32_t s = 0; s < group->count; s++)
        if (group->sequences[s]->status == V0_RUNNING)
            count_table(manager, group->sequences[s], +1);
    return status;
}

/* vLLM forgets the CPU blocks of a group that it drops while swapped out. They stay taken for ever, here too. */
void v0_lose_swapped(struct v0_group *group)
{
    for (uint32_t s = 0; s < group->count; s++) {
        group->sequences[s]->status = V0_FINISHED;
        group->sequences[s]->has_table = false;
        group->sequences[s]->count = 0;
    }
}

/* --- computed blocks (prefix caching) -------------------------------------------------------------------------------------------- */

/* The last block never counts as cached, since a token has to be computed. The least over all sequences, because a step computes for all
 * of them. The number is only reported: V0 computes the whole prompt again (section 11). */
uint32_t v0_touch(struct v0_manager *manager, const struct v0_group *group, int64_t now_ns)
{
    uint32_t common = UINT32_MAX;
    for (uint32_t s = 0; s < group->count; s++) {
        const struct v0_sequence *sequence = group->sequences[s];
        if (sequence->status != V0_RUNNING)
            continue;
        for (uint32_t i = 0; i < sequence->count; i++)
            manager->gpu.last_access[sequence->blocks[i]] = now_ns + 1;
        uint32_t found = 0;
        while (found + 1 < sequence->count && manager->gpu.computed[sequence->blocks[found]])
            found++;
        common = min_u32(common, found);
    }
    return common == UINT32_MAX ? 0 : common * manager->block_size;
}

/* Computed blocks are always the leading ones, so the walk goes backwards and stops at the first that is marked, mostly at once. */
void v0_mark_computed(struct v0_manager *manager, const struct v0_group *group, int32_t chunk)
{
    for (uint32_t s = 0; s < group->count; s++) {
        const struct v0_sequence *sequence = group->sequences[s];
        int32_t computed_now = sequence->computed + chunk;
        if (!sequence->has_table || computed_now <= 0)
            continue;
        for (uint32_t i = (uint32_t)computed_now / manager->block_size; i-- > 0;) {
            bool *computed = &manager->gpu.computed[sequence->blocks[i]];
            if (*computed)
                break;
            *computed = true;
        }
    }
}

/* --- invariants ------------------------------------------------------------------------------------------------------------------ */

static void count_references(const struct v0_group *group, uint32_t *gpu, uint32_t *cpu, uint64_t *blocks, uint64_t *held)
{
    for (uint32_t s = 0; s < group->count; s++) {
        const struct v0_sequence *sequence = group->sequences[s];
        bool swapped = sequence->status == V0_SWAPPED;
        for (uint32_t i = 0; sequence->has_table && i < sequence->count; i++)
            (swapped ? cpu : gpu)[sequence->blocks[i]]++;
        *blocks += sequence->has_table && !swapped ? sequence->count : 0;
        *held += (uint64_t)(int64_t)(sequence->has_table && !swapped ? sequence->computed : 0);
    }
}

/* References counted anew from all tables of all groups must be exactly the pool's. On the CPU they may be fewer, for blocks that were
 * lost with their group. */
bool v0_manager_check(const struct v0_manager *manager, const struct v0_group *groups, uint32_t count, struct diag *diag)
{
    uint32_t gpu_blocks = manager->gpu.num_blocks, cpu_blocks = manager->cpu.num_blocks, *gpu = NULL, *cpu = NULL;
    uint64_t blocks = 0, held = 0;
    const struct array_request arrays[] = {ARRAY_OF(gpu, gpu_blocks), ARRAY_OF(cpu, cpu_blocks)};
    if (array_zeroed_all(arrays, 2, "a check", diag) != SIM_OK) {
        free(gpu);
        return false;
    }
    for (uint32_t i = 0; i < count; i++)
        count_references(&groups[i], gpu, cpu, &blocks, &held);
    bool right = memcmp(gpu, manager->gpu.refs, gpu_blocks * sizeof *gpu) == 0 && blocks == manager->table_blocks &&
                 held == manager->held_tokens && v0_device_check(&manager->gpu);
    for (uint32_t block = 0; block < cpu_blocks; block++) /* dropped groups never give theirs back, as in vLLM */
        right = right && cpu[block] <= manager->cpu.refs[block];
    free(gpu);
    free(cpu);
    if (!right)
        diag_set(diag, SIM_FAILED, "reference counts, tables and sums of the block manager do not agree");
    return right;
}
