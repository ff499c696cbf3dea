/* drafting.c - what the event replay keeps of drafts. */
#include "vllm_v1_fast/drafting.h"

#include <stdlib.h>

#include "base/array.h"

enum status drafting_init(struct event_replay *replay, uint32_t most, struct diag *diag)
{
    const struct config *config = replay->base.config;
    struct drafts drafts;
    drafts_init(&drafts, replay->base.trace, config);
    if (drafts.most == 0)
        return SIM_OK;
    enum status status = array_zeroed(&replay->drafting, 1, sizeof *replay->drafting, "drafts", diag);
    if (status != SIM_OK)
        return status;
    replay->drafting->drafts = drafts;
    replay->drafting->lookahead = speculation_lookahead(config);
    const struct array_request lists[] = {ARRAY_OF(replay->drafting->requests, most), ARRAY_OF(replay->drafting->lanes, most),
                                          ARRAY_OF(replay->flights[0].turns, most), ARRAY_OF(replay->flights[1].turns, most)};
    return array_zeroed_all(lists, sizeof lists / sizeof *lists, "drafts", diag);
}

void drafting_deinit(struct event_replay *replay)
{
    free(replay->flights[0].turns);
    free(replay->flights[1].turns);
    if (replay->drafting) {
        free(replay->drafting->requests);
        free(replay->drafting->lanes);
    }
    free(replay->drafting);
}

void drafting_admit(struct event_replay *replay, uint32_t slot, bool padded)
{
    const struct live *live = &replay->calendar.live[slot];
    const struct trace *trace = replay->base.trace;
    const struct config *config = replay->base.config;
    struct drafting *drafting = replay->drafting;
    drafting->requests[slot] = (struct draft_request){
        .luck = drafts_luck(&drafting->drafts, live->position),
        .prompt = trace->input_tokens[live->position],
        .limit = min_u32(v1_all_tokens(trace, live->position), config->max_model_len),
        .foreseen = v1_foreseen_tokens(trace, config, live->position),
        .known = live->known,
        .computed = live->computed,
        .drafts = (uint8_t)(padded ? drafting->drafts.most : 0),
        .padded = padded,
    };
    struct draft_request *request = &drafting->requests[slot];
    request->settled = drafting_settles(replay, request, live->computed + live->scheduled);
    drafting_note_table(replay, slot);
}
