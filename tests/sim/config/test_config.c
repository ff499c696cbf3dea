/* test_config.c - defaults, files, options, and all that is refused. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/nearest_name.h"
#include "config/config_keys.h"
#include "support/config_text.h"

Test(config, engines_have_their_own_defaults)
{
    struct config v1, v0, chunked;
    struct diag diag = {0};
    cr_assert_eq(config_text_load("{}", NULL, 0, &v1, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(config_text_load("{\"scheduler\":\"vllm-v0\"}", NULL, 0, &v0, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(config_text_load("{\"enable_chunked_prefill\":true,\"scheduler\":\"vllm-v0\"}", NULL, 0, &chunked, &diag), SIM_OK, "%s",
                 diag.text);
    cr_expect(v1.max_num_seqs == 128 && v1.max_num_batched_tokens == 2048 && v1.max_model_len == 131072 && v1.watermark == 0.0);
    cr_expect(v1.enable_prefix_caching && v1.enable_chunked_prefill && v1.scheduler_reserve_full_isl);
    cr_expect(v0.max_num_seqs == 256 && v0.max_num_batched_tokens == 8192 && v0.max_model_len == 8192 && v0.watermark == 0.01);
    cr_expect(!v0.enable_prefix_caching && !v0.enable_chunked_prefill);
    cr_expect_eq(chunked.max_num_batched_tokens, 512);
}

/* Bits of keys, also where the value said is the default's. An option takes the word of the file's mouth. */
Test(config, who_said_what_is_known)
{
    static const struct config_option seqs = {"max_num_seqs", "128"};
    struct config none, file, option, both;
    struct diag diag = {0};
    cr_assert_eq(config_text_load("{}", NULL, 0, &none, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(config_text_load("{\"max_num_seqs\":128}", NULL, 0, &file, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(config_text_load("{}", &seqs, 1, &option, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(config_text_load("{\"max_num_seqs\":64,\"block_size\":32}", &seqs, 1, &both, &diag), SIM_OK, "%s", diag.text);
    cr_expect(none.given == 0 && none.given_by_file == 0, "nobody said anything");
    cr_expect(file.given != 0 && (file.given & (file.given - 1)) == 0, "one key");
    cr_expect(file.given_by_file == file.given && option.given == file.given && option.given_by_file == 0);
    cr_expect(both.given_by_file != 0 && (both.given_by_file & option.given) == 0, "block_size alone is the file's");
    cr_expect(both.given == (both.given_by_file | option.given) && both.max_num_seqs == 128);
}

Test(config, wrong_files_are_refused_with_place_and_remedy)
{
    static const struct {
        const char *text, *place, *says;
    } cases[] = {
        {"{\"blok_size\":16}", ":1:2:", "did you mean \"block_size\""},
        {"{\n  \"block_size\": 0\n}", ":2:17:", "an integer from 1"},
        {"{\"block_size\":\"16\"}", ":1:15:", "an integer"},
        {"{\"block_size\":16.5}", ":1:15:", "an integer"},
        {"{\"block_size\":-1}", ":1:15:", "an integer"},
        {"{\"num_gpu_blocks\":99999999999}", ":1:19:", "an integer"},
        {"{\"block_size\":16,\"block_size\":16}", ":1:18:", "given twice"},
        {"{\"watermark\":1.5}", ":1:14:", "a number from 0 to 1"},
        {"{\"enable_prefix_caching\":1}", ":1:26:", "true or false"},
        {"{\"scheduler\":\"vllm\"}", ":1:14:", "\"vllm-v1\" or \"vllm-v0\""},
        {"{\"scheduling_policy\":\"lifo\"}", ":1:22:", "\"fcfs\""},
        {"{\"num_cpu_blocks\":5}", ":1:2:", "vllm-v0 engine"},
        {"{\"scheduler\":\"vllm-v0\",\"long_prefill_token_threshold\":5}", ":1:24:", "vllm-v1 engine"},
        {"{\"step_time\":{\"base_n\":1}}", ":1:15:", "did you mean \"base_ns\""},
        {"{\"step_time\":5}", ":1:14:", "an object"},
        {"{\"max_num_seqs\":4096}", "", "below max_num_seqs"},
        {"{\"long_prefill_token_threshold\":200000}", "", "above max_model_len"},
        {"{\"enable_chunked_prefill\":false}", "", "max_model_len"},
        {"{\"scheduler\":\"vllm-v0\",\"max_num_batched_tokens\":100}", "", "max_model_len"},
        {"{\"scheduler\":\"vllm-v0\",\"scheduling_policy\":\"priority\"}", "", "fcfs"},
        {"[]", ":1:1:", "object"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config config = {.block_size = 77};
        struct diag diag = {0};
        cr_expect_eq(config_text_load(cases[i].text, NULL, 0, &config, &diag), SIM_BAD_INPUT, "%s", cases[i].text);
        cr_expect(strstr(diag.text, cases[i].place) && strstr(diag.text, cases[i].says), "%s: %s", cases[i].text, diag.text);
        cr_expect_eq(config.block_size, 77, "nothing is written on failure");
    }
}

Test(config, options_win_over_the_file)
{
    const struct config_option options[] = {{"block-size", "32"},
                                            {"num-gpu-blocks-override", "500"},
                                            {"no-enable-prefix-caching", NULL},
                                            {"step-time-base-ns", "7"},
                                            {"block-size", "64"}};
    struct config config;
    struct diag diag = {0};
    cr_assert_eq(config_text_load("{\"block_size\":8,\"num_gpu_blocks\":9,\"step_time\":{\"kv_ns\":3}}", options, 5, &config, &diag),
                 SIM_OK, "%s", diag.text);
    cr_expect(config.block_size == 64 && config.num_gpu_blocks == 500 && !config.enable_prefix_caching);
    cr_expect(config.step_time.base_ns == 7 && config.step_time.kv_ns == 3 && config.step_time.token_ns == 50000);
    const struct config_option wrong[] = {{"block-size", "x"}};
    cr_expect_eq(config_text_load("{}", wrong, 1, &config, &diag), SIM_USAGE);
}

/* A file of one engine and an option of the other: what nobody gave is no key of the wrong engine, what somebody gave is. */
Test(config, an_engine_chosen_over_the_files_has_its_own_scheduling)
{
    struct config config;
    struct diag diag = {0};
    const struct config_option v0[] = {{"scheduler", "vllm-v0"}};
    cr_assert_eq(config_text_load("{\"scheduler\":\"vllm-v1\",\"num_gpu_blocks\":500}", v0, 1, &config, &diag), SIM_OK, "%s", diag.text);
    cr_expect(!config.async_scheduling);
    cr_expect_eq(config_text_load("{\"scheduler\":\"vllm-v1\",\"num_gpu_blocks\":500,\"async_scheduling\":true}", v0, 1, &config, &diag),
                 SIM_BAD_INPUT);
    cr_expect(strstr(diag.text, "async_scheduling"), "%s", diag.text);
}

Test(config, what_is_written_reads_back_the_same)
{
    static const char *const texts[] = {
        "{\"num_gpu_blocks\":100,\"watermark\":0.07,\"seed\":18446744073709551615}",
        "{\"scheduler\":\"vllm-v0\",\"num_gpu_blocks\":100,\"num_cpu_blocks\":7,\"preemption_mode\":\"swap\"}",
        "{\"num_gpu_blocks\":9,\"step_time\":{\"copy_ns_per_block\":5},\"kv\":{\"dtype\":\"bfloat16\"}}",
        "{\"num_gpu_blocks\":9,\"step_time\":{\"model\":\"profile\",\"path\":\"/p\",\"skew_table\":\"/q/skew.csv\"}}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct config first, second;
        struct json_text json;
        struct diag diag = {0};
        cr_assert_eq(config_text_load(texts[i], NULL, 0, &first, &diag), SIM_OK, "%s", diag.text);
        json_text_init(&json, true);
        config_write(&first, &json);
        cr_assert_eq(config_text_load(json.text, NULL, 0, &second, &diag), SIM_OK, "%s", diag.text);
        for (size_t key = 0; key < config_key_count; key++)
            cr_expect(config_key_equal(&config_keys[key], &first, &second), "%s", config_keys[key].name);
        json_text_deinit(&json);
    }
}

/* As any path it is relative to its file; an option turns it off or on again, which then means the table of the folder. */
Test(config, a_switch_can_be_given_as_a_path)
{
    static const struct {
        const char *value, *option;
        bool on;
        const char *path;
    } cases[] = {{"true", NULL, true, ""},
                 {"false", NULL, false, ""},
                 {"\"sub/skew.csv\"", NULL, true, "/tmp/sub/skew.csv"},
                 {"\"/skew.csv\"", NULL, true, "/skew.csv"},
                 {"\"skew.csv\"", "false", false, ""},
                 {"\"skew.csv\"", "true", true, ""},
                 {"false", "here.csv", true, "here.csv"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct config_option option = {"step-time-skew-table", cases[i].option};
        struct config config;
        struct diag diag = {0};
        char text[128];
        snprintf(text, sizeof text, "{\"step_time\":{\"skew_table\":%s}}", cases[i].value);
        cr_assert_eq(config_text_load(text, &option, cases[i].option != NULL, &config, &diag), SIM_OK, "%s", diag.text);
        cr_expect_eq(config.step_time.skew_table, cases[i].on, "%s %s", cases[i].value, cases[i].option);
        cr_expect_str_eq(config.step_time.skew_path, cases[i].path);
    }
}

Test(config, every_key_sets_its_own_member_and_no_other)
{
    for (size_t key = 0; key < config_key_count; key++) {
        struct config before, after;
        config_defaults(SCHEDULER_VLLM_V1, &before);
        after = before;
        const char *value =
            config_keys[key].type == KEY_BOOL
                ? (config_key_parse(&config_keys[key], "false", &after) && config_key_equal(&config_keys[key], &before, &after) ? "true"
                                                                                                                                : "false")
            : config_keys[key].type == KEY_PATH               ? "some/path"
            : config_key_choice(&config_keys[key], 1)         ? config_key_choice(&config_keys[key], 1)
            : config_keys[key].type == KEY_DOUBLE             ? "0.5"
            : config_keys[key].value == &config_layers        ? "[{\"kind\":\"full\"}]"
            : config_keys[key].value == &config_replica_kinds ? "[{\"count\":2}]"
            : config_keys[key].value == &config_autoscale     ? "{\"schedule\":[[0,2]]}"
            : config_keys[key].value == &config_failures      ? "[{\"at_s\":1}]"
            : config_keys[key].value == &config_speculative   ? "{\"method\":\"mtp\",\"num_speculative_tokens\":1}"
                                                              : "3";
        after = before;
        cr_assert(config_key_parse(&config_keys[key], value, &after), "%s", config_keys[key].name);
        cr_expect_not(config_key_equal(&config_keys[key], &before, &after), "%s", config_keys[key].name);
        for (size_t other = 0; other < config_key_count; other++)
            if (other != key)
                cr_expect(config_key_equal(&config_keys[other], &before, &after), "%s changes %s", config_keys[key].name,
                          config_keys[other].name);
    }
}

Test(config, a_model_on_a_gpu_is_priced_by_the_roofline_unless_told_otherwise)
{
    static const struct {
        const char *text;
        enum step_time_kind model;
    } cases[] = {
        {"{}", STEP_TIME_LINEAR},
        {"{\"scheduler\": \"vllm-v0\", \"model\": \"llama-3.1-8b\", \"gpu\": \"h100\"}", STEP_TIME_ROOFLINE},
        {"{\"model\": \"llama-3.1-8b\", \"gpu\": \"h100\"}", STEP_TIME_ROOFLINE},
        {"{\"model\": \"llama-3.1-8b\"}", STEP_TIME_LINEAR},
        {"{\"model\": \"llama-3.1-8b\", \"gpu\": \"h100\", \"step_time\": {\"model\": \"linear\"}}", STEP_TIME_LINEAR},
        {"{\"model\": \"llama-3.1-8b\", \"gpu\": \"h100\", \"step_time\": {\"token_ns\": 7}}", STEP_TIME_LINEAR},
        {"{\"model\": \"llama-3.1-8b\", \"gpu\": \"h100\", \"step_time\": {\"bandwidth_efficiency\": 0.5}}", STEP_TIME_ROOFLINE},
        {"{\"step_time\": {\"model\": \"compact\"}}", STEP_TIME_COMPACT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config config;
        struct diag diag = {0};
        cr_assert_eq(config_text_load(cases[i].text, NULL, 0, &config, &diag), SIM_OK, "%s: %s", cases[i].text, diag.text);
        cr_expect_eq(config.step_time.model, cases[i].model, "%s", cases[i].text);
    }
}

Test(config, watermark_blocks_are_cut_like_vllm_cuts_them)
{
    static const struct {
        double watermark;
        uint32_t pool, blocks;
    } cases[] = {{0.01, 100, 1}, {0.01, 99, 0}, {0.01, 1200, 12}, {0.2, 11, 2}, {0.29, 100, 28}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config config = {.watermark = cases[i].watermark, .num_gpu_blocks = cases[i].pool};
        cr_expect_eq(config_watermark_blocks(&config), cases[i].blocks, "case %zu", i);
    }
}

Test(nearest, finds_what_was_meant_and_nothing_far_fetched)
{
    static const char *const names[] = {"block-size", "num-gpu-blocks", "watermark"};
    cr_expect_str_eq(nearest_name("blok-size", names, 3), "block-size");
    cr_expect_str_eq(nearest_name("watermrak", names, 3), "watermark");
    cr_expect_null(nearest_name("frobnicate", names, 3));
}

Test(config, whole_numbers_take_vllms_units)
{
    static const struct {
        const char *text;
        uint64_t value; /* UINT64_MAX: refused */
    } cases[] = {{"123", 123},
                 {"8k", 8000},
                 {"25.6k", 25600},
                 {"8K", 8192},
                 {"2m", 2000000},
                 {"5G", UINT64_C(5) << 30},
                 {"1.5g", 1500000000},
                 {"3T", UINT64_C(3) << 40},
                 {"1.5K", UINT64_MAX},
                 {"3.k", UINT64_MAX},
                 {"k", UINT64_MAX},
                 {"8kk", UINT64_MAX},
                 {"8 k", UINT64_MAX},
                 {"1e3k", UINT64_MAX},
                 {"-1k", UINT64_MAX},
                 {"17000000T", UINT64_MAX},
                 {"99999999999t", UINT64_MAX}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config config;
        struct diag diag = {0};
        config_defaults(SCHEDULER_VLLM_V1, &config);
        const enum status status = config_set(&config, "kv_cache_memory_bytes", cases[i].text, &diag);
        cr_expect_eq(status, cases[i].value == UINT64_MAX ? SIM_USAGE : SIM_OK, "%s: %s", cases[i].text, diag.text);
        if (status == SIM_OK)
            cr_expect_eq(config.kv_cache_memory_bytes, cases[i].value, "%s", cases[i].text);
    }
}
