/* worker.c - the observer that moves bytes: chains of links, writes, phantom hits, copies and swaps, gathers. Read content.h and
 * worker_values.h first, for what a right float is; then on_scheduled near the end, which has the order of a step:
 *
 *     swap in > swap out > copies > writes > phantoms filled > publish > gather or attend
 *
 * With speculation all this is done when the step is complete (worker_step.h).
 *
 * The worker decides nothing. It follows the step's tables as a GPU would, so a wrong decision (a block shared, freed or copied wrongly)
 * shows as a wrong float. In `on` it moves the same bytes as in `verify`, but what it writes has no meaning and nothing is compared.
 *
 * Sequences are gathered in batches whose buffers stay below a fixed size, so that the buffers are reused and a step with many long
 * sequences needs no more memory than one with few. Numbers differ in time only: which floats are moved and checked never depends on
 * the batch or on the number of threads. */
#include "data_plane/worker.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/integers.h"
#include "data_plane/worker_attend.h"
#include "data_plane/worker_step.h"
#include "data_plane/worker_values.h"
#include "engine/content.h"
#include "pagedkv.h"
#include "team.h"

/* 4 Mi floats are 16 MiB of K and as much of V. It is a bound on memory, not on length: a single sequence that needs more gets it. */
enum { BATCH_FLOATS = 4 << 20, FULLY_VALID = 0 };

/* Chain links of one sequence, kept while its request runs: links[0 .. count) are those of `sample`. A link depends on the whole prefix, so
 * without this memory each step would walk each context from its first token again. */
struct chain {
    uint64_t *links;
    size_t capacity;
    uint32_t count;
    uint32_t sample;
};

/* Drafts of a request that the last step found wrong. */
struct rejected {
    uint64_t step;
    uint32_t count;
};

/* Blocks here are the store's. */
struct worker {
    const struct trace *trace;
    const struct config *config;
    uint32_t threads;
    bool verify;
    struct kv_groups groups;
    uint32_t block_size; /* of the store */
    struct kv_store *gpu, *cpu;
    struct worker_totals totals;
    struct chain *chains;        /* by position, of the sample last seen */
    bool keeps;                  /* steps are done when they are complete */
    struct worker_step steps[2]; /* by number of the step */
    uint64_t completed;          /* steps that are */
    struct rejected *rejected;   /* by position; when steps are kept */
    uint64_t *wrong_links;       /* of drafts that are wrong */
    size_t wrong_capacity;
    uint32_t *missing;     /* per GPU block: tokens at its end that were registered but never written */
    uint32_t *cpu_missing; /* the same of CPU blocks */
    uint64_t blocks_with_missing;
    uint32_t *last_writer; /* per GPU block: position + 1 of whose tokens it holds, to name the culprit; 0: nobody has written it */
    float *k, *v;          /* gathered or to be written; v is the second half of k's memory */
    size_t float_capacity;
    struct kv_gather_sequence *batch;
    size_t batch_capacity;
    struct attend_plan attend;
    struct kv_block_copy *pairs;
    size_t pair_capacity;
};

/* Only calls of the store are timed, not the making and checking of values, so that bytes over time is the store's bandwidth. */
static int64_t wall_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static size_t floats_per_token(const struct worker *worker)
{
    return (size_t)worker->config->kv.num_kv_heads * worker->config->kv.head_dim;
}

/* Stored bytes of a token, all layers, K and V. */
static uint64_t token_bytes(const struct worker *worker)
{
    return kv_store_block_bytes(worker->gpu) / worker->block_size;
}

/* The store refuses what is out of range, such as a table that names no block of the pool: a defect of the scheduler, not bad input. */
static enum status store_failed(struct diag *diag, enum kv_status status, const char *doing)
{
    return diag_set(diag, SIM_FAILED, "the data plane failed %s: %s", doing, kv_status_text(status));
}

/* One piece of memory for both halves. `v` moves with the size asked for, so whoever needs the buffers calls this first, even when they
 * are large enough already. */
static enum status buffers(struct worker *worker, size_t floats, struct diag *diag)
{
    enum status status = array_reserve(&worker->k, &worker->float_capacity, 2 * floats, sizeof *worker->k, "K/V buffers", diag);
    if (status == SIM_OK)
        worker->v = worker->k + floats;
    return status;
}

