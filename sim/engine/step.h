/* step.h - what flows from an engine to whoever watches it. Steps, in two views, so that nobody pays for what nobody asked for:
 *
 *   struct step        one step as lists: who is scheduled, admitted, preempted, finished, copied, swapped, with block tables. The readable
 *                      schedulers make it; the decision log and the data plane need it. The event replay makes the part of it that
 *                      the log needs (observer.h: decisions).
 *   struct step_tally  one record of fixed size a step (or idle gap): times and counters.
 *   struct event       what happened to which request, in the order of time.
 *   struct step_run    several steps in a row that only decode, as sums of their tallies.
 *
 * Tallies (or runs) and events together are enough for every report, and mostly the event replay makes only these. They are delivered in batches.
 * "request" is a position in the trace (trace.h), never the number in the file.
 *
 * What a tally means: the step runs during [start, start + duration). The state that its decision left, in which blocks taken for the step are
 * used and its tokens count as held, is there during [decided, decided + state_ns): until the next decision, or the next output. Without
 * asynchronous scheduling both are the same time. With it a step is decided when the one before it starts.
 */
#ifndef PAGESIM_STEP_H
#define PAGESIM_STEP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "time/step_time.h"

/* Tokens can be negative: vLLM V0 with chunked prefill goes on with a negative rest of the budget after a group of several sequences went
 * over it, and schedules a prompt chunk of, say, -4 tokens. Golden logs hold such steps. */
struct scheduled {
    uint32_t request;
    int32_t tokens;
    bool samples; /* V1: and its output token is the next one known. V0 says so in `sampled` alone */
    bool vain;    /* V1, complete(): it was over when the step came back */
    /* Speculation. */
    uint8_t drafts;   /* part of tokens */
    uint8_t accepted; /* complete(): of these, how many leading ones were right, whether or not its answer took them all */
    bool padded;      /* they stand for nothing: none is right */
};
struct admitted {
    uint32_t request;
    uint32_t cached_tokens;
    uint32_t external_tokens; /* V1: after these, whose K and V came from elsewhere (doc/vllm_v1.md, section 15) */
};
struct block_pair {
    uint32_t from, to;
};

/* One sequence that computes tokens in the step. V1: one a request and group of layers. V0: each live sequence of each scheduled group, in id order. */
struct step_sequence {
    uint32_t request, sample;
    uint32_t group;         /* of layers (config/kv_groups.h): V1 lists a request's groups one after the other */
    uint32_t in_flight;     /* part of `start`: of a step that is not back */
    uint32_t passed;        /* leading blocks that are the null block: no token of the step or after it looks at them */
    uint32_t start;         /* tokens present in its table before this step (prefix hits included) */
    uint32_t received;      /* part of `start`, the last ones: they came from elsewhere with the admission in this step */
    uint32_t tokens;        /* computed in this step; the table covers start + tokens */
    const uint32_t *blocks; /* borrowed; valid during the callback */
    uint32_t num_blocks;
    const uint64_t *lineage; /* NULL: output token o is (request, sample, o). Else identity of output token o (beams, forks) */
};

enum preemption_kind { PREEMPT_RECOMPUTE, PREEMPT_SWAP };

struct preempted {
    uint32_t request;
    enum preemption_kind kind;
    uint32_t requester;   /* whose need of a block took it; may be the victim itself */
    uint32_t tokens_lost; /* computed tokens given up (0 for a swap) */
    uint32_t blocks;      /* blocks that its table held */
};

/* A block that is registered for tokens of which only the first `valid` hold data, and the rest never will unless somebody writes it: in V1
 * its request lost its turn in the step (priority; case E8 of doc/vllm_v1.md), in V0 its group was swapped out between two chunks of its
 * prompt (doc/vllm_v0.md, section 11). */
struct unwritten {
    uint32_t block, valid;
};

enum step_mode { STEP_MODE_PREFILL, STEP_MODE_DECODE, STEP_MODE_MIXED, STEP_MODE_IDLE };

/* The `step` of a tally that stands for time between steps: nothing runs, or with a duration of 0 the last step runs on and nothing more could
 * be decided. */
#define TALLY_GAP UINT64_MAX

