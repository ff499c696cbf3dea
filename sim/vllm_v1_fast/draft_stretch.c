/* draft_stretch.c - steps with drafts in which nobody comes, everybody decodes, and each verifies as many drafts as there can be: most steps of
 * most replays. Read draft_step.c and draft_outputs.c first, whose rules come down to one short loop here: who needs a block takes it, and
 * gets its tokens.
 *
 * A stretch ends before a step in which an arrival is seen or blocks could run out, and with one whose output ends somebody. While it lasts, requests
 * stay at its start; lanes have what changes. Its first output may still be mixed: somebody may get its first token by it, have paused before, or
 * have computed in vain. */
#include "vllm_v1_fast/step_kinds.h"

#include "base/integers.h"
#include "vllm_v1_fast/admission.h"
#include "vllm_v1_fast/draft_outputs.h"
#include "vllm_v1_fast/drafting.h"
#include "vllm_v1_fast/event_windows.h"
#include "vllm_v1_fast/outputs.h"
#include "vllm_v1_fast/step_parts.h"

enum { STEPS_MOST = 1024 };

struct lanes {
    struct event_replay *replay;
    struct draft_lane *lane;
    uint32_t count, drafts;
    uint32_t turn; /* tokens of everybody in a step: one, and the drafts */
    uint32_t
        coming; /* tokens on their way while a step is decided, as if all drafts were right: a turn with asynchronous scheduling, else none */
    uint32_t reach;         /* places that a request needs after its known tokens */
    uint32_t growth;        /* most blocks that it takes in a step */
    uint64_t known;         /* sum over requests */
    int32_t left;           /* least number of tokens that are left for somebody: at 1 the stretch is over, at 0 or less somebody ends */
    bool mixed;             /* the next output to come is the first one */
    uint32_t missing;       /* then: so many tokens fewer are on their way */
    int64_t landed_ns;      /* when the newest output came */
    uint32_t taken, breaks; /* blocks in this step, and places where ids do not follow each other */
    enum status status;     /* of what went wrong with blocks */
    struct diag *diag;
};

/* What became of the drafts of a step. */
struct verdict {
    uint32_t accepted;                              /* how many were right */
    uint32_t by_right[SPECULATIVE_TOKENS_MOST + 1]; /* [n]: of how many requests n were */
};

/* --- who is in it ------------------------------------------------------------------------------------------------------------------ */

/* In how many steps from now on can the request not come near the model's length, whatever is right? None, if it is known to be over soon. */
static uint32_t quiet_steps(const struct lanes *lanes, const struct draft_request *request)
{
    const uint32_t longest = lanes->replay->base.config->max_model_len, room = lanes->turn + lanes->coming;
    if (request->known + 1 >= request->limit || request->known + room > longest)
        return 0;
    return 1 + (longest - room - request->known) / lanes->turn;
}

/* Does the request decode as everybody does in a stretch? */
static bool is_steady(const struct lanes *lanes, const struct draft_request *request)
{
    const bool on_its_way = lanes->coming > 0 ? request->coming == 1u + request->drafts && !request->padded : request->coming == 0;
    return on_its_way && !request->mid_prefill && request->proposed == lanes->drafts &&
           request->computed + 1 == request->known + request->coming;
}

/* Is nobody who waits let in, and is the budget enough for all who run? What leaves windows in a step may let somebody in by the same step, so with them
 * nobody may wait for blocks. */
static bool is_undisturbed(const struct lanes *lanes)
{
    const struct event_replay *replay = lanes->replay;
    const struct config *config = replay->base.config;
    const uint32_t slots = speculation_slots(config);
    const uint64_t tokens = (uint64_t)lanes->count * lanes->turn, inputs = tokens + (uint64_t)lanes->count * slots;
    struct step_room room = {
        .budget = v1_budget(config), .inputs = slots > 0 ? config->max_num_batched_tokens : UINT32_MAX, .slots = slots};
    if (tokens > room.budget || inputs > room.inputs)
        return false;
    room.budget -= (uint32_t)tokens;
    room.inputs -= (uint32_t)inputs;
    if (replay->blocks.windowed && replay->waiting.count > 0 && replay->calendar.running < v1_seats(config))
        return step_room_left(&room) == 0;
    return !admission_head_may_enter(replay, step_room_left(&room));
}

