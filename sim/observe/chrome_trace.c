/* chrome_trace.c - writes the trace while the replay runs: lanes from events, counters from step tallies. Read the drawing in
 * chrome_trace.h first, then enter() and leave(): every slice in the file comes from one of the two.
 *
 * The first failure stays in `status` and stops all writing, so that the functions below need not pass it on. */
#include "observe/chrome_trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/json.h"
#include "base/units.h"
#include "config/kv_groups.h"
#include "observe/counter_track.h"
#include "sim_version.h"

enum { PID_COUNTERS = 1, PID_LANES = 2, US_PLACES = 3, MS_PLACES = 6, EVENT_SIZE = 1024 };
enum { TRACK_RUNNING, TRACK_WAITING, TRACK_USED, TRACK_CACHED, TRACK_WASTED, TRACKS };
/* Viewers label a track with both words. */
static const struct {
    const char *name, *unit;
} track_names[TRACKS] = {{"running", "requests"}, {"waiting", "requests"}, {"used", "blocks"}, {"cached", "blocks"}, {"wasted", "blocks"}};
#define NOBODY UINT32_MAX

/* A slot of the running batch and the request in it. */
struct lane {
    uint32_t request;  /* NOBODY: free */
    bool decodes;      /* from the start, because it was swapped in */
    int64_t decode_ns; /* otherwise: when prefill or recomputation was over; -1: not yet */
};

struct chrome_trace {
    const struct metrics *metrics;
    const struct trace *trace;
    uint32_t block_size;
    struct text_writer *writer;
    struct lane *lanes;
    size_t lane_count, lane_capacity, lowest_free;
    uint32_t *lane_of; /* by position; NOBODY: none */
    uint64_t arrows;
    bool has_events; /* the next one needs a comma before it */
    struct counter_track tracks[TRACKS];
    enum status status;
    struct diag *diag; /* of the callback that runs now */
};

/* One event: {...} around printf-like members. Members hold numbers and fixed words only, so nothing needs JSON's escapes, and the longest
 * event is far below EVENT_SIZE. */
