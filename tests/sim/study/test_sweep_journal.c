/* test_sweep_journal.c - a journal cut at any byte loses at most its last line; one of something else is refused. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text_file.h"
#include "study/sweep_journal.h"
#include "support/temp_file.h"

enum { RUNS = 3 };
static const struct sweep_identity identity = {.trace = 0x1234, .sweep = 0xABCDEF};
static const struct figure figures[] = {{.name = "requests", .value = 12345678, .whole = true},
                                        {.name = "p99_ttft_ms", .value = 1.0 / 3},
                                        {.name = "mean_tpot_ms", .undefined = true},
                                        {.name = "tiny", .value = 5e-300},
                                        {.name = "drift", .value = -2}};
enum { FIGURES = sizeof figures / sizeof *figures };

static enum status open_journal(const char *path, const struct sweep_identity *who, struct sweep_result *result, struct sweep_journal **out,
                                size_t *resumed, struct diag *diag)
{
    *diag = (struct diag){0};
    *out = NULL;
    cr_assert_eq(sweep_result_init(result, RUNS, diag), SIM_OK);
    return sweep_journal_open(path, who, result, out, resumed, diag);
}

static void append_missing(struct sweep_result *result, struct sweep_journal *journal)
{
    struct diag diag = {0};
    for (size_t run = RUNS; run-- > 0;) {
        if (result->rows[run].state != SWEEP_PENDING)
            continue;
        struct figure mine[FIGURES];
        memcpy(mine, figures, sizeof mine);
        mine[0].value += (double)run;
        cr_assert_eq(
            sweep_result_set(result, run, run == 1 ? SWEEP_STALLED : SWEEP_DONE, mine, FIGURES, run == 1 ? "it \"stuck\"" : NULL, &diag),
            SIM_OK);
        cr_assert_eq(sweep_journal_append(journal, &result->rows[run], run, &diag), SIM_OK);
    }
}

static char *whole_file(const char *path, size_t *length)
{
    struct text_file file;
    struct diag diag = {0};
    cr_assert_eq(text_file_open(path, &file, &diag), SIM_OK);
    char *copy = malloc(file.length + 1);
    memcpy(copy, file.text, file.length);
    *length = file.length;
    text_file_close(&file);
    return copy;
}

static char *text_of(const struct sweep_result *result)
{
    struct json_text json;
    json_text_init(&json, false);
    json_open_array(&json);
    for (size_t run = 0; run < RUNS; run++)
        sweep_row_write(&result->rows[run], run, &json);
    json_close_array(&json);
    return json.text;
}

static char *complete_journal(size_t *length, char **rows)
{
    struct temp_file file = temp_file_make("", 0);
    struct sweep_result result;
    struct sweep_journal *journal;
    struct diag diag;
    size_t resumed;
    cr_assert_eq(open_journal(file.path, &identity, &result, &journal, &resumed, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(resumed, 0);
    append_missing(&result, journal);
    cr_assert_eq(sweep_journal_sync(journal, &diag), SIM_OK);
    *rows = text_of(&result);
    sweep_journal_close(journal);
    sweep_result_deinit(&result);
    char *text = whole_file(file.path, length);
    temp_file_remove(&file);
    return text;
}

Test(sweep_journal, cut_at_any_byte_is_gone_on_with)
{
    size_t length, lines = 0;
    char *rows, *text = complete_journal(&length, &rows);
    for (size_t cut = 0; cut <= length; cut++) {
        struct temp_file file = temp_file_make(text, cut);
        struct sweep_result result;
        struct sweep_journal *journal;
        struct diag diag;
        size_t resumed;
        lines += cut > 0 && text[cut - 1] == '\n';
        cr_assert_eq(open_journal(file.path, &identity, &result, &journal, &resumed, &diag), SIM_OK, "cut at %zu: %s", cut, diag.text);
        cr_assert_eq(resumed, lines > 1 ? lines - 1 : 0, "cut at %zu", cut);
        append_missing(&result, journal);
        char *again = text_of(&result);
        cr_assert_str_eq(again, rows, "cut at %zu", cut);
        sweep_journal_close(journal);
        sweep_result_deinit(&result);
        size_t new_length;
        char *new_text = whole_file(file.path, &new_length);
        cr_assert(new_length == length && memcmp(new_text, text, length) == 0, "cut at %zu: the journal itself comes out the same", cut);
        free(new_text);
        free(again);
        temp_file_remove(&file);
    }
    free(text);
    free(rows);
}

/* What opening a file with this content says. */
static const char *refusal(const char *text, size_t length, const struct sweep_identity *who)
{
    static char message[1100];
    struct temp_file file = temp_file_make(text, length);
    struct sweep_result result;
    struct sweep_journal *journal;
    struct diag diag;
    size_t resumed, left;
    enum status status = open_journal(file.path, who, &result, &journal, &resumed, &diag);
    char *after = whole_file(file.path, &left);
    cr_expect(status == SIM_OK || (left == length && memcmp(after, text, length) == 0), "a refused file is left as it was");
    snprintf(message, sizeof message, "%d: %s", (int)status, diag.text);
    sweep_journal_close(journal);
    sweep_result_deinit(&result);
    free(after);
    temp_file_remove(&file);
    return message;
}

Test(sweep_journal, of_something_else_is_refused)
{
    size_t length;
    char *rows, *text = complete_journal(&length, &rows), *changed = malloc(2 * length);
    const struct sweep_identity other_trace = {.trace = 1, .sweep = identity.sweep}, other_sweep = {.trace = identity.trace, .sweep = 1};
    cr_expect(strstr(refusal(text, length, &other_trace), "3: "));
    cr_expect(strstr(refusal(text, length, &other_trace), "of another trace"));
    cr_expect(strstr(refusal(text, length, &other_sweep), "another configuration or other points"));
    cr_expect(strstr(refusal("hello\n", 6, &identity), "is no journal"));
    cr_expect(strstr(refusal("hello", 5, &identity), "is no journal"), "also without an end of line");
    cr_expect(strstr(refusal("{\"a\":1}\n", 8, &identity), "is no journal"));
    const char *version = strstr(text, "\"version\":\"");
    memcpy(changed, text, length);
    changed[version - text + 11] = '9';
    cr_expect(strstr(refusal(changed, length, &identity), "another version"));
    memcpy(changed, text, length);
    *strstr(changed, "\"state\"") = 'x';
    cr_expect(strstr(refusal(changed, length, &identity), ":2:"), "damage before the last line is not passed over");
    const char *second = strchr(text, '\n') + 1;
    size_t line = (size_t)(strchr(second, '\n') + 1 - second);
    memcpy(changed, text, length);
    memcpy(changed + length, second, line);
    cr_expect(strstr(refusal(changed, length + line, &identity), "stands there twice"));
    free(changed);
    free(text);
    free(rows);
}

Test(sweep_journal, is_held_by_one_at_a_time)
{
    struct temp_file file = temp_file_make("", 0);
    struct sweep_result first, second;
    struct sweep_journal *held, *refused;
    struct diag diag;
    size_t resumed;
    cr_assert_eq(open_journal(file.path, &identity, &first, &held, &resumed, &diag), SIM_OK);
    cr_expect_eq(open_journal(file.path, &identity, &second, &refused, &resumed, &diag), SIM_FAILED);
    cr_expect(strstr(diag.text, "in use by another process"));
    sweep_journal_close(held);
    sweep_result_deinit(&first);
    sweep_result_deinit(&second);
    temp_file_remove(&file);
}
