/* test_config_keys.c - every row of the table of keys: its bounds, from a file and from an option, its defaults, what is written of it. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "config/config_keys.h"
#include "support/config_text.h"

enum { TEXT_SIZE = 1200 };

static const char *engine_of(const struct config_key *key)
{
    return key->engines == KEY_V0_ONLY ? "vllm-v0" : "vllm-v1";
}

static enum status by_option(const struct config_key *key, const char *value, struct config *config, struct diag *diag)
{
    char name[96];
    *diag = (struct diag){0};
    config_option_name(key, name, sizeof name);
    const struct config_option options[] = {{"scheduler", engine_of(key)}, {name, value}};
    return config_load(NULL, options, 2, config, diag);
}

/* `value` as it stands in the file: quotes are the caller's. */
static enum status by_file(const struct config_key *key, const char *value, struct config *config, struct diag *diag)
{
    char text[TEXT_SIZE + 256];
    const char *group = config_group_names[key->group];
    *diag = (struct diag){0};
    if (strcmp(key->name, "scheduler") == 0)
        snprintf(text, sizeof text, "{\"scheduler\":%s}", value);
    else if (*group)
        snprintf(text, sizeof text, "{\"scheduler\":\"%s\",\"%s\":{\"%s\":%s}}", engine_of(key), group, key->name, value);
    else
        snprintf(text, sizeof text, "{\"scheduler\":\"%s\",\"%s\":%s}", engine_of(key), key->name, value);
    return config_text_load(text, NULL, 0, config, diag);
}

/* A value in the range is taken, or refused for another reason: what it does not go with. One outside is refused with the range. */
static void expect(const struct config_key *key, const char *value, bool in_range, const char *wants)
{
    struct config config;
    struct diag diag;
    char must[TEXT_SIZE];
    snprintf(must, sizeof must, "must be %s", wants);
    enum status status = by_option(key, value, &config, &diag);
    cr_expect(in_range ? !strstr(diag.text, "must be ") : status == SIM_USAGE && strstr(diag.text, must), "option %s = %s: %s", key->name,
              value, diag.text);
    char quoted[TEXT_SIZE];
    const bool quotes = isinf(strtod(value, NULL)) != 0;
    snprintf(quoted, sizeof quoted, quotes ? "\"%s\"" : "%s", value);
    status = by_file(key, quoted, &config, &diag);
    cr_expect(in_range ? !strstr(diag.text, "must be ") : status == SIM_BAD_INPUT && strstr(diag.text, must), "file %s = %s: %s", key->name,
              value, diag.text);
}

static void expect_whole_bounds(const struct config_key *key)
{
    const unsigned long long least = key->range.whole.least, most = key->range.whole.most;
    char wants[TEXT_SIZE], value[64];
    snprintf(wants, sizeof wants, "an integer from %llu to %llu%s", least, most, key->nullable ? ", or null" : "");
    expect(key, (snprintf(value, sizeof value, "%llu", least), value), true, wants);
    expect(key, (snprintf(value, sizeof value, "%llu", most), value), true, wants);
    if (least > 0)
        expect(key, (snprintf(value, sizeof value, "%llu", least - 1), value), false, wants);
    else
        expect(key, "-1", false, wants);
    if (most < UINT64_MAX)
        expect(key, (snprintf(value, sizeof value, "%llu", most + 1), value), false, wants);
    else
        expect(key, "18446744073709551616", false, wants);
    expect(key, "0.5", false, wants);
    expect(key, "null", key->nullable, wants);
}

static void expect_real_bounds(const struct config_key *key)
{
    const double least = key->range.real.least, most = key->range.real.most;
    char wants[TEXT_SIZE], value[64];
    snprintf(wants, sizeof wants, "a number from %g to %g", least, most);
    expect(key, (snprintf(value, sizeof value, "%.17g", least), value), true, wants);
    expect(key, (snprintf(value, sizeof value, "%.17g", most), value), true, wants);
    expect(key, (snprintf(value, sizeof value, "%.17g", nextafter(least, -1)), value), false, wants);
    if (isfinite(most))
        expect(key, (snprintf(value, sizeof value, "%.17g", nextafter(most, INFINITY)), value), false, wants);
}

