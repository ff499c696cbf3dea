/* trace_generate.c - the fixed workloads of traces/, drawn request by request and written at once, and a trace repeated. Read trace_generate
 * first, then the draw_ function of a kind.
 */
#include "trace/trace_generate.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/seeded_random.h"

/* Uniform; the bias of the remainder is below 2^-32 and the same everywhere. */
static uint32_t between(uint64_t *state, uint32_t least, uint32_t most)
{
    return least + (uint32_t)(seeded_bits(state) % (most - least + 1));
}

/* Geometric with the given mean: an exponential gap without floating point. Draws fair trials of 1 in 64 steps of mean / 64. */
static uint64_t gap(uint64_t *state, uint64_t mean)
{
    uint64_t steps = 0;
    while (seeded_bits(state) % 64 != 0 && steps < UINT64_C(64) * 20)
        steps++;
    return steps * mean / 64;
}

/* Numbers that a command line can change; the draws themselves are fixed, so that a seed keeps its bytes. */
struct generated_spec generated_default(enum generated_kind kind)
{
    static const struct generated_spec specs[] = {
        [GENERATED_CHAT] = {.requests = 400, .mean_gap_us = 120000},
        [GENERATED_CODE] = {.requests = 400, .mean_gap_us = 60000},
        [GENERATED_LONG] = {.requests = 60, .mean_gap_us = 900000},
    };
    struct generated_spec spec = specs[kind];
    spec.kind = kind;
    spec.block_tokens = 16;
    return spec;
}

/* One request; ids are `shared` consecutive ids from first_shared, then `own` from first_own. */
struct drawn {
    uint64_t arrival_us;
    uint32_t input, output;
    uint64_t first_shared, shared, first_own, own;
};

/* Microseconds as a decimal fraction of milliseconds: exact, where a double would print digits of its own. */
static void write_request(const struct drawn *request, FILE *file)
{
    fprintf(file, "{\"timestamp\":%" PRIu64 ".%03u,\"input_length\":%u,\"output_length\":%u", request->arrival_us / 1000,
            (unsigned)(request->arrival_us % 1000), request->input, request->output);
    if (request->shared + request->own > 0) {
        fputs(",\"hash_ids\":[", file);
        for (uint64_t i = 0; i < request->shared + request->own; i++)
            fprintf(file, "%s%" PRIu64, i ? "," : "",
                    i < request->shared ? request->first_shared + i : request->first_own + i - request->shared);
        fputc(']', file);
    }
    fputs("}\n", file);
}

/* A conversation: its prompt so far is a chain of ids that only grows. */
struct session {
    uint64_t first_id; /* of its own part */
    uint32_t own_blocks, system;
};

enum { SYSTEM_PROMPTS = 3, SYSTEM_BLOCKS = 48, SESSION_ROOM = 1 << 12, OWN_IDS = 1 << 20 };

/* A turn: everything said before, what the user adds, and an answer that the next turn repeats. */
static void draw_chat(const struct generated_spec *spec, struct session *sessions, uint32_t count, uint64_t *state, struct drawn *request)
{
    struct session *session = &sessions[seeded_bits(state) % (count ? count : 1)];
    uint32_t turn = between(state, 1, 6); /* blocks that the user adds */
    if (session->own_blocks + turn > SESSION_ROOM / 16)
        session->own_blocks = 0; /* a new conversation in the same place */
    session->own_blocks += turn;
    request->first_shared = (uint64_t)session->system * SYSTEM_BLOCKS;
    request->shared = SYSTEM_BLOCKS;
    request->first_own = session->first_id;
    request->own = session->own_blocks;
    request->input = (SYSTEM_BLOCKS + session->own_blocks) * spec->block_tokens - between(state, 0, spec->block_tokens - 1);
    request->output = between(state, 20, 180);
    session->own_blocks += request->output / spec->block_tokens; /* the answer is part of the next prompt */
}

/* Completions in one file share its head, up to where the cursor is. */
static void draw_code(const struct generated_spec *spec, uint32_t number, uint64_t *state, struct drawn *request)
{
    uint32_t file = number / 12; /* a burst works on one file */
    request->first_shared = OWN_IDS + (uint64_t)file * 256;
    request->shared = between(state, 40, 120);
    request->first_own = 2 * (uint64_t)OWN_IDS + (uint64_t)number * 16;
    request->own = between(state, 1, 8);
    request->input = (uint32_t)(request->shared + request->own) * spec->block_tokens - between(state, 0, spec->block_tokens - 1);
    request->output = between(state, 4, 48);
}

/* No ids: nothing is shared, so nothing but the pool's size matters. */
static void draw_long(uint64_t *state, struct drawn *request)
{
    request->input = between(state, 1500, 6000);
    request->output = between(state, 300, 1500);
}