struct step_tally {
    uint64_t step;
    int64_t start_ns, duration_ns; /* of the step on the device */
    int64_t decided_ns, state_ns;  /* from when on, and for how long, what follows about queues and blocks holds */
    uint64_t context_tokens;       /* sum over scheduled sequences of tokens computed after the step, not the one just sampled */
    uint64_t held_tokens; /* slots of tokens present, over tables (shared ones once a table; config/kv_groups.h: a token's slots) */
    uint32_t scheduled_tokens;
    uint32_t scheduled_sequences;
    uint32_t prefill_tokens;        /* part of scheduled_tokens that belongs to prompts or recomputation (more than the one decode token) */
    uint32_t sampled_tokens;        /* output tokens that the step's end brings */
    uint32_t vain_tokens;           /* part of scheduled_tokens: of requests of which it is known, when the step ends, that they are over */
    uint32_t draft_tokens;          /* part of scheduled_tokens whose output counted: guesses at what comes */
    uint32_t accepted_draft_tokens; /* of those, leading ones that were right */
    uint32_t regular_gaps; /* of those, how many follow an output token at exactly start_ns: their inter-token latency is duration_ns */
    uint32_t running, waiting, swapped; /* queue lengths after scheduling */
    uint32_t free_blocks;               /* V1: evictable cached ones included, null block not */
    uint32_t cached_blocks;             /* part of free_blocks that still holds findable content (cached idle) */
    uint32_t used_blocks;               /* distinct blocks in tables */
    uint32_t table_blocks;              /* entries over all tables: table_blocks - used_blocks were saved by sharing */
    uint32_t table_runs;                /* maximal runs of consecutive ids over all tables (contiguity) */
    uint32_t shared_empty_slots;        /* V0: empty slots of shared blocks, counted once a table, less once a block; V1 shares full ones */
    uint32_t free_cpu_blocks;
    uint32_t copies, swapped_in_blocks, swapped_out_blocks;
    uint32_t forks;               /* V0: tables shared with a new sample or beam at the step's end */
    uint32_t survivor_recomputes; /* V0: re-admitted groups of which finished samples are listed; vLLM leaks their blocks */
    uint32_t preemptions;         /* in this step */
    uint8_t mode;                 /* enum step_mode */
};

/* Fill in what a tally says of the work in its step: the shape has those sums already. */
static inline void step_tally_set_work(struct step_tally *tally, const struct step_shape *shape)
{
    tally->context_tokens = shape->context_tokens;
    tally->scheduled_tokens = (uint32_t)shape->scheduled_tokens;
    tally->scheduled_sequences = shape->sequences;
    tally->prefill_tokens = (uint32_t)shape->prefill_tokens;
    tally->sampled_tokens = shape->sampled;
    tally->mode = shape->prefill_chunks == 0 ? STEP_MODE_DECODE : shape->decodes == 0 ? STEP_MODE_PREFILL : STEP_MODE_MIXED;
}

/* Sums of (count x nanoseconds) over a whole replay do not fit 64 bits. */
typedef unsigned __int128 step_sum;

/* One step, one gap, or several steps in a row in which the same requests decode, nobody comes or goes, and nobody who waits could enter.
 * Observers of `runs` get these instead of tallies. They need only sums, so nobody has to visit the single steps. */
struct step_run {
    struct step_tally first; /* its first step; running, waiting, regular_gaps and such hold for every step of the run */
    uint32_t steps;          /* >= 1 */
    int64_t duration_ns;     /* of all steps together */
    int64_t state_ns;        /* likewise */
    int64_t change_ns;       /* each step takes so much longer than the one before it */
    /* Sums of the tally's fields x state_ns. */
    step_sum used_blocks_ns, cached_blocks_ns, table_blocks_ns, table_runs_ns, held_tokens_ns;
    uint32_t peak_used_blocks; /* the peak of cached blocks is the first step's, that of saved blocks every step's */
    uint64_t peak_held_tokens;
    uint64_t peak_empty_slots; /* table_blocks x block size - held_tokens */
};

enum event_kind {
    EVENT_ARRIVE,      /* taken in by the scheduler; time = its arrival (may precede the step); value = time of the step that saw it */
    EVENT_ADMIT,       /* first admission; value = cached tokens, other = known tokens (prompt and generated) */
    EVENT_READMIT,     /* after a preemption by recompute; likewise */
    EVENT_SWAP_IN,     /* V0: resumed from CPU blocks */
    EVENT_PREEMPT,     /* value = tokens lost, other = requester, kind in `extra` (enum preemption_kind) */
    EVENT_FIRST_TOKEN, /* time = end of the step */
    EVENT_GAP,         /* an inter-token latency that is not the step's duration; value = the gap in ns; extra = how many tokens had it */
    EVENT_FINISH,      /* time = end of the step; value = output tokens; extra = 1: it had lost its blocks and waited */
    EVENT_IGNORE,      /* V0: dropped at run time by the engine */
    EVENT_VAIN,        /* time = end of the step; value = tokens computed for a request that had ended by a stop token */
    EVENT_DROP,        /* never goes in; time = its arrival; extra = enum drop_reason; value = smallest pool that would do (0: none) */
};