/* The longest text, and one byte more. The first fits, be there a file of that name or not. */
static void expect_text_bounds(const struct config_key *key)
{
    char longest[CONFIG_PATH_SIZE + 1], quoted[TEXT_SIZE];
    struct config config;
    struct diag diag;
    memset(longest, 'x', sizeof longest);
    for (int over = 0; over < 2; over++) {
        longest[CONFIG_PATH_SIZE - 1 + over] = '\0';
        snprintf(quoted, sizeof quoted, "\"%s\"", longest);
        cr_expect_eq(by_option(key, longest, &config, &diag) == SIM_USAGE, over, "%s: %s", key->name, diag.text);
        const enum status status = by_file(key, quoted, &config, &diag);
        const bool told = strstr(diag.text, "path of less than 1024 bytes") != NULL;
        cr_expect(over ? told && status == SIM_BAD_INPUT : !told, "%s: %s", key->name, diag.text);
        longest[CONFIG_PATH_SIZE - 1 + over] = 'x';
    }
}

/* The first name and the last one, and one that nobody has. */
static void expect_names(const struct config_key *key)
{
    struct config config;
    struct diag diag;
    char quoted[128];
    uint32_t count = 0;
    while (config_key_choice(key, count))
        count++;
    cr_assert_gt(count, 1, "%s", key->name);
    for (uint32_t i = 0; i < count; i += count - 1) {
        by_option(key, config_key_choice(key, i), &config, &diag);
        cr_expect(!strstr(diag.text, "must be "), "%s", diag.text);
        snprintf(quoted, sizeof quoted, "\"%s\"", config_key_choice(key, i));
        by_file(key, quoted, &config, &diag);
        cr_expect(!strstr(diag.text, "must be "), "%s", diag.text);
    }
    snprintf(quoted, sizeof quoted, "\"%s\"", config_key_choice(key, count - 1));
    cr_expect_eq(by_option(key, "nobody", &config, &diag), SIM_USAGE, "%s", key->name);
    cr_expect(strstr(diag.text, quoted), "%s", diag.text);
    cr_expect_eq(by_file(key, "\"nobody\"", &config, &diag), SIM_BAD_INPUT, "%s", key->name);
    cr_expect(strstr(diag.text, quoted), "%s", diag.text);
}

/* null, and what is no JSON, or of a shape that no key has. */
static void expect_json(const struct config_key *key)
{
    struct config config;
    struct diag diag;
    cr_expect_eq(by_option(key, "null", &config, &diag), SIM_OK, "%s: %s", key->name, diag.text);
    cr_expect_eq(by_option(key, "None", &config, &diag), SIM_OK, "%s: %s", key->name, diag.text);
    cr_expect_eq(by_file(key, "null", &config, &diag), SIM_OK, "%s: %s", key->name, diag.text);
    cr_expect_eq(by_option(key, "{", &config, &diag), SIM_USAGE, "%s", key->name);
    cr_expect(strstr(diag.text, "at column 2: "), "%s", diag.text);
    cr_expect_eq(by_option(key, "7", &config, &diag), SIM_USAGE, "%s", key->name);
    cr_expect(strstr(diag.text, key->value->wants), "%s", diag.text);
    cr_expect_eq(by_file(key, "7", &config, &diag), SIM_BAD_INPUT, "%s", key->name);
    cr_expect(strstr(diag.text, key->value->wants), "%s", diag.text);
}

Test(config_keys, every_key_takes_its_bounds_and_nothing_beyond)
{
    struct config config;
    struct diag diag;
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        switch (key->type) {
        case KEY_BOOL:
            cr_expect_eq(by_option(key, key->path ? "" : "maybe", &config, &diag), SIM_USAGE, "%s", key->name);
            cr_expect_eq(by_file(key, "1", &config, &diag), SIM_BAD_INPUT, "%s", key->name);
            cr_expect(strstr(diag.text, key->path ? "true, false or a path" : "true or false"), "%s", diag.text);
            break;
        case KEY_UINT32:
        case KEY_UINT64:
        case KEY_INT64:
            expect_whole_bounds(key);
            break;
        case KEY_DOUBLE:
            expect_real_bounds(key);
            break;
        case KEY_CHOICE:
        case KEY_NAME:
            expect_names(key);
            break;
        case KEY_PATH:
        case KEY_TEXT:
            expect_text_bounds(key);
            break;
        case KEY_JSON:
            expect_json(key);
            break;
        }
    }
}

