/* stepper.h - what the loop (replay_loop.h) drives: something that decides and runs the coming steps of a replay.
 *
 * There are two kinds, and the loop does not know which one it has:
 *
 *   scheduler_stepper.h           any readable scheduler (scheduler.h), one step a call and the quiet ones after it
 *   vllm_v1_fast/event_replay.h   the event replay of vLLM V1, a whole stretch of steps a call where nothing but decoding happens
 *
 * A stepper embeds struct stepper as its first member. That part says where the replay stands: the clock, the number of the coming step,
 * who arrives next, and the stream to the observers. The loop reads it between calls; the stepper moves it on while it is called.
 *
 * A stepper may keep a step submitted whose output is not back yet, as vLLM's asynchronous engine does. It decides the next step first, and
 * takes the output of the last one in the same call or a later one. All that the loop asks of it is the truth about `idle`: a stepper is
 * idle when nothing can be decided AND no output is outstanding. "No request is unfinished" does not end a replay; "idle, and nobody will
 * arrive" does.
 */
#ifndef PAGESIM_STEPPER_H
#define PAGESIM_STEPPER_H

#include "base/diag.h"
#include "base/integers.h"
#include "config/config.h"
#include "engine/arrivals.h"
#include "engine/step_stream.h"
#include "time/step_time.h"
#include "trace/trace.h"

struct stepper;

/* What one call of advance() came to. All zero at the call. */
struct advance {
    bool idle;         /* nothing can happen before the next arrival: the clock did not move */
    uint32_t tokens;   /* output tokens that the steps brought; only whether there were any matters */
    const char *abort; /* NULL, or why the engine died instead of running the step (V0); lives as long as the stepper */
};

struct stepper_ops {
    /* Why a request can never run under this configuration, or false. *smallest_pool: the
     * num_gpu_blocks that would do, 0 when none would. Asked for every request before the first step. */
    bool (*never_runs)(const struct stepper *self, uint32_t position, enum drop_reason *why, uint64_t *smallest_pool);
    /* A request has arrived, at `arrival_ns` <= now_ns. Calls come in the order of arrival. */
    enum status (*arrive)(struct stepper *self, uint32_t position, int64_t arrival_ns, struct diag *diag);
    /* Go on from now_ns by one step, or by several as long as each starts before arrivals.next_ns. Moves now_ns and step_number, fills the
     * stream, tells `arrivals` who ended (which, in a closed loop, may change next_ns). */
    enum status (*advance)(struct stepper *self, struct advance *out, struct diag *diag);
    /* Queues and blocks between steps: fills in what is not 0. */
    void (*pool_state)(const struct stepper *self, struct step_tally *tally);
    /* So many steps from the coming one on bring nobody's last token, whatever arrives; 0 if that is not known, or one is on its way. Without
     * drafts, of which several may come in a step. May be missing. */
    uint32_t (*steps_to_end)(const struct stepper *self);
    /* When an idle stepper has something to do though nobody arrives; INT64_MAX: never. Missing: never. */
    int64_t (*wakes_ns)(const struct stepper *self);
    /* What each block is, null block included: an enum block_state for each of num_gpu_blocks. Blocks without an owner are what they are
     * between steps; asked when a step is decided, or between steps. */
    void (*pool_states)(const struct stepper *self, uint8_t *states);
    /* After a stall or an abort: a sentence for the user with the request and the remedy; lives as long as the stepper. NULL: nothing to
     * add. May be missing. */
    const char *(*diagnose)(struct stepper *self);
    void (*destroy)(struct stepper *self);
};

/* What a replay is made of. Everything is borrowed for as long as the replay lasts. */
struct replay_inputs {
    const struct trace *trace; /* V1: samples n > 1 are expanded already (trace_expand_samples) */
    const struct config *config;
    const struct step_time_model *model;
    const struct observer *observers;
    size_t observer_count;
    struct arrival_feed *feed; /* of a replica of a fleet; NULL: the trace says who arrives (arrivals.h) */
};

