/* test_pagesim_command.c - pagesim_command(): the program's commands in the caller's process. That its results are the program's to the
 * byte, tests/public/run.py and python/tests show. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "pagesim.h"
#include "support/allocations.h"

/* Two requests that need two blocks each, twice as many after that. */
static const char requests[] =
    "{\"timestamp\":0,\"input_length\":20,\"output_length\":4}\n{\"timestamp\":1,\"input_length\":30,\"output_length\":2}\n";
static const struct pagesim_file files[] = {{"<requests>", requests, sizeof requests - 1}, {"<empty>", "", 0}};

struct told {
    char lines[4096];
    uint64_t done, total, calls;
    bool stop;
};

static void on_notice(void *context, const char *line)
{
    struct told *told = context;
    const size_t used = strlen(told->lines);
    snprintf(told->lines + used, sizeof told->lines - used, "%s\n", line);
}

static bool on_progress(void *context, uint64_t done, uint64_t total)
{
    struct told *told = context;
    told->calls++;
    told->done = done;
    told->total = total;
    return !told->stop;
}

static struct pagesim_command_options options_for(struct told *told)
{
    return (struct pagesim_command_options){.files = files, .file_count = 2, .notice = on_notice, .progress = on_progress, .context = told};
}

/* Words end with NULL. The caller frees *out. */
static enum pagesim_status command(const char *const *words, struct told *told, char **out, struct pagesim_error *error)
{
    const struct pagesim_command_options options = options_for(told);
    uint32_t count = 0;
    while (words[count])
        count++;
    return pagesim_command(words, count, &options, out, error);
}
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

Test(pagesim_command, makes_reports_of_texts)
{
    struct told told = {0};
    struct pagesim_error error = {0};
    char *out = NULL;
    cr_assert_eq(
        command(WORDS("sweep", "--trace", "<requests>", "--vary", "num_gpu_blocks=10,20,40", "--format", "json"), &told, &out, &error),
        PAGESIM_OK, "%s", error.message);
    cr_expect(out[0] == '{' && strstr(out, "\"trace\": \"<requests>\"") && strstr(out, "\"num_gpu_blocks\": 40"));
    cr_expect_eq(told.total, 3000, "three runs, in thousandths");
    pagesim_text_free(out);
    cr_assert_eq(command(WORDS("compare", "--trace", "<requests>", "--num-gpu-blocks", "10", "--b", "block_size=32", "--format", "json"),
                         &told, &out, &error),
                 PAGESIM_OK, "%s", error.message);
    cr_expect(strstr(out, "\"keys_that_differ\"") != NULL);
    pagesim_text_free(out);
    cr_assert_eq(command(WORDS("curve", "--trace", "<requests>", "--replay", "--points", "4,8", "--format", "json"), &told, &out, &error),
                 PAGESIM_OK, "%s", error.message);
    cr_expect(strstr(out, "\"gaps\"") != NULL);
    pagesim_text_free(out);
}

Test(pagesim_command, gives_what_would_be_printed_and_prints_nothing)
{
    struct told told = {0};
    struct pagesim_error error = {0};
    char *out = NULL;
    cr_assert_eq(command(WORDS("--version"), &told, &out, &error), PAGESIM_OK);
    cr_expect(strncmp(out, "pagesim ", 8) == 0 && strstr(out, pagesim_version_string()));
    pagesim_text_free(out);
    cr_assert_eq(command(WORDS("trace", "gen", "chat", "--requests", "2"), &told, &out, &error), PAGESIM_OK);
    cr_expect(strstr(out, "\"input_length\"") && strstr(told.lines, "a hash id names"), "a result and a note: %s", told.lines);
    pagesim_text_free(out);
    cr_assert_eq(command(WORDS("sweep", "--trace", "<requests>", "--vary", "num_gpu_blocks=10,20", "--dry-run"), &told, &out, &error),
                 PAGESIM_OK);
    cr_expect_str_eq(out, "num_gpu_blocks=10\nnum_gpu_blocks=20\n");
    pagesim_text_free(out);
    cr_assert_eq(command(WORDS("replay", "--help"), &told, &out, &error), PAGESIM_OK);
    cr_expect(strstr(out, "Examples:") != NULL);
    pagesim_text_free(out);
}

Test(pagesim_command, says_why_it_fails_and_gives_the_report_all_the_same)
{
    struct told told = {0};
    struct pagesim_error error = {0};
    char *out = NULL;
    cr_expect_eq(command(WORDS("replay", "--trace", "<requests>", "--num-gpu-blocks", "10", "--require", "requests>2", "--format", "json"),
                         &told, &out, &error),
                 PAGESIM_REQUIREMENT);
    cr_expect(out[0] == '{' && strstr(out, "\"completed\": 2"));
    pagesim_text_free(out);
    cr_expect_eq(command(WORDS("replay", "--trace", "<empty>", "--num-gpu-blocks", "10"), &told, &out, &error), PAGESIM_BAD_INPUT);
    cr_expect(strstr(error.message, "<empty>") != NULL, "%s", error.message);
    cr_expect_str_eq(out, "");
    pagesim_text_free(out);
    cr_expect_eq(command(WORDS("replay", "--trace", "<nobody>", "--num-gpu-blocks", "10"), &told, &out, &error), PAGESIM_BAD_INPUT);
    pagesim_text_free(out);
    cr_expect_eq(command(WORDS("repaly"), &told, &out, &error), PAGESIM_USAGE);
    cr_expect(strstr(error.message, "replay") != NULL);
    pagesim_text_free(out);
    cr_expect_eq(command(WORDS(NULL), &told, &out, &error), PAGESIM_USAGE);
    cr_expect_null(out);
    const struct pagesim_file plain = {"requests", requests, sizeof requests - 1};
    const struct pagesim_command_options wrong = {.files = &plain, .file_count = 1};
    cr_expect_eq(pagesim_command(WORDS("--version"), 1, &wrong, &out, &error), PAGESIM_USAGE, "its name could be a real file's");
    cr_expect_null(out);
}