/* --- what each token is ---------------------------------------------------------------------------------------------------------- */

/* Links of the sequence's first `count` tokens. Outputs of a forked sequence may change hands between steps (beams), so theirs are
 * computed anew; all others only ever grow. Samples of one request have the prompt in common, so a change of sample keeps the prompt's
 * links and drops the rest. A request that was preempted and comes back shorter keeps the links beyond `count`: what it computes again are
 * the same tokens. */
static enum status links_of(struct worker *worker, const struct worker_sequence *sequence, uint32_t count, const uint64_t **out,
                            struct diag *diag)
{
    struct chain *chain = &worker->chains[sequence->request];
    enum status status = array_reserve(&chain->links, &chain->capacity, count, sizeof *chain->links, "token contents", diag);
    if (status != SIM_OK)
        return status;
    if (sequence->lineage || chain->sample != sequence->sample)
        chain->count = min_u32(chain->count, worker->trace->input_tokens[sequence->request]);
    chain->sample = sequence->sample;
    for (uint32_t j = chain->count; j < count; j++) {
        uint64_t token =
            content_token(worker->trace, worker->config->trace_block_size, sequence->request, sequence->sample, sequence->lineage, j);
        chain->links[j] = content_link(j ? chain->links[j - 1] : 0, token);
    }
    chain->count = max_u32(chain->count, count);
    *out = chain->links;
    return SIM_OK;
}

/* The number of blocks with something missing is kept, so that steps without phantoms need not look at tables at all. */
static void set_missing(struct worker *worker, uint32_t block, uint32_t tokens)
{
    worker->blocks_with_missing += (uint64_t)(tokens > 0) - (worker->missing[block] > 0);
    worker->missing[block] = tokens;
}

/* --- writing --------------------------------------------------------------------------------------------------------------------- */

/* Layers of different groups may come to stand in the same block, one after the other, and must not be taken for each other. */
static uint32_t model_layer(const struct worker *worker, const struct worker_sequence *sequence, uint32_t layer)
{
    return sequence->group * worker->config->kv.num_layers + layer;
}

/* What tokens [from, from + count) are. A draft that is wrong is another token than the one that comes. */
static enum status links_to_write(struct worker *worker, const struct worker_sequence *sequence, uint32_t from, uint32_t count,
                                  const uint64_t **out, struct diag *diag)
{
    const uint32_t end = from + count, right = sequence->start + sequence->tokens - sequence->wrong;
    const uint64_t *links;
    enum status status = links_of(worker, sequence, end, &links, diag);
    *out = links + from;
    if (status != SIM_OK || end <= right)
        return status;
    status = array_reserve(&worker->wrong_links, &worker->wrong_capacity, count, sizeof *worker->wrong_links, "drafts", diag);
    for (uint32_t j = 0; j < count && status == SIM_OK; j++)
        worker->wrong_links[j] = from + j < right ? links[from + j] : ~links[from + j];
    *out = worker->wrong_links;
    return status;
}

/* Write tokens [from, from + count) of the sequence in every layer. */
static enum status write_tokens(struct worker *worker, const struct worker_sequence *sequence, uint32_t from, uint32_t count,
                                struct diag *diag)
{
    const struct kv_config *kv = &worker->config->kv;
    const uint64_t *links = NULL;
    enum status status = buffers(worker, count * floats_per_token(worker), diag);
    if (status == SIM_OK && worker->verify)
        status = links_to_write(worker, sequence, from, count, &links, diag);
    if (status != SIM_OK)
        return status;
    for (uint32_t layer = 0; layer < kv->num_layers; layer++) {
        /* Without verify the buffers stay as they are: the traffic is the same whatever the floats are. */
        if (links)
            worker_values_fill(kv, model_layer(worker, sequence, layer), links, count, worker->k, worker->v);
        int64_t start = wall_ns();
        enum kv_status wrote = kv_store_write_tokens(worker->gpu, layer, sequence->blocks, from, count, worker->k, worker->v);
        worker->totals.write_ns += (uint64_t)(wall_ns() - start);
        if (wrote != KV_OK)
            return store_failed(diag, wrote, "to write tokens");
    }
    const uint32_t size = worker->block_size;
    for (uint32_t k = from / size; k <= (from + count - 1) / size; k++) {
        uint32_t block = sequence->blocks[k];
        set_missing(worker, block, FULLY_VALID); /* its owner writes it in order from here on */
        worker->last_writer[block] = sequence->request + 1;
    }
    worker->totals.tokens_written += sequence->group == 0 ? count : 0; /* a token, though each group has its layers of it */
    worker->totals.written_bytes += (uint64_t)count * token_bytes(worker);
    return SIM_OK;
}

