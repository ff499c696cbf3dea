/* stream_recorder.c - see stream_recorder.h. */
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
    return (struct observer){.self = stream, .tallies = on_tallies, .events = on_events, .finish = on_finish};
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
           a->end.unfinished == b->end.unfinished;
}
