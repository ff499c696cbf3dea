/* output_names.c - which options name files, and whether two of them are one. Read output_names_check first. A new output of any command is
 * a name in `outputs`; inputs are all other options whose value is a FILE.
 */
#include "command/output_names.h"

#include <string.h>

#include "base/text_writer.h"
#include "config/config_keys.h"

/* --result-filename and --save-result are one output, whose name needs the trace if none is given. A journal is also read, by itself. */
static const char *const outputs[] = {"output",   "html",         "save-result", "per-request", "prometheus",
                                      "perfetto", "decision-log", "step-log",    "journal"};
enum { OUTPUT_NAMES = sizeof outputs / sizeof *outputs };

static const char *path_of(const struct options *options, size_t output, const char *result)
{
    if (strcmp(outputs[output], "save-result") != 0)
        return options_value(options, outputs[output]);
    return options_has(options, "save-result") ? result : NULL;
}

static bool is_output(const char *name)
{
    for (size_t i = 0; i < OUTPUT_NAMES; i++)
        if (strcmp(outputs[i], name) == 0)
            return true;
    return strcmp(name, "result-filename") == 0;
}

static bool is_stdout(const char *path)
{
    return strcmp(path, "-") == 0;
}

/* Does the command read the file that this option names? Options of the configuration may name a file or something built in; the latter is
 * never the name of a file with a folder or an ending. */
static bool reads(const struct options *options, const struct config_option *option, bool of_config)
{
    bool negated;
    if (!option->value || is_stdout(option->value))
        return false;
    if (of_config) {
        const struct config_key *key = config_find_option(option->name, &negated);
        return key && (key->type == KEY_PATH || (key->type == KEY_TEXT && strpbrk(option->value, "/.")));
    }
    for (size_t i = 0; i < options->command->option_count; i++) {
        const struct option_spec *spec = &options->command->options[i];
        if (strcmp(spec->name, option->name) == 0)
            return spec->metavar && strcmp(spec->metavar, "FILE") == 0 && !is_output(spec->name);
    }
    return false;
}

static enum status refuse(const char *output, const char *path, const char *other, struct diag *diag)
{
    return diag_set(diag, SIM_USAGE, "--%s %s: is the file of %s as well; give another one", output, path, other);
}

/* One output against all that is read. */
static enum status check_inputs(const struct options *options, const char *output, const char *path, const struct config *config,
                                struct diag *diag)
{
    for (uint32_t i = 0; i < options->own_count + options->config_count; i++) {
        const bool of_config = i >= options->own_count;
        const struct config_option *option = of_config ? &options->config[i - options->own_count] : &options->own[i];
        if (reads(options, option, of_config) && text_writer_same_file(path, option->value))
            return diag_set(diag, SIM_USAGE, "--%s %s: is the file of --%s as well; give another one", output, path, option->name);
    }
    for (uint32_t i = 0; i < options->positional_count; i++)
        if (text_writer_same_file(path, options->positional[i]))
            return refuse(output, path, options->positional[i], diag);
    if (config && config->step_time.path[0] && text_writer_same_file(path, config->step_time.path))
        return refuse(output, path, "step_time.path", diag);
    if (config && config->step_time.skew_path[0] && text_writer_same_file(path, config->step_time.skew_path))
        return refuse(output, path, "step_time.skew_table", diag);
    return SIM_OK;
}

/* Of two outputs, and of an output and an input. Few names, so every pair is compared. */
enum status output_names_check(const struct options *options, const char *result, const struct config *config, struct diag *diag)
{
    for (size_t i = 0; i < OUTPUT_NAMES; i++) {
        const char *path = path_of(options, i, result);
        if (!path)
            continue;
        for (size_t j = 0; j < i; j++) {
            const char *other = path_of(options, j, result);
            if (other && is_stdout(other) && is_stdout(path))
                return diag_set(diag, SIM_USAGE, "--%s and --%s both want standard output", outputs[j], outputs[i]);
            if (other && !is_stdout(other) && !is_stdout(path) && text_writer_same_file(path, other))
                return diag_set(diag, SIM_USAGE, "--%s and --%s both name the file %s; give each its own", outputs[j], outputs[i], path);
        }
        if (!is_stdout(path) && check_inputs(options, outputs[i], path, config, diag) != SIM_OK)
            return diag->status;
    }
    return SIM_OK;
}
