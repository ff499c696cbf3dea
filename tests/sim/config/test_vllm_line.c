/* Lines that are written read back to the same configuration. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory_stream.h"
#include "config/config_keys.h"
#include "config/vllm_args.h"
#include "config/vllm_line.h"
#include "support/random.h"

enum { OPTIONS = 32 };

struct lines {
    char *line, *beside;
};

static struct lines print(const struct config *config)
{
    struct memory_stream line, beside;
    struct lines made;
    struct diag diag = {0};
    size_t length;
    cr_assert(memory_stream_open(&line, &diag) == SIM_OK && memory_stream_open(&beside, &diag) == SIM_OK);
    cr_assert_eq(vllm_line_print(config, line.file, beside.file, &diag), SIM_OK, "%s", diag.text);
    cr_assert(memory_stream_close(&line, &made.line, &length, &diag) == SIM_OK);
    cr_assert(memory_stream_close(&beside, &made.beside, &length, &diag) == SIM_OK);
    return made;
}

static void lines_free(struct lines *lines)
{
    free(lines->line);
    free(lines->beside);
}

/* The line by --vllm-args, and what stands beside it as options. */
static struct config read_back(const struct lines *lines)
{
    struct vllm_args args;
    struct command_words words = {0};
    struct config_option options[2 * OPTIONS];
    struct config config;
    struct diag diag = {0};
    uint32_t count = 0;
    cr_assert_eq(vllm_args_read(lines->line, &args, &diag), SIM_OK, "%s: %s", lines->line, diag.text);
    for (size_t i = 0; i < args.count; i++)
        options[count++] = args.options[i];
    cr_assert_eq(command_words_split("beside", lines->beside, strlen(lines->beside), &words, &diag), SIM_OK, "%s", diag.text);
    for (size_t i = 0; i < words.count; i++) {
        bool negated;
        const char *name = words.list[i].text + 2;
        const bool takes_value = config_find_option(name, &negated)->type != KEY_BOOL;
        options[count++] = (struct config_option){.name = name, .value = takes_value ? words.list[++i].text : NULL};
    }
    cr_assert_eq(config_load(NULL, options, count, &config, &diag), SIM_OK, "%s %s: %s", lines->line, lines->beside, diag.text);
    vllm_args_close(&args);
    command_words_deinit(&words);
    return config;
}

static char *json_of(const struct config *config)
{
    struct json_text json;
    struct diag diag = {0};
    json_text_init(&json, false);
    config_write(config, &json);
    cr_assert_eq(json_text_status(&json, &diag), SIM_OK);
    return json.text;
}