struct stepper {
    const struct stepper_ops *ops;
    const struct trace *trace;
    const struct config *config;
    const struct step_time_model *model;
    int64_t now_ns;       /* when the coming step is decided */
    int64_t device_ns;    /* until when the device has work: the end of the last step that was decided */
    uint64_t step_number; /* of the coming step, from 0 */
    struct draft_sums drafts;
    struct offload_sums offloads;
    bool overlaps; /* asynchronous scheduling: a step is decided before the output of the last one is back */
    struct arrivals arrivals;
    struct step_stream stream;
    uint8_t *states; /* scratch: by block; NULL unless an observer wants them */
};

/* The part that all steppers have; called by those who create one. Room for *stepper is the caller's, who calls stepper_deinit in any
 * case. */
SIM_NODISCARD enum status stepper_init(struct stepper *stepper, const struct stepper_ops *ops, const struct replay_inputs *inputs,
                                       struct diag *diag);
void stepper_deinit(struct stepper *stepper);

/* When does the step of this shape, decided now, run? Fills in the times of its tally and moves device_ns to its end, and now_ns to the end of
 * the host's work for it. Blocks are as the decision left them: here they are shown to who wants to see them. SIM_BAD_INPUT: the clock ends
 * before the step does. */
SIM_NODISCARD enum status stepper_time_step(struct stepper *stepper, const struct step_shape *shape, struct step_tally *tally,
                                            struct diag *diag);

/* The pool is as it is now from from_ns until until_ns: shown to who waits for a moment in between. Most replays have nobody who does. */
SIM_NODISCARD enum status stepper_show_due_pool(struct stepper *stepper, int64_t from_ns, int64_t until_ns, struct diag *diag);
SIM_NODISCARD static inline enum status stepper_show_pool(struct stepper *stepper, int64_t from_ns, int64_t until_ns, struct diag *diag)
{
    return until_ns <= stepper->stream.pool_ns || until_ns == from_ns ? SIM_OK : stepper_show_due_pool(stepper, from_ns, until_ns, diag);
}

/* Nothing could be decided, and the step in flight goes on until `end_ns`: a tally of what is there until then. To be told after the step's. */
SIM_NODISCARD enum status stepper_wait(struct stepper *stepper, int64_t end_ns, struct step_tally *tally, struct diag *diag);

/* The output that comes at `end_ns` is waited for. */
static inline void stepper_wait_until(struct stepper *stepper, int64_t end_ns)
{
    stepper->now_ns = max_i64(stepper->now_ns, end_ns);
}

/* When an idle stepper that holds requests goes on by itself; INT64_MAX: never. */
static inline int64_t stepper_wakes_ns(const struct stepper *stepper)
{
    return stepper->ops->wakes_ns && arrivals_present(&stepper->arrivals) > 0 ? stepper->ops->wakes_ns(stepper) : INT64_MAX;
}

/* An event of a step, in its place in the stream: fill in what else there is to say, then call step_stream_event_done. A first token is
 * told to `arrivals` here, so that no stepper can forget it; `kind` is constant where this is called, and the test costs nothing. */
static inline struct event *stepper_event_of(struct stepper *stepper, uint64_t step, enum event_kind kind, uint32_t request,
                                             int64_t time_ns, int64_t value)
{
    if (kind == EVENT_FIRST_TOKEN)
        arrivals_first_token(&stepper->arrivals, request, time_ns);
    struct event *event = step_stream_event(&stepper->stream);
    *event = (struct event){.time_ns = time_ns, .step = step, .value = value, .request = request, .kind = (uint8_t)kind};
    return event;
}
/* Of the coming step. */
static inline struct event *stepper_event(struct stepper *stepper, enum event_kind kind, uint32_t request, int64_t time_ns, int64_t value)
{
    return stepper_event_of(stepper, stepper->step_number, kind, request, time_ns, value);
}

/* An event of which there is nothing else to say. */
SIM_NODISCARD static inline enum status stepper_tell(struct stepper *stepper, enum event_kind kind, uint32_t request, int64_t time_ns,
                                                     int64_t value, struct diag *diag)
{
    stepper_event(stepper, kind, request, time_ns, value);
    return step_stream_event_done(&stepper->stream, diag);
}
SIM_NODISCARD static inline enum status stepper_tell_of(struct stepper *stepper, uint64_t step, enum event_kind kind, uint32_t request,
                                                        int64_t time_ns, int64_t value, struct diag *diag)
{
    stepper_event_of(stepper, step, kind, request, time_ns, value);
    return step_stream_event_done(&stepper->stream, diag);
}

#endif
