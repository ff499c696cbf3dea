/* test_tune_journal.c - lines read back as they were; a search that goes on from any part of its journal is the search that was not
 * interrupted. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text_file.h"
#include "config/config_keys.h"
#include "study/tune_find.h"
#include "study/tune_journal.h"
#include "support/made_search.h"
#include "support/random.h"
#include "support/temp_file.h"

static enum status read_text(const char *text, size_t points, struct tune_kept *out, struct diag *diag)
{
    *diag = (struct diag){0};
    return tune_kept_read("journal", 1, text, strlen(text), points, out, diag);
}

Test(tune_journal, a_line_is_read_back)
{
    const struct config_key *key;
    struct diag diag = {0};
    cr_assert_eq(sweep_key_find("step_time.base_ns", "", &key, &diag), SIM_OK);
    const struct tune_kept lines[] = {
        {.what = {.point = 3, .load = 1.47412, .seed = UINT64_MAX},
         .trial = {.passes = true,
                   .objective = (double)NAN,
                   .seen = {.peak_running = 1, .peak_step_tokens = UINT32_MAX, .peak_used_blocks = 7, .preemptions = UINT64_MAX}}},
        {.what = {.load = 1e-3, .clock = {.key = key, .factor = 1.1}}, .trial = {.objective = INFINITY}},
        {.what = {.point = 4, .load = 100}, .trial = {.objective = 1.0 / 3}}};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct json_text json;
        struct tune_kept kept;
        json_text_init(&json, false);
        tune_kept_write(&lines[i], &json);
        cr_assert_eq(read_text(json.text, 5, &kept, &diag), SIM_OK, "%s", diag.text);
        cr_expect_eq(kept.what.point, lines[i].what.point);
        cr_expect_eq(kept.what.clock.key, lines[i].what.clock.key);
        cr_expect_eq(kept.what.clock.factor, lines[i].what.clock.factor);
        cr_expect_eq(kept.what.load, lines[i].what.load);
        cr_expect_eq(kept.what.seed, lines[i].what.seed);
        cr_expect_eq(kept.trial.passes, lines[i].trial.passes);
        cr_expect(isnan(lines[i].trial.objective) ? isnan(kept.trial.objective) : kept.trial.objective == lines[i].trial.objective);
        cr_expect_eq(memcmp(&kept.trial.seen, &lines[i].trial.seen, sizeof kept.trial.seen), 0);
        json_text_deinit(&json);
    }
}

Test(tune_journal, a_line_of_something_else_is_refused)
{
    static const char whole[] = "{\"point\":4,\"load\":1,\"seed\":0,\"passes\":true,\"objective\":0,\"running\":1,\"step_tokens\":2,"
                                "\"used_blocks\":3,\"preemptions\":4}";
    static const char *const bad[] = {"[]", "{}", "{\"run\":3,\"state\":\"done\",\"figures\":{}}"};
    struct tune_kept kept;
    struct diag diag;
    cr_expect_eq(read_text(whole, 5, &kept, &diag), SIM_OK, "%s", diag.text);
    cr_expect_eq(read_text(whole, 4, &kept, &diag), SIM_BAD_INPUT, "no such combination");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_eq(read_text(bad[i], 5, &kept, &diag), SIM_BAD_INPUT);
    for (const char *at = strchr(whole, ':'); at; at = strchr(at + 1, ':')) { /* any member that is something else */
        char text[2 * sizeof whole];
        snprintf(text, sizeof text, "%.*s\"%s", (int)(at + 1 - whole), whole, at + 1);
        cr_expect_eq(read_text(text, 5, &kept, &diag), SIM_BAD_INPUT);
        snprintf(text, sizeof text, "%.*s[]%s", (int)(at + 1 - whole), whole, at + 1 + strcspn(at + 1, ",}"));
        cr_expect_eq(read_text(text, 5, &kept, &diag), SIM_BAD_INPUT, "%s", text);
        cr_expect(strstr(diag.text, "is not a line of a tuning's journal"));
    }
}

/* What a search with this journal finds, and in `journal`, which may be none, what it replayed. */
static void find(const struct made_search *made, const char *path, struct tune_search *out, size_t *resumed)
{
    static struct tune_question question; /* the search borrows it */
    struct tune_journal journal = {.count = 0};
    struct diag diag = {0};
    question = made->question;
    if (path) {
        cr_assert_eq(tune_journal_open(&journal, path, &question, &diag), SIM_OK, "%s", diag.text);
        question.journal = &journal;
    }
    cr_assert_eq(tune_find(&question, out, &diag), SIM_OK, "%s", diag.text);
    *resumed = journal.count;
    tune_journal_close(&journal);
    question.journal = NULL;
}

static size_t length_of(const char *path, char *out, size_t size)
{
    struct text_file file;
    struct diag diag = {0};
    cr_assert_eq(text_file_open(path, &file, &diag), SIM_OK);
    const size_t length = file.length;
    cr_assert(length <= size);
    memcpy(out, file.text, length);
    text_file_close(&file);
    return length;
}

Test(tune_journal, a_search_goes_on_from_any_part_of_it)
{
    enum { ROOM = 1 << 20 };
    uint64_t seed = 12;
    char *text = malloc(ROOM);
    cr_assert(text);
    for (int round = 0; round < 4; round++) {
        struct made_search made;
        struct tune_search whole, resumed;
        struct temp_file file = temp_file_make("", 0);
        size_t count;
        made_search_make(&made, &seed);
        made.question.seeds = round % 2 ? 3 : 1;
        made.question.load.drawn = round % 2;
        find(&made, NULL, &whole, &count);
        find(&made, file.path, &resumed, &count);
        const size_t length = length_of(file.path, text, ROOM), replays = resumed.trials.replays;
        cr_expect_eq(count, 0);
        tune_search_deinit(&resumed);
        for (int part = 0; part <= 6; part++) {
            struct temp_file cut = temp_file_make(text, length * (size_t)part / 6);
            find(&made, cut.path, &resumed, &count);
            cr_expect_eq(resumed.best, whole.best);
            cr_expect_eq(resumed.trials.replays, whole.trials.replays);
            cr_expect_eq(resumed.trials.folded, whole.trials.folded);
            cr_expect_eq(memcmp(resumed.values, whole.values, whole.count * sizeof *whole.values), 0, "round %d, part %d", round, part);
            cr_expect(part < 6 ? count < replays : count == replays, "round %d, part %d: %zu of %zu", round, part, count, replays);
            tune_search_deinit(&resumed);
            cr_expect_eq(length_of(cut.path, text, ROOM), length, "nothing is replayed twice");
            temp_file_remove(&cut);
        }
        tune_search_deinit(&whole);
        temp_file_remove(&file);
        made_search_end(&made);
    }
    free(text);
}