Test(vllm_line, only_what_serve_would_not_choose_is_written)
{
    static const struct {
        struct config_option options[6];
        const char *line, *beside;
    } cases[] = {
        {{{0}}, "vllm serve --max-model-len 131072 --max-num-seqs 128 --max-num-batched-tokens 2048", ""},
        {{{"model", "Qwen/Qwen3-32B"}, {"gpu", "h100"}}, "vllm serve Qwen/Qwen3-32B", " --gpu h100"},
        {{{"model", "qwen3-32b"},
          {"gpu", "h100"},
          {"max-num-seqs", "1024"},
          {"max-num-batched-tokens", "8192"},
          {"max-model-len", "40960"}},
         "vllm serve qwen3-32b",
         " --gpu h100"},
        /* 8 sequences of 100 tokens: serve would come to 800 by itself. */
        {{{"model", "qwen3-32b"}, {"gpu", "h100"}, {"max-num-seqs", "8"}, {"max-num-batched-tokens", "800"}, {"max-model-len", "100"}},
         "vllm serve qwen3-32b --max-model-len 100 --max-num-seqs 8",
         " --gpu h100"},
        {{{"model", "qwen3-32b"}, {"gpu", "h100"}, {"no-enable-chunked-prefill", NULL}, {"kv-cache-dtype", "fp8"}, {"watermark", "0.1"}},
         "vllm serve qwen3-32b --kv-cache-dtype fp8 --no-enable-chunked-prefill --watermark 0.1",
         " --gpu h100"},
        {{{"model", "qwen3-32b"}, {"gpu", "h100"}, {"scheduling-policy", "priority"}, {"num-gpu-blocks", "77"}},
         "vllm serve qwen3-32b --num-gpu-blocks-override 77 --scheduling-policy priority",
         " --gpu h100"},
        {{{"model", "qwen3-32b"}, {"gpu", "h100"}, {"scheduling-policy", "sjf"}, {"contiguity", NULL}, {"step-time-model", "linear"}},
         "vllm serve qwen3-32b",
         " --scheduling-policy sjf --step-time-model linear --gpu h100 --contiguity"},
        {{{"model", "qwen3-32b"},
          {"gpu", "h100"},
          {"speculative-config", "{\"num_speculative_tokens\":2,\"method\":\"mtp\"}"},
          {"acceptance-seed", "3"}},
         "vllm serve qwen3-32b --speculative-config '{\"method\":\"mtp\",\"num_speculative_tokens\":2}'",
         " --acceptance-seed 3 --gpu h100"},
        {{{"model", "qwen3-32b"},
          {"gpu", "h100"},
          {"kv-cache-groups", "[{\"kind\":\"full\"},{\"kind\":\"sliding_window\",\"window\":9}]"},
          {"prefix-cache-retention-interval", "null"},
          {"disable-hybrid-kv-cache-manager", NULL}},
         "vllm serve qwen3-32b --disable-hybrid-kv-cache-manager --prefix-cache-retention-interval None",
         " --kv-cache-groups '[{\"kind\":\"full\",\"layers\":1},{\"kind\":\"sliding_window\",\"window\":9,\"layers\":1}]' --gpu h100"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config config;
        struct diag diag = {0};
        uint32_t count = 0;
        while (count < 6 && cases[i].options[count].name)
            count++;
        cr_assert_eq(config_load(NULL, cases[i].options, count, &config, &diag), SIM_OK, "%s", diag.text);
        struct lines lines = print(&config);
        cr_expect(strncmp(lines.line, cases[i].line, strlen(cases[i].line)) == 0, "%s", lines.line);
        cr_expect_str_eq(lines.beside, cases[i].beside, "%s", lines.beside);
        lines_free(&lines);
    }
}

/* Layers and drafts of all sorts, or null. */
static const char *random_json(uint64_t *seed, const struct config_key *key, char *out, size_t size)
{
    static const char *const kinds[] = {"{\"kind\":\"full\"", "{\"kind\":\"sliding_window\",\"window\":24",
                                        "{\"kind\":\"chunked_local\",\"chunk\":240"};
    static const char *const methods[] = {"ngram", "ngram_gpu", "eagle", "eagle3", "mtp", "draft_model", "dflash"};
    const uint32_t tokens = 1 + random_below(seed, 4);
    if (key->nullable || random_below(seed, 4) == 0)
        return "null";
    if (key->value == &config_layers)
        snprintf(out, size, "[%s%s},%s,\"layers\":%u}]", kinds[random_below(seed, 3)], random_below(seed, 2) ? ",\"draft\":true" : "",
                 kinds[random_below(seed, 3)], 1 + random_below(seed, 9));
    else
        snprintf(out, size, "{\"method\":\"%s\",\"num_speculative_tokens\":%u,\"synthetic_acceptance_length\":%.17g,\"%s\":true}",
                 methods[random_below(seed, 7)], tokens, 1 + tokens * (double)random_below(seed, 1000) / 999,
                 random_below(seed, 2) ? "disable_lookahead_block_hashes" : "disable_eagle_block_drop");
    return out;
}

/* A value that the key takes: within small bounds where numbers are whole, else one of a few. */
static const char *random_value(uint64_t *seed, const struct config_key *key, char *out, size_t size)
{
    static const char *const models[] = {"llama-3.1-8b", "meta-llama/Llama-3.1-70B-Instruct", "Qwen/Qwen3-32B", ""};
    static const char *const gpus[] = {"h100", "NVIDIA H200", "a100-80gb", "rtx-4090", ""};
    const char *name = NULL;
    uint32_t names = 0;
    if (strcmp(key->name, "model") == 0 && key->type == KEY_TEXT)
        return models[random_below(seed, 4)];
    if (key->type == KEY_TEXT)
        return gpus[random_below(seed, 5)];
    if (key->type == KEY_JSON || (key->nullable && random_below(seed, 3) == 0))
        return random_json(seed, key, out, size);
    while (config_key_choice(key, names))
        names++;
    if (names > 0)
        name = config_key_choice(key, random_below(seed, names));
    else if (key->type == KEY_BOOL)
        name = random_below(seed, 2) ? "true" : "false";
    if (name)
        return name;
    if (key->type == KEY_DOUBLE)
        snprintf(out, size, "%.17g", (double)random_below(seed, 1000) / 999);
    else if (key->type == KEY_PATH)
        snprintf(out, size, "a b'c");
    else
        snprintf(out, size, "%u", random_below(seed, 2) ? random_below(seed, 200) : random_below(seed, 60000));
    return out;
}

/* Any keys with any values; those that do not go together are passed over. */
Test(vllm_line, random_configurations_come_back)
{
    uint64_t seed = 11;
    unsigned compared = 0, layered = 0, drafted = 0;
    for (int round = 0; round < 6000; round++) {
        struct config_option options[OPTIONS];
        char names[OPTIONS][96], values[OPTIONS][256];
        struct config config;
        struct diag diag = {0};
        const uint32_t count = 1 + random_below(&seed, 10);
        for (uint32_t i = 0; i < count; i++) {
            const struct config_key *key = &config_keys[random_below(&seed, (uint32_t)config_key_count)];
            config_option_name(key, names[i], sizeof names[i]);
            options[i] = (struct config_option){.name = names[i], .value = random_value(&seed, key, values[i], sizeof values[i])};
        }
        if (config_load(NULL, options, count, &config, &diag) != SIM_OK || config.scheduler != SCHEDULER_VLLM_V1)
            continue;
        struct lines lines = print(&config);
        const struct config again = read_back(&lines);
        char *want = json_of(&config), *got = json_of(&again);
        cr_expect_str_eq(got, want, "%s |%s\n%s\n%s", lines.line, lines.beside, want, got);
        compared++;
        layered += config.kv_cache_groups_count > 0;
        drafted += config.speculative.method != SPECULATIVE_NONE;
        free(want);
        free(got);
        lines_free(&lines);
    }
    cr_expect(compared > 500 && layered > 30 && drafted > 30, "%u compared, %u %u", compared, layered, drafted);
}

Test(vllm_line, the_older_engine_has_no_such_line)
{
    struct config config;
    struct diag diag = {0};
    const struct config_option v0 = {.name = "scheduler", .value = "vllm-v0"};
    cr_assert_eq(config_load(NULL, &v0, 1, &config, &diag), SIM_OK);
    cr_expect_eq(vllm_line_print(&config, stdout, stdout, &diag), SIM_USAGE);
}