/* All writes come before any read, as a prefix hit may lie in a block that another request of the same step writes. A sequence of V0 can
 * have 0 tokens in a step; it reads all the same. What came from another server is written as that server would have. */
static enum status write_all(struct worker *worker, const struct worker_step *step, struct diag *diag)
{
    enum status status = SIM_OK;
    for (uint32_t i = 0; i < step->count && status == SIM_OK; i++)
        if (step->sequences[i].tokens > 0)
            status = write_tokens(worker, &step->sequences[i], step->sequences[i].start - step->sequences[i].received,
                                  step->sequences[i].received + step->sequences[i].tokens, diag);
    return status;
}

/* --- phantom hits ---------------------------------------------------------------------------------------------------------------- */

/* The scheduler tells of such a block once, when the turn is lost or the group swapped out; the hit may come many steps later or never. */
static void note_unwritten(struct worker *worker, const struct step *step)
{
    const uint32_t parts = worker_store_blocks(&worker->groups), size = worker->block_size;
    for (uint32_t i = 0; i < step->unwritten_count; i++)
        for (uint32_t part = 0; part < parts; part++) {
            const uint32_t before = part * size, valid = step->unwritten[i].valid > before ? step->unwritten[i].valid - before : 0;
            set_missing(worker, step->unwritten[i].block * parts + part, size - min_u32(valid, size));
        }
}

/* Blocks before a sequence's own tokens are hits or its own earlier work; those that were never written are filled now. Only full blocks
 * are looked at, since only full blocks are registered and can be hit. vLLM would read stale bytes here (case E8 of doc/vllm_v1.md); the
 * decision is vLLM's and stands, so it is counted, and the right tokens are written to keep the comparison strict for everything else. */
static enum status fill_phantoms(struct worker *worker, const struct worker_step *step, struct diag *diag)
{
    const uint32_t size = worker->block_size;
    enum status status = SIM_OK;
    for (uint32_t i = 0; i < step->count && worker->blocks_with_missing > 0; i++) {
        const struct worker_sequence *sequence = &step->sequences[i];
        for (uint32_t k = sequence->first / size; k < sequence->start / size && status == SIM_OK; k++) {
            uint32_t missing = worker->missing[sequence->blocks[k]];
            if (missing == 0)
                continue;
            worker->totals.phantom_blocks++;
            worker->totals.phantom_tokens += missing;
            status = write_tokens(worker, sequence, (k + 1) * size - missing, missing, diag);
        }
    }
    return status;
}

/* --- moving blocks --------------------------------------------------------------------------------------------------------------- */

/* V0 with prefix caching may copy a block onto itself, as vLLM does: the sequence that writes takes a block by its content, and that is the
 * one it had. Such a pair is in the log, but there is nothing to move. */
static enum status move_blocks(struct worker *worker, struct kv_store *to, const struct kv_store *from, const struct block_pair *pairs,
                               uint32_t count, uint64_t *bytes, struct diag *diag)
{
    if (count == 0)
        return SIM_OK;
    enum status status = array_reserve(&worker->pairs, &worker->pair_capacity, count, sizeof *worker->pairs, "blocks to be moved", diag);
    if (status != SIM_OK)
        return status;
    uint32_t moves = 0;
    for (uint32_t i = 0; i < count; i++)
        if (to != from || pairs[i].from != pairs[i].to) /* V0 copies a full prompt block onto itself (doc/vllm_v0.md, section 11) */
            worker->pairs[moves++] = (struct kv_block_copy){.source = pairs[i].from, .destination = pairs[i].to};
    /* Pairs of a step are independent: destinations were free, sources were not. */
    enum kv_status moved = kv_store_copy_blocks(to, from, worker->pairs, moves, worker->threads);
    if (moved != KV_OK)
        return store_failed(diag, moved, "to move blocks");
    *bytes += moves * kv_store_block_bytes(to);
    return SIM_OK;
}