enum drop_reason {
    DROP_MAX_MODEL_LEN,
    DROP_POOL,
    DROP_WATERMARK,  /* V0: the pool has the blocks, but the watermark keeps some of them free */
    DROP_QUEUE_FULL, /* rejected when it came (front_door.h); the others are dropped before the replay */
    DROP_REASONS
};

/* Order within a step: arrivals, preemptions, swap-ins, admissions, ignored ones, each in the scheduler's order; then at the step's end
 * VAIN of those who were over, and for each request that got tokens FIRST_TOKEN or GAP if due, then FINISH if it did, both in scheduled
 * order. With asynchronous scheduling a step's end comes after the decisions of the next step. Rejected requests stand among the arrivals;
 * other drops come before everything. */
struct event {
    int64_t time_ns;
    uint64_t step; /* the step at which it happened */
    int64_t value;
    uint32_t request, other;
    union {
        uint32_t blocks;   /* EVENT_PREEMPT: blocks that its table held */
        uint32_t external; /* EVENT_ADMIT, EVENT_READMIT: tokens after the cached ones whose K and V came from elsewhere */
    };                     /* else 0 */
    uint16_t sample;
    uint8_t kind; /* enum event_kind */
    uint8_t extra;
};

/* One step as lists. The arrays belong to the scheduler and are valid until the next step but one is decided. The stepper fills in tally.start_ns,
 * duration_ns and step, the scheduler everything else. */
struct step {
    struct step_tally tally;
    struct step_shape shape; /* what the step's price depends on; sums over sequences by the scheduler, the rest by the stepper */
    const char *abort;       /* NULL, or why the engine dies instead of running this step (V0); text lives as long as the scheduler */
    struct scheduled *scheduled;
    uint32_t scheduled_count; /* in the scheduler's own order */
    struct step_sequence *sequences;
    uint32_t sequence_count;
    const struct step_sequence *residents; /* V0: further sequences that hold blocks and compute nothing in this step. V1 lists none: */
    uint32_t resident_count;               /* who was listed before and neither finished nor was preempted still holds what it held */
    struct admitted *admitted;
    uint32_t admitted_count;
    struct preempted *preempted;
    uint32_t preempted_count;
    uint32_t *resumed;
    uint32_t resumed_count; /* V0: swapped in */
    uint32_t *ignored;
    uint32_t ignored_count; /* V0 */
    struct block_pair *copies;
    uint32_t copy_count; /* copy-on-write, source to destination */
    struct block_pair *swap_in;
    uint32_t swap_in_count; /* CPU to GPU */
    struct block_pair *swap_out;
    uint32_t swap_out_count; /* GPU to CPU */
    struct unwritten *unwritten;
    uint32_t unwritten_count; /* lists wanted */
    struct scheduled *sampled;
    uint32_t sampled_count; /* complete(): who got output tokens, how many */
    uint32_t *finished;
    uint32_t finished_count; /* complete() */
};

/* What became of drafts over a replay, of requests whose output counted: vLLM's own counters. */
struct draft_sums {
    uint64_t verified;                             /* times that a request's drafts were verified in a step */
    uint64_t accepted_at[SPECULATIVE_TOKENS_MOST]; /* how often the draft at this place was right, and all before it */
};

/* What moved between GPU and host memory over a replay (V1 with offloading). */
struct offload_sums {
    uint64_t loads, loaded_blocks; /* asked for */
    uint64_t stored_blocks;        /* likewise */
    uint64_t refused_stores;       /* times that blocks found no room in the host's memory, as too much of it was in use */
    step_sum load_ns;              /* from being asked for to the end, of loads that are over */
};

/* How often the draft at a place was right, of the times that there were drafts; 0 without any. */
static inline double draft_acceptance(const struct draft_sums *sums, uint32_t place)
{
    return sums->verified ? (double)sums->accepted_at[place] / (double)sums->verified : 0;
}

/* Lists of requests with room for `most`; `sequences` and `unwritten` are made by the scheduler that needs them. Freed all together, also
 * after a failure. The lists of blocks belong to others. */
SIM_NODISCARD enum status step_make_lists(struct step *step, size_t most, struct diag *diag);
void step_free_lists(struct step *step);

#endif