/* The most output tokens with which the table has room for a step, and nothing has left a window. Beyond the model's length nothing is
 * written. */
static int32_t room_for(const struct lanes *lanes, const struct draft_lane *lane)
{
    const struct event_blocks *blocks = &lanes->replay->blocks;
    const uint32_t covered = lanes->replay->drafting->requests[lane->slot].covered;
    int32_t room = covered >= blocks->max_model_len ? INT32_MAX : (int32_t)(covered - lanes->reach - lane->prompt);
    if (blocks->windowed) { /* all known tokens but one are back */
        const int32_t stays = (int32_t)min_u32(event_windows_passes_at(blocks, lane->slot), INT32_MAX) - (int32_t)lane->prompt;
        room = stays < room ? stays : room;
    }
    return room;
}

static void open_lane(struct lanes *lanes, uint32_t at, uint32_t slot)
{
    const struct draft_request *request = &lanes->replay->drafting->requests[slot];
    struct draft_lane *lane = &lanes->lane[at];
    *lane = (struct draft_lane){.luck = request->luck,
                                .slot = slot,
                                .prompt = request->prompt,
                                .output = request->known - request->prompt,
                                .limit = (int32_t)(request->limit - request->prompt),
                                .drafts = lanes->coming > 0 ? request->drafts : lanes->drafts};
    lane->room = lanes->replay->blocks.windowed ? INT32_MIN : room_for(lanes, lane); /* windows are asked in the first step */
    lanes->known += request->known;
    lanes->missing += lanes->drafts - lane->drafts;
}

/* Who runs, in order. Returns for how many steps the stretch can last; 0: the coming step is none of one. */
static uint32_t open_lanes(struct lanes *lanes, struct event_replay *replay, struct diag *diag)
{
    const struct event_calendar *calendar = &replay->calendar;
    const struct drafting *drafting = replay->drafting;
    const struct flight *flight = replay->in_flight;
    uint32_t steps = STEPS_MOST, at = 0;
    *lanes = (struct lanes){.replay = replay,
                            .lane = drafting->lanes,
                            .count = calendar->running,
                            .drafts = drafting->drafts.most,
                            .left = INT32_MAX,
                            .mixed = true,
                            .diag = diag};
    lanes->turn = 1 + lanes->drafts;
    lanes->coming = replay->base.overlaps ? lanes->turn : 0;
    lanes->reach = lanes->drafts + drafting->lookahead + lanes->coming;
    lanes->growth = (lanes->turn / replay->blocks.block_size + 1) * replay->blocks.groups;
    if (drafting->drafts.varies || calendar->running == 0 || !is_undisturbed(lanes) || (replay->base.overlaps && !flight))
        return 0;
    for (uint32_t slot = calendar->first_running; slot != LIVE_NONE && steps > 0; slot = calendar->live[slot].next_running) {
        if (!is_steady(lanes, &drafting->requests[slot]))
            return 0;
        steps = min_u32(steps, quiet_steps(lanes, &drafting->requests[slot]));
        open_lane(lanes, at++, slot);
    }
    return steps;
}

/* --- a step ------------------------------------------------------------------------------------------------------------------------- */

/* With groups of layers, blocks of all of them, after windows have given back what left them. What is on its way counts as computed and not as
 * back: all but one of the known tokens are, unless it is a prompt's end. */