/* A moved block holds its source's tokens and lacks what that lacks. A wrong float in a copy is to be blamed on whoever wrote the source.
 * Writers are not followed through swaps: CPU blocks have none here, so for a block that was swapped in the message names who last wrote it
 * on the GPU. */
static void follow_moves(struct worker *worker, const struct step *step)
{
    for (uint32_t i = 0; i < step->swap_in_count; i++)
        set_missing(worker, step->swap_in[i].to, worker->cpu_missing[step->swap_in[i].from]);
    note_unwritten(worker, step);
    for (uint32_t i = 0; i < step->swap_out_count; i++)
        worker->cpu_missing[step->swap_out[i].to] = worker->missing[step->swap_out[i].from];
    for (uint32_t i = 0; i < step->copy_count; i++) {
        const uint32_t from = step->copies[i].from, to = step->copies[i].to;
        worker->last_writer[to] = worker->last_writer[from];
        set_missing(worker, to, worker->missing[from]);
    }
}

/* --- reading --------------------------------------------------------------------------------------------------------------------- */

/* The message has everything that is needed to find the decision at fault: who reads, where, what is there, who wrote it. */
static enum status name_wrong_float(struct worker *worker, const struct worker_step *step, const struct worker_sequence *sequence,
                                    uint32_t layer, const struct wrong_value *wrong, struct diag *diag)
{
    const struct trace *trace = worker->trace;
    const uint32_t token = sequence->first + wrong->token, k = token / worker->block_size, block = sequence->blocks[k];
    const uint32_t parts = worker_store_blocks(&worker->groups), per = worker->groups.list[sequence->group].block_size / worker->block_size;
    const uint32_t writer = worker->last_writer[block];
    return diag_set(
        diag, SIM_FAILED,
        "data plane: step %llu, request %u sample %u: %s of token %u, layer %u, head %u, dim %u is %.9g and should be %.9g; its "
        "block %u (entry %u of its table) was last written for request %lld",
        (unsigned long long)step->number, trace_index(trace, sequence->request), sequence->sample, wrong->value ? "V" : "K", token, layer,
        wrong->head, wrong->dim, (double)wrong->found, (double)wrong->expected, block / parts, k / per,
        writer == 0 ? -1LL : (long long)trace_index(trace, writer - 1));
}

/* Gathered floats against what the links of each token say they must be. */
static enum status check_batch(struct worker *worker, const struct worker_step *step, uint32_t first, uint32_t count, uint32_t layer,
                               struct diag *diag)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct worker_sequence *sequence = &step->sequences[first + i];
        const struct kv_gather_sequence *gathered = &worker->batch[i];
        const uint64_t *links;
        struct wrong_value wrong;
        const uint32_t model = model_layer(worker, sequence, layer);
        if (gathered->num_tokens == 0) /* V0: it was scheduled before anything of it is there */
            continue;
        enum status status = links_of(worker, sequence, sequence->first + gathered->num_tokens, &links, diag);
        if (status != SIM_OK)
            return status;
        if (!worker_values_check(&worker->config->kv, model, links + sequence->first, gathered->num_tokens, gathered->k, gathered->v,
                                 worker->threads, &wrong))
            return name_wrong_float(worker, step, sequence, model, &wrong, diag);
        worker->totals.floats_checked += (uint64_t)2 * gathered->num_tokens * floats_per_token(worker);
    }
    return SIM_OK;
}

/* As many sequences from `first` on as fit the buffers, one at least. Each gets its own stretch of k and v, [head][token][dim], one after
 * the other; the plan then holds for all layers of the batch. */
static enum status plan_batch(struct worker *worker, const struct worker_step *step, uint32_t first, uint32_t *count, size_t *floats,
                              struct diag *diag)
{
    const size_t width = floats_per_token(worker);
    *count = 0;
    *floats = 0;
    while (first + *count < step->count) {
        size_t more = worker_tokens_read(&step->sequences[first + *count]) * width;
        if (*count > 0 && *floats + more > BATCH_FLOATS)
            break;
        *floats += more;
        ++*count;
    }
    enum status status = buffers(worker, *floats, diag);
    if (status == SIM_OK)
        status = array_reserve(&worker->batch, &worker->batch_capacity, *count, sizeof *worker->batch, "a gather batch", diag);
    size_t at = 0;
    for (uint32_t i = 0; i < *count && status == SIM_OK; i++) {
        const struct worker_sequence *sequence = &step->sequences[first + i];
        worker->batch[i] = (struct kv_gather_sequence){.blocks = sequence->blocks + sequence->first / worker->block_size,
                                                       .num_tokens = worker_tokens_read(sequence),
                                                       .k = worker->k + at,
                                                       .v = worker->v + at};
        at += worker->batch[i].num_tokens * width;
    }
    return status;
}