static void write_event(struct chrome_trace *chrome, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void write_event(struct chrome_trace *chrome, const char *format, ...)
{
    char line[EVENT_SIZE] = ",\n{";
    const size_t head = 3, skipped = chrome->has_events ? 0 : 1;
    if (chrome->status != SIM_OK)
        return;
    va_list arguments;
    va_start(arguments, format);
    size_t length = head + (size_t)vsnprintf(line + head, sizeof line - head - 1, format, arguments);
    va_end(arguments);
    line[length++] = '}';
    chrome->has_events = true;
    chrome->status = text_writer_write(chrome->writer, line + skipped, length - skipped, chrome->diag);
}

/* Nanoseconds as microseconds, the unit of the format. A struct, so that a call can stand among the arguments of write_event: it lives to
 * the end of that call, so several can stand in one without buffers of their own. */
struct us {
    char text[UNIT_TEXT];
};
static struct us us_of(int64_t ns)
{
    struct us us;
    unit_decimal(ns, US_PLACES, us.text);
    return us;
}

/* --- lanes ------------------------------------------------------------------------------------------------------------------------ */

/* Thread ids count from 1, because some viewers treat thread 0 as the process itself. */
static void name_lane(struct chrome_trace *chrome, size_t lane)
{
    write_event(chrome, "\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":%d,\"tid\":%zu,\"args\":{\"name\":\"slot %zu\"}", PID_LANES,
                lane + 1, lane);
    write_event(chrome, "\"ph\":\"M\",\"name\":\"thread_sort_index\",\"pid\":%d,\"tid\":%zu,\"args\":{\"sort_index\":%zu}", PID_LANES,
                lane + 1, lane);
}

static void begin_phase(struct chrome_trace *chrome, const char *name, uint32_t lane, int64_t at_ns)
{
    write_event(chrome, "\"ph\":\"B\",\"name\":\"%s\",\"cat\":\"phase\",\"pid\":%d,\"tid\":%u,\"ts\":%s", name, PID_LANES, lane + 1,
                us_of(at_ns).text);
}

/* Ends the innermost open slice of the lane. `ended` says how a residence ended; it is empty for a phase. */
static void end_slice(struct chrome_trace *chrome, uint32_t lane, int64_t at_ns, const char *ended)
{
    const bool is_residence = *ended != '\0';
    write_event(chrome, "\"ph\":\"E\",\"pid\":%d,\"tid\":%u,\"ts\":%s%s%s%s", PID_LANES, lane + 1, us_of(at_ns).text,
                is_residence ? ",\"args\":{\"ended\":\"" : "", ended, is_residence ? "\"}" : "");
}

/* Begins a residence and its first phase. A slice's arguments are those of its B event, so everything known by now goes here; only how it
 * ended has to wait for the E event. */
static void begin_residence(struct chrome_trace *chrome, uint32_t number, const struct event *event)
{
    const struct trace *trace = chrome->trace;
    const uint32_t request = event->request;
    char sample[16] = "", admitted[96] = "";
    const char *phase = event->kind == EVENT_ADMIT ? "prefill" : event->kind == EVENT_READMIT ? "recompute" : "decode";
    if (trace->sample)
        snprintf(sample, sizeof sample, ".%u", trace->sample[request]);
    if (event->kind != EVENT_SWAP_IN)
        snprintf(admitted, sizeof admitted, ",\"cached_tokens\":%llu", (unsigned long long)event->value);
    if (event->kind == EVENT_ADMIT) {
        const size_t used = strlen(admitted);
        char queued[UNIT_TEXT];
        unit_decimal(event->time_ns - metrics_story(chrome->metrics, request).arrival_ns, MS_PLACES, queued);
        snprintf(admitted + used, sizeof admitted - used, ",\"queued_ms\":%s", queued);
    }
    write_event(chrome,
                "\"ph\":\"B\",\"name\":\"request %u%s\",\"cat\":\"request\",\"pid\":%d,\"tid\":%u,\"ts\":%s,\"args\":{\"request\":%u,"
                "\"input_tokens\":%u,\"output_tokens\":%u%s}",
                trace_index(trace, request), sample, PID_LANES, number + 1, us_of(event->time_ns).text, trace_index(trace, request),
                trace->input_tokens[request], trace->output_tokens[request], admitted);
    begin_phase(chrome, phase, number, event->time_ns);
}

/* Gives the request the lowest free lane. No lane below lowest_free is free, so the search mostly ends at once; leave() lowers it. */
static void enter(struct chrome_trace *chrome, const struct event *event)
{
    size_t number = chrome->lowest_free;
    while (number < chrome->lane_count && chrome->lanes[number].request != NOBODY)
        number++;
    if (number == chrome->lane_count) {
        chrome->status =
            array_reserve(&chrome->lanes, &chrome->lane_capacity, number + 1, sizeof *chrome->lanes, "the lanes of a trace", chrome->diag);
        if (chrome->status != SIM_OK)
            return;
        name_lane(chrome, number);
        chrome->lane_count++;
    }
    chrome->lanes[number] = (struct lane){.request = event->request, .decodes = event->kind == EVENT_SWAP_IN, .decode_ns = -1};
    chrome->lane_of[event->request] = (uint32_t)number;
    chrome->lowest_free = number + 1;
    begin_residence(chrome, (uint32_t)number, event);
}

/* Ends the request's phase and residence. The change from prefill to decode is written only here, because a request may end with its
 * first token, and an empty decode slice would be noise. Viewers sort events by time, so a late line does no harm. */
static void leave(struct chrome_trace *chrome, uint32_t request, int64_t end_ns, const char *ended)
{
    const uint32_t number = chrome->lane_of[request];
    if (number == NOBODY)
        return;
    struct lane *lane = &chrome->lanes[number];
    if (lane->decode_ns >= 0 && lane->decode_ns < end_ns) {
        end_slice(chrome, number, lane->decode_ns, "");
        begin_phase(chrome, "decode", number, lane->decode_ns);
    }
    end_slice(chrome, number, end_ns, "");
    end_slice(chrome, number, end_ns, ended);
    chrome->lane_of[request] = NOBODY;
    lane->request = NOBODY;
    if (number < chrome->lowest_free)
        chrome->lowest_free = number;
}

/* The arrow from the request that took the block to the one that lost it. Viewers bind an arrow's end to the slice that encloses it, so
 * both slices must still be open: preempt() writes the arrow before it ends the victim's slices. */
static void write_arrow(struct chrome_trace *chrome, uint32_t from, uint32_t to, int64_t at_ns)
{
    static const char members[] =
        "\"ph\":\"%s\",\"name\":\"takes a block\",\"cat\":\"preemption\",\"id\":%llu%s,\"pid\":%d,\"tid\":%u,\"ts\":%s";
    const unsigned long long id = (unsigned long long)++chrome->arrows;
    write_event(chrome, members, "s", id, "", PID_LANES, from + 1, us_of(at_ns).text);
    write_event(chrome, members, "f", id, ",\"bp\":\"e\"", PID_LANES, to + 1, us_of(at_ns).text);
}

static void preempt(struct chrome_trace *chrome, const struct event *event)
{
    const uint32_t victim = chrome->lane_of[event->request], requester = chrome->lane_of[event->other];
    if (victim == NOBODY)
        return;
    write_event(chrome,
                "\"ph\":\"i\",\"s\":\"t\",\"name\":\"preempted\",\"cat\":\"preemption\",\"pid\":%d,\"tid\":%u,\"ts\":%s,\"args\":{"
                "\"request\":%u,\"for_request\":%u,\"by\":\"%s\",\"tokens_lost\":%lld,\"blocks\":%u}",
                PID_LANES, victim + 1, us_of(event->time_ns).text, trace_index(chrome->trace, event->request),
                trace_index(chrome->trace, event->other), event->extra == PREEMPT_SWAP ? "swap" : "recompute", (long long)event->value,
                event->blocks);
    /* A request that gives way to itself has no arrow. */
    if (requester != NOBODY && requester != victim)
        write_arrow(chrome, requester, victim, event->time_ns);
    leave(chrome, event->request, event->time_ns, "preempted");
}

/* A token means that prefill or recomputation is over. Not every token has an event, but the first one after an admission always does. */
static void note_token(struct chrome_trace *chrome, const struct event *event)
{
    const uint32_t lane = chrome->lane_of[event->request];
    if (lane != NOBODY && !chrome->lanes[lane].decodes && chrome->lanes[lane].decode_ns < 0)
        chrome->lanes[lane].decode_ns = event->time_ns;
}

static void write_for(struct chrome_trace *chrome, const struct event *event)
{
    switch ((enum event_kind)event->kind) {
    case EVENT_ADMIT:
    case EVENT_READMIT:
    case EVENT_SWAP_IN:
        enter(chrome, event);
        break;
    case EVENT_PREEMPT:
        preempt(chrome, event);
        break;
    case EVENT_FINISH:
        leave(chrome, event->request, event->time_ns, "finished");
        break;
    case EVENT_IGNORE:
        leave(chrome, event->request, event->time_ns, "ignored");
        break;
    case EVENT_FIRST_TOKEN:
    case EVENT_GAP:
        note_token(chrome, event);
        break;
    case EVENT_ARRIVE: /* a request that waits is in no lane; the counter "waiting" shows it */
    case EVENT_VAIN:
    case EVENT_DROP:
        break;
    }
}

static enum status on_events(void *self, const struct event *events, size_t count, struct diag *diag)
{
    struct chrome_trace *chrome = self;
    chrome->diag = diag;
    for (size_t i = 0; i < count && chrome->status == SIM_OK; i++)
        write_for(chrome, &events[i]);
    return chrome->status;
}

/* --- counters --------------------------------------------------------------------------------------------------------------------- */

/* There may be millions of steps, so their values are thinned as they come and written at the end. */
static enum status on_tallies(void *self, const struct step_tally *tallies, size_t count, struct diag *diag)
{
    struct chrome_trace *chrome = self;
    (void)diag;
    for (size_t i = 0; i < count; i++) {
        const struct step_tally *tally = &tallies[i];
        const double slots = (double)tally->table_blocks * chrome->block_size;
        const double values[TRACKS] = {tally->running, tally->waiting, tally->used_blocks, tally->cached_blocks,
                                       (slots - (double)tally->held_tokens) / chrome->block_size};
        for (int track = 0; track < TRACKS; track++)
            counter_track_add(&chrome->tracks[track], tally->decided_ns, values[track]);
    }
    return SIM_OK;
}

/* Empty cells write nothing: a viewer holds the last value of a counter until the next point, which is what no change means. */
static void write_track(struct chrome_trace *chrome, int track)
{
    for (size_t cell = 0; cell < COUNTER_CELLS; cell++) {
        struct counter_point points[COUNTER_POINTS_MOST];
        const size_t count = counter_track_points(&chrome->tracks[track], cell, points);
        for (size_t i = 0; i < count; i++) {
            char digits[32];
            plain_double(points[i].value, digits, sizeof digits);
            write_event(chrome, "\"ph\":\"C\",\"name\":\"%s\",\"pid\":%d,\"ts\":%s,\"args\":{\"%s\":%s}", track_names[track].name,
                        PID_COUNTERS, us_of(points[i].at_ns).text, track_names[track].unit, digits);
        }
    }
}

/* --- beginning and end ------------------------------------------------------------------------------------------------------------ */

static enum status on_finish(void *self, const struct run_end *end, struct diag *diag)
{
    static const int emptied[] = {TRACK_RUNNING, TRACK_WAITING, TRACK_USED, TRACK_WASTED};
    struct chrome_trace *chrome = self;
    chrome->diag = diag;
    for (size_t lane = 0; lane < chrome->lane_count; lane++)
        if (chrome->lanes[lane].request != NOBODY)
            leave(chrome, chrome->lanes[lane].request, end->end_ns, "unfinished");
    /* If every request has left, nothing is held any more. No step shows that, as none runs after the last request. */
    for (size_t i = 0; i < sizeof emptied / sizeof *emptied && end->steps > 0 && end->unfinished == 0; i++)
        counter_track_add(&chrome->tracks[emptied[i]], end->end_ns, 0);
    for (int track = 0; track < TRACKS; track++)
        write_track(chrome, track);
    return chrome->status == SIM_OK ? text_writer_write(chrome->writer, "\n]}\n", 4, diag) : chrome->status;
}

struct observer chrome_trace_observer(struct chrome_trace *chrome)
{
    return (struct observer){.self = chrome, .tallies = on_tallies, .events = on_events, .finish = on_finish};
}

/* The object's members before traceEvents, then the two processes. The array and the object stay open: events follow, and on_finish
 * closes both. */
static enum status write_head(struct chrome_trace *chrome, struct diag *diag)
{
    static const char *const processes[] = {"pool and queues", "running requests"};
    struct json_text head;
    json_text_init(&head, false);
    json_open_object(&head);
    json_put_string(&head, "displayTimeUnit", "ms");
    json_key(&head, "otherData");
    json_open_object(&head);
    json_put_string(&head, "pagesim", SIM_VERSION);
    json_put_string(&head, "trace", chrome->trace->name);
    json_close_object(&head);
    json_key(&head, "traceEvents");
    json_open_array(&head);
    chrome->diag = diag;
    chrome->status = json_text_status(&head, diag);
    if (chrome->status == SIM_OK)
        chrome->status = text_writer_write(chrome->writer, head.text, head.length, diag);
    json_text_deinit(&head);
    for (int i = 0; i < 2; i++) {
        write_event(chrome, "\"ph\":\"M\",\"name\":\"process_name\",\"pid\":%d,\"args\":{\"name\":\"%s\"}", PID_COUNTERS + i, processes[i]);
        write_event(chrome, "\"ph\":\"M\",\"name\":\"process_sort_index\",\"pid\":%d,\"args\":{\"sort_index\":%d}", PID_COUNTERS + i, i);
    }
    return chrome->status;
}

enum status chrome_trace_create(const struct metrics *metrics, const struct config *config, struct text_writer *writer,
                                struct chrome_trace **out, struct diag *diag)
{
    struct chrome_trace *chrome;
    enum status status = array_zeroed(&chrome, 1, sizeof *chrome, "a trace of events", diag);
    if (status != SIM_OK)
        return status;
    chrome->metrics = metrics;
    chrome->trace = metrics->trace;
    chrome->block_size = kv_groups_of(config).alignment;
    chrome->writer = writer;
    status = array_zeroed(&chrome->lane_of, chrome->trace->count, sizeof *chrome->lane_of, "a trace of events", diag);
    for (uint32_t position = 0; position < chrome->trace->count && status == SIM_OK; position++)
        chrome->lane_of[position] = NOBODY;
    for (int track = 0; track < TRACKS && status == SIM_OK; track++)
        status = counter_track_init(&chrome->tracks[track], diag);
    if (status == SIM_OK)
        status = write_head(chrome, diag);
    if (status == SIM_OK)
        *out = chrome;
    else
        chrome_trace_destroy(chrome);
    return status;
}

void chrome_trace_destroy(struct chrome_trace *chrome)
{
    if (!chrome)
        return;
    for (int track = 0; track < TRACKS; track++)
        counter_track_deinit(&chrome->tracks[track]);
    free(chrome->lanes);
    free(chrome->lane_of);
    free(chrome);
}
