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
/* Few and short, as the files are cut at every byte. */
static const unsigned scopes = FIGURE_SCOPE(FIGURE_OF_GOODPUT);
static const struct figure_wishes wishes = {.names = {"p1_ttft_ms", "p2_ttft_ms", "p3_ttft_ms"}, .count = 3};
static const struct figure_set figures = {.list = {{.name = "good_requests", .value = 12345678, .whole = true},
                                                   {.name = "request_goodput", .value = 1.0 / 3},
                                                   {.name = "p1_ttft_ms", .undefined = true},
                                                   {.name = "p2_ttft_ms", .value = 5e-300},
                                                   {.name = "p3_ttft_ms", .value = -2}},
                                          .count = 5};

static enum status open_journal(const char *path, const struct sweep_identity *who, struct sweep_result *result, struct journal *out,
                                size_t *resumed, struct diag *diag)
{
    *diag = (struct diag){0};
    *out = (struct journal){0};
    cr_assert_eq(sweep_result_init(result, RUNS, scopes, &wishes, diag), SIM_OK);
    return sweep_journal_open(out, path, who, result, resumed, diag);
}

static void append_missing(struct sweep_result *result, struct journal *journal)
{
    struct diag diag = {0};
    for (size_t run = RUNS; run-- > 0;) {
        if (result->rows[run].state != SWEEP_PENDING)
            continue;
        struct figure_set mine = figures;
        mine.list[0].value += (double)run;
        cr_assert_eq(sweep_result_set(result, run, run == 1 ? SWEEP_STALLED : SWEEP_DONE, &mine, run == 1 ? "it \"stuck\"" : NULL, &diag),
                     SIM_OK);
        cr_assert_eq(sweep_journal_append(journal, result, run, &diag), SIM_OK);
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
        sweep_row_write(result, run, &json);
    json_close_array(&json);
    return json.text;
}

static char *complete_journal(size_t *length, char **rows)
{
    struct temp_file file = temp_file_make("", 0);
    struct sweep_result result;
    struct journal journal;
    struct diag diag;
    size_t resumed;
    cr_assert_eq(open_journal(file.path, &identity, &result, &journal, &resumed, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(resumed, 0);
    append_missing(&result, &journal);
    cr_assert_eq(journal_sync(&journal, &diag), SIM_OK);
    *rows = text_of(&result);
    journal_close(&journal);
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
        struct journal journal;
        struct diag diag;
        size_t resumed;
        lines += cut > 0 && text[cut - 1] == '\n';
        cr_assert_eq(open_journal(file.path, &identity, &result, &journal, &resumed, &diag), SIM_OK, "cut at %zu: %s", cut, diag.text);
        cr_assert_eq(resumed, lines > 1 ? lines - 1 : 0, "cut at %zu", cut);
        append_missing(&result, &journal);
        char *again = text_of(&result);
        cr_assert_str_eq(again, rows, "cut at %zu", cut);
        journal_close(&journal);
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
    struct journal journal;
    struct diag diag;
    size_t resumed, left;
    enum status status = open_journal(file.path, who, &result, &journal, &resumed, &diag);
    char *after = whole_file(file.path, &left);
    cr_expect(status == SIM_OK || (left == length && memcmp(after, text, length) == 0), "a refused file is left as it was");
    snprintf(message, sizeof message, "%d: %s", (int)status, diag.text);
    journal_close(&journal);
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
    const char *second = strchr(text, '\n') + 1;
    size_t line = (size_t)(strchr(second, '\n') + 1 - second);
    memcpy(changed, text, length);
    memcpy(changed + length, second, line);
    cr_expect(strstr(refusal(changed, length + line, &identity), "is there already"));
    free(changed);
    free(text);
    free(rows);
}

/* A journal whose byte `at` is another one. */
static void expect_redone(const char *text, size_t length, const char *rows, size_t at)
{
    char *changed = malloc(length);
    memcpy(changed, text, length);
    changed[at] ^= 1;
    struct temp_file file = temp_file_make(changed, length);
    struct sweep_result result;
    struct journal journal;
    struct diag diag;
    size_t resumed;
    cr_assert_eq(open_journal(file.path, &identity, &result, &journal, &resumed, &diag), SIM_OK, "byte %zu: %s", at, diag.text);
    if (at + 1 < length) {
        cr_assert(journal.changed_lines == 1 && journal.first_changed >= 2, "byte %zu", at);
        cr_assert(resumed == RUNS - 1 || (text[at] == '\n' && resumed == RUNS - 2), "byte %zu: %zu resumed", at, resumed);
    } else {
        cr_assert(journal.changed_lines == 0 && resumed == RUNS - 1, "a last line without its end is a torn one");
    }
    append_missing(&result, &journal);
    char *again = text_of(&result);
    cr_assert_str_eq(again, rows, "byte %zu", at);
    journal_close(&journal);
    sweep_result_deinit(&result);
    temp_file_remove(&file);
    free(again);
    free(changed);
}

Test(sweep_journal, a_line_that_was_changed_is_told_and_its_run_done_again)
{
    size_t length;
    char *rows, *text = complete_journal(&length, &rows);
    for (size_t at = (size_t)(strchr(text, '\n') - text) + 1; at < length; at++)
        expect_redone(text, length, rows, at);
    free(text);
    free(rows);
}

Test(sweep_journal, is_held_by_one_at_a_time)
{
    struct temp_file file = temp_file_make("", 0);
    struct sweep_result first, second;
    struct journal held, refused;
    struct diag diag;
    size_t resumed;
    cr_assert_eq(open_journal(file.path, &identity, &first, &held, &resumed, &diag), SIM_OK);
    cr_expect_eq(open_journal(file.path, &identity, &second, &refused, &resumed, &diag), SIM_FAILED);
    cr_expect(strstr(diag.text, "in use by another process"));
    journal_close(&held);
    sweep_result_deinit(&first);
    sweep_result_deinit(&second);
    temp_file_remove(&file);
}

/* State and p1 of a run after some lines, for a sweep that wishes for p1_ttft_ms; or the error. */
static const char *after(const char *const *lines, size_t count)
{
    static const struct figure_wishes p1 = {.names = {"p1_ttft_ms"}, .count = 1};
    static char text[1100];
    struct sweep_result result;
    struct diag diag = {0};
    cr_assert_eq(sweep_result_init(&result, 1, scopes, &p1, &diag), SIM_OK);
    for (size_t i = 0; i < count && diag.status == SIM_OK; i++)
        if (sweep_row_read(&result, "j", i + 2, lines[i], strlen(lines[i]), &diag) != SIM_OK)
            break;
    if (diag.status != SIM_OK)
        snprintf(text, sizeof text, "%s", diag.text);
    else if (result.rows[0].state == SWEEP_PENDING)
        snprintf(text, sizeof text, "pending");
    else
        snprintf(text, sizeof text, "%s %g", sweep_state_names[result.rows[0].state], result.rows[0].values[2]);
    sweep_result_deinit(&result);
    return text;
}

Test(sweep_journal, a_run_without_a_figure_that_is_wished_for_is_done_again)
{
    const char *none = "{\"run\":0,\"state\":\"done\",\"figures\":{\"good_requests\":1,\"request_goodput\":2}}",
               *p1 = "{\"run\":0,\"state\":\"done\",\"figures\":{\"good_requests\":1,\"request_goodput\":2,\"p1_ttft_ms\":3}}",
               *p2 = "{\"run\":0,\"state\":\"done\",\"figures\":{\"good_requests\":1,\"request_goodput\":2,\"p2_ttft_ms\":4}}",
               *both = "{\"run\":0,\"state\":\"done\",\"figures\":{\"p2_ttft_ms\":4,\"p1_ttft_ms\":5,\"request_goodput\":null,"
                       "\"good_requests\":1}}",
               *text = "{\"run\":0,\"state\":\"done\",\"figures\":{\"good_requests\":\"1\",\"request_goodput\":2}}";
    cr_expect_str_eq(after((const char *const[]){none}, 1), "pending");
    cr_expect_str_eq(after((const char *const[]){none, p2}, 2), "pending");
    cr_expect_str_eq(after((const char *const[]){none, p1}, 2), "done 3");
    cr_expect_str_eq(after((const char *const[]){p1, none, p2}, 3), "done 3", "what lacks it does not take it away");
    cr_expect_str_eq(after((const char *const[]){p1, both}, 2), "done 5", "in any order, and the last one counts");
    cr_expect(strstr(after((const char *const[]){p1, p1}, 2), "j:3:"), "%s", after((const char *const[]){p1, p1}, 2));
    cr_expect(strstr(after((const char *const[]){p1, p1}, 2), "is there already"));
    cr_expect(strstr(after((const char *const[]){text}, 1), "a figure must be a number or null"));
}

/* --- parts and lines of other processes --------------------------------------------------------------------------------------------- */

/* A journal of the runs whose bits are set in `which`. */
static struct temp_file part_of(unsigned which, const struct sweep_identity *who)
{
    struct temp_file file = temp_file_make("", 0);
    struct sweep_result result;
    struct journal journal;
    struct diag diag;
    size_t resumed;
    cr_assert_eq(open_journal(file.path, who, &result, &journal, &resumed, &diag), SIM_OK, "%s", diag.text);
    for (size_t run = 0; run < RUNS; run++)
        if (!(which >> run & 1))
            result.rows[run].state = SWEEP_DONE; /* somebody else's */
    append_missing(&result, &journal);
    journal_close(&journal);
    sweep_result_deinit(&result);
    return file;
}

/* Merge files one after the other; "" when all went well. *done: which runs are there then. */
static const char *merged(const struct temp_file *files, size_t count, unsigned *done, char **rows)
{
    static struct diag diag;
    struct sweep_result result;
    enum status status = SIM_OK;
    diag = (struct diag){0};
    cr_assert_eq(sweep_result_init(&result, RUNS, scopes, &wishes, &diag), SIM_OK);
    for (size_t i = 0; i < count && status == SIM_OK; i++)
        status = sweep_journal_merge(files[i].path, &identity, &result, &diag);
    *done = 0;
    for (size_t run = 0; run < RUNS; run++)
        *done |= (unsigned)(result.rows[run].state != SWEEP_PENDING) << run;
    if (rows)
        *rows = text_of(&result);
    sweep_result_deinit(&result);
    return diag.text;
}

Test(sweep_journal, parts_are_the_whole_in_any_order)
{
    size_t length, before, after;
    unsigned done;
    char *want, *got;
    free(complete_journal(&length, &want));
    for (int turned = 0; turned < 2; turned++) {
        struct temp_file files[2] = {part_of(turned ? 5 : 2, &identity), part_of(turned ? 2 : 5, &identity)};
        char *first = whole_file(files[0].path, &before);
        cr_expect_str_eq(merged(files, 2, &done, &got), "");
        cr_expect_eq(done, 7);
        cr_expect_str_eq(got, want);
        char *again = whole_file(files[0].path, &after);
        cr_expect(before == after && memcmp(first, again, before) == 0, "a part stays as it is");
        free(first), free(again), free(got);
        temp_file_remove(&files[0]);
        temp_file_remove(&files[1]);
    }
    free(want);
}

Test(sweep_journal, parts_that_do_not_fit_are_refused)
{
    const struct sweep_identity other = {.trace = identity.trace, .sweep = identity.sweep + 1};
    struct temp_file some = part_of(3, &identity), more = part_of(6, &identity), strange = part_of(4, &other);
    unsigned done;
    cr_expect(strstr(merged((struct temp_file[]){some, more}, 2, &done, NULL), "run 1 is there already"));
    cr_expect(strstr(merged((struct temp_file[]){some, some}, 2, &done, NULL), "run 1 is there already"));
    cr_expect(strstr(merged((struct temp_file[]){some, strange}, 2, &done, NULL), "other points; leave it out"));
    /* A torn line is a run that is missing; a changed one is an error, as nobody does it again here. */
    size_t length;
    char *text = whole_file(some.path, &length);
    struct temp_file torn = temp_file_make(text, length - 2);
    cr_expect_str_eq(merged(&torn, 1, &done, NULL), "");
    cr_expect_eq(done, 2, "the last line was run 0's");
    text[length - 30] ^= 1;
    struct temp_file changed = temp_file_make(text, length);
    cr_expect(strstr(merged(&changed, 1, &done, NULL), ":3: the line does not match its checksum"));
    free(text);
    temp_file_remove(&some);
    temp_file_remove(&more);
    temp_file_remove(&strange);
    temp_file_remove(&torn);
    temp_file_remove(&changed);
}

Test(sweep_journal, a_part_that_is_still_written_is_refused)
{
    struct temp_file file = part_of(3, &identity);
    struct sweep_result result;
    struct journal journal;
    struct diag diag;
    size_t resumed;
    unsigned done;
    cr_assert_eq(open_journal(file.path, &identity, &result, &journal, &resumed, &diag), SIM_OK);
    cr_expect(strstr(merged(&file, 1, &done, NULL), "in use by another process"));
    journal_close(&journal);
    cr_expect_str_eq(merged(&file, 1, &done, NULL), "");
    sweep_result_deinit(&result);
    temp_file_remove(&file);
}

/* What one process writes another one takes, and its journal is then the same as if it had made the run itself. */
Test(sweep_journal, a_line_of_another_process_is_taken)
{
    size_t length, got_length, resumed;
    char *rows, *text = complete_journal(&length, &rows);
    struct temp_file file = temp_file_make("", 0);
    struct sweep_result theirs, ours;
    struct journal journal;
    struct diag diag = {0};
    cr_assert_eq(sweep_result_init(&theirs, RUNS, scopes, &wishes, &diag), SIM_OK);
    cr_assert_eq(open_journal(file.path, &identity, &ours, &journal, &resumed, &diag), SIM_OK);
    for (size_t run = RUNS; run-- > 0;) {
        struct figure_set mine = figures;
        struct json_text line;
        mine.list[0].value += (double)run;
        cr_assert_eq(sweep_result_set(&theirs, run, run == 1 ? SWEEP_STALLED : SWEEP_DONE, &mine, run == 1 ? "it \"stuck\"" : NULL, &diag),
                     SIM_OK);
        json_text_init(&line, false);
        sweep_journal_line(&identity, &theirs, run, &line);
        cr_assert_eq(sweep_journal_take(&identity, "rank 1", line.text, line.length, &ours, &diag), SIM_OK, "%s", diag.text);
        cr_assert_eq(sweep_journal_append_line(&journal, line.text, line.length, &diag), SIM_OK);
        line.text[20] ^= 1;
        cr_expect_eq(sweep_journal_take(&identity, "rank 1", line.text, line.length, &ours, &diag), SIM_BAD_INPUT);
        cr_expect_str_eq(diag.text, "rank 1: a run's line does not match its checksum");
        diag_clear(&diag);
        json_text_deinit(&line);
    }
    char *got = text_of(&ours), *got_text = whole_file(file.path, &got_length);
    cr_expect_str_eq(got, rows);
    cr_expect(got_length == length && memcmp(got_text, text, length) == 0);
    free(got), free(got_text), free(rows), free(text);
    journal_close(&journal);
    sweep_result_deinit(&ours);
    sweep_result_deinit(&theirs);
    temp_file_remove(&file);
}
