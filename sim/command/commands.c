/* commands.c - all commands of the program, and which one a command line asks for. Read command.h first; a command's own work is in its cmd_
 * file. main.c runs this for the program, sim/public/public_command.c for callers of the library. */
#include <stdio.h>
#include <string.h>

#include "base/nearest_name.h"
#include "base/notice.h"
#include "command/command.h"
#include "sim_version.h"
#include "study/ranks.h"

/* In the order of --help: from the most used to the rarest. */
static const struct {
    const char *name;
    const struct command *command; /* NULL: command_run_trace chooses */
    const char *help;
} commands[] = {
    {"replay", &command_replay, "run a trace through a scheduler and report what happened"},
    {"curve", &command_curve, "prefix hits at every pool size, next to what a scheduler reaches"},
    {"compare", &command_compare, "compare two configurations on one trace, request by request"},
    {"sweep", &command_sweep, "try many configurations on one trace and compare"},
    {"size", &command_size, "find the smallest pool that meets requirements, and prove it"},
    {"tune", &command_tune, "find the settings that bear the highest load within limits"},
    {"capacity", &command_capacity, "raise the load until a configuration is saturated"},
    {"validate", &command_validate, "compare a replay with what a real server measured"},
    {"fit", &command_fit, "make a compact step-time model from tables or a recorded run"},
    {"explain", &command_explain, "say why requests were preempted and prefixes missed, and what helps"},
    {"ledger", &command_ledger, "show who held the memory, and what reserving it would have cost"},
    {"report", &command_report, "show saved JSON reports as pages, or several next to each other"},
    {"figures", &command_figures, "list the figures that reports show and options name"},
    {"trace", NULL, "describe traces (info), make, convert, cut and merge them"},
    {"config", &command_config, "print the effective configuration (show)"},
};
enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

const char *command_first_table(const char *name)
{
    if (strcmp(name, command_trace_info.name) == 0)
        return command_trace_info.tables[0];
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (commands[i].command && strcmp(commands[i].command->name, name) == 0)
            return commands[i].command->tables[0];
    return NULL;
}

/* What is exact, for --version: as precise as the README, which says how it is proved. */
#define EXACTNESS                                                                                                                          \
    "Exact to the block id, as logs of the real schedulers show:\n"                                                                        \
    "  vllm-v1  scheduling synchronously or asynchronously (two batches in the queue,\n"                                                   \
    "           one pipeline stage), requests that end by max_tokens or a stop token;\n"                                                   \
    "           full layers, sliding windows and chunks in groups; drafts of ngram, EAGLE,\n"                                              \
    "           MTP, a model or dflash, all but which of them are right; no KV connectors\n"                                               \
    "           or LoRA; policies, victims and evictions of vLLM's own\n"                                                                  \
    "  vllm-v0  first come, first served; samples, beams, swapping; no LoRA, sliding\n"                                                    \
    "           window or lookahead; a leak of its reference counts is put right\n"                                                        \
    "Step times are a model's."

static void print_help(const void *context, FILE *file)
{
    (void)context;
    fputs("usage: pagesim COMMAND [options]\n\n"
          "Replays a trace of LLM requests through a vLLM-like scheduler on a paged KV\n"
          "cache and reports latency, memory and fragmentation, and why.\n\nCommands:\n",
          file);
    for (int i = 0; i < COMMAND_COUNT; i++)
        fprintf(file, "  %-10s %s\n", commands[i].name, commands[i].help);
    fputs("\n`pagesim COMMAND --help` shows its options; `pagesim --version` names the vLLM\n"
          "versions whose decisions are replayed.\n",
          file);
}

static enum status unknown_command(const char *word, struct diag *diag)
{
    const char *names[COMMAND_COUNT];
    for (int i = 0; i < COMMAND_COUNT; i++)
        names[i] = commands[i].name;
    const char *near = nearest_name(word, names, COMMAND_COUNT);
    if (near)
        return diag_set(diag, SIM_USAGE, "unknown command \"%s\"; did you mean \"%s\"?", word, near);
    return diag_set(diag, SIM_USAGE, "unknown command \"%s\"; `pagesim --help` lists the commands", word);
}

static void print_version(const void *context, FILE *file)
{
    (void)context;
    fputs("pagesim " SIM_VERSION "\n"
          "decisions of vLLM " SIM_VLLM_V1_VERSION " (scheduler vllm-v1)\n"
          "decisions of vLLM " SIM_VLLM_V0_VERSION " (scheduler vllm-v0)\n\n" EXACTNESS "\n",
          file);
}

/* A launcher of MPI has started several of us. Sweep shares its work with the others; any other command does all of it in each, which is told
 * once. What they all would say, the first says alone. */
static void meet_launcher(const struct command *command)
{
    if (ranks_launched() <= 1)
        return;
    if (!ranks_launched_first())
        notice_mute(true);
    if (command != &command_sweep)
        notice("warning: %u processes were started, and each does all of this; only sweep shares its work", ranks_launched());
}

/* Without a command the help goes to standard error and the exit code is that of wrong usage, so that a script notices; when asked for,
 * help is a result and goes to standard output. */
enum status command_line_run(int argc, char **argv, struct diag *diag)
{
    if (argc < 2) {
        print_help(NULL, stderr);
        return diag_set(diag, SIM_USAGE, "a command is needed");
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
        return output_printed(print_help, NULL, diag);
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0)
        return output_printed(print_version, NULL, diag);
    argc--, argv++;
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(argv[0], commands[i].name) == 0) {
            meet_launcher(commands[i].command);
            return commands[i].command ? command_run(commands[i].command, argc, argv, diag) : command_run_trace(argc, argv, diag);
        }
    return unknown_command(argv[0], diag);
}
