/* fuzz_trace_readers.c - traces of all formats, plain or packed, read with all options; what was read is written as JSONL and must come back
 * the same. The input:
 *
 *     format    0: by content; then the readers in the order of TRACE_READERS; then --columns, whose list is the first line of the rest
 *     switches  SKIP_INVALID ...
 *     unit      of times
 *     edit      what is done to the trace before it is written
 *     the rest  is the file
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text_file.h"
#include "command/read_options.h"
#include "fuzz/harness.h"
#include "study/trace_facts.h"
#include "trace/trace_block_size.h"
#include "trace/trace_edit.h"
#include "trace/trace_reader.h"
#include "trace/trace_write.h"

enum { SKIP_INVALID = 1, PACKED = 2, ANSWERS_SHARED = 4, OUTPUT_LENGTH = 8, OUTPUT_RANGE = 16, LIMIT = 32, SAMPLES = 64 };
enum { EDIT_NONE, EDIT_SAMPLE, EDIT_SCALE, EDIT_ANONYMISE, EDIT_MERGE, EDIT_FILTER, EDITS };
/* A load is a rate, from which any number of requests may be drawn; nothing longer is of use here. */
enum { WORD_SIZE = 512, WORDS_MOST = 16, LIMIT_REQUESTS = 3, INPUT_MOST = 1 << 16 };

static const struct option_spec read_options[] = {READ_OPTIONS};
static const struct command reading = {.name = "read", .usage = "", .description = "", OPTIONS(read_options)};

/* --- options ----------------------------------------------------------------------------------------------------------------------- */

struct choice {
    char columns[WORD_SIZE], format[WORD_SIZE];
    char *words[WORDS_MOST];
    int count;
    uint32_t switches, edit;
    struct options options;
    struct read_names names;
};

static void add_word(struct choice *choice, char *word)
{
    choice->words[choice->count++] = word;
}

static char word_format[] = "--trace-format", word_columns[] = "--columns", word_unit[] = "--time-unit", word_skip[] = "--skip-invalid",
            word_answers[] = "--session-answers", word_share[] = "share", word_output[] = "--output-length", word_ten[] = "10",
            word_range[] = "--output-range", word_from_to[] = "2:9";
static char units[][4] = {"", "s", "ms", "us", "ns"};

static void add_format(struct choice *choice, struct fuzz_bytes *bytes)
{
    uint32_t readers = 0;
    while (trace_reader_at(readers))
        readers++;
    const uint32_t format = fuzz_below(bytes, readers + 2);
    choice->switches = fuzz_byte(bytes);
    const uint32_t unit = fuzz_below(bytes, sizeof units / sizeof *units);
    choice->edit = fuzz_below(bytes, EDITS);
    if (format == readers + 1) {
        fuzz_line(bytes, choice->columns, sizeof choice->columns);
        add_word(choice, word_columns);
        add_word(choice, choice->columns);
    } else if (format > 0) {
        snprintf(choice->format, sizeof choice->format, "%s", trace_reader_at(format - 1)->name);
        add_word(choice, word_format);
        add_word(choice, choice->format);
    }
    if (unit > 0) {
        add_word(choice, word_unit);
        add_word(choice, units[unit]);
    }
}

/* What the command line would make of the first bytes. */
static enum status choose(struct choice *choice, struct fuzz_bytes *bytes, struct trace_selection *selection, struct diag *diag)
{
    add_word(choice, word_format);
    add_format(choice, bytes);
    if (choice->switches & SKIP_INVALID)
        add_word(choice, word_skip);
    if (choice->switches & ANSWERS_SHARED) {
        add_word(choice, word_answers);
        add_word(choice, word_share);
    }
    if (choice->switches & (OUTPUT_LENGTH | OUTPUT_RANGE)) {
        const bool length = choice->switches & OUTPUT_LENGTH;
        add_word(choice, length ? word_output : word_range);
        add_word(choice, length ? word_ten : word_from_to);
    }
    *selection = trace_select_all();
    enum status status = options_parse(&reading, choice->count, choice->words, &choice->options, diag);
    if (status == SIM_OK)
        status = read_options_take(&choice->options, selection, &choice->names, diag);
    choice->names.lengths = random_workload_default();
    selection->lengths = &choice->names.lengths;
    selection->keep_ids = true;
    selection->limit = choice->switches & LIMIT ? LIMIT_REQUESTS : UINT64_MAX;
    selection->set_samples = choice->switches & SAMPLES ? 2 : 0;
    selection->samples_every = 2;
    return status;
}

/* --- a packed file ----------------------------------------------------------------------------------------------------------------- */