/* Reads one layer of the planned batch. */
static enum status gather_layer(struct worker *worker, uint32_t layer, uint32_t count, struct diag *diag)
{
    int64_t start = wall_ns();
    enum kv_status gathered = kv_gather_batch(worker->gpu, layer, worker->batch, count, worker->threads);
    worker->totals.read_ns += (uint64_t)(wall_ns() - start);
    return gathered == KV_OK ? SIM_OK : store_failed(diag, gathered, "to gather");
}

/* Every scheduled sequence reads its whole context, or its window of it, in every layer, as attention would. Batches are the outer loop: a batch is planned once
 * and its buffers are used again by each layer. */
static enum status gather_all(struct worker *worker, const struct worker_step *step, struct diag *diag)
{
    for (uint32_t first = 0, count; first < step->count; first += count) {
        size_t floats;
        enum status status = plan_batch(worker, step, first, &count, &floats, diag);
        for (uint32_t layer = 0; layer < worker->config->kv.num_layers && status == SIM_OK; layer++) {
            status = gather_layer(worker, layer, count, diag);
            worker->totals.read_bytes += 2 * floats * sizeof(float);
            if (status == SIM_OK && worker->verify)
                status = check_batch(worker, step, first, count, layer, diag);
        }
        if (status != SIM_OK)
            return status;
    }
    return SIM_OK;
}

/* An attention output is wrong: the sequence is gathered to name the float; when all are right, attention itself is at fault. (The first
 * message stays in the diag.) */
static enum status explain_attention(struct worker *worker, const struct worker_step *step, uint32_t i, uint32_t layer, double error,
                                     struct diag *diag)
{
    uint32_t count;
    size_t floats;
    /* A step of one sequence, so that planning, gathering and checking are the same code as for a gathering plane. */
    struct worker_step alone = *step;
    alone.sequences = &step->sequences[i];
    alone.count = 1;
    enum status status = plan_batch(worker, &alone, 0, &count, &floats, diag);
    if (status == SIM_OK)
        status = gather_layer(worker, layer, 1, diag);
    if (status == SIM_OK)
        status = check_batch(worker, &alone, 0, 1, layer, diag);
    return status != SIM_OK
               ? status
               : diag_set(diag, SIM_FAILED,
                          "data plane: step %llu, request %u, layer %u: attention is off by %.3g over right K/V; this is a defect",
                          (unsigned long long)step->number, trace_index(worker->trace, step->sequences[i].request), layer, error);
}

/* Attention mixes all tokens of a head, so an output tells that some float is wrong but not which one. The cheap comparison of outputs
 * comes first; the float is looked for only when it fails. */
static enum status check_attention(struct worker *worker, const struct worker_step *step, uint32_t layer, struct diag *diag)
{
    for (uint32_t i = 0; i < step->count; i++) {
        const struct worker_sequence *sequence = &step->sequences[i];
        const struct kv_attend_sequence *attended = &worker->attend.sequences[i];
        const uint64_t *links;
        double error;
        enum status status = links_of(worker, sequence, sequence->first + attended->num_tokens, &links, diag);
        if (status == SIM_OK)
            status = attend_error(&worker->config->kv, model_layer(worker, sequence, layer), links + sequence->first, attended,
                                  worker->threads, &error, diag);
        if (status != SIM_OK)
            return status;
        /* Written so that a NaN is an error, too. */
        if (!(error < ATTEND_TOLERANCE))
            return explain_attention(worker, step, i, layer, error, diag);
        worker->totals.floats_checked += floats_per_token(worker) * ATTEND_GROUP;
    }
    return SIM_OK;
}

