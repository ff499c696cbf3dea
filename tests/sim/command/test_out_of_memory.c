/* test_out_of_memory.c - whole commands with an allocation that fails, each one in turn: the output is what it always is, or there is an
 * error and the old file is still there. Nothing in between.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/command.h"
#include "support/allocations.h"
#include "support/temp_file.h"

enum { WORDS_MOST = 24, OUTPUT_MOST = 1 << 19, ALLOCATIONS_MOST = 5000 };

static const char trace_text[] = "{\"timestamp\":0,\"input_length\":40,\"output_length\":3,\"hash_ids\":[1,2,3]}\n"
                                 "{\"timestamp\":2,\"input_length\":35,\"output_length\":20,\"hash_ids\":[1,2,4]}\n"
                                 "{\"timestamp\":3,\"input_length\":50,\"output_length\":2,\"hash_ids\":[1,2,3,5]}\n";

static size_t read_all(const char *path, char *out)
{
    FILE *file = fopen(path, "r");
    cr_assert(file, "%s", path);
    const size_t length = fread(out, 1, OUTPUT_MOST - 1, file);
    fclose(file);
    out[length] = '\0';
    return length;
}

/* The command's words with the trace for @ and the output for %. The failing allocations are those of this thread. */
static enum status run(const struct command *command, const char *words, const char *trace, const char *output, struct diag *diag)
{
    char text[512], *argv[WORDS_MOST];
    int argc = 0;
    snprintf(text, sizeof text, "%s", words);
    for (char *word = strtok(text, " "); word && argc < WORDS_MOST; word = strtok(NULL, " "))
        argv[argc++] = strcmp(word, "@") == 0 ? (char *)(size_t)trace : strcmp(word, "%") == 0 ? (char *)(size_t)output : word;
    return command_run(command, argc, argv, diag);
}

static void expect_all_or_nothing(const struct command *command, const char *words)
{
    static char want[OUTPUT_MOST], got[OUTPUT_MOST];
    const struct temp_file trace = temp_file_make(trace_text, sizeof trace_text - 1), output = temp_file_make("old", 3);
    struct diag diag = {0};
    cr_assert_eq(run(command, words, trace.path, output.path, &diag), SIM_OK, "%s: %s", words, diag.text);
    const size_t length = read_all(output.path, want);
    uint64_t k = 0;
    bool failed = true;
    while (failed && ++k < ALLOCATIONS_MOST) {
        FILE *file = fopen(output.path, "w");
        cr_assert(file && fputs("old", file) >= 0 && fclose(file) == 0);
        diag = (struct diag){0};
        const uint64_t before = allocations_so_far();
        allocations_fail_after(k);
        const enum status status = run(command, words, trace.path, output.path, &diag);
        allocations_fail_after(0);
        failed = allocations_so_far() - before >= k;
        const size_t wrote = read_all(output.path, got);
        if (status == SIM_OK)
            cr_assert(wrote == length && memcmp(want, got, length) == 0, "%s: allocation %llu, other output", words, (unsigned long long)k);
        else
            cr_assert(strcmp(got, "old") == 0 && diag.text[0], "%s: allocation %llu, exit %d", words, (unsigned long long)k, status);
    }
    cr_expect(k > 10 && k < ALLOCATIONS_MOST, "%s: %llu allocations", words, (unsigned long long)k);
    temp_file_remove(&trace);
    temp_file_remove(&output);
}

Test(out_of_memory, a_report_is_whole_or_the_old_file_stays)
{
    static const struct {
        const struct command *command;
        const char *words;
    } commands[] = {
        {&command_figures, "figures --output %"},
        {&command_figures, "figures --format json --output %"},
        {&command_figures, "figures --format csv --output %"},
        {&command_ledger, "ledger --trace @ --num-gpu-blocks 20 --trace-block-size 16 --threads 1 --output %"},
        {&command_ledger, "ledger --trace @ --num-gpu-blocks 20 --trace-block-size 16 --threads 1 --format csv --output %"},
        {&command_ledger, "ledger --trace @ --vllm-args=--num-gpu-blocks-override=20 --threads 1 --trace-block-size 16 --quiet --output %"},
        {&command_ledger, "ledger --trace @ --num-gpu-blocks 20 --trace-block-size 16 --threads 1 --html % --output /dev/null"},
        {&command_replay,
         "replay --trace @ --num-gpu-blocks 6 --max-model-len 90 --trace-block-size 16 --quiet --html % --output /dev/null"},
        {&command_sweep, "sweep --trace @ --max-model-len 100 --vary num_gpu_blocks=8,9 --threads 1 --quiet --html % --output /dev/null"},
        {&command_sweep,
         "sweep --trace @ --max-model-len 100 --vary num_gpu_blocks=8,9 --vary max_num_seqs=1,2 --vary enable_prefix_caching=true,false "
         "--threads 1 --quiet --html % --output /dev/null"},
        {&command_curve, "curve --trace @ --max-model-len 100 --trace-block-size 16 --threads 1 --quiet --output %"},
        {&command_curve, "curve --trace @ --max-model-len 100 --trace-block-size 16 --threads 1 --quiet --html % --output /dev/null"},
        {&command_explain,
         "explain --trace @ --num-gpu-blocks 6 --max-model-len 90 --trace-block-size 16 --threads 1 --quiet --html % --output /dev/null"},
        {&command_explain, "explain --trace @ --num-gpu-blocks 6 --max-model-len 90 --trace-block-size 16 --threads 1 --quiet --output %"},
        {&command_sweep, "sweep --trace @ --max-model-len 100 --vary num_gpu_blocks=8,9 --threads 1 --quiet --output %"},
        {&command_sweep, "sweep --trace @ --max-model-len 100 --vary num_gpu_blocks=8,9 --threads 1 --quiet --format json --output %"},
    };
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        expect_all_or_nothing(commands[i].command, commands[i].words);
}

/* Pictures are complete before the report takes its name. */
Test(out_of_memory, no_report_without_its_pictures)
{
    char folder[] = "/tmp/test_out_of_memory.XXXXXX", command[64];
    cr_assert(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    expect_all_or_nothing(&command_ledger,
                          "ledger --trace @ --num-gpu-blocks 20 --trace-block-size 16 --threads 1 --gnuplot pictures --output %");
    snprintf(command, sizeof command, "rm -r %s", folder);
    cr_assert_eq(system(command), 0); /* NOLINT(cert-env33-c) */
}