static uint32_t crc32_of(const uint8_t *bytes, size_t length)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
    }
    return ~crc;
}

static void put_little(char *to, uint32_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = (char)(value >> 8 * i);
}

/* gzip with one stored block: it needs no library and reads like any other. */
static const char *write_packed(const struct fuzz_bytes *bytes)
{
    enum { HEAD = 10, BLOCK = 5, TAIL = 8, STORED_MOST = 0xFFFF };
    const size_t length = bytes->left < STORED_MOST ? bytes->left : STORED_MOST;
    char *text = calloc(HEAD + BLOCK + length + TAIL, 1);
    FUZZ_CHECK(text, "out of memory");
    memcpy(text, "\x1f\x8b\x08\0\0\0\0\0\0\xff\x01", HEAD + 1);
    put_little(text + HEAD + 1, (uint32_t)length, 2);
    put_little(text + HEAD + 3, ~(uint32_t)length, 2);
    if (length > 0)
        memcpy(text + HEAD + BLOCK, bytes->at, length);
    put_little(text + HEAD + BLOCK + length, crc32_of(bytes->at, length), 4);
    put_little(text + HEAD + BLOCK + length + 4, (uint32_t)length, 4);
    const char *path = fuzz_file("packed", text, HEAD + BLOCK + length + TAIL);
    free(text);
    return path;
}

/* --- what must hold ----------------------------------------------------------------------------------------------------------------- */

static int64_t item(const struct trace *trace, size_t column, uint32_t position)
{
    const struct trace_column *kind = &trace_columns[column];
    const char *items = trace_column_items(trace, kind);
    int64_t whole = (int64_t)kind->otherwise;
    uint32_t half;
    if (items && kind->size == sizeof whole) {
        memcpy(&whole, items + position * sizeof whole, sizeof whole);
    } else if (items) {
        memcpy(&half, items + position * sizeof half, sizeof half);
        whole = half;
    }
    return whole;
}

/* JSON numbers are read as doubles, which hold nanoseconds up to 104 days exactly and later ones to some. */
static bool same_item(int64_t a, int64_t b)
{
    const int64_t all_whole = INT64_C(1) << 53;
    return a == b || (a > all_whole && b > all_whole && llabs(a - b) <= a / all_whole * 2 + 1);
}

static void check_names(const struct trace *a, const struct trace *b, uint32_t position)
{
    const uint32_t session = a->session ? a->session[position] : 0, again = b->session ? b->session[position] : 0;
    size_t length, length_again;
    FUZZ_CHECK((session == 0) == (again == 0), "request %u: a session on one side", position);
    if (session == 0)
        return;
    const char *name = session_names_text(&a->sessions, session, &length);
    const char *name_again = session_names_text(&b->sessions, again, &length_again);
    FUZZ_CHECK(length == length_again && memcmp(name, name_again, length) == 0, "request %u: its session is called %.*s and %.*s", position,
               (int)length, name, (int)length_again, name_again);
}

/* Sessions are compared by name, and numbers in the file not at all: rows are written in order of arrival. */
static void check_same(const struct trace *a, const struct trace *b)
{
    FUZZ_CHECK(a->count == b->count, "%u requests and %u", a->count, b->count);
    for (uint32_t position = 0; position < a->count; position++) {
        for (size_t column = 0; column < TRACE_COLUMNS_OF_FILES; column++)
            if (trace_columns[column].offset != offsetof(struct trace, session))
                FUZZ_CHECK(same_item(item(a, column, position), item(b, column, position)), "request %u, column %zu: %lld and %lld",
                           position, column, (long long)item(a, column, position), (long long)item(b, column, position));
        check_names(a, b, position);
        const uint64_t ids = trace_hash_count(a, position);
        FUZZ_CHECK(ids == trace_hash_count(b, position), "request %u: %llu ids and %llu", position, (unsigned long long)ids,
                   (unsigned long long)trace_hash_count(b, position));
        for (uint64_t i = 0; i < ids; i++)
            FUZZ_CHECK(trace_id_in_file(a, a->hash_ids[a->hash_start[position] + i]) ==
                           trace_id_in_file(b, b->hash_ids[b->hash_start[position] + i]),
                       "request %u: id %llu differs", position, (unsigned long long)i);
    }
}

static const char *write_trace(const char *name, const struct trace *trace)
{
    struct diag diag = {0};
    struct text_writer *writer;
    const char *path = fuzz_path(name);
    FUZZ_CHECK(text_writer_open(path, &writer, &diag) == SIM_OK, "%s", diag.text);
    FUZZ_CHECK(trace_write(trace, writer, &diag) == SIM_OK, "%s", diag.text);
    FUZZ_CHECK(text_writer_commit(writer, &diag) == SIM_OK, "%s", diag.text);
    return path;
}

