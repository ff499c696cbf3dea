/* stream_recorder.c - recording a replay, comparing two recordings field by field, and holding runs against recorded single steps. */
#include "support/stream_recorder.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

static enum status on_tallies(void *self, const struct step_tally *tallies, size_t count, struct diag *diag)
{
    struct stream *stream = self;
    enum status status =
        array_reserve(&stream->tallies, &stream->tally_capacity, stream->tally_count + count, sizeof *tallies, "tallies", diag);
    if (status == SIM_OK)
        memcpy(stream->tallies + stream->tally_count, tallies, count * sizeof *tallies);
    stream->tally_count += count;
    if (status == SIM_OK && stream->tally_limit && stream->tally_count >= stream->tally_limit)
        return diag_set(diag, SIM_INTERRUPTED, "the recording is full");
    return status;
}

static enum status on_events(void *self, const struct event *events, size_t count, struct diag *diag)
{
    struct stream *stream = self;
    enum status status =
        array_reserve(&stream->events, &stream->event_capacity, stream->event_count + count, sizeof *events, "events", diag);
    if (status == SIM_OK)
        memcpy(stream->events + stream->event_count, events, count * sizeof *events);
    stream->event_count += count;
    return status;
}

static enum status on_finish(void *self, const struct run_end *end, struct diag *diag)
{
    (void)diag;
    ((struct stream *)self)->end = *end;
    return SIM_OK;
}

struct observer stream_observer(struct stream *stream)
{
    return (struct observer){.self = stream, .contiguity = true, .tallies = on_tallies, .events = on_events, .finish = on_finish};
}

enum status stream_record(const struct trace *trace, const struct config *config, bool reference, struct stream *stream,
                          struct replay_facts *facts, struct diag *diag)
{
    struct step_time_model *model;
    const struct replay_options options = {.reference = reference};
    const struct observer observer = stream_observer(stream);
    if (step_time_create(config, &model, diag) != SIM_OK)
        abort();
    const enum status status = replay_run(trace, config, model, &observer, 1, &options, facts, diag);
    step_time_destroy(model);
    return status;
}

void stream_deinit(struct stream *stream)
{
    free(stream->tallies);
    free(stream->events);
    memset(stream, 0, sizeof *stream);
}

/* Structs have padding, so fields are compared one by one. */
struct field {
    const char *name;
    size_t offset, size;
};
#define FIELD(type, name)                                                                                                                  \
    {                                                                                                                                      \
#name, offsetof(struct type, name), sizeof(((struct type *)0)->name)                                                               \
    }
#define T(name) FIELD(step_tally, name)
#define E(name) FIELD(event, name)

static const struct field tally_fields[] = {T(step),
                                            T(vain_tokens),
                                            T(draft_tokens),
                                            T(accepted_draft_tokens),
                                            T(decided_ns),
                                            T(state_ns),
                                            T(start_ns),
                                            T(duration_ns),
                                            T(context_tokens),
                                            T(held_tokens),
                                            T(scheduled_tokens),
                                            T(scheduled_sequences),
                                            T(prefill_tokens),
                                            T(sampled_tokens),
                                            T(regular_gaps),
                                            T(running),
                                            T(waiting),
                                            T(swapped),
                                            T(free_blocks),
                                            T(cached_blocks),
                                            T(used_blocks),
                                            T(table_blocks),
                                            T(table_runs),
                                            T(free_cpu_blocks),
                                            T(copies),
                                            T(swapped_in_blocks),
                                            T(swapped_out_blocks),
                                            T(preemptions),
                                            T(mode)};
static const struct field event_fields[] = {E(time_ns), E(step), E(value), E(request), E(other), E(blocks), E(sample), E(kind), E(extra)};

static long long value_of(const void *record, const struct field *field)
{
    uint64_t value = 0;
    memcpy(&value, (const char *)record + field->offset, field->size); /* little-endian; only for messages */
    return (long long)value;
}

static bool records_equal(const char *what, const void *a, size_t count_a, const void *b, size_t count_b, size_t size,
                          const struct field *fields, size_t field_count, char *text, size_t text_size)
{
    for (size_t i = 0; i < count_a && i < count_b; i++) {
        const char *left = (const char *)a + i * size, *right = (const char *)b + i * size;
        for (size_t f = 0; f < field_count; f++) {
            if (memcmp(left + fields[f].offset, right + fields[f].offset, fields[f].size) == 0)
                continue;
            snprintf(text, text_size, "%s %zu: %s is %lld and %lld", what, i, fields[f].name, value_of(left, &fields[f]),
                     value_of(right, &fields[f]));
            return false;
        }
    }
    if (count_a != count_b)
        snprintf(text, text_size, "%zu and %zu %ss", count_a, count_b, what);
    return count_a == count_b;
}

