/* metrics.h - what users notice of a replay: latencies, throughput, preemptions and prefix hits.
 *
 * The definitions are vLLM's. TTFT is arrival to first token; TPOT is (E2E - TTFT) / (output tokens - 1), undefined for one token; ITL is all
 * gaps between tokens of a request, pooled over requests; E2E is arrival to last token; queue time is arrival to first admission. In a closed
 * loop arrival is when the client sends the request; how long it was held back before that is its client queue time. The prefix hit rate is cached tokens / prompt tokens over first admissions; "all" also counts resumed requests with their recomputed tokens.
 */
#ifndef PAGESIM_METRICS_H
#define PAGESIM_METRICS_H

#include "base/diag.h"
#include "engine/observer.h"
#include "observe/gap_distribution.h"
#include "observe/latency.h"
#include "observe/stream_pauses.h"
#include "trace/trace.h"

/* What happened to one request, and when. -1: not reached. */
struct request_story {
    int64_t arrival_ns, first_scheduled_ns, first_token_ns, finish_ns;
    uint64_t smallest_pool; /* of a dropped request: the smallest pool that could run it; 0: none could */
    uint32_t output_tokens, preemptions, cached_tokens;
    bool dropped, ignored;
    uint8_t drop_reason; /* enum drop_reason */
};

/* What is kept of a story for every request. The rest is in columns that are made when the first request has something to say there: ten
 * million requests that come when the trace says, find nothing cached and are never preempted need none. */
struct request_times {
    int64_t first_scheduled_ns, first_token_ns, finish_ns;
};
struct request_exception {
    union {
        int64_t swapped_out_ns; /* of the last swap-out */
        uint64_t smallest_pool;
    };
    bool dropped, ignored;
    uint8_t drop_reason;
};
struct story_columns {
    struct request_times *times;           /* by position, as all of them */
    int64_t *arrival_ns;                   /* NULL: all as the trace says */
    uint32_t *output_tokens;               /* NULL: of finished requests as the trace says, of others 0 */
    uint32_t *cached_tokens, *preemptions; /* NULL: all 0 */
    struct request_exception *exceptions;  /* NULL: nobody was dropped, ignored or swapped out */
};

/* One latency of the request at `position` in milliseconds. False: it has none of that kind (ITLs belong to gaps, not to requests).
 * Output tokens are the trace's: story->output_tokens counts the tokens of all sequences of a V0 group, which share their steps. */
static inline bool request_latency_ms(const struct request_story *story, enum latency latency, const struct trace *trace, uint32_t position,
                                      double *ms)
{
    const uint32_t output_tokens = trace->output_tokens[position];
    int64_t from = story->arrival_ns, to = -1;
    switch (latency) {
    case LATENCY_TTFT:
        to = story->first_token_ns;
        break;
    case LATENCY_TPOT:
        from = story->first_token_ns;
        to = output_tokens > 1 ? story->finish_ns : -1;
        break;
    case LATENCY_E2EL:
        to = story->finish_ns;
        break;
    case LATENCY_QUEUE:
        to = story->first_scheduled_ns;
        break;
    case LATENCY_CLIENT_QUEUE:
        from = trace->arrival_ns[position];
        to = story->finish_ns >= 0 ? story->arrival_ns : -1; /* of completed requests, as in vLLM */
        break;
    case LATENCY_E2EL_CLIENT_QUEUE:
        from = trace->arrival_ns[position];
        to = story->finish_ns;
        break;
    case LATENCY_ITL:
    case LATENCIES:
        break;
    }
    *ms = (double)(to - from) / 1e6;
    if (latency == LATENCY_TPOT)
        *ms /= output_tokens > 1 ? output_tokens - 1 : 1;
    return to >= 0;
}

/* The fullest second: tokens are counted in whole seconds from the first arrival, as in vLLM, each at the end of its step. */
struct token_peak {
    int64_t second_end_ns; /* of the second that is being counted */
    uint64_t tokens, most; /* most: of seconds that are over; after finish of all */
};

/* A gap that is not its step's duration, until it is known which pauses of the stream it met. */
struct open_gap {
    int64_t end_ns, gap_ns;
    uint32_t weight;
};