/* A mean gap of 0 puts all at time 0. */
static uint64_t next_arrival(const struct generated_spec *spec, uint32_t number, uint64_t now_us, uint64_t *state)
{
    if (spec->mean_gap_us == 0)
        return 0;
    if (spec->kind == GENERATED_CODE) /* a dozen at once, then quiet */
        return now_us + (number % 12 ? gap(state, spec->mean_gap_us / 20) : gap(state, UINT64_C(12) * spec->mean_gap_us));
    return now_us + gap(state, spec->mean_gap_us);
}

enum status trace_generate(const struct generated_spec *spec, FILE *file, struct diag *diag)
{
    uint32_t session_count = spec->requests / 6 + 1;
    uint64_t state = spec->seed * 4 + (uint64_t)spec->kind, now_us = 0;
    struct session *sessions;
    enum status status = array_zeroed(&sessions, session_count, sizeof *sessions, "sessions", diag);
    if (status != SIM_OK)
        return status;
    for (uint32_t i = 0; i < session_count; i++)
        sessions[i] = (struct session){.first_id = OWN_IDS + (uint64_t)i * SESSION_ROOM, .system = i % SYSTEM_PROMPTS};
    for (uint32_t number = 0; number < spec->requests && !ferror(file); number++) {
        now_us = number ? next_arrival(spec, number, now_us, &state) : 0;
        if (now_us > INT64_MAX / 1000) {
            status = diag_set(diag, SIM_BAD_INPUT,
                              "request %u would arrive after 292 years, when the clock ends; lower --mean-gap-us or --requests", number);
            break;
        }
        struct drawn request = {.arrival_us = now_us};
        switch (spec->kind) {
        case GENERATED_CHAT:
            draw_chat(spec, sessions, session_count, &state, &request);
            break;
        case GENERATED_CODE:
            draw_code(spec, number, &state, &request);
            break;
        case GENERATED_LONG:
            draw_long(&state, &request);
            break;
        }
        write_request(&request, file);
    }
    free(sessions);
    return status;
}

static void repeat_request(const struct trace *trace, uint32_t position, int64_t shift_ns, uint64_t id_shift, FILE *file)
{
    int64_t arrival_ns = trace->arrival_ns[position] + shift_ns;
    fprintf(file, "{\"timestamp\":%" PRId64 ".%06d,\"input_length\":%u,\"output_length\":%u", arrival_ns / 1000000,
            (int)(arrival_ns % 1000000), trace->input_tokens[position], trace->output_tokens[position]);
    uint64_t hashes = trace_hash_count(trace, position);
    for (uint64_t i = 0; i < hashes; i++)
        fprintf(file, "%s%" PRIu64, i ? "," : ",\"hash_ids\":[", trace->hash_ids[trace->hash_start[position] + i] + id_shift);
    fputs(hashes ? "]" : "", file);
    if (trace->priority && trace->priority[position])
        fprintf(file, ",\"priority\":%d", trace->priority[position]);
    if (trace->samples && trace->samples[position] != 1)
        fprintf(file, ",\"n\":%u", trace->samples[position]);
    if (trace->beam_width && trace->beam_width[position])
        fprintf(file, ",\"beam_width\":%u", trace->beam_width[position]);
    if (trace->finish_reason && trace->finish_reason[position] != TRACE_FINISH_NOT_SAID)
        fprintf(file, ",\"finish_reason\":\"%s\"", trace_finish_reason(trace, position, FINISH_LENGTH) == FINISH_STOP ? "stop" : "length");
    fputs("}\n", file);
}

/* All fields that the reader knows are written, so that a repeated trace says what the original says. The last arrival of all is looked at
 * before anything is written. */
enum status trace_repeat(const struct trace *trace, uint32_t times, int64_t gap_ns, FILE *file, struct diag *diag)
{
    const int64_t last = trace->arrival_ns[trace->count - 1], span_ns = last - trace->arrival_ns[0];
    if (gap_ns < 0)
        gap_ns = trace->count > 1 ? span_ns / (trace->count - 1) : 0;
    if ((__int128)(times - 1) * ((__int128)span_ns + gap_ns) + last >= INT64_MAX)
        return diag_set(diag, SIM_BAD_INPUT,
                        "%s: %u copies of %.9g s, %.9g s apart, would end after 292 years (2^63 ns), which no clock here counts; lower "
                        "--times or --gap-ms",
                        trace->name, times, (double)span_ns / 1e9, (double)gap_ns / 1e9);
    for (uint32_t time = 0; time < times && !ferror(file); time++) /* nobody reads on, or the disk is full */
        for (uint32_t position = 0; position < trace->count; position++)
            repeat_request(trace, position, time * (span_ns + gap_ns), (uint64_t)time * trace->distinct_hashes, file);
    return SIM_OK;
}
