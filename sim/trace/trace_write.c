/* trace_write.c - rows as text, put together in a buffer that goes to the writer when it is full. Read put_row first.
 *
 * Nearly all bytes of a trace are numbers, so they are made two digits at a time and without a format string. Before anything is put, room is
 * made for the largest piece; the pieces themselves then ask for nothing. */
#include "trace/trace_write.h"

#include <inttypes.h>
#include <string.h>

#include "base/digits.h"

/* A row without its ids and its session's name is shorter than ROOM, and so is an id, or a character of a name. */
enum { BUFFER = 1 << 16, ROOM = 512 };

struct sheet {
    struct text_writer *writer;
    struct diag *diag;
    size_t used;
    char text[BUFFER];
};

/* Room for ROOM bytes more. */
static inline enum status make_room(struct sheet *sheet)
{
    if (sheet->used + ROOM <= BUFFER)
        return SIM_OK;
    const size_t used = sheet->used;
    sheet->used = 0;
    return text_writer_write(sheet->writer, sheet->text, used, sheet->diag);
}

#define PUT(sheet, literal) put(sheet, literal, sizeof(literal) - 1)

static inline void put(struct sheet *sheet, const char *text, size_t length)
{
    memcpy(sheet->text + sheet->used, text, length);
    sheet->used += length;
}

static inline void put_uint(struct sheet *sheet, uint64_t value)
{
    sheet->used = (size_t)(digits_put(sheet->text + sheet->used, value) - sheet->text);
}

/* Nanoseconds as milliseconds: as a fraction of integers it is exact, where a double would not be. */
static void put_ms(struct sheet *sheet, int64_t ns)
{
    enum { NS_PER_MS = 1000000, DECIMALS = 6 };
    uint32_t rest = (uint32_t)(ns % NS_PER_MS), decimals = DECIMALS;
    put_uint(sheet, (uint64_t)ns / NS_PER_MS);
    if (rest == 0)
        return;
    for (; rest % 10 == 0; rest /= 10)
        decimals--;
    sheet->text[sheet->used] = '.';
    for (uint32_t i = decimals; i > 0; i--, rest /= 10)
        sheet->text[sheet->used + i] = (char)('0' + rest % 10);
    sheet->used += decimals + 1;
}

/* Names are bytes of UTF-8 as the reader has decoded them; only what JSON forbids in a string is escaped. */
static enum status put_name(struct sheet *sheet, const char *name, size_t length)
{
    static const char hex[] = "0123456789abcdef";
    enum status status = SIM_OK;
    PUT(sheet, "\"");
    for (size_t i = 0; i < length && status == SIM_OK; i++) {
        const unsigned char byte = (unsigned char)name[i];
        if (byte < ' ' || byte == 127) {
            PUT(sheet, "\\u00");
            sheet->text[sheet->used++] = hex[byte >> 4];
            sheet->text[sheet->used++] = hex[byte & 15];
        } else {
            if (byte == '"' || byte == '\\')
                PUT(sheet, "\\");
            sheet->text[sheet->used++] = (char)byte;
        }
        status = make_room(sheet);
    }
    PUT(sheet, "\"");
    return status;
}

static enum status put_numbered(struct sheet *sheet, const struct session_names *names, uint32_t number)
{
    size_t length;
    const char *name = session_names_text(names, number, &length);
    return put_name(sheet, name, length);
}

/* A prompt may have a hundred thousand ids, so room is asked for between them. */
static enum status put_ids(struct sheet *sheet, const struct trace *trace, uint32_t position)
{
    enum status status = SIM_OK;
    if (trace_hash_count(trace, position) == 0)
        return SIM_OK;
    const uint64_t start = trace->hash_start[position], end = trace->hash_start[position + 1];
    PUT(sheet, ",\"hash_ids\":");
    for (uint64_t i = start; i < end && status == SIM_OK; i++) {
        sheet->text[sheet->used++] = i == start ? '[' : ',';
        put_uint(sheet, trace_id_in_file(trace, trace->hash_ids[i]));
        status = make_room(sheet);
    }
    PUT(sheet, "]");
    return status;
}

