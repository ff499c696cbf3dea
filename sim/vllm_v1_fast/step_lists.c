/* step_lists.c - lists of single steps out of the event replay's state. Read step_lists.h first. */
#include "vllm_v1_fast/step_lists.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* The blocks of a slot's table in one array. */
struct flat_table {
    uint32_t *blocks;
    size_t capacity;
    uint32_t count;
    uint64_t admission; /* of whom: live.order + 1; 0: of nobody */
};

/* Two steps, as one can be in flight while the next is decided. */
struct step_lists {
    struct step steps[2];      /* by flight */
    struct flat_table *tables; /* by slot */
    uint32_t slots;
};

enum status step_lists_init(struct event_replay *replay, uint32_t most, struct diag *diag)
{
    if (!replay->base.stream.wants_steps)
        return SIM_OK;
    enum status status = array_zeroed(&replay->lists, 1, sizeof *replay->lists, "the replay's lists", diag);
    if (status != SIM_OK)
        return status;
    struct step_lists *lists = replay->lists;
    lists->slots = most;
    status = array_zeroed(&lists->tables, most, sizeof *lists->tables, "the replay's lists", diag);
    for (int i = 0; i < 2 && status == SIM_OK; i++)
        status = step_make_lists(&lists->steps[i], most, diag);
    for (int i = 0; i < 2 && status == SIM_OK; i++)
        status = array_zeroed(&lists->steps[i].sequences, most, sizeof *lists->steps[i].sequences, "the replay's lists", diag);
    return status;
}

void step_lists_deinit(struct event_replay *replay)
{
    struct step_lists *lists = replay->lists;
    if (!lists)
        return;
    for (uint32_t slot = 0; lists->tables && slot < lists->slots; slot++)
        free(lists->tables[slot].blocks);
    free(lists->tables);
    for (int i = 0; i < 2; i++)
        step_free_lists(&lists->steps[i]);
    free(lists);
    replay->lists = NULL;
}

static struct step *step_of(const struct event_replay *replay, const struct flight *flight)
{
    return &replay->lists->steps[flight - replay->flights];
}

void step_lists_begin(struct event_replay *replay)
{
    struct step *step = step_of(replay, replay->step);
    step->scheduled_count = step->sequence_count = step->admitted_count = step->preempted_count = step->finished_count = 0;
}

void step_lists_admit(struct event_replay *replay, uint32_t position, uint32_t cached, uint32_t received)
{
    struct step *step = step_of(replay, replay->step);
    step->admitted[step->admitted_count++] = (struct admitted){.request = position, .cached_tokens = cached, .external_tokens = received};
}

void step_lists_preempt(struct event_replay *replay, uint32_t position, uint32_t requester, uint32_t tokens_lost, uint32_t blocks)
{
    struct step *step = step_of(replay, replay->step);
    step->preempted[step->preempted_count++] = (struct preempted){
        .request = position, .kind = PREEMPT_RECOMPUTE, .requester = requester, .tokens_lost = tokens_lost, .blocks = blocks};
}

/* All blocks of a table, from the first on. */
static void copy_table(const struct event_blocks *blocks, const struct event_table *table, uint32_t *to)
{
    for (uint32_t i = 0; i < table->part_count; i++) {
        uint32_t left = table->parts[i].count;
        for (uint32_t index = table->parts[i].segment; left > 0; index = blocks->queue.segments[index].rest) {
            const uint32_t count = min_u32(left, blocks->queue.segments[index].count);
            memcpy(to, segment_queue_ids(&blocks->queue, index), count * sizeof *to);
            to += count;
            left -= count;
        }
    }
    memcpy(to, table->ids, (table->pending_count + table->private_count) * sizeof *to);
}

/* Nearly always a table is what it was, or has one block more. Entries that are there never change while a request runs. */
static enum status bring_up_to_date(struct flat_table *flat, const struct event_blocks *blocks, const struct event_table *table,
                                    uint64_t admission, struct diag *diag)
{
    if (flat->admission == admission && flat->count == table->count)
        return SIM_OK;
    if (table->count > flat->capacity) {
        enum status status = array_reserve(&flat->blocks, &flat->capacity, table->count, sizeof *flat->blocks, "the replay's lists", diag);
        if (status != SIM_OK)
            return status;
    }
    if (flat->admission == admission && flat->count + 1 == table->count)
        flat->blocks[flat->count] = table->last;
    else
        copy_table(blocks, table, flat->blocks);
    flat->admission = admission;
    flat->count = table->count;
    return SIM_OK;
}

/* What a running slot computes in the decided step. Who is over has no turn, and what was planned for it once may still be there. */
static inline uint32_t tokens_of(const struct live *live)
{
    return live->decoding ? 1 : live->over ? 0 : live->scheduled;
}

static enum status list_slot(struct event_replay *replay, struct step *step, uint32_t slot, uint32_t tokens, struct diag *diag)
{
    const struct live *live = &replay->calendar.live[slot];
    struct flat_table *flat = &replay->lists->tables[slot];
    enum status status = bring_up_to_date(flat, &replay->blocks, event_tables_of(&replay->blocks, slot), live->order + 1, diag);
    struct scheduled *scheduled = &step->scheduled[step->scheduled_count++];
    struct step_sequence *sequence = &step->sequences[step->sequence_count++];
    scheduled->request = sequence->request = live->position;
    scheduled->tokens = (int32_t)tokens;
    scheduled->vain = false;
    sequence->blocks = flat->blocks;
    sequence->num_blocks = flat->count;
    return status;
}

enum status step_lists_decided(struct event_replay *replay, struct diag *diag)
{
    enum status status = SIM_OK;
    struct step *step = step_of(replay, replay->step);
    step->tally = replay->step->tally;
    for (uint32_t slot = replay->calendar.first_running; slot != LIVE_NONE && status == SIM_OK;
         slot = replay->calendar.live[slot].next_running) {
        const uint32_t tokens = tokens_of(&replay->calendar.live[slot]);
        if (tokens > 0)
            status = list_slot(replay, step, slot, tokens, diag);
    }
    return status == SIM_OK ? step_stream_step(&replay->base.stream, step, false, diag) : status;
}

void step_lists_token(struct event_replay *replay, const struct flight *flight, const struct due_token *due)
{
    struct step *step = step_of(replay, flight);
    if (due->last)
        step->finished[step->finished_count++] = due->position;
    if (due->gap_ns != TOKEN_IN_VAIN)
        return;
    uint32_t at = 0;
    while (step->scheduled[at].request != due->position)
        at++;
    step->scheduled[at].vain = true;
}

enum status step_lists_completed(struct event_replay *replay, const struct flight *flight, struct diag *diag)
{
    struct step *step = step_of(replay, flight);
    step->tally.vain_tokens = flight->tally.vain_tokens;
    return step_stream_step(&replay->base.stream, step, true, diag);
}