Test(pagesim_command, stops_when_it_is_told_to_and_runs_again)
{
    struct told told = {.stop = true};
    struct pagesim_error error = {0};
    char *out = NULL;
    cr_expect_eq(
        command(WORDS("sweep", "--trace", "<requests>", "--vary", "num_gpu_blocks=10:1000:1", "--threads", "1"), &told, &out, &error),
        PAGESIM_INTERRUPTED);
    cr_expect(told.calls == 1 && error.status == PAGESIM_INTERRUPTED, "%llu calls", (unsigned long long)told.calls);
    pagesim_text_free(out);
    cr_expect_eq(command(WORDS("compare", "--trace", "<requests>", "--num-gpu-blocks", "10"), &told, &out, &error), PAGESIM_INTERRUPTED);
    pagesim_text_free(out);
    cr_expect_eq(command(WORDS("curve", "--trace", "<requests>", "--replay", "--points", "4,8"), &told, &out, &error), PAGESIM_INTERRUPTED);
    pagesim_text_free(out);
    told.stop = false;
    cr_expect_eq(command(WORDS("sweep", "--trace", "<requests>", "--vary", "num_gpu_blocks=10,20"), &told, &out, &error), PAGESIM_OK);
    pagesim_text_free(out);
}

/* A command inside of another one's callback. */
static bool nested(void *context, uint64_t done, uint64_t total)
{
    struct pagesim_error error = {0};
    char *out = NULL;
    (void)done;
    (void)total;
    *(enum pagesim_status *)context = pagesim_command(WORDS("--version"), 1, NULL, &out, &error);
    return out == NULL;
}

Test(pagesim_command, runs_one_at_a_time)
{
    enum pagesim_status inner = PAGESIM_OK;
    struct pagesim_error error = {0};
    const struct pagesim_command_options options = {.files = files, .file_count = 2, .progress = nested, .context = &inner};
    char *out = NULL;
    cr_expect_eq(pagesim_command(WORDS("sweep", "--trace", "<requests>", "--vary", "num_gpu_blocks=10,20"), 5, &options, &out, &error),
                 PAGESIM_OK);
    cr_expect_eq(inner, PAGESIM_FAILED);
    pagesim_text_free(out);
}

/* One thread, as allocations fail for one alone. */
Test(pagesim_command, without_memory_it_fails_cleanly)
{
    uint64_t failures = 0;
    for (uint64_t countdown = 1;; countdown++) {
        struct told told = {0};
        struct pagesim_error error = {0};
        char *out = NULL;
        allocations_fail_after(countdown);
        const enum pagesim_status status = command(
            WORDS("replay", "--trace", "<requests>", "--num-gpu-blocks", "10", "--threads", "1", "--format", "json"), &told, &out, &error);
        allocations_fail_after(0);
        pagesim_text_free(out);
        if (status == PAGESIM_OK)
            break;
        cr_expect_eq(status, PAGESIM_FAILED, "allocation %llu: %d %s", (unsigned long long)countdown, (int)status, error.message);
        failures++;
    }
    cr_expect_gt(failures, 20);
}

/* The first failure's status of showing two saved reports. */
static enum pagesim_status compare_reports(const struct pagesim_file *reports, struct pagesim_error *error)
{
    const struct pagesim_command_options options = {.files = reports, .file_count = 2};
    char *out = NULL;
    enum pagesim_status status = pagesim_command(WORDS("report", "<a>", "--format", "json", "--charts"), 5, &options, &out, error);
    pagesim_text_free(out);
    out = NULL;
    if (status == PAGESIM_OK)
        status = pagesim_command(WORDS("report", "<a>", "<b>", "--format", "json", "--charts"), 6, &options, &out, error);
    pagesim_text_free(out);
    return status;
}

Test(pagesim_command, without_memory_saved_reports_fail_cleanly)
{
    struct told told = {0};
    struct pagesim_error error = {0};
    char *a = NULL, *b = NULL;
    const char *const words[] = {"replay", "--trace", "<requests>", "--num-gpu-blocks", "10", "--format", "json", "--charts", NULL};
    cr_assert_eq(command(words, &told, &a, &error), PAGESIM_OK);
    cr_assert_eq(command(WORDS("replay", "--trace", "<requests>", "--num-gpu-blocks", "20", "--format", "json"), &told, &b, &error),
                 PAGESIM_OK);
    const struct pagesim_file reports[] = {{"<a>", a, strlen(a)}, {"<b>", b, strlen(b)}};
    uint64_t countdown = 1;
    for (;; countdown++) {
        error = (struct pagesim_error){0};
        allocations_fail_after(countdown);
        const enum pagesim_status status = compare_reports(reports, &error);
        allocations_fail_after(0);
        if (status == PAGESIM_OK)
            break;
        cr_assert_eq(status, PAGESIM_FAILED, "allocation %llu: %d %s", (unsigned long long)countdown, (int)status, error.message);
    }
    cr_expect_gt(countdown, 100);
    pagesim_text_free(a);
    pagesim_text_free(b);
}
