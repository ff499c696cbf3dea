/* made_search.h - random little tunings: a trace, a configuration, a limit on p90 TTFT, three keys with values. */
#ifndef TESTS_MADE_SEARCH_H
#define TESTS_MADE_SEARCH_H

#include "study/tune_search.h"

struct made_search {
    struct trace *trace;
    struct requirement requirement;
    struct rate_ladder ladder;
    struct tune_plan plan;
    struct config given;
    struct config_option options[8];
    char texts[8][32];
    struct tune_question question;
};

/* Requests of up to 90 and 30 tokens, some of them in bursts. */
struct trace *made_search_trace(uint64_t *seed, uint32_t count);

/* Small pools, so that pool and watermark matter; steps of 15 % keep a scan of all loads short. */
void made_search_make(struct made_search *made, uint64_t *seed);
/* The same with four keys. */
void made_search_make_wide(struct made_search *made, uint64_t *seed);
void made_search_end(struct made_search *made);

#endif
