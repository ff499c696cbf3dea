/* fuzz_vllm_args.c - a server's command line, as text or as YAML (first byte). What can be read is written as a line again, and must read
 * back to the same configuration. */
#include <stdlib.h>
#include <string.h>

#include "base/memory_stream.h"
#include "base/text_parts.h"
#include "config/config_keys.h"
#include "config/vllm_args.h"
#include "config/vllm_line.h"
#include "fuzz/harness.h"

/* A model that is a path could be any file of the machine; so could YAML that a line names. */
static bool names_files(const struct vllm_args *args)
{
    for (size_t i = 0; i < args->count; i++)
        if (strcmp(args->options[i].name, "model") == 0 && strpbrk(args->options[i].value, "./"))
            return true;
    return false;
}

static char *json_of(const struct config *config)
{
    struct json_text json;
    struct diag diag = {0};
    json_text_init(&json, false);
    config_write(config, &json);
    FUZZ_CHECK(json_text_status(&json, &diag) == SIM_OK, "%s", diag.text);
    return json.text;
}

static void check_line(const struct config *config)
{
    struct memory_stream line, beside;
    struct vllm_args args;
    struct diag diag = {0};
    struct config again;
    char *text, *rest;
    size_t length;
    FUZZ_CHECK(memory_stream_open(&line, &diag) == SIM_OK && memory_stream_open(&beside, &diag) == SIM_OK, "%s", diag.text);
    FUZZ_CHECK(vllm_line_print(config, line.file, beside.file, &diag) == SIM_OK, "%s", diag.text);
    FUZZ_CHECK(memory_stream_close(&line, &text, &length, &diag) == SIM_OK, "%s", diag.text);
    FUZZ_CHECK(memory_stream_close(&beside, &rest, &length, &diag) == SIM_OK, "%s", diag.text);
    FUZZ_CHECK(vllm_args_read(text, &args, &diag) == SIM_OK, "%s: %s", text, diag.text);
    FUZZ_CHECK(*rest == '\0', "a server's line needs %s", rest);
    FUZZ_CHECK(config_load(NULL, args.options, (uint32_t)args.count, &again, &diag) == SIM_OK, "%s: %s", text, diag.text);
    char *want = json_of(config), *got = json_of(&again);
    FUZZ_CHECK(strcmp(want, got) == 0, "%s\n%s\n%s", text, want, got);
    free(want);
    free(got);
    free(text);
    free(rest);
    vllm_args_close(&args);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes bytes = {data, size};
    const char *name = fuzz_byte(&bytes) % 2 ? "line.yaml" : "line.txt";
    struct vllm_args args;
    struct diag diag = {0};
    struct config config;
    if (text_holds((const char *)bytes.at, bytes.left, "config"))
        return 0;
    const enum status status = vllm_args_read(fuzz_file(name, (const char *)bytes.at, bytes.left), &args, &diag);
    fuzz_check_diag(status, &diag);
    if (status == SIM_OK && !names_files(&args)) {
        const enum status loaded = config_load(NULL, args.options, (uint32_t)args.count, &config, &diag);
        fuzz_check_diag(loaded, &diag);
        if (loaded == SIM_OK)
            check_line(&config);
    }
    vllm_args_close(&args);
    return 0;
}
