/* fuzz_journal.c - a sweep goes on from a journal of any content. The first byte says what the file is: the bytes as they are; the product's
 * own header with the bytes after it; or a whole journal of the product's with bytes of it changed. After a good start the missing runs are
 * appended, and then the journal must be whole and start the same again; a journal that is refused must stay as it was. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/harness.h"
#include "study/sweep_journal.h"
#include "study/tune_journal.h"

enum { FILE_AS_IT_IS, FILE_AFTER_HEADER, FILE_CHANGED, FILE_LINES, FILE_KINDS };
enum { RUNS = 3 };

static const struct sweep_identity identity = {.trace = 0x1234, .sweep = 0xABCDEF};
static const unsigned scopes = FIGURE_SCOPE(FIGURE_OF_GOODPUT);
static const struct figure_wishes wishes = {.names = {"p1_ttft_ms", "p2_ttft_ms"}, .count = 2};
static const struct figure_set figures = {.list = {{.name = "good_requests", .value = 12345678, .whole = true},
                                                   {.name = "request_goodput", .value = 1.0 / 3},
                                                   {.name = "p1_ttft_ms", .undefined = true},
                                                   {.name = "p2_ttft_ms", .value = 5e-300}},
                                          .count = 4};

static enum status start(const char *path, struct sweep_result *result, struct journal *journal, size_t *resumed, struct diag *diag)
{
    diag_clear(diag);
    FUZZ_CHECK(sweep_result_init(result, RUNS, scopes, &wishes, diag) == SIM_OK, "%s", diag->text);
    const enum status status = sweep_journal_open(journal, path, &identity, result, resumed, diag);
    fuzz_check_diag(status, diag);
    return status;
}

static void append_missing(struct sweep_result *result, struct journal *journal)
{
    struct diag diag = {0};
    for (size_t run = 0; run < RUNS; run++)
        if (result->rows[run].state == SWEEP_PENDING)
            FUZZ_CHECK(sweep_result_set(result, run, run == 1 ? SWEEP_STALLED : SWEEP_DONE, &figures, run == 1 ? "it \"stuck\"" : NULL,
                                        &diag) == SIM_OK &&
                           sweep_journal_append(journal, result, run, &diag) == SIM_OK,
                       "%s", diag.text);
}

static char *rows_text(const struct sweep_result *result)
{
    struct json_text json;
    struct diag diag = {0};
    json_text_init(&json, false);
    json_open_array(&json);
    for (size_t run = 0; run < RUNS; run++)
        if (result->rows[run].state != SWEEP_PENDING)
            sweep_row_write(result, run, &json);
    json_close_array(&json);
    FUZZ_CHECK(json_text_status(&json, &diag) == SIM_OK, "%s", diag.text);
    return json.text;
}

/* A journal of this version, whole; its header is the first line. */
static const char *whole_journal(size_t *length)
{
    static char *text;
    static size_t text_length;
    if (!text) {
        struct sweep_result result;
        struct journal journal;
        struct diag diag = {0};
        size_t resumed;
        const char *path = fuzz_file("whole", NULL, 0);
        FUZZ_CHECK(start(path, &result, &journal, &resumed, &diag) == SIM_OK, "%s", diag.text);
        append_missing(&result, &journal);
        journal_close(&journal);
        sweep_result_deinit(&result);
        text = fuzz_read(path, &text_length);
    }
    *length = text_length;
    return text;
}

/* The file that the input describes; the caller frees it. */
static char *make_file(uint32_t kind, struct fuzz_bytes *bytes, size_t *length)
{
    size_t whole;
    const char *journal = whole_journal(&whole);
    const size_t head = kind == FILE_AFTER_HEADER ? (size_t)(strchr(journal, '\n') + 1 - journal) : kind == FILE_CHANGED ? whole : 0;
    char *text = malloc(head + bytes->left + 1);
    FUZZ_CHECK(text, "out of memory");
    memcpy(text, journal, head);
    *length = head;
    if (kind == FILE_CHANGED) {
        *length -= fuzz_below(bytes, 2) ? fuzz_below(bytes, (uint32_t)whole) : 0;
        while (bytes->left > 0) {
            const uint32_t at = fuzz_below(bytes, (uint32_t)whole);
            text[at] = (char)fuzz_byte(bytes);
        }
        return text;
    }
    if (bytes->left > 0)
        memcpy(text + head, bytes->at, bytes->left);
    *length += bytes->left;
    return text;
}