struct metrics {
    const struct trace *trace;
    bool closed_loop;            /* a client holds requests back: set it after metrics_init, or latencies of clients are left out */
    struct stream_pauses pauses; /* none, unless they are set after metrics_init */
    struct open_gap *open_gaps;  /* with pauses, until finish */
    size_t open_gap_count, open_gap_capacity;
    struct story_columns stories; /* metrics_story */
    struct gap_distribution gaps; /* ITL */
    uint64_t dropped, completed, ignored, first_admissions;
    uint64_t prompt_tokens, cached_tokens, known_tokens_all, cached_tokens_all;
    uint64_t external_tokens, external_tokens_all; /* K and V came from elsewhere; as cached_tokens */
    uint64_t scheduled_tokens, output_tokens, recomputed_tokens, vain_tokens;
    uint64_t draft_tokens, accepted_draft_tokens;
    uint64_t preempt_recompute, preempt_swap;
    uint64_t copies, swapped_in_blocks, swapped_out_blocks, forks, survivor_recomputes;
    step_sum swapped_ns; /* over groups, which may each wait as long as the clock counts: time between swap-out and swap-in */
    uint32_t peak_running, peak_waiting;
    struct token_peak output_peak;
    int64_t first_arrival_ns; /* -1: none */
    struct run_end end;
    struct summary latency_ms[LATENCIES]; /* after finish */
};

/* The story of the request at `position`, at any time, as the engine knows it: tokens are there when their step ends. */
static inline struct request_story metrics_engine_story(const struct metrics *metrics, uint32_t position)
{
    const struct story_columns *columns = &metrics->stories;
    const struct request_times *times = &columns->times[position];
    struct request_story story = {.arrival_ns = columns->arrival_ns ? columns->arrival_ns[position] : metrics->trace->arrival_ns[position],
                                  .first_scheduled_ns = times->first_scheduled_ns,
                                  .first_token_ns = times->first_token_ns,
                                  .finish_ns = times->finish_ns,
                                  .preemptions = columns->preemptions ? columns->preemptions[position] : 0,
                                  .cached_tokens = columns->cached_tokens ? columns->cached_tokens[position] : 0};
    if (columns->output_tokens)
        story.output_tokens = columns->output_tokens[position];
    else if (times->finish_ns >= 0)
        story.output_tokens = metrics->trace->output_tokens[position];
    if (columns->exceptions) {
        const struct request_exception *exception = &columns->exceptions[position];
        story.dropped = exception->dropped;
        story.ignored = exception->ignored;
        story.drop_reason = exception->drop_reason;
        story.smallest_pool = exception->dropped ? exception->smallest_pool : 0;
    }
    return story;
}

/* And as its client knows it: tokens are there once they went out. The two differ where the stream pauses. */
static inline struct request_story request_streamed(struct request_story story, const struct stream_pauses *pauses)
{
    if (pauses->count > 0) {
        story.first_token_ns = stream_pauses_out(pauses, story.first_token_ns);
        story.finish_ns = stream_pauses_out(pauses, story.finish_ns);
    }
    return story;
}
static inline struct request_story metrics_story(const struct metrics *metrics, uint32_t position)
{
    return request_streamed(metrics_engine_story(metrics, position), &metrics->pauses);
}

/* `count` percentiles (0..100) of one latency after the replay, interpolated as distribution.h says; 0 when no request has it. */
SIM_NODISCARD enum status metrics_percentiles(const struct metrics *metrics, enum latency latency, const double *percentiles, size_t count,
                                              double *out_ms, struct diag *diag);

/* Why requests were dropped, and what would help. */
struct metrics_drops {
    uint64_t count[DROP_REASONS];
    uint64_t smallest_pool; /* that takes all of them that any pool can take; 0: none of them can run in any pool */
    bool pool_is_enough;    /* it takes all of them */
};

/* After the replay. O(requests) if any was dropped. */
struct metrics_drops metrics_count_drops(const struct metrics *metrics);

/* What a part says of the requests of a whole: all there is to say; or one of two servers that share the work of each request. */
enum metrics_part { METRICS_ALL, METRICS_PREFILL, METRICS_DECODE };

/* After the replay of a part of the requests, on a server of its own: add what it came to. Request i there is positions[i] here; UINT32_MAX: its
 * story was told by another server, and only what it cost is added. Peaks are those of the server that has the highest. Gaps between
 * tokens are left out: add them by gap_distribution_take. Call the observer's finish when all parts are there. */
SIM_NODISCARD enum status metrics_merge(struct metrics *metrics, const struct metrics *part, const uint32_t *positions,
                                        enum metrics_part kind, struct diag *diag);
/* The client sent the request at this time, if that is not what the trace says. */
SIM_NODISCARD enum status metrics_asked(struct metrics *metrics, uint32_t position, int64_t asked_ns, struct diag *diag);

SIM_NODISCARD enum status metrics_init(struct metrics *metrics, const struct trace *trace, struct diag *diag);
struct observer metrics_observer(struct metrics *metrics);
void metrics_deinit(struct metrics *metrics);

#endif