static void grow_each(struct lanes *lanes, const struct draft_lane *lane, uint32_t missing)
{
    struct event_replay *replay = lanes->replay;
    const struct draft_request *request = &replay->drafting->requests[lane->slot];
    const uint32_t known = lane->prompt + lane->output, back = lanes->mixed ? request->computed - request->in_flight : known - 1;
    bool fits = true;
    if (lanes->status == SIM_OK)
        lanes->status = event_blocks_grow(&replay->blocks, lane->slot, known - 1 + lanes->coming - missing, back, known, lanes->turn, &fits,
                                          lanes->diag);
    if (lanes->status == SIM_OK && !fits)
        lanes->status = diag_set(lanes->diag, SIM_FAILED, "internal error: the event replay ran out of blocks that it had counted");
    drafting_note_table(replay, lane->slot);
}

/* Blocks for the lane's request. Without ids they are counted, and leave the queue when the step has all. */
static __attribute__((noinline)) void take_blocks(struct lanes *lanes, struct draft_lane *lane, uint32_t missing)
{
    struct event_replay *replay = lanes->replay;
    struct event_blocks *blocks = &replay->blocks;
    uint32_t *covered = &replay->drafting->requests[lane->slot].covered;
    if (blocks->windowed) {
        grow_each(lanes, lane, missing);
        lane->room = room_for(lanes, lane);
        return;
    }
    const uint32_t until = min_u32(lane->prompt + lane->output + lanes->reach - missing, blocks->max_model_len);
    for (; *covered < until; *covered += blocks->block_size) {
        lanes->taken++;
        if (blocks->queue.track_ids)
            lanes->breaks += event_blocks_append(blocks, lane->slot);
        else
            event_blocks_count_one(blocks, lane->slot);
    }
    lane->room = room_for(lanes, lane);
}

/* All lanes: blocks for the coming step, then the tokens of the one that is back by its end. `drafts`, `sure` and `mixed` are the lanes' own, but known
 * when this is compiled. */
static inline __attribute__((always_inline)) void turn_lanes(struct lanes *lanes, uint32_t drafts, bool sure, bool mixed,
                                                             struct verdict *verdict)
{
    const struct drafts *luck = &lanes->replay->drafting->drafts;
    const uint32_t count = lanes->count;
    struct draft_lane *lane = lanes->lane;
    uint32_t accepted = 0;
    int32_t left = INT32_MAX;
    for (uint32_t i = 0; i < count; i++, lane++) {
        const uint32_t output = lane->output, missing = mixed ? drafts - lane->drafts : 0;
        if ((int32_t)(output - missing) > lane->room)
            take_blocks(lanes, lane, missing);
        uint32_t right = sure ? drafts : drafts_accepted(luck, lane->luck, output, drafts);
        if (mixed)
            right = min_u32(right, lane->drafts);
        const int32_t rest = lane->limit - (int32_t)(output + 1 + right);
        left = rest < left ? rest : left;
        lane->output = output + 1 + right;
        lane->got = 1 + right;
        verdict->by_right[right]++;
        accepted += right;
    }
    lanes->left = left;
    verdict->accepted = accepted;
}

/* The usual cases have a loop of their own. */
static inline __attribute__((always_inline)) void turn_by_drafts(struct lanes *lanes, bool mixed, struct verdict *verdict)
{
    if (lanes->replay->drafting->drafts.sure)
        turn_lanes(lanes, lanes->drafts, true, mixed, verdict);
    else if (lanes->drafts == 1)
        turn_lanes(lanes, 1, false, mixed, verdict);
    else if (lanes->drafts == 2)
        turn_lanes(lanes, 2, false, mixed, verdict);
    else if (lanes->drafts == 3)
        turn_lanes(lanes, 3, false, mixed, verdict);
    else
        turn_lanes(lanes, lanes->drafts, false, mixed, verdict);
}

static void turn(struct lanes *lanes, struct verdict *verdict)
{
    for (uint32_t i = 0; i <= lanes->drafts; i++)
        verdict->by_right[i] = 0;
    if (lanes->mixed)
        turn_by_drafts(lanes, true, verdict);
    else
        turn_by_drafts(lanes, false, verdict);
}

