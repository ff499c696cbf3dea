/* preemption_story.c - the observer of the first replay notes preemptions from events, and what filled the pool if it is told; else that of the
 * second looks at the pool at each step that preempts. Read preemption_story.h first for depth and for why there may be two replays.
 *
 * Both replays decide the same, so the n-th preemption of one is the n-th of the other. An index, `filled`, is all that joins them. */
#include "observe/preemption_story.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/integers.h"
#include "config/engine_facts.h"

enum status preemption_story_init(struct preemption_story *story, const struct trace *trace, struct diag *diag)
{
    *story = (struct preemption_story){.trace = trace};
    enum status status = array_zeroed(&story->victims, trace->count, sizeof *story->victims, "victims of preemption", diag);
    for (uint32_t position = 0; status == SIM_OK && position < trace->count; position++)
        story->victims[position].position = position;
    return status;
}

void preemption_story_deinit(struct preemption_story *story)
{
    free(story->preemptions);
    free(story->victims);
    block_holders_deinit(&story->holders);
    *story = (struct preemption_story){0};
}

/* --- first replay ----------------------------------------------------------------------------------------------------------------- */

/* The requester's depth is read before the victim's is set, so a request that preempts itself goes one deeper with each time, like any
 * other chain. Lost tokens can be negative in V0, after a chunk of negative length; nothing was lost then. */
static enum status note_preemption(struct preemption_story *story, const struct event *event, struct diag *diag)
{
    enum status status =
        array_reserve(&story->preemptions, &story->capacity, story->count + 1, sizeof *story->preemptions, "the list of preemptions", diag);
    if (status != SIM_OK)
        return status;
    struct victim *victim = &story->victims[event->request];
    uint32_t depth = story->victims[event->other].depth + 1, lost = event->value > 0 ? (uint32_t)event->value : 0;
    story->requests += victim->times == 0;
    victim->times++;
    victim->tokens_lost += lost;
    victim->depth = depth;
    story->tokens_lost += lost;
    story->chained += depth > 1;
    story->max_depth = max_u32(story->max_depth, depth);
    story->preemptions[story->count++] = (struct preemption){.time_ns = event->time_ns,
                                                             .step = event->step,
                                                             .victim = event->request,
                                                             .requester = event->other,
                                                             .tokens_lost = lost,
                                                             .blocks = event->blocks,
                                                             .depth = depth,
                                                             .nth_of_victim = victim->times,
                                                             .swap = event->extra == PREEMPT_SWAP};
    return SIM_OK;
}

static enum status on_events(void *self, const struct event *events, size_t count, struct diag *diag)
{
    enum status status = SIM_OK;
    for (size_t i = 0; i < count && status == SIM_OK; i++)
        if (events[i].kind == EVENT_PREEMPT)
            status = note_preemption(self, &events[i], diag);
    return status;
}

/* The events of the step are there already. */
static enum status on_preempting(void *self, const struct pool_filling *filling, struct diag *diag)
{
    struct preemption_story *story = self;
    (void)diag;
    while (story->filled < story->count)
        story->preemptions[story->filled++].filling = *filling;
    return SIM_OK;
}

struct observer preemption_story_observer(struct preemption_story *story)
{
    return (struct observer){.self = story, .events = on_events, .preempting = on_preempting};
}

/* --- second replay ---------------------------------------------------------------------------------------------------------------- */

/* Sums over the two phases are sums over the pool, as each used block is charged to one class. O(tables), and only for steps that
 * preempt. */
static struct pool_filling look_at_pool(const struct block_holders *holders, uint32_t usable)
{
    struct pool_filling filling = {.known = true};
    uint64_t table_blocks = 0, useful = 0;
    for (int class = 0; class < 2; class ++) {
        const struct class_state *now = &holders->now[class];
        filling.holders[class] = (uint32_t)now->tables;
        filling.blocks[class] = (uint32_t)now->blocks;
        filling.used_blocks += (uint32_t)now->blocks;
        table_blocks += now->table_blocks;
        useful += now->useful_slots;
    }
    filling.unused_blocks = usable - filling.used_blocks;
    filling.saved_blocks = (uint32_t)table_blocks - filling.used_blocks;
    filling.empty_slots = (uint32_t)((uint64_t)filling.used_blocks * holders->block_slots - useful);
    for (uint32_t i = 0; i < holders->table_count; i++)
        if (holders->tables[i].group == 0) /* each request has one */
            pool_filling_note_table(&filling, holders->tables[i].position, block_holders_held(holders, i));
    return filling;
}

static enum status on_scheduled(void *self, const struct step *step, struct diag *diag)
{
    struct preemption_story *story = self;
    /* Before the step is followed: what counts is what the pool held when the scheduler found no block. One look serves all preemptions
     * of a step. V1's null block is in the pool but never usable. */
    if (step->preempted_count > 0 && story->filled < story->count) {
        const struct block_holders *holders = &story->holders;
        struct pool_filling filling = look_at_pool(holders, holders->pool_blocks - (holders->rebuilds ? 0 : 1));
        for (uint32_t i = 0; i < step->preempted_count && story->filled < story->count; i++)
            story->preemptions[story->filled++].filling = filling;
    }
    return block_holders_scheduled(&story->holders, step, diag);
}

static enum status on_completed(void *self, const struct step *step, struct diag *diag)
{
    return block_holders_completed(&((struct preemption_story *)self)->holders, step, diag);
}

enum status preemption_story_second(struct preemption_story *story, const struct config *config, struct observer *out, struct diag *diag)
{
    *out = (struct observer){.self = story, .scheduled = on_scheduled, .completed = on_completed};
    return block_holders_init(&story->holders, story->trace, config, CLASS_BY_PHASE, diag);
}

/* --- the worst -------------------------------------------------------------------------------------------------------------------- */

/* Larger first. */
static int compare(uint64_t a, uint64_t b)
{
    return a > b ? -1 : a < b;
}

/* Ties go to the other measure and then to the order of arrival, because qsort is not stable and reports must not depend on it. compare()
 * puts larger values first, so positions are passed the other way round. */
static int by_tokens(const void *a, const void *b)
{
    const struct victim *left = a, *right = b;
    int order = compare(left->tokens_lost, right->tokens_lost);
    order = order ? order : compare(left->times, right->times);
    return order ? order : compare(right->position, left->position);
}

static int by_times(const void *a, const void *b)
{
    const struct victim *left = a, *right = b;
    int order = compare(left->times, right->times);
    return order ? order : by_tokens(a, b);
}

/* All victims are sorted even when few are wanted: there is at most one a request, and a report asks once. */
enum status preemption_story_worst(const struct preemption_story *story, enum victim_order order, size_t most, struct victim **out,
                                   size_t *count, struct diag *diag)
{
    struct victim *all;
    size_t used = 0;
    enum status status = array_zeroed(&all, story->requests, sizeof *all, "victims of preemption", diag);
    if (status != SIM_OK)
        return status;
    for (uint32_t position = 0; position < story->trace->count; position++)
        if (story->victims[position].times > 0)
            all[used++] = story->victims[position];
    qsort(all, used, sizeof *all, order == WORST_BY_TOKENS ? by_tokens : by_times);
    *out = all;
    *count = used < most ? used : most;
    return SIM_OK;
}
