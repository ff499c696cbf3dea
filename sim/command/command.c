/* command.c - the frame that all commands share: what comes before and after a command's own work. Read command.h first; cmd_figures.c is
 * the shortest command, cmd_ledger.c a usual one.
 *
 * A command is a table of texts, options and functions (struct command in options.h); nothing here knows any of them by name. Its job is
 * one block of zeroed memory whose first member is the call, so the frame can fill in options, form and input without knowing the rest. */
#include "command/command.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/notice.h"
#include "command/output_names.h"
#include "config/config_keys.h"

/* A key that is given again wins, so that a script can append to a command line to change it; it may also be a slip. Negated switches and
 * other spellings are the same key. */
static enum status tell_repeated_keys(const struct options *options, struct diag *diag)
{
    bool negated;
    enum status status = SIM_OK;
    for (uint32_t i = 1; i < options->config_count && status == SIM_OK; i++) {
        const struct config_option *last = &options->config[i];
        for (uint32_t before = 0; before < i && status == SIM_OK; before++) {
            const struct config_option *first = &options->config[before];
            const bool same_text =
                strcmp(first->name, last->name) == 0 && strcmp(first->value ? first->value : "", last->value ? last->value : "") == 0;
            if (first->of_vllm || last->of_vllm || same_text ||
                config_find_option(first->name, &negated) != config_find_option(last->name, &negated))
                continue;
            status = warning_tell(options, diag, "--%s is given twice; the last one%s%s%s holds", last->name, last->value ? ", " : "",
                                  last->value ? last->value : "", last->value ? "," : "");
        }
    }
    return status;
}

/* Options of a server's command line become options of the configuration, in front of those that were typed, so that these win. */
static enum status take_vllm_args(struct options *options, struct vllm_args *vllm, struct diag *diag)
{
    const char *text = options_value(options, "vllm-args");
    enum status status = text ? vllm_args_read(text, vllm, diag) : SIM_OK;
    if (status != SIM_OK || !text)
        return status;
    if (vllm->count + options->config_count > OPTIONS_MOST)
        return diag_set(diag, SIM_USAGE, "--vllm-args: more than %d options in all", OPTIONS_MOST);
    memmove(options->config + vllm->count, options->config, options->config_count * sizeof *options->config);
    if (vllm->count > 0)
        memcpy(options->config, vllm->options, vllm->count * sizeof *options->config);
    options->config_count += (uint32_t)vllm->count;
    if (vllm->idle.length > 0 && !options_has(options, "quiet"))
        notice("note: --vllm-args: no effect on scheduling or size: %s", vllm->idle.text);
    if (vllm->unread.length > 0)
        return warning_tell(options, diag, "--vllm-args: vLLM passes over keys of YAML that are false: %s; no-KEY: true says it",
                            vllm->unread.text);
    return SIM_OK;
}

/* Everything that can be wrong with the command line is checked before a trace is read, because reading one may take long. */
static enum status run_parsed(const struct command *command, struct call *call, struct diag *diag)
{
    enum status status = take_vllm_args(&call->options, &call->vllm, diag);
    if (status == SIM_OK)
        status = tell_repeated_keys(&call->options, diag);
    if (status == SIM_OK && command->tables[0])
        status = output_form_read(&call->options, &call->form, diag);
    if (status == SIM_OK)
        status = output_names_check(&call->options, options_value(&call->options, "save-result"), NULL, diag);
    if (status == SIM_OK && command->read)
        status = command->read(call, diag);
    if (status == SIM_OK && command->input != INPUT_OWN)
        status = input_open(&call->options, command->input == INPUT_ANY_POOL, ADVICE_ALL, &call->input, diag);
    if (status == SIM_OK && command->input != INPUT_OWN)
        status = output_names_check(&call->options, NULL, &call->input.config, diag);
    return status == SIM_OK ? command->run(call, diag) : status;
}

static void print_help(const void *command, FILE *file)
{
    options_print_help(command, file);
}

/* close() runs after read() and run() whether they failed or not, but not after options that could not be parsed or after --help, when the
 * job is still all zero. The input is closed last, as what the command owns may borrow the trace. */
enum status command_run(const struct command *command, int argc, char **argv, struct diag *diag)
{
    struct call *call;
    enum status status = array_zeroed(&call, 1, command->job_size ? command->job_size : sizeof *call, command->name, diag);
    if (status != SIM_OK)
        return status;
    status = options_parse(command, argc, argv, &call->options, diag);
    if (status == SIM_OK && call->options.help) {
        status = output_printed(print_help, command, diag);
    } else if (status == SIM_OK) {
        status = run_parsed(command, call, diag);
        if (command->close)
            command->close(call);
        input_close(&call->input);
        vllm_args_close(&call->vllm);
    }
    free(call);
    return status;
}
