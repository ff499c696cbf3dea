/* cmd_config.c - `pagesim config show`: the effective configuration, as a file that reads back to the same. Read config/config_keys.h
 * first: every key there appears in the output. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory_stream.h"
#include "base/notice.h"
#include "base/text_writer.h"
#include "command/command.h"
#include "config/config_keys.h"
#include "config/vllm_line.h"

/* The names of --as. */
static const char *form_name(uint32_t i, const char **meaning)
{
    static const char *const names[][2] = {{"json", "a configuration file"},
                                           {"vllm", "the command line of such a server; what no server has goes to standard error"}};
    *meaning = i < 2 ? names[i][1] : NULL;
    return i < 2 ? names[i][0] : NULL;
}

static const struct option_spec own_options[] = {
    CONFIG_OPTIONS,
    {"as", "FORM", "[json]", OPTION_ONE, form_name},
};

/* Both texts are made before either is printed, so that a failure leaves no half of a line. */
static enum status print_as_vllm(const struct config *config, struct diag *diag)
{
    struct memory_stream streams[2];
    char *texts[2] = {NULL, NULL};
    size_t length;
    enum status status = SIM_OK, closed;
    int open = 0;
    for (; open < 2 && status == SIM_OK; open += status == SIM_OK)
        status = memory_stream_open(&streams[open], diag);
    if (status == SIM_OK)
        status = vllm_line_print(config, streams[0].file, streams[1].file, diag);
    if (status == SIM_OK)
        fputc('\n', streams[0].file);
    for (int i = open - 1; i >= 0; i--)
        if ((closed = memory_stream_close(&streams[i], &texts[i], &length, diag)) != SIM_OK)
            status = closed;
    if (status == SIM_OK)
        status = text_writer_write_file("-", texts[0], length, diag);
    if (status == SIM_OK && texts[1][0])
        notice("note: no options of vLLM, to be given beside the line:%s", texts[1]);
    free(texts[0]);
    free(texts[1]);
    return status;
}

/* Sizing is not applied: a pool that follows from model and GPU follows from them again when the output is read as a file. */
static enum status run(void *job, struct diag *diag)
{
    const struct options *options = &((const struct call *)job)->options;
    const char *form = options_value(options, "as");
    if (options->positional_count != 1 || strcmp(options->positional[0], "show") != 0)
        return diag_set(diag, SIM_USAGE, "`config` has one subcommand, `pagesim config show`");
    struct config config;
    struct json_text json;
    enum status status = config_load(options_value(options, "config"), options->config, options->config_count, &config, diag);
    if (status != SIM_OK)
        return status;
    if (form && strcmp(form, "vllm") == 0)
        return print_as_vllm(&config, diag);
    json_text_init(&json, true);
    config_write(&config, &json);
    return output_json("-", &json, diag);
}

const struct command command_config = {
    .name = "config show",
    .usage = "pagesim config show [--config FILE] [--vllm-args LINE] [options]",
    .description = "Print the effective configuration: defaults of the engine, then the file, then\n"
                   "the server's command line, then options. The output is itself a configuration\n"
                   "file, or with --as vllm a command line that --vllm-args reads back.\n",
    OPTIONS(own_options),
    .takes_config = true,
    .examples = "  pagesim config show --scheduler vllm-v0 --block-size 32\n"
                "  pagesim config show --gpu h100 --vllm-args 'vllm serve Qwen/Qwen3-32B -tp 2'\n"
                "  pagesim config show --config server.json --as vllm\n",
    .run = run,
};