/* What doc/formats.md says of every key with a range, once more, so that a bound does not move unseen; the test above holds what is
 * accepted against the same bounds. */
static const struct {
    const char *key;
    double least, most;
} documented[] = {
    {"block_size", 1, 1e9},
    {"num_gpu_blocks", 1, 4294967294},
    {"num_cpu_blocks", 0, 4294967294},
    {"max_num_seqs", 1, 1e6},
    {"max_num_batched_tokens", 1, 1e9},
    {"max_model_len", 1, 1e9},
    {"slo_ttft_ms_0", 0, 1e9},
    {"slo_ttft_ms_1", 0, 1e9},
    {"slo_ttft_ms_2", 0, 1e9},
    {"fair_input_weight", 0, 1000},
    {"fair_output_weight", 0, 1000},
    {"length_prediction_sigma", 0, 10},
    {"tail_tokens", 0, 1e9},
    {"tail_next_tokens", 0, 1e9},
    {"reuse_window_s", 0.001, 1e9},
    {"long_prefill_token_threshold", 0, 1e9},
    {"max_num_active_seqs", 0, 1e6},
    {"max_num_scheduled_tokens", 0, 1e9},
    {"prefill_schedule_interval", 1, 1e6},
    {"watermark", 0, 1},
    {"max_num_queued_reqs", 0, 1e9},
    {"max_num_queued_tokens", 0, 1e9},
    {"trace_block_size", 1, 1e9},
    {"prefix_cache_retention_interval", 0, 1e9},
    {"acceptance_seed", 0, 18446744073709551615.0},
    {"kv_offloading_size", 0, 1e6},
    {"kv_offloading_gb_per_s", 0.001, INFINITY},
    {"kv_offloading_latency_us", 0, 1e6},
    {"base_ns", 0, 1e15},
    {"token_ns", 0, 1e15},
    {"kv_ns", 0, 1e15},
    {"swap_ns_per_block", 0, 1e15},
    {"copy_ns_per_block", 0, 1e15},
    {"host_ns", 0, 1e15},
    {"host_ns_per_sequence", 0, 1e15},
    {"draft_ns", 0, 1e15},
    {"draft_ns_per_token", 0, 1e15},
    {"pause_ns", 0, 1e15},
    {"pause_every_pairs", 0, 1e15},
    {"num_layers", 0, 10000},
    {"skew_default_alpha", 0, 10},
    {"hidden_size", 0, 1e6},
    {"allreduces_per_layer", 0, 100},
    {"allreduce_latency_us", 0, 1e6},
    {"allreduce_gb_per_s", 0, 1e6},
    {"compute_efficiency", 0.01, 1},
    {"bandwidth_efficiency", 0.01, 1},
    {"layer_us", 0, 1e6},
    {"prompt_layer_us", 0, 1e6},
    {"tensor_parallel_size", 1, 1024},
    {"gpu_memory_utilization", 0.01, 1},
    {"kv_cache_memory_bytes", 0, 1e18},
    {"overhead_bytes", 0, 1e18},
    {"num_layers", 1, 1000},
    {"num_kv_heads", 1, 1000},
    {"head_dim", 1, 4096},
    {"replicas", 1, 10000},
    {"data_parallel_size", 1, 10000},
    {"router_delay_ms", 0, 1e6},
    {"router_view_ms", 0, 1e6},
    {"router_prefix_match", 0, 1},
    {"router_balance_requests", 0, 1e9},
    {"router_balance_ratio", 0, 1e6},
    {"router_index_blocks", 0, 4294967294},
    {"prefill_replicas", 0, 10000},
    {"kv_transfer_gb_per_s", 1e-6, 1e9},
    {"kv_transfer_ms", 0, 1e6},
    {"gpu_hour_price", 0, 1e6},
    {"seed", 0, 18446744073709551615.0},
    {"max_concurrency", 0, 1e9},
    {"arrival_speedup_ratio", 1e-6, 1e6},
    {"request_rate", 1e-6, INFINITY},
    {"burstiness", 1e-3, INFINITY},
    {"ramp_up_start_rps", 1e-6, 1e9},
    {"ramp_up_end_rps", 1e-6, 1e9},
};