/* What rows rarely say; the usual trace has none of these columns. */
static enum status put_optional(struct sheet *sheet, const struct trace *trace, uint32_t position)
{
    static const char *const reasons[] = {[TRACE_FINISH_SAID(FINISH_LENGTH)] = "length", [TRACE_FINISH_SAID(FINISH_STOP)] = "stop"};
    const uint32_t session = trace->session ? trace->session[position] : 0, tenant = trace->tenant ? trace->tenant[position] : 0;
    const uint32_t reason = trace->finish_reason ? trace->finish_reason[position] : TRACE_FINISH_NOT_SAID;
    enum status status = SIM_OK;
    if (trace->priority && trace->priority[position] != 0) {
        const int64_t priority = trace->priority[position];
        PUT(sheet, ",\"priority\":");
        put(sheet, "-", priority < 0);
        put_uint(sheet, (uint64_t)(priority < 0 ? -priority : priority));
    }
    if (trace->samples && trace->samples[position] != 1) {
        PUT(sheet, ",\"n\":");
        put_uint(sheet, trace->samples[position]);
    }
    if (trace->beam_width && trace->beam_width[position] != 0) {
        PUT(sheet, ",\"beam_width\":");
        put_uint(sheet, trace->beam_width[position]);
    }
    if (reason != TRACE_FINISH_NOT_SAID) {
        PUT(sheet, ",\"finish_reason\":");
        status = put_name(sheet, reasons[reason], strlen(reasons[reason]));
    }
    if (trace->delay_ns && trace->delay_ns[position] != 0) {
        PUT(sheet, ",\"delay\":");
        put_ms(sheet, trace->delay_ns[position]);
    }
    if (session != 0 && status == SIM_OK) {
        PUT(sheet, ",\"session_id\":");
        status = put_numbered(sheet, &trace->sessions, session);
    }
    if (tenant != 0 && status == SIM_OK) {
        PUT(sheet, ",\"tenant\":");
        status = put_numbered(sheet, &trace->tenants, tenant);
    }
    return status;
}

/* How many tokens an id names is said once, in the first row, where the file that was read, or its format, says it. */
static void put_block_size(struct sheet *sheet, const struct trace *trace, uint32_t position)
{
    if (position > 0 || trace->facts.tokens_per_hash_id == 0 || !trace->hash_start)
        return;
    PUT(sheet, ",\"trace_block_size\":");
    put_uint(sheet, trace->facts.tokens_per_hash_id);
}

/* A row without a time stays one: whether that is fine depends on the load that it is replayed with. */
static enum status put_row(struct sheet *sheet, const struct trace *trace, uint32_t position)
{
    enum status status = make_room(sheet);
    if (status != SIM_OK)
        return status;
    PUT(sheet, "{");
    if (!trace->untimed || !trace->untimed[position]) {
        PUT(sheet, "\"timestamp\":");
        put_ms(sheet, trace->arrival_ns[position]);
        PUT(sheet, ",");
    }
    PUT(sheet, "\"input_length\":");
    put_uint(sheet, trace->input_tokens[position]);
    PUT(sheet, ",\"output_length\":");
    put_uint(sheet, trace->output_tokens[position]);
    put_block_size(sheet, trace, position);
    status = put_ids(sheet, trace, position);
    if (status == SIM_OK)
        status = put_optional(sheet, trace, position);
    PUT(sheet, "}\n");
    return status;
}

enum status trace_write(const struct trace *trace, struct text_writer *writer, struct diag *diag)
{
    struct sheet sheet = {.writer = writer, .diag = diag};
    enum status status = SIM_OK;
    for (uint32_t position = 0; position < trace->count && status == SIM_OK; position++)
        status = put_row(&sheet, trace, position);
    return status == SIM_OK ? text_writer_write(writer, sheet.text, sheet.used, diag) : status;
}
