/* chrome_trace.c - see chrome_trace.h. */
#include "observe/chrome_trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/json.h"
#include "base/units.h"
#include "observe/counter_track.h"
#include "sim_version.h"

enum { PID_COUNTERS = 1, PID_LANES = 2, US_PLACES = 3, MS_PLACES = 6, LINE_SIZE = 1024 };
enum { TRACK_RUNNING, TRACK_WAITING, TRACK_USED, TRACK_CACHED, TRACK_WASTED, TRACKS };
/* Viewers call a track by both words. */
static const struct {
    const char *name, *unit;
} track_names[TRACKS] = {{"running", "requests"}, {"waiting", "requests"}, {"used", "blocks"}, {"cached", "blocks"}, {"wasted", "blocks"}};
#define NOBODY UINT32_MAX

/* A slot of the running batch and who is in it. */
struct lane {
    uint32_t request;  /* NOBODY: free */
    bool decodes;      /* from the start, as it was swapped in */
    int64_t decode_ns; /* else when prefill or recomputation was over; -1: not yet */
};

struct chrome_trace {
    const struct metrics *metrics;
    const struct trace *trace;
    uint32_t block_size;
    struct text_writer *writer;
    struct lane *lanes;
    size_t lane_count, lane_capacity, lowest_free;
    uint32_t *lane_of; /* by position; NOBODY: none */
    uint64_t flows;
    bool any; /* an event was written: the next one needs a comma */
    struct counter_track tracks[TRACKS];
};

/* One event: {...} of printf-like members. */
static enum status say(struct chrome_trace *chrome, struct diag *diag, const char *format, ...) __attribute__((format(printf, 3, 4)));
static enum status say(struct chrome_trace *chrome, struct diag *diag, const char *format, ...)
{
    char line[LINE_SIZE] = ",\n{";
    const size_t head = 3, skipped = chrome->any ? 0 : 1;
    va_list arguments;
    va_start(arguments, format);
    size_t length = head + (size_t)vsnprintf(line + head, sizeof line - head - 1, format, arguments);
    va_end(arguments);
    line[length++] = '}';
    chrome->any = true;
    return text_writer_write(chrome->writer, line + skipped, length - skipped, diag);
}

/* Nanoseconds as microseconds. */
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

static enum status name_lane(struct chrome_trace *chrome, size_t lane, struct diag *diag)
{
    enum status status = say(chrome, diag, "\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":%d,\"tid\":%zu,\"args\":{\"name\":\"slot %zu\"}",
                             PID_LANES, lane + 1, lane);
    if (status == SIM_OK)
        status = say(chrome, diag, "\"ph\":\"M\",\"name\":\"thread_sort_index\",\"pid\":%d,\"tid\":%zu,\"args\":{\"sort_index\":%zu}",
                     PID_LANES, lane + 1, lane);
    return status;
}

static enum status begin_phase(struct chrome_trace *chrome, const char *name, uint32_t lane, int64_t at_ns, struct diag *diag)
{
    return say(chrome, diag, "\"ph\":\"B\",\"name\":\"%s\",\"cat\":\"phase\",\"pid\":%d,\"tid\":%u,\"ts\":%s", name, PID_LANES, lane + 1,
               us_of(at_ns).text);
}

/* End of the innermost slice; `ended` not empty: how a residence ended. */
static enum status end_slice(struct chrome_trace *chrome, uint32_t lane, int64_t at_ns, const char *ended, struct diag *diag)
{
    const bool tells = *ended != '\0';
    return say(chrome, diag, "\"ph\":\"E\",\"pid\":%d,\"tid\":%u,\"ts\":%s%s%s%s", PID_LANES, lane + 1, us_of(at_ns).text,
               tells ? ",\"args\":{\"ended\":\"" : "", ended, tells ? "\"}" : "");
}

/* Begin of a residence with all that is known of it by then. */
static enum status begin_residence(struct chrome_trace *chrome, uint32_t number, const struct event *event, struct diag *diag)
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
        unit_decimal(event->time_ns - chrome->metrics->stories[request].arrival_ns, MS_PLACES, queued);
        snprintf(admitted + used, sizeof admitted - used, ",\"queued_ms\":%s", queued);
    }
    const struct us begin = us_of(event->time_ns);
    enum status status =
        say(chrome, diag,
            "\"ph\":\"B\",\"name\":\"request %u%s\",\"cat\":\"request\",\"pid\":%d,\"tid\":%u,\"ts\":%s,\"args\":{\"request\":%u,"
            "\"input_tokens\":%u,\"output_tokens\":%u%s}",
            trace->index[request], sample, PID_LANES, number + 1, begin.text, trace->index[request], trace->input_tokens[request],
            trace->output_tokens[request], admitted);
    return status == SIM_OK ? begin_phase(chrome, phase, number, event->time_ns, diag) : status;
}