Test(config_keys, bounds_are_those_that_are_documented)
{
    size_t next = 0;
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        const bool real = key->type == KEY_DOUBLE, whole = key->type == KEY_UINT32 || key->type == KEY_UINT64 || key->type == KEY_INT64;
        if (!real && !whole)
            continue;
        cr_assert_lt(next, sizeof documented / sizeof *documented, "%s is not in this list", key->name);
        cr_assert_str_eq(key->name, documented[next].key);
        if (real)
            cr_expect(key->range.real.least == documented[next].least && key->range.real.most == documented[next].most, "%s", key->name);
        else if (key->range.whole.most == UINT64_MAX) /* not a double */
            cr_expect(key->range.whole.least == 0 && documented[next].most == 18446744073709551615.0);
        else
            cr_expect(key->range.whole.least == (uint64_t)documented[next].least &&
                          key->range.whole.most == (uint64_t)documented[next].most,
                      "%s", key->name);
        next++;
    }
    cr_expect_eq(next, sizeof documented / sizeof *documented);
}

/* The same by way of options as people write them. */
Test(config_keys, some_bounds_are_known)
{
    static const struct {
        const char *key, *value;
        bool fine;
    } cases[] = {{"overhead_bytes", "1000000000000000000", true}, {"overhead_bytes", "9000000000000000000", false},
                 {"kv_cache_memory_bytes", "1000P", false},       {"seed", "18446744073709551615", true},
                 {"num_gpu_blocks", "4294967294", true},          {"num_gpu_blocks", "4294967295", false},
                 {"step_time.base_ns", "1000000000000000", true}, {"step_time.base_ns", "1000000000000001", false},
                 {"gpu_memory_utilization", "1", true},           {"gpu_memory_utilization", "0.009", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config config;
        struct diag diag = {0};
        config_defaults(SCHEDULER_VLLM_V1, &config);
        cr_expect_eq(config_set(&config, cases[i].key, cases[i].value, &diag), cases[i].fine ? SIM_OK : SIM_USAGE, "%s %s: %s",
                     cases[i].key, cases[i].value, diag.text);
    }
}

Test(config_keys, defaults_are_in_range_or_mean_that_there_is_none)
{
    for (int engine = 0; engine < 2; engine++) {
        struct config config;
        config_defaults(engine ? SCHEDULER_VLLM_V0 : SCHEDULER_VLLM_V1, &config);
        cr_expect_eq((int)config.scheduler, engine ? SCHEDULER_VLLM_V0 : SCHEDULER_VLLM_V1);
        for (size_t i = 0; i < config_key_count; i++) {
            const struct config_key *key = &config_keys[i];
            const double value = key->defaults[engine];
            if (config_key_absent(key, &config))
                continue;
            if (key->type == KEY_UINT32 || key->type == KEY_UINT64 || key->type == KEY_INT64)
                cr_expect(value >= (double)key->range.whole.least && value <= (double)key->range.whole.most, "%s", key->name);
            if (key->type == KEY_DOUBLE)
                cr_expect(value >= key->range.real.least && value <= key->range.real.most, "%s", key->name);
            if (key->type == KEY_NAME || key->type == KEY_PATH || key->type == KEY_TEXT)
                cr_expect(key->default_name, "%s", key->name);
        }
    }
}

/* The keys of each step-time model are written and those of others are not; all have a model that reads them. */
Test(config_keys, only_what_the_step_time_model_reads_is_written)
{
    static const struct {
        const char *model, *has[3], *has_not[3];
    } cases[] = {{"linear", {"\"base_ns\"", "\"kv_ns\"", "\"copy_ns_per_block\""}, {"\"path\"", "\"skew_table\"", "_efficiency\""}},
                 {"profile", {"\"base_ns\"", "\"path\"", "\"hidden_size\""}, {"\"kv_ns\"", "\"token_ns\"", "_efficiency\""}},
                 {"compact", {"\"base_ns\"", "\"path\"", "\"swap_ns_per_block\""}, {"\"kv_ns\"", "\"skew_table\"", "_efficiency\""}},
                 {"roofline", {"\"base_ns\"", "\"compute_efficiency\"", "\"model\""}, {"\"kv_ns\"", "\"path\"", "\"skew_table\""}},
                 {"recorded", {"\"model\"", "\"path\"", "\"swap_ns_per_block\""}, {"\"base_ns\"", "\"skew_table\"", "_efficiency\""}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config config;
        struct json_text json;
        struct diag diag = {0};
        const struct config_option option = {"step-time-model", cases[i].model};
        cr_assert_eq(config_load(NULL, &option, 1, &config, &diag), SIM_OK, "%s", diag.text);
        json_text_init(&json, false);
        config_write(&config, &json);
        const char *own = strstr(json.text, "\"step_time\"");
        cr_assert(own);
        for (size_t k = 0; k < 3; k++) {
            cr_expect(strstr(own, cases[i].has[k]), "%s has no %s", cases[i].model, cases[i].has[k]);
            cr_expect_not(strstr(own, cases[i].has_not[k]), "%s has %s", cases[i].model, cases[i].has_not[k]);
        }
        json_text_deinit(&json);
    }
    for (size_t i = 0; i < config_key_count; i++)
        cr_expect_eq(config_keys[i].group == KEY_STEP_TIME, config_keys[i].models != 0, "%s", config_keys[i].name);
}

/* What a table shows of a value as it was typed. */
Test(config_keys, a_value_with_a_unit_is_the_number_that_it_stands_for)
{
    bool negated;
    const struct config_key *tokens = config_find_option("max-num-batched-tokens", &negated);
    const struct config_key *rate = config_find_option("request-rate", &negated);
    cr_expect_eq(config_key_number(tokens, "2048"), 2048);
    cr_expect_eq(config_key_number(tokens, "2k"), 2000);
    cr_expect_eq(config_key_number(tokens, "2K"), 2048);
    cr_expect_eq(config_key_number(rate, "1.5"), 1.5);
    cr_expect(isinf(config_key_number(rate, "inf")));
    cr_expect(isnan(config_key_number(tokens, "1.5")) && isnan(config_key_number(tokens, "inf")));
    cr_expect(isnan(config_key_number(config_find_option("prefix_cache_retention_interval", &negated), "null")));
    cr_expect(isnan(config_key_number(config_find_option("scheduling-policy", &negated), "fcfs")));
}

/* As an option and as in a file, and nothing that begins like one, goes on after one or has only a part. */
Test(config_keys, a_key_is_found_by_each_of_its_spellings_and_by_no_other)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        const char *group = config_group_names[key->group];
        char option[96], file[96], wrong[100];
        bool negated;
        config_option_name(key, option, sizeof option);
        snprintf(file, sizeof file, "%s%s%s", group, *group ? "." : "", key->name);
        cr_expect_eq(config_find_option(option, &negated), key, "%s", option);
        cr_expect_eq(config_find_option(file, &negated), key, "%s", file);
        snprintf(wrong, sizeof wrong, "%s-x", option);
        cr_expect_null(config_find_option(wrong, &negated), "%s", wrong);
        snprintf(wrong, sizeof wrong, "%s_", file);
        cr_expect_null(config_find_option(wrong, &negated), "%s", wrong);
        snprintf(wrong, sizeof wrong, "x%s", option);
        cr_expect_null(config_find_option(wrong, &negated), "%s", wrong);
    }
    bool negated;
    cr_expect_null(config_find_option("step_time", &negated));
    cr_expect_null(config_find_option("step_time-base_ns", &negated));
    cr_expect_null(config_find_option("", &negated));
}