/* The whole step is one batch: outputs are as large as one token, whatever the contexts, so there is nothing to split. */
static enum status attend_all(struct worker *worker, const struct worker_step *step, struct diag *diag)
{
    uint64_t tokens = 0;
    enum status status = attend_plan_make(&worker->attend, &worker->config->kv, worker->block_size, step, diag);
    if (status != SIM_OK)
        return status;
    for (uint32_t i = 0; i < step->count; i++)
        tokens += worker->attend.sequences[i].num_tokens;
    for (uint32_t layer = 0; layer < worker->config->kv.num_layers && status == SIM_OK; layer++) {
        int64_t start = wall_ns();
        enum kv_status attended =
            kv_attend_batch(worker->gpu, layer, ATTEND_GROUP, 1.0F, worker->attend.sequences, step->count, worker->threads);
        worker->totals.read_ns += (uint64_t)(wall_ns() - start);
        if (attended != KV_OK)
            return store_failed(diag, attended, "to attend");
        if (worker->verify)
            status = check_attention(worker, step, layer, diag);
    }
    worker->totals.read_bytes += tokens * token_bytes(worker);
    return status;
}

/* --- the observer ---------------------------------------------------------------------------------------------------------------- */

static enum status do_step(struct worker *worker, const struct worker_step *step, struct diag *diag)
{
    enum status status = write_all(worker, step, diag);
    if (status == SIM_OK)
        status = fill_phantoms(worker, step, diag);
    kv_store_publish(worker->gpu); /* other threads read what this one wrote */
    if (status == SIM_OK)
        status = worker->config->kv.read == KV_READ_ATTEND ? attend_all(worker, step, diag) : gather_all(worker, step, diag);
    return status;
}

/* A window that keeps too much costs memory and would not show as a wrong float. */
static enum status check_windows(const struct worker *worker, const struct step *step, struct diag *diag)
{
    const struct step_sequence *wrong = worker->verify ? worker_step_wrong_window(step, &worker->groups) : NULL;
    if (!wrong)
        return SIM_OK;
    return diag_set(
        diag, SIM_FAILED,
        "data plane: step %llu, request %u: the table of group %u has given up its first %u blocks, and %u tokens are present of "
        "which %u are in flight: too many or too few for its window",
        (unsigned long long)step->tally.step, trace_index(worker->trace, wrong->request), wrong->group, wrong->passed, wrong->start,
        wrong->in_flight);
}

/* Called between schedule() and complete(), while the step's tables are valid. Swaps come first because the blocks that they free or fill
 * are used by copies and writes of the same step; a block freed by a swap out may be the destination of a copy. */
static enum status on_scheduled(void *self, const struct step *step, struct diag *diag)
{
    struct worker *worker = self;
    struct worker_totals *totals = &worker->totals;
    struct worker_step *own = &worker->steps[step->tally.step % 2];
    enum status status = move_blocks(worker, worker->gpu, worker->cpu, step->swap_in, step->swap_in_count, &totals->swapped_bytes, diag);
    if (status == SIM_OK)
        status = move_blocks(worker, worker->cpu, worker->gpu, step->swap_out, step->swap_out_count, &totals->swapped_bytes, diag);
    if (status == SIM_OK)
        status = move_blocks(worker, worker->gpu, worker->gpu, step->copies, step->copy_count, &totals->copied_bytes, diag);
    follow_moves(worker, step);
    if (status == SIM_OK)
        status = check_windows(worker, step, diag);
    if (status == SIM_OK)
        status = worker_step_make(own, step, &worker->groups, worker->keeps, diag);
    own->overlaps = worker->completed < step->tally.step;
    return status == SIM_OK && !worker->keeps ? do_step(worker, own, diag) : status;
}

/* What the output of a step, and of the one in flight when it was decided, says of its drafts. Who was over computes in vain, in blocks that
 * nobody has yet. */
static void settle_drafts(struct worker *worker, struct worker_step *own, const struct step *step)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < own->count; i++) {
        struct worker_sequence sequence = own->sequences[i];
        const struct scheduled *scheduled = &step->scheduled[i / worker->groups.count];
        struct rejected *rejected = &worker->rejected[sequence.request];
        if (scheduled->vain)
            continue;
        if (own->overlaps && rejected->step + 1 == own->number)
            sequence.start -= rejected->count;
        sequence.wrong = (uint32_t)scheduled->drafts - scheduled->accepted;
        sequence.first = worker_first_read(&worker->groups, sequence.group, sequence.start);
        own->sequences[kept++] = sequence;
    }
    own->count = kept;
    for (uint32_t i = 0; i < kept; i++)
        worker->rejected[own->sequences[i].request] = (struct rejected){.step = own->number, .count = own->sequences[i].wrong};
}