static enum status enter(struct chrome_trace *chrome, const struct event *event, struct diag *diag)
{
    size_t number = chrome->lowest_free;
    while (number < chrome->lane_count && chrome->lanes[number].request != NOBODY)
        number++;
    enum status status = SIM_OK;
    if (number == chrome->lane_count) {
        status = array_reserve(&chrome->lanes, &chrome->lane_capacity, number + 1, sizeof *chrome->lanes, "the lanes of a trace", diag);
        if (status == SIM_OK)
            status = name_lane(chrome, number, diag);
        if (status != SIM_OK)
            return status;
        chrome->lane_count++;
    }
    chrome->lanes[number] = (struct lane){.request = event->request, .decodes = event->kind == EVENT_SWAP_IN, .decode_ns = -1};
    chrome->lane_of[event->request] = (uint32_t)number;
    chrome->lowest_free = number + 1;
    return begin_residence(chrome, (uint32_t)number, event, diag);
}

/* The end of what the request does now and of its residence. A change from prefill to decode is told only here, as a request may end
 * with its first token. */
static enum status leave(struct chrome_trace *chrome, uint32_t request, int64_t end_ns, const char *ended, struct diag *diag)
{
    const uint32_t number = chrome->lane_of[request];
    if (number == NOBODY)
        return SIM_OK;
    struct lane *lane = &chrome->lanes[number];
    enum status status = SIM_OK;
    if (lane->decode_ns >= 0 && lane->decode_ns < end_ns) {
        status = end_slice(chrome, number, lane->decode_ns, "", diag);
        if (status == SIM_OK)
            status = begin_phase(chrome, "decode", number, lane->decode_ns, diag);
    }
    if (status == SIM_OK)
        status = end_slice(chrome, number, end_ns, "", diag);
    if (status == SIM_OK)
        status = end_slice(chrome, number, end_ns, ended, diag);
    chrome->lane_of[request] = NOBODY;
    lane->request = NOBODY;
    if (number < chrome->lowest_free)
        chrome->lowest_free = number;
    return status;
}

/* The arrow from who took the block to who lost it. Both ends stand in slices that are still open. */
static enum status write_flow(struct chrome_trace *chrome, uint32_t from, uint32_t to, int64_t at_ns, struct diag *diag)
{
    static const char members[] =
        "\"ph\":\"%s\",\"name\":\"takes a block\",\"cat\":\"preemption\",\"id\":%llu%s,\"pid\":%d,\"tid\":%u,\"ts\":%s";
    const unsigned long long id = (unsigned long long)++chrome->flows;
    enum status status = say(chrome, diag, members, "s", id, "", PID_LANES, from + 1, us_of(at_ns).text);
    if (status == SIM_OK)
        status = say(chrome, diag, members, "f", id, ",\"bp\":\"e\"", PID_LANES, to + 1, us_of(at_ns).text);
    return status;
}

static enum status preempt(struct chrome_trace *chrome, const struct event *event, struct diag *diag)
{
    const uint32_t victim = chrome->lane_of[event->request], requester = chrome->lane_of[event->other];
    if (victim == NOBODY)
        return SIM_OK;
    enum status status =
        say(chrome, diag,
            "\"ph\":\"i\",\"s\":\"t\",\"name\":\"preempted\",\"cat\":\"preemption\",\"pid\":%d,\"tid\":%u,\"ts\":%s,\"args\":{"
            "\"request\":%u,\"for_request\":%u,\"by\":\"%s\",\"tokens_lost\":%lld,\"blocks\":%u}",
            PID_LANES, victim + 1, us_of(event->time_ns).text, chrome->trace->index[event->request], chrome->trace->index[event->other],
            event->extra == PREEMPT_SWAP ? "swap" : "recompute", (long long)event->value, event->blocks);
    /* A request that gives way to itself has no arrow. */
    if (status == SIM_OK && requester != NOBODY && requester != victim)
        status = write_flow(chrome, requester, victim, event->time_ns, diag);
    if (status == SIM_OK)
        status = leave(chrome, event->request, event->time_ns, "preempted", diag);
    return status;
}

/* A token: prefill or recomputation is over. The first token behind an admission always comes with an event. */
static void note_token(struct chrome_trace *chrome, const struct event *event)
{
    const uint32_t lane = chrome->lane_of[event->request];
    if (lane != NOBODY && !chrome->lanes[lane].decodes && chrome->lanes[lane].decode_ns < 0)
        chrome->lanes[lane].decode_ns = event->time_ns;
}

static enum status on_event(struct chrome_trace *chrome, const struct event *event, struct diag *diag)
{
    switch ((enum event_kind)event->kind) {
    case EVENT_ADMIT:
    case EVENT_READMIT:
    case EVENT_SWAP_IN:
        return enter(chrome, event, diag);
    case EVENT_PREEMPT:
        return preempt(chrome, event, diag);
    case EVENT_FINISH:
        return leave(chrome, event->request, event->time_ns, "finished", diag);
    case EVENT_IGNORE:
        return leave(chrome, event->request, event->time_ns, "ignored", diag);
    case EVENT_FIRST_TOKEN:
    case EVENT_GAP:
        note_token(chrome, event);
        return SIM_OK;
    default:
        return SIM_OK;
    }
}

