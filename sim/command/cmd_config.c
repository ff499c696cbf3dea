/* cmd_config.c - `pagesim config show`: the effective configuration, as a file that reads back to the same. Read config/config_keys.h
 * first: every key there appears in the output. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "command/command.h"
#include "config/config_keys.h"

static const struct option_spec own_options[] = {{"config", "FILE", "configuration file"}};

/* Sizing is not applied: a pool that follows from model and GPU follows from them again when the output is read as a file. */
static enum status run(void *job, struct diag *diag)
{
    const struct options *options = &((const struct call *)job)->options;
    if (options->positional_count != 1 || strcmp(options->positional[0], "show") != 0)
        return diag_set(diag, SIM_USAGE, "`config` has one subcommand, `pagesim config show`");
    struct config config;
    struct json_text json;
    enum status status = config_load(options_value(options, "config"), options->config, options->config_count, &config, diag);
    if (status != SIM_OK)
        return status;
    json_text_init(&json, true);
    config_write(&config, &json);
    return output_json("-", &json, diag);
}

const struct command command_config = {
    .name = "config show",
    .usage = "pagesim config show [--config FILE] [options]",
    .description = "Print the effective configuration: defaults of the engine, then the file, then\n"
                   "options. The output is itself a configuration file.\n",
    OPTIONS(own_options),
    .takes_config = true,
    .examples = "  pagesim config show --scheduler vllm-v0 --block-size 32\n",
    .run = run,
};