/* A finished request has no more tokens. Its links, 8 bytes a token, would otherwise add up to the size of the trace's contents. */
static enum status on_completed(void *self, const struct step *step, struct diag *diag)
{
    struct worker *worker = self;
    struct worker_step *own = &worker->steps[step->tally.step % 2];
    enum status status = SIM_OK;
    worker->completed = step->tally.step + 1;
    if (worker->keeps) {
        settle_drafts(worker, own, step);
        status = do_step(worker, own, diag);
    }
    for (uint32_t i = 0; i < step->finished_count; i++) {
        struct chain *chain = &worker->chains[step->finished[i]];
        free(chain->links);
        *chain = (struct chain){0};
    }
    return status;
}

/* Pages are large only after they were touched, so they are counted last. */
static enum status on_finish(void *self, const struct run_end *end, struct diag *diag)
{
    (void)end;
    (void)diag;
    struct worker *worker = self;
    worker->totals.large_page_bytes = kv_store_large_page_bytes(worker->gpu);
    return SIM_OK;
}

/* Of a block of the pool. */
static double block_bytes(const struct worker *worker)
{
    const struct kv_config *kv = &worker->config->kv;
    const double element = kv->dtype == KV_DTYPE_FLOAT32 ? 4 : 2;
    return 2 * element * kv->num_layers * kv->num_kv_heads * kv->head_dim * worker->block_size * worker_store_blocks(&worker->groups);
}

static enum status refuse_blocks(const struct worker *worker, uint64_t blocks, struct diag *diag)
{
    return diag_set(diag, SIM_FAILED,
                    "out of memory: %.0f bytes for the K/V of %llu blocks, which the data plane would write; take fewer num_gpu_blocks and "
                    "num_cpu_blocks, shorter requests (max_model_len), a smaller kv shape, or --data-plane off",
                    (double)blocks * block_bytes(worker), (unsigned long long)blocks);
}

/* Address space is promised beyond what the machine has, and a pool of which few blocks are ever written is fine. But the blocks of one request
 * are all written while it runs; if they alone are more than the machine has, the system would end the process in the middle. */
static enum status check_longest(const struct worker *worker, struct diag *diag)
{
    const struct config *config = worker->config;
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    uint64_t most = 0;
    for (uint32_t position = 0; position < worker->trace->count; position++) {
        const uint64_t tokens = (uint64_t)worker->trace->input_tokens[position] + worker->trace->output_tokens[position];
        uint64_t blocks = 0;
        for (uint32_t i = 0; i < worker->groups.count; i++) /* over a whole life, a window too writes to as many */
            blocks += ceil_div_u64(tokens, worker->groups.list[i].block_size);
        blocks = min_u64(blocks, worker->groups.count > 1 ? config->num_gpu_blocks : UINT64_MAX);
        if (tokens <= config->max_model_len && blocks <= config->num_gpu_blocks) /* others are dropped */
            most = max_u64(most, blocks);
    }
    if (pages > 0 && page > 0 && (double)most * block_bytes(worker) > (double)pages * (double)page)
        return refuse_blocks(worker, most, diag);
    return SIM_OK;
}

/* The CPU pool has the shape of the GPU pool but for its size, which is what lets whole blocks move between them. Stores are the one
 * thing here that may be larger than the machine, so the message says how to make them smaller. */