static enum status on_events(void *self, const struct event *events, size_t count, struct diag *diag)
{
    enum status status = SIM_OK;
    for (size_t i = 0; i < count && status == SIM_OK; i++)
        status = on_event(self, &events[i], diag);
    return status;
}

/* --- counters --------------------------------------------------------------------------------------------------------------------- */

static enum status on_tallies(void *self, const struct step_tally *tallies, size_t count, struct diag *diag)
{
    struct chrome_trace *chrome = self;
    (void)diag;
    for (size_t i = 0; i < count; i++) {
        const struct step_tally *tally = &tallies[i];
        const double slots = (double)tally->table_blocks * chrome->block_size;
        counter_track_add(&chrome->tracks[TRACK_RUNNING], tally->start_ns, tally->running);
        counter_track_add(&chrome->tracks[TRACK_WAITING], tally->start_ns, tally->waiting);
        counter_track_add(&chrome->tracks[TRACK_USED], tally->start_ns, tally->used_blocks);
        counter_track_add(&chrome->tracks[TRACK_CACHED], tally->start_ns, tally->cached_blocks);
        counter_track_add(&chrome->tracks[TRACK_WASTED], tally->start_ns, (slots - (double)tally->held_tokens) / chrome->block_size);
    }
    return SIM_OK;
}

static enum status write_track(struct chrome_trace *chrome, int track, struct diag *diag)
{
    enum status status = SIM_OK;
    for (size_t cell = 0; cell < COUNTER_CELLS; cell++) {
        struct counter_point points[COUNTER_POINTS_MOST];
        const size_t count = counter_track_points(&chrome->tracks[track], cell, points);
        for (size_t i = 0; i < count && status == SIM_OK; i++) {
            char digits[32];
            plain_double(points[i].value, digits, sizeof digits);
            status = say(chrome, diag, "\"ph\":\"C\",\"name\":\"%s\",\"pid\":%d,\"ts\":%s,\"args\":{\"%s\":%s}", track_names[track].name,
                         PID_COUNTERS, us_of(points[i].at_ns).text, track_names[track].unit, digits);
        }
    }
    return status;
}

/* --- beginning and end ------------------------------------------------------------------------------------------------------------ */

static enum status on_finish(void *self, const struct run_end *end, struct diag *diag)
{
    struct chrome_trace *chrome = self;
    enum status status = SIM_OK;
    for (size_t lane = 0; lane < chrome->lane_count && status == SIM_OK; lane++)
        if (chrome->lanes[lane].request != NOBODY)
            status = leave(chrome, chrome->lanes[lane].request, end->end_ns, "unfinished", diag);
    /* When everybody has left, nothing is held; otherwise the last step's state stays. */
    static const int emptied[] = {TRACK_RUNNING, TRACK_WAITING, TRACK_USED, TRACK_WASTED};
    for (size_t i = 0; i < sizeof emptied / sizeof *emptied && end->steps > 0 && end->unfinished == 0; i++)
        counter_track_add(&chrome->tracks[emptied[i]], end->end_ns, 0);
    for (int track = 0; track < TRACKS && status == SIM_OK; track++)
        status = write_track(chrome, track, diag);
    return status == SIM_OK ? text_writer_write(chrome->writer, "\n]}\n", 4, diag) : status;
}

struct observer chrome_trace_observer(struct chrome_trace *chrome)
{
    return (struct observer){.self = chrome, .tallies = on_tallies, .events = on_events, .finish = on_finish};
}

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
    enum status status = json_text_status(&head, diag);
    if (status == SIM_OK)
        status = text_writer_write(chrome->writer, head.text, head.length, diag);
    json_text_deinit(&head);
    for (int i = 0; i < 2 && status == SIM_OK; i++) {
        status = say(chrome, diag, "\"ph\":\"M\",\"name\":\"process_name\",\"pid\":%d,\"args\":{\"name\":\"%s\"}", PID_COUNTERS + i,
                     processes[i]);
        if (status == SIM_OK)
            status = say(chrome, diag, "\"ph\":\"M\",\"name\":\"process_sort_index\",\"pid\":%d,\"args\":{\"sort_index\":%d}",
                         PID_COUNTERS + i, i);
    }
    return status;
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
    chrome->block_size = config->block_size;
    chrome->writer = writer;
    status = array_zeroed(&chrome->lane_of, chrome->trace->count, sizeof *chrome->lane_of, "a trace of events", diag);
    if (status == SIM_OK)
        memset(chrome->lane_of, 0xff, chrome->trace->count * sizeof *chrome->lane_of);
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