bool stream_equal(const struct stream *a, const struct stream *b, char *text, size_t size)
{
    snprintf(text, size, "the ends differ");
    return records_equal("tally", a->tallies, a->tally_count, b->tallies, b->tally_count, sizeof *a->tallies, tally_fields,
                         sizeof tally_fields / sizeof *tally_fields, text, size) &&
           records_equal("event", a->events, a->event_count, b->events, b->event_count, sizeof *a->events, event_fields,
                         sizeof event_fields / sizeof *event_fields, text, size) &&
           a->end.steps == b->end.steps && a->end.end_ns == b->end.end_ns && a->end.stalled == b->end.stalled &&
           a->end.unfinished == b->end.unfinished && memcmp(&a->end.drafts, &b->end.drafts, sizeof a->end.drafts) == 0;
}

/* --- runs against tallies --------------------------------------------------------------------------------------------------------- */

static bool fail(struct run_check *check, uint64_t step, const char *what)
{
    snprintf(check->text, sizeof check->text, "the run that starts with step %llu: %s", (unsigned long long)step, what);
    return false;
}

static bool run_equal(struct run_check *check, const struct step_run *run)
{
    const struct step_tally *tally = check->expected->tallies + check->tallies;
    struct step_run sum = {.first = run->first};
    if (!check->contiguity && check->tallies < check->expected->tally_count)
        sum.first.table_runs = tally->table_runs;
    if (run->steps == 0 || check->tallies + run->steps > check->expected->tally_count)
        return fail(check, run->first.step, "more steps than the plain scheduler has");
    if (!records_equal("tally", &sum.first, 1, tally, 1, sizeof *tally, tally_fields, sizeof tally_fields / sizeof *tally_fields,
                       check->text, sizeof check->text))
        return false;
    for (uint32_t i = 0; i < run->steps; i++, tally++) {
        const step_sum ns = (step_sum)tally->state_ns;
        const uint64_t empty_slots = (uint64_t)tally->table_blocks * check->block_size - tally->held_tokens;
        if (tally->duration_ns != run->first.duration_ns + run->change_ns * (int64_t)i)
            return fail(check, run->first.step, "a duration is off");
        if (tally->running != run->first.running || tally->waiting != run->first.waiting ||
            tally->regular_gaps != run->first.regular_gaps || tally->sampled_tokens != run->first.sampled_tokens)
            return fail(check, run->first.step, "a step is not like the first");
        if (tally->cached_blocks > run->first.cached_blocks ||
            tally->free_blocks - tally->cached_blocks > run->first.free_blocks - run->first.cached_blocks ||
            tally->table_blocks - tally->used_blocks != run->first.table_blocks - run->first.used_blocks)
            return fail(check, run->first.step, "free blocks or saved ones are not most in the first step");
        sum.duration_ns += tally->duration_ns;
        sum.state_ns += tally->state_ns;
        sum.used_blocks_ns += tally->used_blocks * ns;
        sum.cached_blocks_ns += tally->cached_blocks * ns;
        sum.table_blocks_ns += tally->table_blocks * ns;
        sum.table_runs_ns += tally->table_runs * ns;
        sum.held_tokens_ns += tally->held_tokens * ns;
        sum.peak_used_blocks = tally->used_blocks > sum.peak_used_blocks ? tally->used_blocks : sum.peak_used_blocks;
        sum.peak_held_tokens = tally->held_tokens > sum.peak_held_tokens ? tally->held_tokens : sum.peak_held_tokens;
        sum.peak_empty_slots = empty_slots > sum.peak_empty_slots ? empty_slots : sum.peak_empty_slots;
    }
    if (sum.duration_ns != run->duration_ns || sum.state_ns != run->state_ns || sum.used_blocks_ns != run->used_blocks_ns ||
        sum.cached_blocks_ns != run->cached_blocks_ns || sum.table_blocks_ns != run->table_blocks_ns)
        return fail(check, run->first.step, "a sum over blocks is off");
    if ((check->contiguity && sum.table_runs_ns != run->table_runs_ns) || sum.held_tokens_ns != run->held_tokens_ns)
        return fail(check, run->first.step, "the sum over tokens or id runs is off");
    if (sum.peak_used_blocks != run->peak_used_blocks || sum.peak_held_tokens != run->peak_held_tokens ||
        sum.peak_empty_slots != run->peak_empty_slots)
        return fail(check, run->first.step, "a peak is off");
    return true;
}

static enum status on_runs(void *self, const struct step_run *runs, size_t count, struct diag *diag)
{
    struct run_check *check = self;
    for (size_t i = 0; i < count; i++) {
        check->equal = check->equal && run_equal(check, &runs[i]);
        if (!check->equal)
            return diag_set(diag, SIM_FAILED, "%s", check->text);
        check->tallies += runs[i].steps;
        check->longest = runs[i].steps > check->longest ? runs[i].steps : check->longest;
    }
    return SIM_OK;
}

static enum status on_checked_events(void *self, const struct event *events, size_t count, struct diag *diag)
{
    struct run_check *check = self;
    (void)diag;
    if (check->events + count <= check->expected->event_count && check->equal)
        check->equal = records_equal("event", events, count, check->expected->events + check->events, count, sizeof *events, event_fields,
                                     sizeof event_fields / sizeof *event_fields, check->text, sizeof check->text);
    check->events += count;
    return SIM_OK;
}

struct observer run_check_observer(struct run_check *check)
{
    return (struct observer){.self = check, .contiguity = check->contiguity, .runs = on_runs, .events = on_checked_events};
}
