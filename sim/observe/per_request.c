/* per_request.c - builds one row a request, cell by cell. Read doc/formats.md section 5 first: it explains every field. fill_row() puts the
 * cells in the order of `header`, for both formats, so that CSV and JSON cannot disagree. */
#include "observe/per_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/units.h"
#include "observe/latency.h"
#include "trace/request_order.h"

/* A row's cells, their names included, fit 1024 bytes. Six decimals of a millisecond are whole nanoseconds. */
enum { ROW_SIZE = 1024, MS_PLACES = 6 };

/* The header of the CSV form. The names of JSON members are taken out of it. */
static const char header[] =
    "request,sample,n,status,reason,arrival_ms,first_scheduled_ms,first_token_ms,finish_ms,input_tokens,output_tokens,"
    "generated_tokens,cached_tokens,preemptions,queue_ms,ttft_ms,tpot_ms,e2el_ms";
/* What stands after it with several servers. */
static const char servers_header[] = ",replica,prefill_replica,routing_wait_ms";

const char *const request_status_names[] = {"completed", "dropped", "ignored", "unfinished"};

/* A finish time decides first: whatever happened to a request before, it completed. */
enum request_status request_status(const struct request_story *story)
{
    return story->finish_ns >= 0 ? REQUEST_COMPLETED
           : story->dropped      ? REQUEST_DROPPED
           : story->ignored      ? REQUEST_IGNORED
                                 : REQUEST_UNFINISHED;
}

const char *request_drop_reason(const struct request_story *story)
{
    static const char *const names[DROP_REASONS] = {"max_model_len", "pool", "watermark", "queue"};
    return names[story->drop_reason];
}

/* A row under construction: cells from left to right. */
struct row {
    enum per_request_format format;
    const char *name; /* of the next cell */
    size_t length;
    char text[ROW_SIZE];
};

/* Adds a cell. `quoted`: the text is a word, which JSON wants in quotes. NULL: no value, which is null in JSON and empty in CSV. */
static void put(struct row *row, const char *text, bool quoted)
{
    /* The name is the next word of the header, up to a comma or the end of the line: cells come in the header's order or not at all. */
    const size_t room = sizeof row->text - row->length, name_length = strcspn(row->name, ",\n");
    const char *quote = quoted && text ? "\"" : "";
    int wrote;
    if (row->format == PER_REQUEST_CSV)
        wrote = snprintf(row->text + row->length, room, "%s%s", row->length ? "," : "", text ? text : "");
    else
        wrote = snprintf(row->text + row->length, room, "%s\"%.*s\":%s%s%s", row->length ? "," : "{", (int)name_length, row->name, quote,
                         text ? text : "null", quote);
    row->length += (size_t)wrote;
    row->name += name_length + 1;
}

static void put_count(struct row *row, uint64_t value)
{
    char digits[UNIT_TEXT];
    snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    put(row, digits, false);
}

/* Nanoseconds as milliseconds, in integer arithmetic: a double would lose nanoseconds in long traces. */
static void put_ms(struct row *row, int64_t ns, bool reached)
{
    char digits[UNIT_TEXT];
    if (reached)
        unit_decimal(ns, MS_PLACES, digits);
    put(row, reached ? digits : NULL, false);
}

/* TPOT is a quotient, so unlike the times it is a double in its shortest form. */
static void put_tpot(struct row *row, const struct metrics *metrics, uint32_t position)
{
    char digits[UNIT_TEXT];
    double ms;
    const struct request_story story = metrics_story(metrics, position);
    bool has = request_latency_ms(&story, LATENCY_TPOT, metrics->trace, position, &ms);
    if (has)
        plain_double(ms, digits, sizeof digits);
    put(row, has ? digits : NULL, false);
}

/* How many sequences the row stands for. In V1, samples are requests of their own by now, and the trace has no sample counts left. */
static uint32_t sequences_of(const struct trace *trace, uint32_t position)
{
    if (trace->beam_width && trace->beam_width[position] > 0)
        return trace->beam_width[position];
    return trace->samples ? trace->samples[position] : 1;
}

/* Latencies are differences of the row's own times, except TPOT, so that a reader who subtracts gets the same digits. */
static void fill_row(struct row *row, const struct metrics *metrics, uint32_t position)
{
    const struct trace *trace = metrics->trace;
    const struct request_story story = metrics_story(metrics, position);
    const enum request_status status = request_status(&story);
    put_count(row, trace_index(trace, position));
    put_count(row, trace_sample_of(trace, position));
    put_count(row, sequences_of(trace, position));
    put(row, request_status_names[status], true);
    put(row, status == REQUEST_DROPPED ? request_drop_reason(&story) : NULL, true);
    put_ms(row, story.arrival_ns, true);
    put_ms(row, story.first_scheduled_ns, story.first_scheduled_ns >= 0);
    put_ms(row, story.first_token_ns, story.first_token_ns >= 0);
    put_ms(row, story.finish_ns, story.finish_ns >= 0);
    put_count(row, trace->input_tokens[position]);
    put_count(row, trace->output_tokens[position]);
    put_count(row, story.output_tokens);
    put_count(row, story.cached_tokens);
    put_count(row, story.preemptions);
    put_ms(row, story.first_scheduled_ns - story.arrival_ns, story.first_scheduled_ns >= 0);
    put_ms(row, story.first_token_ns - story.arrival_ns, story.first_token_ns >= 0);
    put_tpot(row, metrics, position);
    put_ms(row, story.finish_ns - story.arrival_ns, story.finish_ns >= 0);
}

static void put_server(struct row *row, const uint32_t *numbers, uint32_t position)
{
    if (numbers && numbers[position] != UINT32_MAX)
        put_count(row, numbers[position]);
    else
        put(row, NULL, false);
}

static void fill_servers(struct row *row, const struct request_servers *servers, uint32_t position)
{
    row->name = servers_header + 1;
    put_server(row, servers->answered_by, position);
    put_server(row, servers->prefilled_by, position);
    put_ms(row, servers->routing_wait_ns[position], servers->routing_wait_ns[position] >= 0);
}

enum status per_request_write(const struct metrics *metrics, const struct request_servers *servers, enum per_request_format format,
                              struct text_writer *writer, struct diag *diag)
{
    const char *end = format == PER_REQUEST_CSV ? "\n" : "}\n";
    uint32_t *order;
    enum status status = request_order(metrics->trace, &order, diag);
    if (status != SIM_OK)
        return status;
    if (format == PER_REQUEST_CSV)
        status = text_writer_write(writer, header, sizeof header - 1, diag);
    if (format == PER_REQUEST_CSV && servers && status == SIM_OK)
        status = text_writer_write(writer, servers_header, sizeof servers_header - 1, diag);
    if (format == PER_REQUEST_CSV && status == SIM_OK)
        status = text_writer_write(writer, "\n", 1, diag);
    for (uint32_t i = 0; i < metrics->trace->count && status == SIM_OK; i++) {
        struct row row = {.format = format, .name = header};
        fill_row(&row, metrics, order[i]);
        if (servers)
            fill_servers(&row, servers, order[i]);
        row.length += (size_t)snprintf(row.text + row.length, sizeof row.text - row.length, "%s", end);
        status = text_writer_write(writer, row.text, row.length, diag);
    }
    free(order);
    return status;
}