/* Only models that price by them pay for them. `more`: of each context than known tokens. */
static void find_extremes(const struct lanes *lanes, uint32_t more, struct step_shape *shape)
{
    shape->min_decode_context = UINT32_MAX;
    for (uint32_t i = 0; i < lanes->count; i++) {
        const struct draft_lane *lane = &lanes->lane[i];
        const uint32_t missing = lanes->mixed ? lanes->drafts - lane->drafts : 0, context = lane->prompt + lane->output + more - missing;
        shape->min_decode_context = min_u32(shape->min_decode_context, context);
        shape->max_decode_context = max_u32(shape->max_decode_context, context);
    }
}

/* What the coming step computes. A request has one token less than known ones, and more those on their way. */
static void shape_step(struct lanes *lanes)
{
    struct event_replay *replay = lanes->replay;
    const uint32_t more = lanes->drafts + lanes->coming, tokens = lanes->count * lanes->turn;
    replay->shape = step_shape_of_decodes(lanes->count, lanes->known + (uint64_t)lanes->count * more - lanes->missing);
    replay->shape.scheduled_tokens = tokens;
    if (replay->base.model->wants_extremes)
        find_extremes(lanes, more, &replay->shape);
    replay->held_tokens += tokens;
}

/* --- its output ---------------------------------------------------------------------------------------------------------------------- */

/* A step of the lanes as a list of turns, as others have it. */
static void list_turns(const struct lanes *lanes, struct flight *flight)
{
    const struct live *live = lanes->replay->calendar.live;
    for (uint32_t i = 0; i < lanes->count; i++) {
        const uint32_t slot = lanes->lane[i].slot;
        flight->turns[i] = (struct draft_turn){.order = live[slot].order,
                                               .slot = slot,
                                               .position = live[slot].position,
                                               .tokens = lanes->turn,
                                               .drafts = (uint8_t)lanes->drafts,
                                               .samples = true};
    }
    flight->turn_count = lanes->count;
}

/* Requests are where their lanes are, and a step of the stretch is on its way, if any is. */
static void close_lanes(const struct lanes *lanes)
{
    struct event_replay *replay = lanes->replay;
    for (uint32_t i = 0; i < lanes->count; i++) {
        const struct draft_lane *lane = &lanes->lane[i];
        struct draft_request *request = &replay->drafting->requests[lane->slot];
        request->known = lane->prompt + lane->output;
        request->computed = request->known - 1 + lanes->coming;
        request->in_flight = request->coming = lanes->coming;
        request->unsure = lanes->coming > 0 ? lanes->drafts : 0;
        request->proposed = lanes->drafts;
        request->drafts = (uint8_t)lanes->drafts;
        request->settled = max_u32(request->settled, request->known - 1);
        if (!lanes->mixed)
            replay->calendar.live[lane->slot].last_token_ns = lanes->landed_ns;
    }
    if (replay->in_flight)
        list_turns(lanes, replay->in_flight);
}

/* An answer takes no more than its last token, though more drafts may be right. Returns how many are thrown away. */
static uint32_t cut_ends(const struct lanes *lanes)
{
    uint32_t cut = 0;
    for (uint32_t i = 0; i < lanes->count; i++) {
        struct draft_lane *lane = &lanes->lane[i];
        const uint32_t over = lane->output > (uint32_t)lane->limit ? lane->output - (uint32_t)lane->limit : 0;
        lane->output -= over;
        lane->got -= over;
        cut += over;
    }
    return cut;
}

/* What the tally says of drafts, and the sums over the replay. */
static void count_drafts(const struct lanes *lanes, struct flight *flight, const struct verdict *verdict)
{
    struct draft_sums *sums = &lanes->replay->base.drafts;
    uint32_t verified = lanes->count, right = lanes->count - verdict->by_right[0];
    for (uint32_t i = 0; lanes->mixed && i < lanes->count; i++)
        verified -= lanes->lane[i].drafts == 0;
    flight->tally.draft_tokens = lanes->count * lanes->drafts - lanes->missing;
    flight->tally.accepted_draft_tokens = verdict->accepted;
    sums->verified += verified;
    for (uint32_t at = 0; at < lanes->drafts && right > 0; right -= verdict->by_right[++at])
        sums->accepted_at[at] += right;
}