static void check_round_trip(const struct trace *trace)
{
    struct diag diag = {0};
    struct trace_selection all = trace_select_all();
    struct trace *again;
    all.keep_ids = true;
    FUZZ_CHECK(trace_load(write_trace("written", trace), &all, &again, &diag) == SIM_OK, "what was written cannot be read: %s", diag.text);
    check_same(trace, again);
    trace_destroy(again);
}

/* Packed or not, a file says the same. */
static void check_packed(const struct trace *plain, enum status status, const struct fuzz_bytes *bytes,
                         const struct trace_selection *selection)
{
    struct diag diag = {0};
    struct trace *trace = NULL;
    const enum status packed = trace_load(write_packed(bytes), selection, &trace, &diag);
    FUZZ_CHECK(packed == status, "packed it is %d and else %d: %s", (int)packed, (int)status, diag.text);
    if (status == SIM_OK)
        check_same(plain, trace);
    trace_destroy(trace);
}

/* A load says how many requests a second come, from a time on or for ten minutes. Thousands of requests are no more than tens. */
static bool draws_little(const struct fuzz_bytes *bytes, const struct trace_selection *selection)
{
    enum { RATES_MOST = 20, SECONDS_MOST = 2000 };
    const struct trace_reader *load = trace_reader_find("servegen");
    char *text = calloc(bytes->left + TEXT_FILE_SLACK, 1);
    double rates = 0, seconds = 0;
    FUZZ_CHECK(text, "out of memory");
    if (bytes->left > 0)
        memcpy(text, bytes->at, bytes->left);
    const size_t blank = strspn(text, " \t\r\n");
    const struct trace_head head = {.text = text + blank, .length = bytes->left - blank, .line_length = strcspn(text + blank, "\n")};
    const bool is_load = selection->reader ? selection->reader == load : load->recognises(&head) || !isprint((unsigned char)text[blank]);
    for (const char *comma = strchr(text, ','); comma && is_load; comma = strchr(comma + 1, ','))
        rates += fabs(strtod(comma + 1, NULL));
    for (const char *start = text; start && is_load; start = strchr(start + 1, '\n'))
        seconds += fabs(strtod(start, NULL));
    free(text);
    return rates <= RATES_MOST && seconds <= SECONDS_MOST;
}

static enum status edit_trace(uint32_t edit, struct trace **trace, struct diag *diag)
{
    const struct trace_filter filter = {.input_most = 1000, .output_most = 1000, .priority_least = INT32_MIN, .priority_most = INT32_MAX};
    struct trace *const both[] = {*trace, *trace};
    struct trace *merged;
    uint32_t size;
    bool inferred;
    if (trace_block_size_choose(*trace, 0, &size, &inferred, diag) != SIM_OK)
        return diag->status;
    switch (edit) {
    case EDIT_SAMPLE:
        return trace_sample(trace, 0.5, 1, diag);
    case EDIT_SCALE:
        return trace_scale(*trace, 3, 0.25, size, diag);
    case EDIT_ANONYMISE:
        return trace_anonymise(*trace, diag);
    case EDIT_FILTER:
        return trace_filter(trace, &filter, diag);
    case EDIT_MERGE:
        if (trace_merge(both, (const uint32_t[]){size, size}, 2, &merged, diag) != SIM_OK)
            return diag->status;
        trace_destroy(*trace);
        *trace = merged;
        return SIM_OK;
    default:
        return SIM_OK;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes bytes = {data, size};
    struct trace_selection selection;
    struct diag diag = {0};
    struct trace *trace = NULL;
    struct choice *choice = calloc(1, sizeof *choice);
    FUZZ_CHECK(choice, "out of memory");
    enum status status = size > INPUT_MOST ? SIM_USAGE : choose(choice, &bytes, &selection, &diag);
    if (status == SIM_OK && !draws_little(&bytes, &selection))
        status = SIM_USAGE;
    if (status == SIM_OK) {
        status = trace_load(fuzz_file("trace", (const char *)bytes.at, bytes.left), &selection, &trace, &diag);
        fuzz_check_diag(status, &diag);
        if (choice->switches & PACKED && bytes.left < UINT16_MAX && bytes.left > 0)
            check_packed(trace, status, &bytes, &selection);
    }
    if (status == SIM_OK)
        check_round_trip(trace);
    if (status == SIM_OK && edit_trace(choice->edit, &trace, &diag) == SIM_OK && choice->edit != EDIT_NONE)
        check_round_trip(trace);
    trace_destroy(trace);
    free(choice);
    return 0;
}
