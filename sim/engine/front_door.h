/* front_door.h - max_num_queued_reqs and max_num_queued_tokens: whom vLLM's API server turns away with HTTP 503 instead of queueing.
 *
 * The server keeps a book of its requests, and looks into it when one comes, before the engine hears of it (AsyncLLM.check_admission). A
 * request of n samples is rejected
 *
 *     if unfinished + n > max_num_queued_reqs           unfinished: in the book, waiting or running; each sample is one
 *     else if queued tokens >= max_num_queued_tokens    of all in the book that have no token yet, the whole prompts: neither chunks that
 *                                                       are done nor cached tokens are taken off, and the new prompt is not added
 *
 * The server hears of tokens and ends when a step's output comes back. A request that comes while a step runs meets the book as it was
 * before that output, though the engine takes it in afterwards; so the door remembers what the newest output took off.
 *
 * Source: vllm/v1/engine/async_llm.py and output_processor.py of 2026; 0 is off here, and None there, where 0 rejects everybody. Part of
 * arrivals.h; constant time a request, nothing when both are off.
 */
#ifndef PAGESIM_FRONT_DOOR_H
#define PAGESIM_FRONT_DOOR_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"

struct front_door {
    bool watched;                                /* one of the limits is on; else nothing here is kept */
    uint64_t most_requests, most_tokens;         /* 0: off */
    uint64_t queued_tokens;                      /* prompts of requests in the engine that have no token yet */
    int64_t newest_ns;                           /* when the newest output came back */
    uint64_t newest_ended, newest_queued_tokens; /* what it took off */
};

static inline void front_door_init(struct front_door *door, const struct config *config)
{
    *door = (struct front_door){.watched = config->max_num_queued_reqs > 0 || config->max_num_queued_tokens > 0,
                                .most_requests = config->max_num_queued_reqs,
                                .most_tokens = config->max_num_queued_tokens,
                                .newest_ns = INT64_MIN};
}

/* Output comes back at this time; times of calls do not fall. */
static inline void front_door_output(struct front_door *door, int64_t now_ns)
{
    if (now_ns == door->newest_ns)
        return;
    door->newest_ns = now_ns;
    door->newest_ended = door->newest_queued_tokens = 0;
}

/* A request got its first token. */
static inline void front_door_first_token(struct front_door *door, uint32_t prompt_tokens, int64_t now_ns)
{
    front_door_output(door, now_ns);
    door->queued_tokens -= prompt_tokens;
    door->newest_queued_tokens += prompt_tokens;
}

/* A request ended; it had its first token before, or is one that the engine never gave any. */
static inline void front_door_end(struct front_door *door, int64_t now_ns)
{
    front_door_output(door, now_ns);
    door->newest_ended++;
}

/* Is a request of so many samples turned away that comes at `now_ns`, while `present` requests are in the engine? */
static inline bool front_door_rejects(const struct front_door *door, uint64_t present, uint32_t samples, int64_t now_ns)
{
    const bool before_output = now_ns < door->newest_ns;
    const uint64_t unfinished = present + (before_output ? door->newest_ended : 0);
    const uint64_t tokens = door->queued_tokens + (before_output ? door->newest_queued_tokens : 0);
    return (door->most_requests > 0 && unfinished + samples > door->most_requests) ||
           (door->most_tokens > 0 && tokens >= door->most_tokens);
}

#endif