/* An output that is mixed or ends somebody, request by request. */
static enum status tell_each(struct lanes *lanes, struct flight *flight, struct diag *diag)
{
    struct event_replay *replay = lanes->replay;
    enum status status = SIM_OK;
    if (lanes->mixed) {
        status = draft_outputs_tell_vain(replay, flight, diag);
        flight->tally.sampled_tokens = flight->tally.regular_gaps = 0;
    }
    if (lanes->left <= 0)
        close_lanes(lanes); /* those who end have ended by this output, and not before it */
    for (uint32_t i = 0; i < lanes->count && status == SIM_OK; i++) {
        const struct draft_lane *lane = &lanes->lane[i];
        if (lanes->mixed)
            status = draft_outputs_tell(replay, flight, lane->slot, lane->got, diag);
        if ((int32_t)lane->output == lane->limit && status == SIM_OK)
            status = draft_outputs_finish(replay, flight, lane->slot, diag);
    }
    return status;
}

/* The flight's output is back. */
static enum status land(struct lanes *lanes, struct flight *flight, const struct verdict *verdict, uint32_t *tokens, struct diag *diag)
{
    struct event_replay *replay = lanes->replay;
    const uint32_t got = lanes->count + verdict->accepted - (lanes->left < 0 ? cut_ends(lanes) : 0);
    enum status status = SIM_OK;
    count_drafts(lanes, flight, verdict);
    replay->held_tokens -= flight->tally.draft_tokens + lanes->count - got;
    lanes->known += got;
    *tokens += got;
    stepper_wait_until(&replay->base, flight->end_ns);
    flight->tally.sampled_tokens = got;
    flight->tally.regular_gaps = lanes->count;
    lanes->landed_ns = flight->end_ns;
    if (lanes->mixed || lanes->left <= 0)
        status = tell_each(lanes, flight, diag);
    lanes->mixed = false;
    lanes->missing = 0;
    return status == SIM_OK ? step_stream_tally(&replay->base.stream, &flight->tally, diag) : status;
}

static enum status run_step(struct lanes *lanes, uint32_t *tokens, struct diag *diag)
{
    struct event_replay *replay = lanes->replay;
    struct verdict verdict;
    outputs_begin(replay);
    shape_step(lanes);
    lanes->taken = lanes->breaks = 0;
    turn(lanes, &verdict);
    if (lanes->taken > 0) {
        event_blocks_add_runs(&replay->blocks, lanes->breaks);
        event_blocks_appended(&replay->blocks, lanes->taken);
    }
    enum status status = lanes->status == SIM_OK ? step_parts_close(replay, diag) : lanes->status;
    if (status != SIM_OK)
        return status;
    struct flight *back = replay->base.overlaps ? replay->in_flight : replay->step;
    replay->in_flight = replay->base.overlaps ? replay->step : NULL;
    replay->base.step_number++;
    return land(lanes, back, &verdict, tokens, diag);
}

/* Is the coming step one of the stretch? */
static bool goes_on(const struct lanes *lanes)
{
    const struct event_replay *replay = lanes->replay;
    return lanes->left > 1 && replay->base.now_ns < replay->base.arrivals.next_ns &&
           (uint64_t)lanes->count * lanes->growth <= event_blocks_free(&replay->blocks);
}

enum status draft_stretch_run(struct event_replay *replay, uint32_t *steps, uint32_t *tokens, struct diag *diag)
{
    struct lanes lanes;
    enum status status = SIM_OK;
    *steps = 0;
    const uint32_t most = open_lanes(&lanes, replay, diag);
    while (status == SIM_OK && *steps < most && goes_on(&lanes)) {
        status = run_step(&lanes, tokens, diag);
        ++*steps;
    }
    if (*steps > 0 && lanes.left > 0)
        close_lanes(&lanes);
    return status;
}