static enum status make_stores(struct worker *worker, struct diag *diag)
{
    const struct config *config = worker->config;
    static const enum kv_store_dtype dtypes[] = {
        [KV_DTYPE_FLOAT32] = KV_STORE_FLOAT32, [KV_DTYPE_FLOAT16] = KV_STORE_FLOAT16, [KV_DTYPE_BFLOAT16] = KV_STORE_BFLOAT16};
    struct kv_store_shape shape = {.num_layers = config->kv.num_layers,
                                   .num_kv_heads = config->kv.num_kv_heads,
                                   .head_dim = config->kv.head_dim,
                                   .block_size = worker->block_size,
                                   .num_blocks = config->num_gpu_blocks * worker_store_blocks(&worker->groups),
                                   .dtype = dtypes[config->kv.dtype]};
    enum kv_status made = kv_store_create(&shape, &worker->gpu);
    if (made == KV_OK && config->num_cpu_blocks > 0) {
        shape.num_blocks = config->num_cpu_blocks;
        made = kv_store_create(&shape, &worker->cpu);
    }
    if (made != KV_OK)
        return refuse_blocks(worker, (uint64_t)config->num_gpu_blocks + config->num_cpu_blocks, diag);
    worker->totals.pages = worker->gpu->pages;
    worker->totals.pool_bytes = kv_store_bytes(worker->gpu) + (worker->cpu ? kv_store_bytes(worker->cpu) : 0);
    return SIM_OK;
}

/* Both stores are of one shape, so one choice serves both. */
static enum status set_geometry(struct worker *worker, const struct geometry_wish *wish, struct diag *diag)
{
    struct geometry_choice choice;
    enum status status = geometry_choose(worker->gpu, wish, &choice, diag);
    if (status != SIM_OK)
        return status;
    kv_store_set_geometry(worker->gpu, &choice.plan);
    if (worker->cpu)
        kv_store_set_geometry(worker->cpu, &choice.plan);
    worker->totals.geometry_source = choice.source;
    kv_geometry_plan_text(&choice.plan, worker->totals.geometry);
    return SIM_OK;
}

enum status worker_create(const struct trace *trace, const struct config *config, uint32_t threads, const struct geometry_wish *geometry,
                          struct worker **out, struct diag *diag)
{
    struct worker *worker;
    enum status status = array_zeroed(&worker, 1, sizeof *worker, "the data plane", diag);
    if (status != SIM_OK)
        return status;
    worker->trace = trace;
    worker->config = config;
    worker->threads = kv_team(threads ? threads : 1);
    worker->verify = config->data_plane == DATA_PLANE_VERIFY;
    worker->keeps = config->speculative.method != SPECULATIVE_NONE;
    worker->totals.kernels = kv_kernels_name();
    status = kv_groups_make(config, "configuration", &worker->groups, diag);
    if (status != SIM_OK) {
        worker_destroy(worker);
        return status;
    }
    worker->block_size = worker->groups.hash_block_size;
    const size_t blocks = (size_t)config->num_gpu_blocks * worker_store_blocks(&worker->groups);
    const struct array_request arrays[] = {ARRAY_OF(worker->chains, trace->count), ARRAY_OF(worker->missing, blocks),
                                           ARRAY_IF(worker->keeps, worker->rejected, trace->count),
                                           ARRAY_OF(worker->cpu_missing, config->num_cpu_blocks), ARRAY_OF(worker->last_writer, blocks)};
    status = check_longest(worker, diag);
    if (status == SIM_OK)
        status = make_stores(worker, diag);
    if (status == SIM_OK)
        status = set_geometry(worker, geometry, diag);
    if (status == SIM_OK)
        status = array_zeroed_all(arrays, sizeof arrays / sizeof *arrays, "the data plane", diag);
    if (status != SIM_OK) {
        worker_destroy(worker);
        return status;
    }
    *out = worker;
    return SIM_OK;
}

struct observer worker_observer(struct worker *worker)
{
    return (struct observer){.self = worker, .scheduled = on_scheduled, .completed = on_completed, .finish = on_finish};
}

const struct worker_totals *worker_totals(const struct worker *worker)
{
    return &worker->totals;
}

void worker_destroy(struct worker *worker)
{
    if (!worker)
        return;
    for (uint32_t position = 0; worker->chains && position < worker->trace->count; position++)
        free(worker->chains[position].links);
    free(worker->chains);
    free(worker->missing);
    free(worker->rejected);
    free(worker->wrong_links);
    worker_step_deinit(&worker->steps[0]);
    worker_step_deinit(&worker->steps[1]);
    free(worker->cpu_missing);
    free(worker->last_writer);
    free(worker->k);
    free(worker->batch);
    free(worker->pairs);
    attend_plan_deinit(&worker->attend);
    kv_store_destroy(worker->gpu);
    kv_store_destroy(worker->cpu);
    free(worker);
}