static void check_resumed(const char *path, struct sweep_result *result, struct journal *journal, size_t resumed)
{
    struct diag diag = {0};
    struct sweep_result second;
    size_t pending = 0, again;
    for (size_t run = 0; run < RUNS; run++)
        pending += result->rows[run].state == SWEEP_PENDING;
    FUZZ_CHECK(resumed + pending == RUNS, "%zu runs are there and %zu missing", resumed, pending);
    append_missing(result, journal);
    journal_close(journal);
    FUZZ_CHECK(start(path, &second, journal, &again, &diag) == SIM_OK, "the journal that was gone on with is refused: %s", diag.text);
    FUZZ_CHECK(again == RUNS, "%zu of %d runs are kept", again, (int)RUNS);
    char *before = rows_text(result), *after = rows_text(&second);
    FUZZ_CHECK(strcmp(before, after) == 0, "%s\nis read back as\n%s", before, after);
    free(before);
    free(after);
    sweep_result_deinit(&second);
}

/* A line of a tuning that is taken is written as one that says the same. */
static void read_tune_line(const char *text, size_t length)
{
    struct diag diag = {0};
    struct tune_kept kept, again;
    struct json_text json;
    const enum status status = tune_kept_read("journal", 1, text, length, RUNS, &kept, &diag);
    fuzz_check_diag(status, &diag);
    if (status != SIM_OK)
        return;
    json_text_init(&json, false);
    tune_kept_write(&kept, &json);
    FUZZ_CHECK(tune_kept_read("journal", 1, json.text, json.length, RUNS, &again, &diag) == SIM_OK, "%s: %s", json.text, diag.text);
    FUZZ_CHECK(again.what.point == kept.what.point && again.what.seed == kept.what.seed && again.trial.passes == kept.trial.passes &&
                   memcmp(&again.trial.seen, &kept.trial.seen, sizeof kept.trial.seen) == 0,
               "%s", json.text);
    json_text_deinit(&json);
}

/* Lines alone, without what the file has to protect them. */
static void read_lines(struct fuzz_bytes *bytes)
{
    struct diag diag = {0};
    struct sweep_result result;
    FUZZ_CHECK(sweep_result_init(&result, RUNS, scopes, &wishes, &diag) == SIM_OK, "%s", diag.text);
    for (size_t line = 1; bytes->left > 0; line++) {
        const uint8_t *stop = memchr(bytes->at, '\n', bytes->left);
        const size_t length = stop ? (size_t)(stop - bytes->at) : bytes->left;
        diag_clear(&diag);
        fuzz_check_diag(sweep_row_read(&result, "journal", line, (const char *)bytes->at, length, &diag), &diag);
        read_tune_line((const char *)bytes->at, length);
        bytes->at += length + (stop != NULL);
        bytes->left -= length + (stop != NULL);
    }
    free(rows_text(&result));
    sweep_result_deinit(&result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes bytes = {data, size};
    struct sweep_result result;
    struct journal journal;
    struct diag diag = {0};
    size_t length, resumed, left;
    const uint32_t kind = fuzz_below(&bytes, FILE_KINDS);
    if (kind == FILE_LINES) {
        read_lines(&bytes);
        return 0;
    }
    char *text = make_file(kind, &bytes, &length);
    const char *path = fuzz_file("journal", text, length);
    const enum status status = start(path, &result, &journal, &resumed, &diag);
    if (status == SIM_OK) {
        check_resumed(path, &result, &journal, resumed);
    } else {
        char *after = fuzz_read(path, &left);
        FUZZ_CHECK(left == length && memcmp(after, text, length) == 0, "a journal that is refused was changed: %s", diag.text);
        free(after);
    }
    journal_close(&journal);
    sweep_result_deinit(&result);
    free(text);
    return 0;
}
